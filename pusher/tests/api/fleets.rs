//! Companies and fleets over real sockets: who makes them, who sees which devices, and what a change does to open connections.

use crate::people::{People, outcome, plain};
use crate::stage::{Client, Stage, aircraft, read_all};
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::v1::server_message::Message;
use schemas::v1::{AuditOutcome, AuditRecord, PrivateState, Snapshot, Subscribe, private_state};
use serde_json::{Value, json};

const PUBLIC: u32 = 0x11_0B90;
const HIDDEN: u32 = 0x07_AB12;
const FOREIGN: u32 = 0x20_0001;

fn people() -> People {
    People::new(&[
        ("operator", "operator", &[]),
        ("manager", "fleet_manager@club", &["110B91"]),
        ("stranger", "fleet_manager@school", &[]),
        ("pilot", "pilot", &[]),
        ("viewer", "viewer", &[]),
    ])
}

async fn open(people: &People) -> Stage {
    let arguments = people.arguments();
    Stage::open_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn put(people: &People, stage: &Stage, who: &str, path: &str, body: &Value) -> (u16, String) {
    outcome(people.send(stage, who, "PUT", path, body.to_string()).await).await
}

async fn json_of(people: &People, stage: &Stage, who: &str, path: &str) -> Value {
    let answer = people.ask(stage, who, "GET", path).await;
    assert_eq!(answer.status(), 200, "{who} {path}");
    serde_json::from_slice(&plain(answer).await).expect("JSON")
}

fn user(people: &People, who: &str) -> String {
    format!("key/{}", people.subject(who))
}

fn company() -> Value {
    json!({ "name": "Club", "devices": ["110B90", "07AB12"] })
}

fn fleet(people: &People, devices: &[&str], members: &[&str]) -> Value {
    let user_ids: Vec<String> = members.iter().map(|who| user(people, who)).collect();
    json!({ "company_id": "club", "name": "Red", "devices": devices, "user_ids": user_ids })
}

/// A company and a fleet of a public and a hidden device, whose members are a pilot and a viewer.
async fn with_fleet(people: &People) -> Stage {
    let stage = open(people).await;
    assert_eq!(put(people, &stage, "operator", "/api/v1/companies/club", &company()).await.0, 200);
    let fleet = fleet(people, &["110B90", "07AB12"], &["pilot", "viewer"]);
    assert_eq!(put(people, &stage, "manager", "/api/v1/fleets/red", &fleet).await.0, 200);
    stage.publish_all(&[aircraft(PUBLIC, 1, -30.0, 100.0), aircraft(FOREIGN, 1, -30.0, 100.0)]).await;
    stage.until_pilots(2).await;
    hidden(&stage, 1).await;
    stage
}

async fn hidden(stage: &Stage, version: u64) {
    let state = private_state::State::Aircraft(aircraft(HIDDEN, version, -30.0, 100.0));
    stage.publish_value(topic::PRIVATE_STATE, "07AB12", &PrivateState { state: Some(state) }).await;
    stage.until("a hidden device", || async { stage.metric("fanet_pusher_hidden_devices") == 1.0 }).await;
}

fn devices(snapshot: &Snapshot) -> Vec<u32> {
    let objects = snapshot.objects.clone().unwrap_or_default();
    let mut devices: Vec<u32> = objects.aircraft.iter().map(|update| update.device).collect();
    devices.sort_unstable();
    devices
}

async fn connect(people: &People, stage: &Stage, who: &str, query: &str) -> Client {
    Client::connect(stage, &format!("{query}&token={}", people.key(who)), "updraft.v1.proto").await
}

/// The code of the next error.
async fn error(client: &mut Client) -> String {
    loop {
        if let Message::Error(error) = client.next().await {
            return error.code;
        }
    }
}

async fn acts(stage: &Stage, action: &str) -> Vec<AuditRecord> {
    let mut records: Vec<AuditRecord> = read_all(stage, topic::AUDIT).await;
    records.retain(|record| record.action == action);
    records
}

#[tokio::test]
async fn only_their_managers_and_operators_change_fleets() {
    let people = people();
    let stage = open(&people).await;
    let red = fleet(&people, &["110B90"], &["pilot"]);
    for (who, path, body, status, code) in [
        ("pilot", "/api/v1/companies/club", company(), 403, "insufficient_scope"),
        ("manager", "/api/v1/companies/club", company(), 403, "insufficient_scope"),
        ("operator", "/api/v1/companies/Club", company(), 400, "bad_id"),
        ("operator", "/api/v1/companies/club", json!({ "name": "Club", "more": 1 }), 400, "bad_body"),
        ("manager", "/api/v1/fleets/red", red.clone(), 404, "unknown_company"),
        ("operator", "/api/v1/companies/club", company(), 200, ""),
        ("viewer", "/api/v1/fleets/red", red.clone(), 403, "insufficient_scope"),
        ("stranger", "/api/v1/fleets/red", red.clone(), 403, "not_your_fleet"),
        ("manager", "/api/v1/fleets/red", fleet(&people, &["200001"], &[]), 403, "not_of_company"),
        ("manager", "/api/v1/fleets/red", fleet(&people, &["xyz"], &[]), 400, "bad_address"),
        ("manager", "/api/v1/fleets/red", fleet(&people, &["110B91", "110B90"], &["pilot"]), 200, ""),
        ("stranger", "/api/v1/fleets/red", json!({ "company_id": "school", "name": "x" }), 403, "not_your_fleet"),
    ] {
        assert_eq!(put(&people, &stage, who, path, &body).await, (status, code.to_owned()), "{who} {path} {body}");
    }
    for (who, count, members) in
        [("operator", 1, 1), ("manager", 1, 1), ("pilot", 1, 0), ("stranger", 0, 0), ("viewer", 0, 0)]
    {
        let list = json_of(&people, &stage, who, "/api/v1/fleets").await;
        let fleets = list["fleets"].as_array().expect("fleets");
        assert_eq!(fleets.len(), count, "{who}");
        if let [fleet] = &fleets[..] {
            assert_eq!(fleet["devices"], json!(["110B90", "110B91"]));
            assert_eq!(fleet["user_ids"].as_array().map(Vec::len), Some(members), "{who}");
        }
        assert_eq!(json_of(&people, &stage, who, "/api/v1/me").await["fleets"].as_array().map(Vec::len), Some(count));
    }
    let companies = json_of(&people, &stage, "manager", "/api/v1/companies").await;
    assert_eq!(companies["companies"][0]["limits"]["max_devices"], 500);
    assert_eq!(companies["companies"][0]["fleet_devices"], 2);
    assert_eq!(people.outcome(&stage, "stranger", "DELETE", "/api/v1/fleets/red").await.1, "not_your_fleet");
    assert_eq!(people.outcome(&stage, "operator", "DELETE", "/api/v1/companies/club").await.1, "company_has_fleets");
    assert_eq!(people.outcome(&stage, "manager", "DELETE", "/api/v1/fleets/red").await.0, 204);
    assert_eq!(people.outcome(&stage, "manager", "DELETE", "/api/v1/fleets/red").await.1, "unknown_fleet");
    assert_eq!(people.outcome(&stage, "operator", "DELETE", "/api/v1/companies/club").await.0, 204);
    let changes = acts(&stage, "fleet.change").await;
    let count = |outcome| changes.iter().filter(|change| change.outcome() == outcome).count();
    assert_eq!((count(AuditOutcome::Accepted), count(AuditOutcome::Refused)), (1, 3));
    assert_eq!(acts(&stage, "fleet.remove").await.len(), 2);
    assert_eq!(acts(&stage, "company.change").await[0].scope.as_deref(), Some("fleet:manage_any"));
    stage.close().await;
}

#[tokio::test]
async fn the_limits_of_a_company_are_enforced() {
    let people = people();
    let stage = open(&people).await;
    let limits = json!({ "max_devices": 2, "max_users": 1, "max_connections": 1, "max_subscriptions": 1 });
    let limited = json!({ "name": "Club", "devices": ["110B90"], "limits": limits });
    assert_eq!(put(&people, &stage, "operator", "/api/v1/companies/club", &limited).await.0, 200);
    let two = fleet(&people, &[], &["pilot", "viewer"]);
    let full = (409, "limit_reached".to_owned());
    assert_eq!(put(&people, &stage, "manager", "/api/v1/fleets/red", &two).await, full);
    let one = fleet(&people, &["110B90"], &["pilot"]);
    assert_eq!(put(&people, &stage, "manager", "/api/v1/fleets/red", &one).await.0, 200);
    // One connection of its people, and one subscription to its fleets.
    let mut first = connect(&people, &stage, "manager", "fleet=red").await;
    first.until_live().await;
    let refused = |who: &str, query: &str| format!("/ws/v1/updates?{query}&token={}", people.key(who));
    let upgrade = async |path: String| {
        let request = reqwest::Client::new().get(format!("http://{}{path}", stage.address));
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        outcome(request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.expect("answers")).await
    };
    assert_eq!(upgrade(refused("manager", "kinds=aircraft")).await, (503, "company_full".to_owned()));
    assert_eq!(upgrade(refused("pilot", "fleet=red")).await, (503, "fleet_full".to_owned()));
    let mut other = connect(&people, &stage, "pilot", "kinds=aircraft").await;
    other.subscribe(3, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() }).await;
    assert_eq!(error(&mut other).await, "fleet_full");
    // Without the fleet the first one makes room.
    first.subscribe(4, Subscribe { fleet: Some(String::new()), ..Subscribe::default() }).await;
    first.until_live().await;
    other.subscribe(5, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() }).await;
    assert_eq!(other.until_live().await.request_id, 5);
    stage.close().await;
}

#[tokio::test]
async fn a_fleet_is_subscribed_to_with_what_one_may_see() {
    let people = people();
    let stage = with_fleet(&people).await;
    for (who, expected) in [
        ("operator", vec![HIDDEN, PUBLIC]),
        ("manager", vec![HIDDEN, PUBLIC]),
        ("pilot", vec![HIDDEN, PUBLIC]),
        ("viewer", vec![PUBLIC]),
    ] {
        let mut client = connect(&people, &stage, who, "fleet=red").await;
        let snapshot = client.until_live().await;
        assert_eq!(devices(&snapshot), expected, "{who}");
        assert_eq!(snapshot.fleet.map(|fleet| fleet.devices), Some(vec![HIDDEN, PUBLIC]));
    }
    // Each look at hidden devices is in the audit trail, once.
    let looks = acts(&stage, "fleet.view").await;
    let mut scopes: Vec<_> = looks.iter().map(|look| look.scope.as_deref().unwrap_or_default()).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["fleet:manage", "fleet:manage_any", "fleet:read"]);
    assert!(looks.iter().all(|look| look.subject == "fleet/red"));

    // Deltas, of the hidden device too; and with a message instead of the URL.
    let mut pilot = connect(&people, &stage, "pilot", "kinds=aircraft").await;
    let mut viewer = connect(&people, &stage, "viewer", "kinds=aircraft").await;
    for client in [&mut pilot, &mut viewer] {
        client.until_live().await;
        client.subscribe(2, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() }).await;
        assert_eq!(client.until_live().await.request_id, 2);
    }
    hidden(&stage, 2).await;
    assert_eq!(pilot.next_updates().await.objects.expect("one").aircraft[0].device, HIDDEN);
    stage.publish_aircraft(&aircraft(PUBLIC, 2, -30.0, 100.0)).await;
    assert_eq!(pilot.next_updates().await.objects.expect("one").aircraft[0].device, PUBLIC);
    assert_eq!(viewer.next_updates().await.objects.expect("one").aircraft[0].device, PUBLIC, "nothing before");
    // Strangers, and those without credentials.
    let mut stranger = connect(&people, &stage, "stranger", "kinds=aircraft").await;
    stranger.subscribe(2, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() }).await;
    assert_eq!(error(&mut stranger).await, "fleet_not_allowed");
    let mut nobody = Client::connect(&stage, "kinds=aircraft", "updraft.v1.proto").await;
    nobody.subscribe(2, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() }).await;
    assert_eq!(error(&mut nobody).await, "fleet_not_allowed");
    nobody.subscribe(3, Subscribe { fleet: Some("none".to_owned()), ..Subscribe::default() }).await;
    assert_eq!(error(&mut nobody).await, "fleet_not_allowed", "the same for a fleet that is not there");
    stage.close().await;
}

#[tokio::test]
async fn a_change_takes_effect_on_open_connections() {
    let people = people();
    let stage = with_fleet(&people).await;
    let mut pilot = connect(&people, &stage, "pilot", "fleet=red").await;
    let mut viewer = connect(&people, &stage, "viewer", "fleet=red").await;
    pilot.until_live().await;
    viewer.until_live().await;
    // Other devices, and the viewer is left out.
    let next = fleet(&people, &["07AB12"], &["pilot"]);
    assert_eq!(put(&people, &stage, "manager", "/api/v1/fleets/red", &next).await.0, 200);
    let list = pilot.next_updates().await.fleet.expect("the devices");
    assert_eq!((list.fleet_id.as_str(), list.devices), ("red", vec![HIDDEN]));
    assert_eq!(error(&mut viewer).await, "fleet_ended");
    // An operator takes the device away from the company.
    let without = json!({ "name": "Club", "devices": [] });
    assert_eq!(put(&people, &stage, "operator", "/api/v1/companies/club", &without).await.0, 200);
    assert_eq!(pilot.next_updates().await.fleet.expect("the devices").devices, Vec::<u32>::new());
    assert_eq!(put(&people, &stage, "operator", "/api/v1/companies/club", &company()).await.0, 200);
    assert_eq!(pilot.next_updates().await.fleet.expect("the devices").devices, [HIDDEN]);
    assert_eq!(pilot.next_updates().await.objects.expect("its state").aircraft[0].device, HIDDEN);
    let suspended = json!({ "name": "Club", "devices": ["07AB12"], "suspended": true });
    assert_eq!(put(&people, &stage, "operator", "/api/v1/companies/club", &suspended).await.0, 200);
    assert_eq!(error(&mut pilot).await, "fleet_ended");
    assert_eq!(put(&people, &stage, "manager", "/api/v1/fleets/red", &next).await.1, "company_suspended");
    assert_eq!(put(&people, &stage, "operator", "/api/v1/companies/club", &company()).await.0, 200);
    // The fleet is removed.
    let mut manager = connect(&people, &stage, "manager", "fleet=red&lat=46&lon=8&radius=20").await;
    manager.until_live().await;
    assert_eq!(people.outcome(&stage, "manager", "DELETE", "/api/v1/fleets/red").await.0, 204);
    assert_eq!(error(&mut manager).await, "fleet_ended");
    stage.publish_aircraft(&aircraft(FOREIGN, 5, 46.0, 8.0)).await;
    let update = manager.next_updates().await.objects.expect("the region stays");
    assert_eq!(update.aircraft[0].device, FOREIGN);
    stage.close().await;
}

#[tokio::test]
async fn another_instance_knows_fleets_and_settings() {
    let people = people();
    let stage = with_fleet(&people).await;
    let view = json!({ "name": "Alps", "south_deg": 45, "west_deg": 6, "north_deg": 47.5, "east_deg": 10,
        "filters": { "kinds": "aircraft" } });
    let settings = json!({ "views": [view], "display": { "units": "metric" } });
    assert_eq!(put(&people, &stage, "pilot", "/api/v1/me", &settings).await.0, 204);
    for (bad, code) in [
        (json!({ "views": [view, view] }), "bad_settings"),
        (json!({ "views": [{ "name": "x" }] }), "bad_body"),
        (json!({ "display": { "x": "y".repeat(600) } }), "bad_settings"),
    ] {
        assert_eq!(put(&people, &stage, "pilot", "/api/v1/me", &bad).await, (400, code.to_owned()));
    }
    let arguments = people.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let next = Stage::start_with(stage.log.clone(), &arguments, None, Clock::system()).await;
    next.until_ready().await;
    let me = json_of(&people, &next, "pilot", "/api/v1/me").await;
    assert_eq!((&me["views"][0]["name"], &me["display"]["units"]), (&json!("Alps"), &json!("metric")));
    assert_eq!(me["fleets"][0]["fleet_id"], "red");
    assert_eq!(json_of(&people, &next, "viewer", "/api/v1/me").await["views"], json!([]));
    // What one instance changes holds on the connections of the other.
    let mut pilot = connect(&people, &next, "pilot", "fleet=red").await;
    assert_eq!(devices(&pilot.until_live().await), [HIDDEN, PUBLIC]);
    assert_eq!(people.outcome(&stage, "manager", "DELETE", "/api/v1/fleets/red").await.0, 204);
    assert_eq!(error(&mut pilot).await, "fleet_ended");
    stage.close().await;
    next.close().await;
}

#[tokio::test]
async fn operators_list_who_is_connected() {
    let people = people();
    let stage = with_fleet(&people).await;
    let mut nobody = Client::connect(&stage, "lat=46&lon=8&radius=20&rate=5s", "updraft.v1.proto").await;
    let mut pilot = connect(&people, &stage, "pilot", "fleet=red&kinds=aircraft").await;
    nobody.until_live().await;
    pilot.until_live().await;
    assert_eq!(people.outcome(&stage, "manager", "GET", "/api/v1/connections").await.1, "insufficient_scope");
    let list = json_of(&people, &stage, "operator", "/api/v1/connections").await;
    assert_eq!((&list["total"], &list["truncated"]), (&json!(2), &json!(false)));
    let [known, unknown] = [&list["connections"][0], &list["connections"][1]];
    assert_eq!((&known["subject"], &known["fleet"]), (&json!(people.subject("pilot")), &json!("red")));
    assert_eq!((&known["kinds"], &known["rate"]), (&json!(["aircraft"]), &json!("live")));
    assert_eq!((&unknown["subject"], &unknown["rate"]), (&Value::Null, &json!("5s")));
    assert!(unknown["cells"].as_u64().is_some_and(|cells| cells > 0));
    assert!(!list.to_string().contains(people.key("pilot")), "no credentials");
    stage.close().await;
}
