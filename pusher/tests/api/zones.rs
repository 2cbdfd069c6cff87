//! Zones over REST: import, removal, what the raw topic and the topic of zones get, and the events.

use std::time::Duration;

use crate::stage::{Client, Stage};
use schemas::catalogue::{self, topic};
use schemas::v1::{
    AuditOutcome, AuditRecord, PrivacyState, RawRecord, ZoneEvent, ZoneEventKind, ZoneSetPart, raw_record,
    server_message,
};
use serde_json::Value;
use streams::registry::Schemas;
use streams::{Event, Incoming, Log as _, SeekTo, TopicPartition};

const OPENAIR: &str =
    "* Bern\r\nAC CTR\r\nAN CTR Bern\r\nAL GND\r\nAH 4500 ft\r\nV X=46:54:44 N 007:29:57 E\r\nDC 5\r\n";
const GEOJSON: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon",
    "coordinates":[[[179,-18],[-179,-18],[-179,-17],[179,-17],[179,-18]]]},
    "properties":{"name":"Fiji","class":"R","floor":"FL95","ceiling":"300 m AGL"}}]}"#;

async fn send(stage: &Stage, method: &str, path: &str, media_type: &str, body: &str) -> reqwest::Response {
    let request =
        reqwest::Client::new().request(method.parse().expect("a method"), format!("http://{}{path}", stage.address));
    let request = request.header("content-type", media_type).body(body.to_owned());
    request.send().await.expect("answers")
}

async fn names(stage: &Stage, query: &str) -> Vec<String> {
    let body = stage.get(&format!("/api/v1/zones{query}")).await.text().await.expect("a body");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let features = body["features"].as_array().expect("features");
    features.iter().map(|feature| feature["properties"]["name"].as_str().expect("a name").to_owned()).collect()
}

/// All records of a topic.
async fn read(stage: &Stage, name: &str) -> Vec<Incoming> {
    let partitions = catalogue::find(name).expect("in the catalogue").partitions;
    let from = (0..partitions).map(|partition| (TopicPartition::new(name, partition), SeekTo::Beginning)).collect();
    let mut source = stage.log.read(from).await.expect("a reader");
    let (mut records, mut open) = (Vec::new(), partitions);
    while open > 0 {
        match tokio::time::timeout(Duration::from_secs(20), source.next()).await.expect("in time").expect("reads") {
            Event::Records(more) => records.extend(more),
            Event::CaughtUp(_) => open -= 1,
            _ => {}
        }
    }
    records
}

/// The versions in each partition of the raw topic.
async fn raw_versions(stage: &Stage) -> Vec<Vec<u64>> {
    let codec = Schemas::local().prepare("", &catalogue::find(topic::RAW).expect("there")).await.expect("a codec");
    let mut versions = vec![Vec::new(); catalogue::find(topic::RAW).expect("there").partitions as usize];
    for record in read(stage, topic::RAW).await {
        let raw: RawRecord = codec.decode(&record.value.expect("a value")).expect("a raw record");
        if let Some(raw_record::Input::ZoneSet(part)) = raw.input {
            versions[record.partition as usize].push(part.version);
        }
    }
    versions
}

#[tokio::test]
async fn a_set_is_imported_replaced_and_removed() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    let answer = send(&stage, "PUT", "/api/v1/zones/alps", "text/plain; charset=iso-8859-1", OPENAIR).await;
    assert_eq!(answer.status(), 200);
    let imported: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!((&imported["zones"], &imported["not_judged"]), (&1.into(), &0.into()));
    let answer = send(&stage, "PUT", "/api/v1/zones/fiji", "application/geo+json", GEOJSON).await;
    let fiji: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!((&fiji["not_judged"], &fiji["not_judged_names"][0]), (&1.into(), &"Fiji".into()));
    assert_eq!(names(&stage, "").await, ["CTR Bern", "Fiji"]);
    assert_eq!(names(&stage, "?bounds=46,7,47,8").await, ["CTR Bern"]);
    assert_eq!(names(&stage, "?bounds=-19,-179.9,-16,-178").await, ["Fiji"]);
    // The instance may have repeated them already.
    let distinct = |mut versions: Vec<u64>| {
        versions.sort_unstable();
        versions.dedup();
        versions
    };
    let raw: Vec<_> = raw_versions(&stage).await.into_iter().map(distinct).collect();
    assert!(raw.iter().all(|versions| versions.len() == 2 && *versions == raw[0]), "every partition has both: {raw:?}");
    let again = send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", &OPENAIR.replace("Bern", "Thun")).await;
    let again: Value = serde_json::from_str(&again.text().await.expect("a body")).expect("JSON");
    let version = |of: &Value| of["version"].as_str().expect("text").parse::<u64>().expect("a number");
    assert!(version(&again) > version(&imported));
    assert_eq!(names(&stage, "").await, ["CTR Thun", "Fiji"]);
    assert_eq!(send(&stage, "DELETE", "/api/v1/zones/alps", "text/plain", "").await.status(), 204);
    assert_eq!(send(&stage, "DELETE", "/api/v1/zones/alps", "text/plain", "").await.status(), 404);
    assert_eq!(names(&stage, "").await, ["Fiji"]);
    stage.close().await;
}

#[tokio::test]
async fn another_instance_reads_and_repeats_the_sets() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    let (log, before) = (stage.log.clone(), raw_versions(&stage).await);
    stage.close().await;
    let other = Stage::start(log, &[]).await;
    other.until_ready().await;
    assert_eq!(names(&other, "").await, ["CTR Bern"]);
    let repeats = |now: &[Vec<u64>]| now.iter().zip(&before).all(|(now, before)| now.len() > before.len());
    other.until("a repeat", || async { repeats(&raw_versions(&other).await) }).await;
    let repeated = raw_versions(&other).await;
    assert!(repeated.iter().flatten().all(|version| *version == before[0][0]), "with the same version");
    other.close().await;
}

#[tokio::test]
async fn a_client_that_has_the_zones_gets_304() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    let answer = stage.get("/api/v1/zones").await;
    assert_eq!(answer.headers()["content-type"], "application/geo+json");
    let etag = answer.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(stage.get_with("/api/v1/zones", "if-none-match", &etag).await.status(), 304);
    send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    assert_eq!(stage.get_with("/api/v1/zones", "if-none-match", &etag).await.status(), 200);
    stage.close().await;
}

#[tokio::test]
async fn an_unusable_file_is_refused_with_its_line() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    for (path, media_type, body, status, detail) in [
        ("alps", "text/plain", "AC R\nAN x\nAL high\n", 400, "line 3: invalid limit \"high\""),
        ("alps", "application/geo+json", "{}", 400, "line 1: expected a FeatureCollection or a Feature"),
        ("alps", "text/plain", "* nothing\n", 400, "the file has no zone"),
        ("Alps", "text/plain", OPENAIR, 400, "invalid name of a set \"Alps\""),
        ("alps", "text/html", OPENAIR, 415, "expected Content-Type text/plain for OpenAir"),
    ] {
        let answer = send(&stage, "PUT", &format!("/api/v1/zones/{path}"), media_type, body).await;
        assert_eq!(answer.status(), status, "{body}");
        let problem: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        assert!(problem["detail"].as_str().expect("text").starts_with(detail), "{problem}");
    }
    assert!(read(&stage, topic::ZONE).await.is_empty() && names(&stage, "").await.is_empty());
    stage.close().await;
}

#[tokio::test]
async fn sets_that_are_too_large_together_are_refused() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    // A circle has 72 vertices: 1,400 of them are 100,800.
    let circle = |number: usize| format!("AC R\nAN {number}\nV X=46:00:00 N 008:00:00 E\nDC 1\n");
    let file: String = (0..1_400).map(circle).collect();
    assert_eq!(send(&stage, "PUT", "/api/v1/zones/a", "text/plain", &file).await.status(), 200);
    assert_eq!(send(&stage, "PUT", "/api/v1/zones/a", "text/plain", &file).await.status(), 200, "it replaces itself");
    let answer = send(&stage, "PUT", "/api/v1/zones/b", "text/plain", &file).await;
    let problem: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(problem["code"], "too_many_zones");
    stage.close().await;
}

#[tokio::test]
async fn events_are_listed_and_hidden_with_their_device() {
    let stage = Stage::open().await;
    let now_us = runtime::Clock::system().now_us();
    let event = |device: u32, second: u64| ZoneEvent {
        event_id: format!("{device}-{second}"),
        device,
        event_at_us: now_us - 60_000_000 + second * 1_000_000,
        event_kind: ZoneEventKind::Enter.into(),
        set: "alps".to_owned(),
        position: Some(schemas::v1::Position { latitude_deg: 46.5, longitude_deg: 7.5, altitude_m: Some(1_500.0) }),
        ..ZoneEvent::default()
    };
    for (device, second) in [(0x11_0B90, 2), (0x11_0B91, 1), (0x11_0B90, 2)] {
        stage.publish_value(topic::ZONE_EVENT, "x", &event(device, second)).await;
    }
    let ids = async |query: &str| {
        let body = stage.get(&format!("/api/v1/zone-events{query}")).await.text().await.expect("a body");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let events = body["events"].as_array().expect("events");
        events.iter().map(|event| event["event_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let (first, second) = (format!("{}-1", 0x11_0B91), format!("{}-2", 0x11_0B90));
    stage.until("two events", || async { ids("").await == [first.clone(), second.clone()] }).await;
    assert_eq!(ids(&format!("?since={}", now_us - 58_500_000)).await, std::slice::from_ref(&second));
    assert_eq!(ids("?bounds=46,7,47,8&set=alps").await.len(), 2);
    assert!(ids("?bounds=0,0,1,1").await.is_empty() && ids("?set=other").await.is_empty());
    let hidden = PrivacyState {
        device: 0x11_0B90,
        version: 1,
        ..schemas::privacy::PublicPast::Nothing.put(PrivacyState::default())
    };
    stage.publish_value(topic::PRIVACY, "110B90", &hidden).await;
    stage.until("one event", || async { ids("").await == [first.clone()] }).await;
    stage.close().await;
}

#[tokio::test]
async fn a_websocket_that_asks_gets_events_as_they_happen() {
    let stage = Stage::open().await;
    let now_us = runtime::Clock::system().now_us();
    let event = |device: u32, event_id: &str| ZoneEvent {
        event_id: event_id.to_owned(),
        device,
        event_at_us: now_us,
        event_kind: ZoneEventKind::Leave.into(),
        set: "alps".to_owned(),
        position: Some(schemas::v1::Position { latitude_deg: 46.5, longitude_deg: 7.5, altitude_m: Some(1_500.0) }),
        ..ZoneEvent::default()
    };
    let hidden = PrivacyState {
        device: 0x11_0B91,
        version: 1,
        ..schemas::privacy::PublicPast::Nothing.put(PrivacyState::default())
    };
    stage.publish_value(topic::PRIVACY, "110B91", &hidden).await;
    stage.until("a hidden device", || async { stage.metric("fanet_pusher_hidden_pasts") == 1.0 }).await;
    let region = "lat=46.5&lon=7.5&radius=20&kinds=thermal";
    for protocol in ["updraft.v1.proto", "updraft.v1.json"] {
        let mut asking = Client::connect(&stage, &format!("{region}&zone_events=true"), protocol).await;
        let mut silent = Client::connect(&stage, region, protocol).await;
        asking.until_live().await;
        silent.until_live().await;
        let (first, second) = (format!("{protocol}-1"), format!("{protocol}-2"));
        // Written again after a restart of the processor, and one of a device that has become hidden since.
        for (device, id) in
            [(0x11_0B90, &first), (0x11_0B90, &first), (0x11_0B91, &"hidden".to_owned()), (0x11_0B90, &second)]
        {
            stage.publish_value(topic::ZONE_EVENT, "x", &event(device, id)).await;
        }
        let mut ids = Vec::new();
        while ids.len() < 2 {
            match asking.next().await {
                server_message::Message::ZoneEvents(batch) => {
                    ids.extend(batch.events.into_iter().map(|one| one.event_id));
                }
                server_message::Message::Checkpoint(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ids, [first, second]);
        // The next message of the other one is a checkpoint.
        assert!(matches!(silent.next().await, server_message::Message::Checkpoint(_)));
    }
    let refused = stage.get("/ws/v1/updates?lat=46.5&lon=7.5&radius=20&zone_events=maybe").await;
    assert_eq!(refused.status(), 400);
    stage.close().await;
}

#[tokio::test]
async fn imports_and_removals_have_their_audit_record() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    send(&stage, "DELETE", "/api/v1/zones/alps", "text/plain", "").await;
    let codec = Schemas::local().prepare("", &catalogue::find(topic::AUDIT).expect("there")).await.expect("a codec");
    let records = read(&stage, topic::AUDIT).await.into_iter();
    let acts: Vec<AuditRecord> =
        records.map(|record| codec.decode(&record.value.expect("a value")).expect("a record")).collect();
    let actions: Vec<&str> = acts.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(actions, ["zone.import", "zone.remove"]);
    for act in &acts {
        assert_eq!((act.subject.as_str(), act.user_id.as_str()), ("zone/alps", "open-operator"));
        assert_eq!((act.scope.as_deref(), act.outcome()), (Some("zone:write"), AuditOutcome::Accepted));
    }
    assert_eq!(acts[0].details.get("zones").map(String::as_str), Some("1"));
    stage.close().await;
}

#[tokio::test]
async fn a_set_can_be_read_changed_and_imported_again() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    send(&stage, "PUT", "/api/v1/zones/fiji", "application/geo+json", GEOJSON).await;
    let file = stage.get("/api/v1/zones?set=alps").await.text().await.expect("a body");
    assert_eq!(send(&stage, "PUT", "/api/v1/zones/alps", "application/geo+json", &file).await.status(), 200);
    assert_eq!(stage.get("/api/v1/zones?set=alps").await.text().await.expect("a body"), file);
    assert_eq!(names(&stage, "?set=fiji").await, ["Fiji"]);
    stage.close().await;
}

#[tokio::test]
async fn the_topic_keeps_the_newest_version_only() {
    let stage = Stage::open_with(&["--open-operator"]).await;
    for _ in 0..2 {
        send(&stage, "PUT", "/api/v1/zones/alps", "text/plain", OPENAIR).await;
    }
    let codec = Schemas::local().prepare("", &catalogue::find(topic::ZONE).expect("there")).await.expect("a codec");
    let mut live = std::collections::BTreeMap::new();
    for record in read(&stage, topic::ZONE).await {
        let part = record.value.map(|value| codec.decode::<ZoneSetPart>(&value).expect("a part"));
        live.insert(record.key.expect("a key"), part);
    }
    assert_eq!(live.values().flatten().count(), 1, "the former version has a tombstone");
    stage.close().await;
}
