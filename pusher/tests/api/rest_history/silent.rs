//! Aircraft that were not heard of since they flew.

use prost::Message as _;
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::v1;
use serde_json::{Value, json};

use crate::recorded::{ADA, NAME, recorded_at};
use crate::rest_history::region::REGION;
use crate::stage;

#[tokio::test(flavor = "multi_thread")]
async fn an_aircraft_is_silent_until_it_is_heard_again() {
    let clock = Clock::manual(Clock::system().now_us());
    let recorded = recorded_at(clock.clone(), &[]).await;
    let stage = &recorded.stage;
    let silent = async |query: &str| -> Vec<Value> {
        let list: Value = stage.get(&format!("/api/v1/silent?{query}")).await.json().await.expect("JSON");
        list["aircraft"].as_array().expect("a list").clone()
    };
    assert!(silent("").await.is_empty(), "a quarter of an hour has not passed");
    clock.advance(std::time::Duration::from_secs(20 * 60));
    let found = silent("").await;
    let last = recorded.positions.last().expect("a flight");
    let [ada] = &found[..] else { panic!("one: {found:?}") };
    assert_eq!(
        (&ada["device"], &ada["name"], &ada["aircraft_kind"]),
        (&json!("110B90"), &json!(NAME), &json!("paraglider"))
    );
    assert_eq!(ada["silent_since_us"], (last.event_at_ms * 1_000).to_string());
    assert_eq!(ada["position"]["latitude_deg"].as_f64(), Some(last.latitude_deg()));
    assert_eq!((&ada["climb_mps"], &ada["in_coverage"]), (&json!(last.climb_mps()), &json!(false)));
    assert_eq!((ada.get("ground_kind"), ada.get("alert_kind")), (None, None));
    assert_eq!((silent(REGION).await.len(), silent("bounds=40,0,50,10").await.len()), (1, 0));
    // A receiver south of the position has heard aircraft that far to the north.
    let receiver = v1::ReceiverState {
        receiver_id: "south".into(),
        version: 1,
        last_seen_at_us: clock.now_us(),
        position: Some(v1::Position {
            latitude_deg: last.latitude_deg() - 0.1,
            longitude_deg: last.longitude_deg() - 0.001,
            altitude_m: None,
        }),
        coverage: vec![v1::CoverageSector { bearing_deg: 0, distance_m: 20_000.0 }],
        ..Default::default()
    };
    stage.publish_value(topic::RECEIVER, "south", &receiver).await;
    stage.until("coverage", || async { silent("").await[0]["in_coverage"] == true }).await;
    assert_eq!(silent("").await[0]["covered_by"], json!(["south"]));
    // It is heard on the ground, then in the air again.
    let position = Some(v1::Position { latitude_deg: -12.3, longitude_deg: -70.0, altitude_m: None });
    let walks = v1::GroundState {
        device: ADA,
        version: 5,
        event_at_us: clock.now_us(),
        position,
        ground_kind: v1::GroundKind::Walking.into(),
        ..Default::default()
    };
    stage.publish_value(topic::GROUND, "110B90", &walks).await;
    stage.until("the ground state", || async { silent("").await[0]["ground_kind"] == "walking" }).await;
    let response = stage.get_with("/api/v1/silent?limit=1", "accept", "application/x-protobuf").await;
    let list = v1::SilentList::decode(response.bytes().await.expect("a body")).expect("Protobuf");
    assert_eq!(list.aircraft[0].ground_at_us, Some(walks.event_at_us));
    let flies = v1::AircraftState { event_at_us: clock.now_us(), ..stage::aircraft(ADA, 9, -12.3, -70.0) };
    stage.publish_aircraft(&flies).await;
    stage.until("no aircraft is silent", || async { silent("").await.is_empty() }).await;
    recorded.stage.close().await;
}

#[tokio::test]
async fn a_hidden_device_is_not_listed_as_silent() {
    let clock = Clock::manual(Clock::system().now_us());
    let recorded = recorded_at(clock.clone(), &[]).await;
    clock.advance(std::time::Duration::from_secs(20 * 60));
    let count = async || recorded.json("/api/v1/silent").await["aircraft"].as_array().map(Vec::len);
    assert_eq!(count().await, Some(1));
    let hidden = v1::PrivacyState { device: ADA, version: 9, hidden: true, ..Default::default() };
    recorded.stage.publish_value(topic::PRIVACY, "110B90", &hidden).await;
    // At once, although the cached flights still have her.
    recorded.stage.until("Ada is hidden", || async { count().await == Some(0) }).await;
    recorded.stage.close().await;
}
