//! Commands of people over real sockets: who may, what is in the raw topic and in the audit trail, and what not.

use std::sync::Arc;
use std::time::Duration;

use crate::people::{People, outcome, plain};
use crate::recorded::recorded_with;
use crate::stage::{Client, Stage, aircraft, read_all};
use runtime::Clock;
use schemas::catalogue::{self, topic};
use schemas::v1::command::Action;
use schemas::v1::{
    AlertState, AlertStatus, AuditOutcome, AuditRecord, Command, Position, PrivateState, RawRecord, private_state,
    raw_record,
};
use schemas::{DeviceAddress, RecordId};
use serde_json::{Value, json};
use streams::{EmbeddedLog, EmbeddedSettings, Log as _, NewTopic};

const OWN: &str = "110B90";
const OTHER: &str = "07AB12";

fn people() -> People {
    People::new(&[
        ("viewer", "viewer", &[OWN]),
        ("ada", "pilot", &[OWN]),
        ("fleet", "fleet_manager", &[OWN]),
        ("rescue", "rescue", &[]),
        ("operator", "operator", &[]),
    ])
}

async fn open(people: &People) -> Stage {
    let arguments = people.arguments();
    Stage::open_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn commands(stage: &Stage) -> Vec<Command> {
    let records: Vec<RawRecord> = read_all(stage, topic::RAW).await;
    let commands = records.into_iter().filter_map(|record| match record.input {
        Some(raw_record::Input::Command(command)) => Some(command),
        _ => None,
    });
    commands.collect()
}

async fn audited(stage: &Stage) -> Vec<AuditRecord> {
    read_all(stage, topic::AUDIT).await
}

#[tokio::test]
async fn owners_command_their_devices_and_operators_all() {
    let people = people();
    let stage = open(&people).await;
    let hide = |device: &str| ("POST", format!("/api/v1/devices/{device}/hide"));
    let show = |device: &str| ("POST", format!("/api/v1/devices/{device}/show"));
    let erase = |device: &str| ("DELETE", format!("/api/v1/devices/{device}/history"));
    for (name, (method, path), status, code) in [
        ("ada", hide(OWN), 202, ""),
        ("ada", show("110b90"), 202, ""),
        ("ada", erase(OWN), 202, ""),
        ("fleet", hide(OWN), 202, ""),
        ("operator", erase(OTHER), 202, ""),
        ("ada", hide(OTHER), 403, "not_your_device"),
        ("ada", erase(OTHER), 403, "not_your_device"),
        ("viewer", hide(OWN), 403, "insufficient_scope"),
        ("rescue", hide(OWN), 403, "insufficient_scope"),
        ("ada", hide("ada"), 400, "bad_address"),
        ("ada", ("POST", format!("/api/v1/devices/{OWN}/hide?for=1d")), 400, "unknown_parameter"),
        ("ada", ("GET", format!("/api/v1/devices/{OWN}/hide")), 405, "method_not_allowed"),
    ] {
        assert_eq!(people.outcome(&stage, name, method, &path).await, (status, code.to_owned()), "{name} {path}");
    }
    let mut sent: Vec<_> = commands(&stage).await;
    sent.sort_by(|a, b| (a.issued_at_us, &a.command_id).cmp(&(b.issued_at_us, &b.command_id)));
    let brief = |command: &Command| {
        let action = match command.action {
            Some(Action::Hide(_)) => "hide",
            Some(Action::Show(_)) => "show",
            Some(Action::Erase(_)) => "erase",
            _ => "something else",
        };
        (command.issued_by.clone(), DeviceAddress(command.device).to_string(), action)
    };
    let (ada, fleet, operator) = (people.subject("ada"), people.subject("fleet"), people.subject("operator"));
    let expected = [
        (ada.clone(), OWN.to_owned(), "hide"),
        (ada.clone(), OWN.to_owned(), "show"),
        (ada, OWN.to_owned(), "erase"),
        (fleet, OWN.to_owned(), "hide"),
        (operator, OTHER.to_owned(), "erase"),
    ];
    assert_eq!(sent.iter().map(brief).collect::<Vec<_>>(), expected);

    // Each of them, and each attempt at another one's device, once.
    let records = audited(&stage).await;
    let outcomes = |outcome: AuditOutcome| records.iter().filter(|record| record.outcome() == outcome).count();
    assert_eq!((outcomes(AuditOutcome::Accepted), outcomes(AuditOutcome::Refused), records.len()), (5, 2, 7));
    for command in &sent {
        let of_it = |record: &&AuditRecord| record.details.get("command_id") == Some(&command.command_id);
        let record = records.iter().find(of_it).expect("its record");
        assert_eq!(record.user_id, command.issued_by);
        assert_eq!(record.subject, DeviceAddress(command.device).to_string());
        assert_eq!((record.credential.as_str(), record.client_class.as_deref()), ("api_key", Some("loopback")));
        assert!(record.happened_at_us <= command.issued_at_us + 5_000_000 && record.request_id.len() == 32);
        let scope = if record.subject == OWN { "device:manage" } else { "device:manage_any" };
        assert_eq!(record.scope.as_deref(), Some(scope));
    }
    let refused = records.iter().find(|record| record.outcome() == AuditOutcome::Refused).expect("one");
    assert_eq!((refused.subject.as_str(), &refused.scope), (OTHER, &None));
    let metrics = stage.metrics();
    for line in [
        "fanet_pusher_commands_total{action=\"device.hide\",outcome=\"accepted\"} 2",
        "fanet_pusher_commands_total{action=\"device.hide\",outcome=\"refused\"} 1",
        "fanet_pusher_audit_records_total{outcome=\"written\"} 7",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_receipt_names_command_record_and_request() {
    let people = people();
    let stage = open(&people).await;
    let answer = people.ask(&stage, "ada", "POST", &format!("/api/v1/devices/{OWN}/hide")).await;
    let headers = answer.headers().clone();
    let text = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!((text("cache-control"), text("content-type")), ("no-store".to_owned(), "application/json".to_owned()));
    let receipt: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
    assert_eq!(receipt["record_id"], text("x-observation-id"));
    let records = audited(&stage).await;
    assert_eq!(records[0].request_id, text("x-request-id"));
    assert_eq!(receipt["command_id"], records[0].details["command_id"]);
    assert_eq!(commands(&stage).await[0].command_id, records[0].details["command_id"]);

    let answer = people.ask(&stage, "ada", "DELETE", &format!("/api/v1/devices/{OWN}/history")).await;
    let receipt: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
    let days = |place: &str| {
        let copies = receipt["retained"].as_array().expect("a list");
        copies.iter().find(|copy| copy["place"] == place).map(|copy| copy["days"].clone())
    };
    assert_eq!(days(topic::RAW), Some(json!(7)));
    assert_eq!(days(topic::AUDIT), Some(json!(400)));
    assert_eq!(days("archive"), Some(Value::Null), "nobody has said how long");
    stage.close().await;
}

#[tokio::test]
async fn nothing_is_done_without_its_audit_record() {
    let people = people();
    let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(1_780_000_000_000)));
    let but_audit = catalogue::topics().into_iter().filter(|topic| topic.name != topic::AUDIT);
    let topics: Vec<_> = but_audit
        .map(|topic| NewTopic { settings: topic.settings.clone(), ..NewTopic::new(topic.name, topic.partitions) })
        .collect();
    log.create_topics(&topics).await.expect("created");
    let arguments = people.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let stage = Stage::start_with(log.clone(), &arguments, None, Clock::system()).await;
    stage.until_ready().await;
    for (name, method, path) in [
        ("ada", "POST", format!("/api/v1/devices/{OWN}/hide")),
        ("ada", "DELETE", format!("/api/v1/devices/{OWN}/history")),
        ("operator", "POST", format!("/api/v1/validation/{OWN}/reset")),
    ] {
        let outcome = people.outcome(&stage, name, method, &path).await;
        assert_eq!(outcome, (503, "audit_unavailable".to_owned()), "{path}");
    }
    assert!(commands(&stage).await.is_empty());
    assert_eq!(people.outcome(&stage, "operator", "GET", "/api/v1/audit").await, (503, "log_unavailable".to_owned()));

    // The topic is there: it works without a restart.
    let audit = catalogue::find(topic::AUDIT).expect("in the catalogue");
    let audit = NewTopic { settings: audit.settings.clone(), ..NewTopic::new(audit.name, audit.partitions) };
    log.create_topics(&[audit]).await.expect("created");
    assert_eq!(people.outcome(&stage, "ada", "POST", &format!("/api/v1/devices/{OWN}/hide")).await.0, 202);
    stage.close().await;
}

fn alert(device: u32, id: RecordId, version: u64, status: AlertStatus) -> AlertState {
    let position = Some(Position { latitude_deg: 46.5, longitude_deg: 8.0, altitude_m: None });
    let by = |is: bool| is.then(|| "anna".to_owned());
    AlertState {
        alert_id: id.0,
        device,
        version,
        status: status.into(),
        position,
        acknowledged_by: by(status == AlertStatus::Acknowledged),
        resolved_by: by(status == AlertStatus::Resolved),
        ..AlertState::default()
    }
}

#[tokio::test]
async fn alerts_are_handled_once_by_those_who_may() {
    let people = people();
    let stage = open(&people).await;
    let (own, other) = (0x11_0B90, 0x07_AB12);
    let (id, hidden) = (RecordId::new(3, 77), RecordId::new(4, 78));
    stage.publish_value(topic::ALERT, OWN, &alert(own, id, 77, AlertStatus::Open)).await;
    let private =
        PrivateState { state: Some(private_state::State::Alert(alert(other, hidden, 78, AlertStatus::Open))) };
    stage.publish_value(topic::PRIVATE_STATE, &format!("{OTHER}/alert"), &private).await;
    let acknowledge = |id: RecordId| format!("/api/v1/alerts/{id}/acknowledge");
    let resolve = |id: RecordId| format!("/api/v1/alerts/{id}/resolve");
    let is_known = || async { people.outcome(&stage, "rescue", "POST", &acknowledge(id)).await.0 == 202 };
    stage.until("the alert", is_known).await;
    let is_hidden_known = || async { people.outcome(&stage, "rescue", "POST", &acknowledge(hidden)).await.0 == 202 };
    stage.until("the hidden alert", is_hidden_known).await;
    let unknown = RecordId::new(3, 99);
    for (name, path, status, code) in [
        ("fleet", acknowledge(id), 202, ""),
        ("operator", resolve(id), 202, ""),
        ("ada", acknowledge(id), 403, "insufficient_scope"),
        ("rescue", acknowledge(unknown), 404, "unknown_alert"),
        ("fleet", acknowledge(hidden), 404, "unknown_alert"),
        ("rescue", "/api/v1/alerts/77/resolve".to_owned(), 400, "bad_alert_id"),
        // Its owner cannot end a call for help with the rest.
        ("ada", format!("/api/v1/devices/{OWN}/history"), 405, "method_not_allowed"),
    ] {
        assert_eq!(people.outcome(&stage, name, "POST", &path).await, (status, code.to_owned()), "{name} {path}");
    }
    let erased = people.outcome(&stage, "ada", "DELETE", &format!("/api/v1/devices/{OWN}/history")).await;
    assert_eq!(erased, (409, "alert_open".to_owned()));
    let bad = people.send(&stage, "rescue", "POST", &resolve(id), "{\"note\":1}".to_owned()).await;
    assert_eq!(outcome(bad).await, (400, "bad_body".to_owned()));

    // Every client sees the step, and repeating it writes nothing.
    let mut clients = Vec::new();
    for subprotocol in ["updraft.v1.proto", "updraft.v1.json"] {
        let mut client = Client::connect(&stage, "lat=46.5&lon=8&radius=50&kinds=alert", subprotocol).await;
        client.until_live().await;
        clients.push(client);
    }
    stage.publish_value(topic::ALERT, OWN, &alert(own, id, 80, AlertStatus::Acknowledged)).await;
    for client in &mut clients {
        let batch = client.next_updates().await;
        let alerts = batch.objects.expect("objects").alerts;
        assert_eq!(alerts[0].status(), AlertStatus::Acknowledged);
    }
    let before = commands(&stage).await.len();
    let answer = people.ask(&stage, "rescue", "POST", &acknowledge(id)).await;
    assert_eq!(answer.status(), 200);
    let receipt: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
    assert_eq!((&receipt["command_id"], &receipt["alert"]["acknowledged_by"]), (&json!(""), &json!("anna")));
    let remark = json!({ "remark": "found, unhurt" }).to_string();
    assert_eq!(people.send(&stage, "rescue", "POST", &resolve(id), remark).await.status(), 202);
    let sent = commands(&stage).await;
    let resolved = sent.iter().find_map(|command| match &command.action {
        Some(Action::ResolveAlert(resolve)) if resolve.remark.is_some() => Some(resolve),
        _ => None,
    });
    assert_eq!(resolved.and_then(|resolve| resolve.remark.as_deref()), Some("found, unhurt"));
    assert_eq!(sent.len(), before + 1);
    stage.publish_value(topic::ALERT, OWN, &alert(own, id, 81, AlertStatus::Resolved)).await;
    let has_ended = || async { people.outcome(&stage, "rescue", "POST", &resolve(id)).await.0 == 200 };
    stage.until("the end", has_ended).await;
    assert_eq!(people.outcome(&stage, "rescue", "POST", &acknowledge(id)).await, (409, "alert_resolved".to_owned()));
    let records = audited(&stage).await;
    let remarked = records.iter().find(|record| record.details.contains_key("remark")).expect("the remark");
    assert_eq!((remarked.action.as_str(), remarked.subject.as_str()), ("alert.resolve", "alert/3-77"));
    assert_eq!(remarked.details["device"], OWN);
    let refused = records.iter().find(|record| record.outcome() == AuditOutcome::Refused).expect("the hidden one");
    assert_eq!((refused.user_id.clone(), refused.subject.as_str()), (people.subject("fleet"), "alert/4-78"));
    stage.close().await;
}

#[tokio::test]
async fn owners_get_everything_about_their_device() {
    let people = people();
    let arguments = people.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let recorded = recorded_with(&arguments).await;
    let stage = recorded.stage;
    stage.publish_aircraft(&aircraft(crate::recorded::ADA, 5, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let path = |device: &str| format!("/api/v1/devices/{device}/data");
    let answer = people.ask(&stage, "ada", "GET", &path(OWN)).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().expect("text")),
        (200, "application/x-ndjson")
    );
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"110B90.ndjson\"");
    let rows = lines(answer).await;
    let of = |table: &str| rows.iter().filter(|row| row["table"] == table).count();
    assert_eq!(
        (of("live"), of("positions"), of("names"), of("flights")),
        (1, recorded.positions.len(), 1, 1),
        "{rows:?}"
    );
    assert!(
        rows.iter().all(|row| row["device"] == OWN || row["aircraft"]["device"] == OWN || row["table"] == "receptions")
    );

    // A hidden one: its rows are for its owner and for operators, and for nobody else.
    let rows = lines(people.ask(&stage, "operator", "GET", &path("110B91")).await).await;
    assert!(rows.iter().filter(|row| row["private"] == true).count() > 300, "{rows:?}");
    for (name, code) in [("ada", "not_your_device"), ("rescue", "insufficient_scope"), ("viewer", "insufficient_scope")]
    {
        assert_eq!(people.outcome(&stage, name, "GET", &path("110B91")).await, (403, code.to_owned()), "{name}");
    }
    let looks: Vec<_> =
        audited(&stage).await.into_iter().map(|record| (record.subject.clone(), record.outcome())).collect();
    let expected = [
        (OWN.to_owned(), AuditOutcome::Accepted),
        ("110B91".to_owned(), AuditOutcome::Accepted),
        ("110B91".to_owned(), AuditOutcome::Refused),
    ];
    assert_eq!(looks, expected);
    stage.close().await;
}

/// The lines of an answer.
async fn lines(answer: reqwest::Response) -> Vec<Value> {
    let text = String::from_utf8(plain(answer).await).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

#[tokio::test]
async fn operators_search_the_audit_trail() {
    let (people, clock) = (people(), Clock::manual(Clock::system().now_us()));
    let arguments = people.arguments();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let stage = Stage::open_at(clock.clone(), None, &arguments).await;
    for (name, device, command) in
        [("ada", OWN, "hide"), ("operator", OTHER, "hide"), ("operator", OWN, "show"), ("ada", OTHER, "show")]
    {
        people.ask(&stage, name, "POST", &format!("/api/v1/devices/{device}/{command}")).await;
        clock.advance(Duration::from_millis(3));
    }
    let search = async |query: &str| {
        let answer = people.ask(&stage, "operator", "GET", &format!("/api/v1/audit{query}")).await;
        assert_eq!(answer.status(), 200, "{query}");
        let list: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
        let records = list["records"].as_array().cloned().unwrap_or_default();
        let brief =
            |record: &Value| format!("{} {}", record["action"].as_str().unwrap(), record["subject"].as_str().unwrap());
        (records.iter().map(brief).collect::<Vec<_>>(), list)
    };
    let all = ["device.show 07AB12", "device.show 110B90", "device.hide 07AB12", "device.hide 110B90"];
    let (found, list) = search("").await;
    assert_eq!((found.as_slice(), &list["truncated"]), (all.map(str::to_owned).as_slice(), &json!(false)));
    assert_eq!(list["records"][0]["outcome"], "refused");
    let ada = format!("?user={}", people.subject("ada"));
    assert_eq!(search(&ada).await.0, [all[0], all[3]]);
    assert_eq!(search("?device=110b90").await.0, [all[1], all[3]]);
    let (found, list) = search("?limit=3").await;
    assert_eq!(
        (found.as_slice(), &list["truncated"]),
        (all[..3].iter().map(|&text| text.to_owned()).collect::<Vec<_>>().as_slice(), &json!(true))
    );
    let since = list["searched_since"].as_str().expect("a time");
    assert_eq!(search(&format!("?to={since}")).await.0.last().map(String::as_str), Some(all[3]), "the older ones");
    assert_eq!(search("?from=2100-01-01").await.0, [""; 0]);
    for (name, query, status, code) in [
        ("ada", "", 403, "insufficient_scope"),
        ("operator", "?limit=0", 400, "bad_parameter"),
        ("operator", "?who=ada", 400, "unknown_parameter"),
    ] {
        let found = people.outcome(&stage, name, "GET", &format!("/api/v1/audit{query}")).await;
        assert_eq!(found, (status, code.to_owned()), "{name} {query}");
    }
    // No secrets: the audit trail has ids of keys, not keys.
    let (_, list) = search("").await;
    assert!(!list.to_string().contains("updraft_"), "{list}");
    stage.close().await;
}

#[tokio::test]
async fn one_caller_cannot_flood_the_audit_trail() {
    let people = people();
    let stage = open(&people).await;
    let mut answered = 0;
    // A slow machine makes requests slowly, and its limit recovers meanwhile.
    let refused = loop {
        let answer = people.ask(&stage, "ada", "POST", &format!("/api/v1/devices/{OTHER}/hide")).await;
        match answer.status().as_u16() {
            429 => break answer,
            status => assert_eq!(status, 403),
        }
        answered += 1;
        assert!(answered < 1_000, "there is no limit");
    };
    assert!(refused.headers().contains_key("retry-after"));
    assert!(answered >= 30, "{answered}");
    assert_eq!(audited(&stage).await.len(), answered);
    assert_eq!(
        people.outcome(&stage, "operator", "POST", &format!("/api/v1/devices/{OWN}/hide")).await.0,
        202,
        "others go on"
    );
    stage.close().await;
}
