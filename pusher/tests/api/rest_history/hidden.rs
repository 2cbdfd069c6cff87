//! The past of hidden devices.

use runtime::Clock;
use schemas::catalogue::topic;
use schemas::v1;
use serde_json::{Value, json};

use crate::recorded::{ADA, recorded};
use crate::rest_history::region::landed;
use crate::stage::{self, Stage};

/// The public rows of Ada's history, by each endpoint.
async fn visible(stage: &Stage) -> Vec<(&'static str, usize)> {
    let rows = |text: String| text.lines().count().saturating_sub(1);
    let text = async |path: &str| stage.get(path).await.text().await.expect("text");
    let track: Value = stage.get("/api/v1/track/110B90?hours=1").await.json().await.expect("JSON");
    let segments = track["segments"].as_array().cloned().unwrap_or_default();
    let flights: Value = stage.get("/api/v1/flights?bounds=-90,-180,90,180").await.json().await.expect("JSON");
    let region: Value = stage.get("/api/v1/history?step=1").await.json().await.expect("JSON");
    let ground: Value = stage.get("/api/v1/history?kind=ground&step=1").await.json().await.expect("JSON");
    let mut visible = vec![
        ("track", segments.iter().map(|segment| segment["points"].as_array().map_or(0, Vec::len)).sum()),
        ("flights", flights["flights"].as_array().map_or(0, Vec::len)),
        ("region", region["positions"].as_array().map_or(0, Vec::len)),
        ("ground", ground["ground"].as_array().map_or(0, Vec::len)),
        ("names in the region", region["names"].as_array().map_or(0, Vec::len)),
        ("positions", rows(text("/api/v1/export?hours=1").await)),
        ("receptions", rows(text("/api/v1/export?kind=receptions&hours=1").await)),
    ];
    for format in ["gpx", "kml", "igc", "csv", "geojson"] {
        let response = stage.get(&format!("/api/v1/track/110B90?hours=1&format={format}")).await;
        visible.push((format, usize::from(response.status() == 200)));
    }
    visible
}

fn is_hidden(visible: &[(&str, usize)]) -> bool {
    visible.iter().all(|(_, count)| *count == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_past_stays_hidden_after_expiry() {
    let recorded = recorded().await;
    landed(&recorded).await;
    let before = visible(&recorded.stage).await;
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");
    // Ada withdraws her consent while she flies.
    let aircraft = v1::AircraftState { version: 9, ..stage::aircraft(ADA, 9, 46.5, 8.0) };
    let state = v1::PrivateState { state: Some(v1::private_state::State::Aircraft(aircraft)) };
    let hidden = |version| v1::PrivacyState { device: ADA, version, hidden: true, ..Default::default() };
    recorded.stage.publish_value(topic::PRIVACY, "110B90", &hidden(9)).await;
    recorded.stage.publish_value(topic::PRIVATE_STATE, "110B90", &state).await;
    recorded.stage.until("Ada is hidden", || async { is_hidden(&visible(&recorded.stage).await) }).await;
    // Her aircraft expires: its private state ends, and her objection stays.
    recorded.stage.publish(recorded.stage.record(topic::PRIVATE_STATE, ADA, None, 10)).await;
    recorded
        .stage
        .until("the aircraft has expired", || async { recorded.stage.metric("fanet_pusher_hidden_devices") == 0.0 })
        .await;
    assert_eq!(recorded.stage.metric("fanet_pusher_hidden_pasts"), 1.0);
    assert!(is_hidden(&visible(&recorded.stage).await), "after it has expired: {:?}", visible(&recorded.stage).await);
    // A new pusher reads the same topics from their beginning.
    let log = recorded.stage.log.clone();
    let (store, start_ms) = (recorded.store.clone(), recorded.start_ms);
    recorded.stage.close().await;
    let stage = Stage::start_with(log, &[], Some(store), Clock::system()).await;
    stage.until_ready().await;
    assert!(is_hidden(&visible(&stage).await), "after a restart: {:?}", visible(&stage).await);
    // She consents again in the middle of the flight: positions after that are public.
    let since_us = (start_ms as u64 + 25 * 60_000) * 1_000;
    let shown = v1::PrivacyState { hidden: false, public_since_us: since_us, ..hidden(11) };
    stage.publish_value(topic::PRIVACY, "110B90", &shown).await;
    stage.until("Ada is shown again", || async { stage.get("/api/v1/track/110B90").await.status() == 200 }).await;
    let again: std::collections::HashMap<_, _> = visible(&stage).await.into_iter().collect();
    let late = recorded.positions.iter().filter(|row| row.event_at_ms as u64 * 1_000 >= since_us).count();
    assert!(late > 0 && late < recorded.positions.len());
    assert_eq!((again["track"], again["positions"], again["region"]), (late, late, late), "{again:?}");
    assert_eq!(again["ground"], 6, "after it: {again:?}");
    assert_eq!((again["flights"], again["receptions"]), (0, 0), "from before: {again:?}");
    stage.close().await;
}

/// Of its aircraft too: a status, a text or a cursor could say where it flies.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_device_answers_as_an_unknown_one() {
    let recorded = recorded().await;
    let stage = &recorded.stage;
    let hidden = v1::PrivacyState { device: ADA, version: 9, hidden: true, ..Default::default() };
    stage.publish_value(topic::PRIVACY, "110B90", &hidden).await;
    stage.until("Ada is hidden", || async { is_hidden(&visible(stage).await) }).await;
    let (period, mistake) = ("hours=1", "from=2026-07-14T10:00:00Z&to=2026-07-14T09:00:00Z");
    for query in [period, mistake, "hours=x"] {
        for path in ["/api/v1/track/ADDRESS?", "/api/v1/weather/ADDRESS/history?", "/api/v1/flights?address=ADDRESS&"] {
            let answer = async |address: &str| {
                let response = stage.get(&format!("{}{query}", path.replace("ADDRESS", address))).await;
                let (status, text) =
                    (response.status(), response.text().await.expect("text").replace(address, "ADDRESS"));
                (status, text.split("\"server_time\"").next().unwrap_or_default().to_owned())
            };
            assert_eq!(answer("110B90").await, answer("07FFFF").await, "{path}{query}");
        }
    }
    let head = stage.get("/api/v1/export?hours=1").await;
    assert_eq!(head.headers().get("x-rows"), None, "the store counts hidden rows");
    recorded.stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_the_past_ends_at_a_hidden_device() {
    let recorded = recorded().await;
    let page = async |cursor: &str| recorded.json(&format!("/api/v1/history?step=1&limit=1{cursor}")).await;
    let first = page("").await;
    assert!(first["next"].as_str().expect("more follow").contains("110B90"));
    let hidden = v1::PrivacyState { device: ADA, version: 9, hidden: true, ..Default::default() };
    recorded.stage.publish_value(topic::PRIVACY, "110B90", &hidden).await;
    recorded.stage.until("Ada is hidden", || async { page("").await["positions"] == json!([]) }).await;
    assert_eq!(page("").await["next"], Value::Null);
    recorded.stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_state_alone_hides_the_history() {
    let recorded = recorded().await;
    let aircraft = v1::AircraftState { version: 9, ..stage::aircraft(ADA, 9, 46.5, 8.0) };
    let state = v1::PrivateState { state: Some(v1::private_state::State::Aircraft(aircraft)) };
    recorded.stage.publish_value(topic::PRIVATE_STATE, "110B90", &state).await;
    recorded
        .stage
        .until("Ada is hidden", || async { recorded.stage.get("/api/v1/track/110B90").await.status() == 404 })
        .await;
    let (_, _, detail) = recorded.problem("/api/v1/track/110B90").await;
    assert_eq!(detail, "the history has nothing of the device 110B90", "as for an unknown device");
    assert_eq!(recorded.json("/api/v1/flights?bounds=-90,-180,90,180").await["flights"], json!([]));
    assert_eq!(recorded.json("/api/v1/history").await["positions"], json!([]));
    assert_eq!(recorded.text("/api/v1/export?hours=1").await.lines().count(), 1, "only the header");
    recorded.stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_name_is_in_no_answer_from_the_past() {
    let recorded = recorded().await;
    let stage = &recorded.stage;
    let paths = [
        "/api/v1/track/110B90?hours=1",
        "/api/v1/flights?bounds=-90,-180,90,180",
        "/api/v1/history?step=1",
        "/api/v1/track/110B90?hours=1&format=kml",
    ];
    let named = async || {
        let mut named = 0;
        for path in paths {
            let response = stage.get(path).await;
            assert_eq!(response.status(), 200, "{path}");
            named += usize::from(response.text().await.expect("text").contains("Jürg"));
        }
        named
    };
    assert_eq!(named().await, paths.len());
    let withheld = v1::PrivacyState { device: ADA, version: 9, name_hidden: true, ..Default::default() };
    stage.publish_value(topic::PRIVACY, "110B90", &withheld).await;
    stage.until("the name is withheld", || async { named().await == 0 }).await;
    let shown = v1::PrivacyState { version: 10, name_hidden: false, ..withheld };
    stage.publish_value(topic::PRIVACY, "110B90", &shown).await;
    stage.until("the name is shown again", || async { named().await == paths.len() }).await;
    recorded.stage.close().await;
}
