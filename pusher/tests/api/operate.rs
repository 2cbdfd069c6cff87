//! What the operators' page needs beyond the public API, by role, over real sockets: the deny list, devices in doubt, dead
//! letters, keys; and what of it is in the audit trail.

use crate::people::{People, outcome, plain};
use crate::stage::{Stage, read_all};
use schemas::catalogue::topic;
use schemas::v1::command::{Action, Allow, Deny};
use schemas::v1::{
    AlertState, AuditOutcome, AuditRecord, PrivacyState, PrivateState, RawRecord, private_state, raw_record,
};
use serde_json::{Value, json};
use streams::{DeadLetter, DeadLetterSource};

const OWN: &str = "110B90";
const OTHER: &str = "07AB12";
/// Those who are no operators.
const OTHERS: [&str; 4] = ["viewer", "ada", "fleet", "rescue"];

fn people() -> People {
    People::new(&[
        ("viewer", "viewer", &[OWN]),
        ("ada", "pilot", &[OWN]),
        ("fleet", "fleet_manager", &[OWN]),
        ("rescue", "rescue", &[]),
        ("operator", "operator", &[]),
    ])
}

async fn open(people: &People, further: &[&str]) -> Stage {
    let arguments = people.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(further.iter().copied()).collect();
    Stage::open_with(&arguments).await
}

async fn json(people: &People, stage: &Stage, path: &str) -> Value {
    let answer = people.ask(stage, "operator", "GET", path).await;
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
    serde_json::from_slice(&plain(answer).await).expect("JSON")
}

async fn looks(stage: &Stage, action: &str) -> Vec<AuditRecord> {
    let records: Vec<AuditRecord> = read_all(stage, topic::AUDIT).await;
    records.into_iter().filter(|record| record.action == action).collect()
}

#[tokio::test]
async fn operators_alone_see_what_operators_see() {
    let people = people();
    let stage = open(&people, &[]).await;
    for path in ["/api/v1/validation", "/api/v1/restrictions", "/api/v1/dead-letters", "/api/v1/keys"] {
        assert_eq!(outcome(stage.get(path).await).await, (401, "unauthorized".to_owned()), "{path}");
        for name in OTHERS {
            let refused = people.outcome(&stage, name, "GET", path).await;
            assert_eq!(refused, (403, "insufficient_scope".to_owned()), "{name} {path}");
        }
        let unknown = people.outcome(&stage, "operator", "GET", &format!("{path}?page=2")).await;
        assert_eq!(unknown, (400, "unknown_parameter".to_owned()), "{path}");
    }
    for path in [format!("/api/v1/devices/{OWN}/deny"), format!("/api/v1/devices/{OWN}/allow")] {
        for name in OTHERS {
            let refused = people.outcome(&stage, name, "POST", &path).await;
            assert_eq!(refused, (403, "insufficient_scope".to_owned()), "{name} {path}");
        }
    }
    assert!(read_all::<RawRecord>(&stage, topic::RAW).await.is_empty());
    stage.close().await;
}

#[tokio::test]
async fn operators_decide_who_is_on_the_deny_list() {
    let people = people();
    let stage = open(&people, &[]).await;
    let (deny, allow) = (format!("/api/v1/devices/{OTHER}/deny"), format!("/api/v1/devices/{OTHER}/allow"));
    let remark = json!({ "remark": "false alarms every day" }).to_string();
    assert_eq!(people.send(&stage, "operator", "POST", &deny, remark).await.status(), 202);
    assert_eq!(people.outcome(&stage, "operator", "POST", &allow).await, (202, String::new()));
    for (path, body, status, code) in [
        (deny.clone(), r#"{"note":1}"#, 400, "bad_body"),
        (format!("{deny}?for=1d"), "", 400, "unknown_parameter"),
        ("/api/v1/devices/ada/deny".to_owned(), "", 400, "bad_address"),
    ] {
        let answer = people.send(&stage, "operator", "POST", &path, body.to_owned()).await;
        assert_eq!(outcome(answer).await, (status, code.to_owned()), "{path}");
    }
    let records: Vec<RawRecord> = read_all(&stage, topic::RAW).await;
    let actions = records.into_iter().map(|record| match record.input {
        Some(raw_record::Input::Command(command)) => (command.device, command.issued_by, command.action),
        other => panic!("no command: {other:?}"),
    });
    let operator = people.subject("operator");
    let expected = [
        (0x07_AB12, operator.clone(), Some(Action::Deny(Deny { remark: Some("false alarms every day".into()) }))),
        (0x07_AB12, operator.clone(), Some(Action::Allow(Allow {}))),
    ];
    assert_eq!(actions.collect::<Vec<_>>(), expected);
    let denied = looks(&stage, "device.deny").await;
    assert_eq!((denied.len(), denied[0].subject.as_str(), denied[0].user_id.as_str()), (1, OTHER, operator.as_str()));
    assert_eq!(denied[0].details["remark"], "false alarms every day");
    assert_eq!(denied[0].scope.as_deref(), Some("device:manage_any"));
    assert_eq!(looks(&stage, "device.allow").await[0].outcome(), AuditOutcome::Accepted);
    stage.close().await;
}

#[tokio::test]
async fn each_look_at_the_restricted_devices_is_recorded() {
    let people = people();
    let stage = open(&people, &[]).await;
    let state = |device, denied, hidden_by_command| PrivacyState {
        device,
        version: 5,
        hidden: true,
        denied,
        hidden_by_command,
        ..PrivacyState::default()
    };
    stage.publish_value(topic::PRIVACY, OWN, &state(0x11_0B90, false, true)).await;
    stage.publish_value(topic::PRIVACY, OTHER, &state(0x07_AB12, true, false)).await;
    stage.publish_value(topic::PRIVACY, "110B91", &state(0x11_0B91, false, false)).await;
    stage.until("the restrictions", || async { stage.metric("fanet_pusher_hidden_pasts") == 3.0 }).await;
    let list = json(&people, &stage, "/api/v1/restrictions").await;
    let expected = json!([
        { "device": OTHER, "denied": true, "hidden_by_command": false, "name_hidden": false },
        { "device": OWN, "denied": false, "hidden_by_command": true, "name_hidden": false },
    ]);
    assert_eq!((&list["devices"], &list["truncated"]), (&expected, &json!(false)));
    let looks = looks(&stage, "restrictions.view").await;
    assert_eq!((looks.len(), looks[0].subject.as_str()), (1, "restrictions"));
    assert_eq!(
        (&looks[0].user_id, looks[0].scope.as_deref()),
        (&people.subject("operator"), Some("device:manage_any"))
    );
    stage.close().await;
}

#[tokio::test]
async fn hidden_alerts_are_for_callers_that_handle_them() {
    let people = people();
    let stage = open(&people, &[]).await;
    for (device, address, opened_at_us) in [(0x11_0B90, OWN, 5), (0x07_AB12, OTHER, 6)] {
        let alert = AlertState { alert_id: opened_at_us, device, version: 5, opened_at_us, ..AlertState::default() };
        let private = PrivateState { state: Some(private_state::State::Alert(alert)) };
        stage.publish_value(topic::PRIVATE_STATE, &format!("{address}/alert"), &private).await;
    }
    stage.until("the alerts", || async { stage.metric("fanet_pusher_hidden_alerts") == 2.0 }).await;
    let path = "/api/v1/hidden-alerts";
    for (name, expected) in [("operator", vec![OTHER, OWN]), ("rescue", vec![OTHER, OWN]), ("fleet", vec![OWN])] {
        let answer = people.ask(&stage, name, "GET", path).await;
        let list: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
        let devices: Vec<_> =
            list["alerts"].as_array().expect("a list").iter().map(|one| one["device"].clone()).collect();
        assert_eq!(devices, expected, "{name}");
    }
    for name in ["viewer", "ada"] {
        let refused = people.outcome(&stage, name, "GET", path).await;
        assert_eq!(refused, (403, "insufficient_scope".to_owned()), "{name}");
    }
    let public: Value = stage.get("/api/v1/alerts").await.json().await.expect("JSON");
    assert_eq!(public["alerts"], json!([]));
    let scopes = looks(&stage, "alert.view").await.into_iter().map(|look| look.scope.unwrap_or_default());
    assert_eq!(scopes.collect::<Vec<_>>(), ["alert:handle_any", "alert:handle_any", "alert:handle"]);
    stage.close().await;
}

#[tokio::test]
async fn the_newest_dead_letters_are_explained() {
    let people = people();
    let stage = open(&people, &[]).await;
    let empty = json(&people, &stage, "/api/v1/dead-letters").await;
    assert_eq!((&empty["dead_letters"], &empty["truncated"]), (&json!([]), &json!(false)));
    for second in 1..=5_u64 {
        let letter = DeadLetter {
            source: DeadLetterSource::Mqtt { topic: "fb/b/ogn-be-1/f/1".into() },
            reason: "truncated",
            service: "bridge",
            service_version: "1.2.3",
            key: None,
            // A wrapper, and the beginning of a tracking frame of 110B90.
            value: Some(vec![0x89, 0x86, 0x44, 0x68, 0x88, 0xff, 0xfe, 0xff, 0x01, 0x11, 0x90, 0x0b, 0x4c].into()),
            timestamp_ms: 1_780_000_000_000,
            failed_at_us: second * 1_000_000,
        };
        stage.publish(letter.into_record(topic::DEAD_LETTER.into())).await;
    }
    let list = json(&people, &stage, "/api/v1/dead-letters?limit=2").await;
    let letters = list["dead_letters"].as_array().expect("a list");
    let times: Vec<_> = letters.iter().map(|letter| &letter["failed_at_us"]).collect();
    assert_eq!((times, &list["truncated"]), (vec![&json!("5000000"), &json!("4000000")], &json!(true)));
    let newest = &letters[0];
    assert_eq!(
        (&newest["reason"], &newest["service"], &newest["receiver_id"]),
        (&json!("truncated"), &json!("bridge"), &json!("ogn-be-1"))
    );
    assert_eq!((&newest["value"], &newest["size"]), (&json!("8986446888fffeff0111900b4c"), &json!(13)));
    let text = newest["explanation"].as_str().expect("a frame");
    assert!(text.starts_with("refused: ") && text.contains("110B90, FANET+"), "{text}");
    assert_eq!(json(&people, &stage, "/api/v1/dead-letters").await["dead_letters"].as_array().map(Vec::len), Some(5));
    for limit in ["0", "201", "all"] {
        let refused = people.outcome(&stage, "operator", "GET", &format!("/api/v1/dead-letters?limit={limit}")).await;
        assert_eq!(refused, (400, "bad_parameter".to_owned()), "{limit}");
    }
    let looks = looks(&stage, "dead_letters.view").await;
    assert_eq!(looks.iter().map(|look| look.details["count"].as_str()).collect::<Vec<_>>(), ["0", "2", "5"]);
    stage.close().await;
}

#[tokio::test]
async fn keys_are_listed_without_their_secrets() {
    let people = people();
    let stage = open(&people, &[]).await;
    let list = json(&people, &stage, "/api/v1/keys").await;
    let keys = list["keys"].as_array().expect("a list");
    assert_eq!((keys.len(), &list["loaded"]), (5, &json!(true)));
    let ada = keys.iter().find(|key| key["key_id"] == people.subject("ada")).expect("her key");
    assert_eq!((&ada["roles"], &ada["devices"], &ada["public"]), (&json!(["pilot"]), &json!([OWN]), &json!(false)));
    assert_eq!(
        ada["scopes"],
        json!(["picture:read", "position:write", "device:manage", "fleet:read", "notification:write"])
    );
    assert!(ada.get("expires_at_us").is_none(), "{ada}");
    let text = list.to_string();
    assert!(!text.contains("sha256") && !text.contains("updraft_"), "{text}");
    stage.close().await;
}

#[tokio::test]
async fn devices_in_doubt_are_read_from_redis() {
    let people = people();
    let redis = harness::Redis::start().await.expect("Redis starts");
    let client = redis::Client::open(redis.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    // As the processor writes them.
    let conflict = json!({ "frames": "41", "receiver_id": "ogn-be-1", "other_receiver_id": "ogn-sg-2" }).to_string();
    for (device, fields) in [
        ("110B90", vec![("score", "100"), ("last_reason", "speed")]),
        ("110B91", vec![("score", "50")]),
        ("07AB12", vec![("score", "20"), ("last_reason", "speed"), ("implausible_frames", "9")]),
        ("07AB13", vec![("score", "5"), ("last_reason", "no_fix")]),
        ("110B92", vec![("score", "100"), ("address_conflict", &conflict)]),
        ("110B93", vec![("gone", "1"), ("version", "7")]),
    ] {
        let key = schemas::redis::validation_key(device);
        let seen = schemas::redis::set_key("validation", schemas::redis::Set::Seen);
        let put =
            redis::pipe().hset_multiple(key, &fields).zadd(seen, device, 1_000).query_async(&mut connection).await;
        put.map(|(): ()| ()).expect("written");
    }
    let stage = open(&people, &["--redis-url", &redis.url_of("pusher")]).await;
    let list = json(&people, &stage, "/api/v1/validation").await;
    let devices: Vec<_> = list["devices"].as_array().expect("a list").iter().map(|one| one["device"].clone()).collect();
    assert_eq!(devices, ["110B92", "07AB13", "07AB12"], "conflicts first, then the lowest scores");
    assert_eq!(list["devices"][0]["address_conflict"]["other_receiver_id"], "ogn-sg-2");
    assert_eq!((&list["devices"][2]["score"], &list["devices"][2]["last_reason"]), (&json!(20), &json!("speed")));
    stage.close().await;
}

#[tokio::test]
async fn without_scores_devices_in_doubt_are_not_listed() {
    let people = people();
    let stage = open(&people, &[]).await;
    let refused = people.outcome(&stage, "operator", "GET", "/api/v1/validation").await;
    assert_eq!(refused, (503, "no_redis".to_owned()));
    stage.close().await;
}
