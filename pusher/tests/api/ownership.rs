//! Whose devices are whose, over real sockets: a code that the device sends by radio, and an operator's word.

use std::time::Duration;

use crate::people::{People, plain};
use crate::stage::{Stage, aircraft, read_all};
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::v1::{Account, AircraftState, AuditOutcome, AuditRecord, PrivateState, account, private_state};
use serde_json::{Value, json};

const DEVICE: &str = "110B90";
const HIDDEN: &str = "07AB12";

fn people() -> People {
    People::new(&[
        ("ada", "pilot", &[]),
        ("bob", "pilot", &[]),
        ("viewer", "viewer", &[]),
        ("operator", "operator", &[]),
    ])
}

async fn open(people: &People) -> Stage {
    let arguments = people.arguments();
    Stage::open_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn claim(device: &str) -> String {
    format!("/api/v1/devices/{device}/claim")
}

fn hide(device: &str) -> String {
    format!("/api/v1/devices/{device}/hide")
}

async fn code(people: &People, stage: &Stage, name: &str, device: &str) -> String {
    let answer = people.ask(stage, name, "POST", &claim(device)).await;
    assert_eq!(answer.status(), 201);
    let body: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
    assert_eq!(body["device"], device);
    body["code"].as_str().expect("a code").to_owned()
}

async fn devices(people: &People, stage: &Stage, name: &str) -> Value {
    let answer = people.ask(stage, name, "GET", "/api/v1/me").await;
    let body: Value = serde_json::from_slice(&plain(answer).await).expect("JSON");
    assert_eq!(body["user_id"], format!("key/{}", people.subject(name)));
    body["devices"].clone()
}

async fn set_owner(people: &People, stage: &Stage, name: &str, user_id: &Value) -> u16 {
    let body = json!({ "user_id": user_id }).to_string();
    people.send(stage, name, "PUT", &format!("/api/v1/devices/{DEVICE}/owner"), body).await.status().as_u16()
}

/// The device has this name from now on.
async fn name(stage: &Stage, version: u64, name: &str) {
    let state = AircraftState { name: Some(name.to_owned()), ..aircraft(0x11_0B90, version, 46.5, 8.0) };
    stage.publish_aircraft(&state).await;
}

async fn until_owned(people: &People, stage: &Stage, of: &str, expected: Value) {
    stage.until("the owner to be known", || async { devices(people, stage, of).await == expected }).await;
}

#[tokio::test]
async fn a_device_proves_by_its_name_whose_it_is() {
    let people = people();
    let stage = open(&people).await;
    assert_eq!(people.outcome(&stage, "ada", "POST", &hide(DEVICE)).await, (403, "not_your_device".to_owned()));
    for (who, path, status, code) in [
        ("viewer", claim(DEVICE), 403, "insufficient_scope"),
        ("ada", claim("Ada"), 400, "bad_address"),
        ("ada", format!("{}?for=1d", claim(DEVICE)), 400, "unknown_parameter"),
    ] {
        assert_eq!(people.outcome(&stage, who, "POST", &path).await, (status, code.to_owned()), "{who} {path}");
    }
    let of_ada = code(&people, &stage, "ada", DEVICE).await;
    let of_bob = code(&people, &stage, "bob", DEVICE).await;
    assert_eq!(of_ada.len(), 7);
    name(&stage, 1, "Ada").await;
    name(&stage, 2, &of_ada).await;
    until_owned(&people, &stage, "ada", json!([DEVICE])).await;
    assert_eq!(people.outcome(&stage, "ada", "POST", &hide(DEVICE)).await.0, 202);

    // It has an owner now: the radio alone takes it from nobody.
    assert_eq!(people.outcome(&stage, "bob", "POST", &claim(DEVICE)).await, (409, "owned".to_owned()));
    assert_eq!(people.outcome(&stage, "ada", "POST", &claim(DEVICE)).await, (409, "owned".to_owned()));
    name(&stage, 3, &of_bob).await;
    let refused = async || {
        let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
        records.iter().any(|record| record.action == "device.claim" && record.outcome() == AuditOutcome::Refused)
    };
    stage.until("the second proof to be refused", refused).await;
    assert_eq!(devices(&people, &stage, "bob").await, json!([]));
    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let is_proof =
        |record: &&AuditRecord| record.action == "device.claim" && record.outcome() == AuditOutcome::Accepted;
    let proof = records.iter().find(is_proof).expect("a record");
    assert_eq!((proof.user_id.clone(), proof.subject.as_str()), (people.subject("ada"), DEVICE));
    assert_eq!(proof.details["by"], "radio");

    // It outlives the process: another instance reads it from the log.
    let arguments = people.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let log = stage.log.clone();
    stage.close().await;
    let next = Stage::start_with(log, &arguments, None, Clock::system()).await;
    next.until_ready().await;
    assert_eq!(devices(&people, &next, "ada").await, json!([DEVICE]));
    next.close().await;
}

#[tokio::test]
async fn an_operators_word_is_enough() {
    let people = people();
    let stage = open(&people).await;
    let user = |name: &str| json!(format!("key/{}", people.subject(name)));
    assert_eq!(set_owner(&people, &stage, "ada", &user("ada")).await, 403);
    for bad in [json!(""), json!("ada"), json!(7)] {
        assert_eq!(set_owner(&people, &stage, "operator", &bad).await, 400, "{bad}");
    }
    assert_eq!(set_owner(&people, &stage, "operator", &user("ada")).await, 204);
    assert_eq!(people.outcome(&stage, "ada", "POST", &hide(DEVICE)).await.0, 202);
    assert_eq!(set_owner(&people, &stage, "operator", &user("bob")).await, 204);
    assert_eq!(people.outcome(&stage, "ada", "POST", &hide(DEVICE)).await.0, 403);
    assert_eq!(people.outcome(&stage, "bob", "POST", &hide(DEVICE)).await.0, 202);
    assert_eq!(set_owner(&people, &stage, "operator", &Value::Null).await, 204);
    assert_eq!(people.outcome(&stage, "bob", "POST", &hide(DEVICE)).await.0, 403);
    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let words: Vec<_> = records.iter().filter(|record| record.action == "device.owner").collect();
    assert_eq!(words.len(), 3);
    assert!(words.iter().all(|record| record.scope.as_deref() == Some("device:manage_any")), "{words:?}");
    let accounts: Vec<Account> = read_all(&stage, topic::ACCOUNT).await;
    let owners = accounts.iter().filter_map(|record| match &record.entity {
        Some(account::Entity::UserDevice(owned)) => Some(owned.user_id.clone()),
        _ => None,
    });
    assert_eq!(owners.count(), 3);
    stage.close().await;
}

#[tokio::test]
async fn a_hidden_device_proves_it_too_and_a_code_expires() {
    let people = people();
    let clock = Clock::manual(1_780_000_000_000_000);
    let arguments = people.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--heartbeat", "1h"]).collect();
    let stage = Stage::open_at(clock.clone(), None, &arguments).await;
    let hidden = async |version: u64, name: &str| {
        let state = AircraftState { name: Some(name.to_owned()), ..aircraft(0x07_AB12, version, 46.5, 8.0) };
        let value = PrivateState { state: Some(private_state::State::Aircraft(state)) };
        stage.publish_value(topic::PRIVATE_STATE, HIDDEN, &value).await;
    };
    let late = code(&people, &stage, "bob", HIDDEN).await;
    clock.advance(Duration::from_secs(900));
    hidden(1, &late).await;
    let of_ada = code(&people, &stage, "ada", HIDDEN).await;
    hidden(2, &of_ada.to_lowercase()).await;
    until_owned(&people, &stage, "ada", json!([HIDDEN])).await;
    assert_eq!(devices(&people, &stage, "bob").await, json!([]));
    stage.close().await;
}
