//! The history over HTTP: tracks, flights, weather and exports, from the embedded store. Independent programs read the
//! files.

#[path = "live/recorded.rs"]
mod recorded;
#[path = "live/stage.rs"]
mod stage;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use history::PositionRow;
use prost::Message as _;
use recorded::{ADA, NAME, recorded, recorded_at, recorded_with};
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::{RecordId, v1};
use serde_json::{Value, json};
use stage::Stage;

fn run_python(script: &str, arguments: &[&std::ffi::OsStr]) {
    let python = harness::python().expect("Python is set up: run `just setup test`");
    let script = harness::workspace_dir().join("tests/clients").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().expect("Python starts");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
}

/// The expected track, with the segments before and after the pause of seven minutes.
fn expected_track(positions: &[PositionRow]) -> Value {
    let point = |(i, row): (usize, &PositionRow)| {
        json!({
            "segment": u8::from(i >= 200),
            "event_at_us": row.event_at_ms * 1_000,
            "latitude_deg": f64::from(row.latitude_e7) / 1e7,
            "longitude_deg": f64::from(row.longitude_e7) / 1e7,
            "altitude_m": row.altitude_m,
            "speed_kmh": f64::from(row.speed_dkmh) / 10.0,
            "climb_mps": f64::from(row.climb_cmps) / 100.0,
        })
    };
    let points: Vec<_> = positions.iter().enumerate().map(point).collect();
    json!({ "device": "110B90", "name": NAME, "points": points })
}

#[tokio::test(flavor = "multi_thread")]
async fn independent_programs_read_every_track_format() {
    let recorded = recorded().await;
    let dir = tempfile::tempdir().expect("a directory");
    for format in ["json", "geojson", "gpx", "kml", "igc", "csv"] {
        let response = recorded.stage.get(&format!("/api/v1/track/110b90?hours=1&level=raw&format={format}")).await;
        assert_eq!(response.status(), 200, "{format}");
        let disposition = response.headers().get("content-disposition").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(disposition.is_some_and(|text| text.ends_with(&format!(".{format}\""))), !format.ends_with("json"));
        write(dir.path(), &format!("track.{format}"), &response.bytes().await.expect("a body"));
    }
    for (file, query) in [("excel.csv", "excel=true"), ("comma.csv", "excel=true&decimal=comma")] {
        let response = recorded.stage.get(&format!("/api/v1/track/110b90?hours=1&level=raw&{query}")).await;
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &CSV.parse().unwrap()));
        write(dir.path(), file, &response.bytes().await.expect("a body"));
    }
    write(dir.path(), "expected.json", expected_track(&recorded.positions).to_string().as_bytes());
    run_python("check_tracks.py", &[dir.path().as_os_str()]);
    recorded.stage.close().await;
}

const CSV: &str = "text/csv; charset=utf-8";

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).expect("the file is written");
}

#[tokio::test]
async fn a_track_is_shaped_as_asked() {
    let recorded = recorded().await;
    let track = recorded.json("/api/v1/track/110B90?max_points=20").await;
    let points = |track: &Value| -> usize {
        track["segments"].as_array().unwrap().iter().map(|segment| segment["points"].as_array().unwrap().len()).sum()
    };
    assert_eq!((points(&track), &track["recorded"], &track["level"]), (20, &"300".into(), &"plausible".into()));
    assert!(track["error_m"].as_f64().unwrap() > 0.0);
    assert_eq!(points(&recorded.json("/api/v1/track/110B90?level=smoothed").await), 300);
    let from = humantime_ms(recorded.positions[10].event_at_ms);
    let to = humantime_ms(recorded.positions[20].event_at_ms);
    assert_eq!(points(&recorded.json(&format!("/api/v1/track/110B90?from={from}&to={to}")).await), 10);
    let empty = recorded.json("/api/v1/track/110B90?from=2020-01-01&to=2020-01-02").await;
    assert_eq!(
        (points(&empty), &empty["device"]),
        (0, &"110B90".into()),
        "a known device without positions in the period"
    );
    let response = recorded.stage.get_with("/api/v1/track/110B90", "accept", "application/gpx+xml").await;
    assert_eq!(response.headers()["content-type"], "application/gpx+xml");
    recorded.stage.close().await;
}

fn humantime_ms(at_ms: i64) -> String {
    let since = std::time::Duration::from_millis(at_ms as u64);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

#[tokio::test]
async fn hidden_unknown_or_invalid_is_a_problem() {
    let recorded = recorded().await;
    for (path, status, code) in [
        ("/api/v1/track/110B92", 404, "unknown_device"),
        ("/api/v1/track/110B91", 404, "unknown_device"),
        ("/api/v1/track/xyz", 400, "bad_address"),
        ("/api/v1/track/110B90?format=pdf", 400, "bad_parameter"),
        ("/api/v1/track/110B90?level=best", 400, "bad_parameter"),
        ("/api/v1/track/110B90?max_points=1", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=yesterday", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=2026-01-02&to=2026-01-01", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=2020-01-01&to=2026-01-01", 400, "period_too_long"),
        ("/api/v1/track/110B90?hours=48&format=igc", 400, "period_too_long"),
        ("/api/v1/flights", 400, "missing_parameter"),
        ("/api/v1/flights?day=today", 400, "bad_parameter"),
        ("/api/v1/flights?bounds=50,7,40,8", 400, "bad_region"),
        ("/api/v1/history?from=2026-01-01&to=2026-01-02", 400, "period_too_long"),
        ("/api/v1/history?step=0", 400, "bad_parameter"),
        ("/api/v1/history?step=3601", 400, "bad_parameter"),
        ("/api/v1/history?limit=10001", 400, "bad_parameter"),
        ("/api/v1/history?cursor=next", 400, "bad_parameter"),
        ("/api/v1/history?hours=1", 400, "unknown_parameter"),
        ("/api/v1/history?bounds=50,7,40,8", 400, "bad_region"),
        ("/api/v1/silent?limit=0", 400, "bad_parameter"),
        ("/api/v1/weather/110B90/history", 404, "unknown_device"),
        ("/api/v1/export?kind=secrets", 400, "bad_parameter"),
        ("/api/v1/export?format=pdf", 400, "bad_parameter"),
        ("/api/v1/export?format=xlsx&excel=true", 400, "bad_parameter"),
        ("/api/v1/track/110B90?format=gpx&excel=true", 400, "bad_parameter"),
        ("/api/v1/track/110B90?excel=1", 400, "bad_parameter"),
    ] {
        let (found_status, found_code, _) = recorded.problem(path).await;
        assert_eq!((found_status, found_code.as_str()), (status, code), "{path}");
    }
    recorded.stage.close().await;
}

/// The public rows of Ada's history, by each endpoint.
async fn visible(stage: &Stage) -> Vec<(&'static str, usize)> {
    let rows = |text: String| text.lines().count().saturating_sub(1);
    let text = async |path: &str| stage.get(path).await.text().await.expect("text");
    let track: Value = stage.get("/api/v1/track/110B90?hours=1").await.json().await.expect("JSON");
    let segments = track["segments"].as_array().cloned().unwrap_or_default();
    let flights: Value = stage.get("/api/v1/flights?bounds=-90,-180,90,180").await.json().await.expect("JSON");
    let region: Value = stage.get("/api/v1/history?step=1").await.json().await.expect("JSON");
    let mut visible = vec![
        ("track", segments.iter().map(|segment| segment["points"].as_array().map_or(0, Vec::len)).sum()),
        ("flights", flights["flights"].as_array().map_or(0, Vec::len)),
        ("region", region["positions"].as_array().map_or(0, Vec::len)),
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
    assert_eq!((again["flights"], again["receptions"]), (0, 0), "from before: {again:?}");
    stage.close().await;
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

#[tokio::test]
async fn the_live_picture_needs_no_history() {
    let stage = Stage::open().await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"] {
        let response = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "no_history");
    }
    assert_eq!(stage.get("/api/v1/pilots").await.status(), 200);
    stage.close().await;
    // An unreachable store.
    let unreachable = history::ClickHouse::new("http://127.0.0.1:1", Clock::system()).expect("a URL");
    let stage = Stage::open_with_history(Arc::new(unreachable), &[]).await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"] {
        let response = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "history_unavailable", "{path}");
    }
    stage.close().await;
}

/// A server that accepts connections and never answers, like a frozen ClickHouse.
async fn silent_server() -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/updraft", listener.local_addr().expect("bound"));
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    (url, server)
}

#[tokio::test]
async fn requests_fail_fast_while_the_history_is_frozen() {
    let (url, server) = silent_server().await;
    let frozen = history::ClickHouse::new(&url, Clock::system()).expect("a URL");
    let stage = Stage::open_with_history(Arc::new(frozen), &[]).await;
    let paths = ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"];
    // Also requests before the first failed probe; far below the 30 s that a query may take.
    let stage_ref = &stage;
    let requests = paths.map(|path| async move { stage_ref.get(&format!("/api/v1/{path}")).await });
    let responses = tokio::time::timeout(std::time::Duration::from_secs(15), futures::future::join_all(requests)).await;
    for (response, path) in responses.expect("in time").into_iter().zip(paths) {
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "history_unavailable", "{path}");
    }
    let ready = stage.get("/ready").await;
    assert_eq!(ready.status(), 200, "the map works");
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!(ready["parts"]["history-reader"]["limps"], true, "{ready}");
    assert_eq!(stage.get("/api/v1/pilots").await.status(), 200);
    stage.close().await;
    server.abort();
}

/// South of the equator and west of Greenwich, as the flight is.
const REGION: &str = "bounds=-13,-71,-12,-69";

#[tokio::test]
async fn the_history_of_a_region_has_pages() {
    let recorded = recorded().await;
    let (from, to) = (humantime_ms(recorded.start_ms), humantime_ms(recorded.start_ms + 3_600_000));
    let period = format!("from={from}&to={to}");
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = recorded.json(&format!("/api/v1/history?{REGION}&{period}&step=1&limit=90{cursor}")).await;
        assert_eq!((&page["from"], &page["to"], &page["step_s"]), (&json!(from), &json!(to), &json!(1)));
        assert_eq!(page["names"], json!([{ "device": "110B90", "name": NAME }]));
        found.extend(page["positions"].as_array().expect("a list").clone());
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let position = |row: &PositionRow| {
        json!({
            "device": "110B90", "event_at_us": (row.event_at_ms * 1_000).to_string(), "latitude_deg": row.latitude_deg(),
            "longitude_deg": row.longitude_deg(), "altitude_m": row.altitude_m.map(f64::from), "speed_kmh": row.speed_kmh(),
            "climb_mps": row.climb_mps(), "course_deg": row.course_deg(), "aircraft_kind": "paraglider",
        })
    };
    let expected: Vec<Value> = recorded.positions.iter().map(position).collect();
    assert_eq!((pages, found.len()), (4, expected.len()));
    assert_eq!(found, expected);
    recorded.stage.close().await;
}

#[tokio::test]
async fn the_history_of_a_region_is_thinned_and_cut() {
    let recorded = recorded().await;
    let count = async |query: &str| {
        recorded.json(&format!("/api/v1/history?{query}")).await["positions"].as_array().map(Vec::len)
    };
    let mut minutes: Vec<i64> = recorded.positions.iter().map(|row| row.event_at_ms / 60_000).collect();
    minutes.dedup();
    assert_eq!(recorded.json("/api/v1/history").await["step_s"], 60, "of 12 hours");
    assert_eq!(count("").await, Some(minutes.len()), "of the whole world");
    assert_eq!(count(REGION).await, Some(minutes.len()));
    assert_eq!(count(&format!("{REGION}&step=1")).await, Some(300));
    assert_eq!(count("bounds=40,0,50,10").await, Some(0));
    let first = &recorded.positions[0];
    let circle = |km: u32| format!("lat={}&lon={}&radius={km}&step=1", first.latitude_deg(), first.longitude_deg());
    let near = |km: f64| {
        let circle = geo::Circle::new(first.latitude_deg(), first.longitude_deg(), km).expect("a circle");
        recorded.positions.iter().filter(|row| circle.contains(row.latitude_deg(), row.longitude_deg())).count()
    };
    assert_eq!((count(&circle(5)).await, count(&circle(50)).await), (Some(near(5.0)), Some(300)));
    assert!((10..250).contains(&near(5.0)), "{}", near(5.0));
    let response = recorded.stage.get_with("/api/v1/history?step=1", "accept", "application/x-protobuf").await;
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    let history = v1::RegionHistory::decode(response.bytes().await.expect("a body")).expect("Protobuf");
    assert_eq!((history.positions.len(), history.names[0].name.as_str(), history.next), (300, NAME, None));
    assert_eq!(history.positions[0].event_at_us, recorded.positions[0].event_at_ms as u64 * 1_000);
    recorded.stage.close().await;
}

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

#[tokio::test]
async fn flights_and_weather_are_listed() {
    let recorded = recorded().await;
    let day = humantime_ms(recorded.positions[0].event_at_ms);
    for query in ["address=110B90".to_owned(), "bounds=-13,-71,-12,-70".to_owned(), format!("day={}", &day[..10])] {
        let list = recorded.json(&format!("/api/v1/flights?{query}")).await;
        let flight = &list["flights"][0];
        assert_eq!((&flight["device"], &flight["name"]), (&"110B90".into(), &NAME.into()), "{query}: {list}");
        assert_eq!(flight["aircraft_kind"], "paraglider");
        assert_eq!(list["truncated"], false);
    }
    assert_eq!(recorded.json("/api/v1/flights?bounds=40,0,50,10").await["flights"], json!([]));
    let weather = recorded.json("/api/v1/weather/080100/history?hours=2&limit=10").await;
    let readings = weather["readings"].as_array().unwrap();
    assert_eq!((readings.len(), &weather["truncated"]), (10, &true.into()));
    assert_eq!(readings[0].get("temperature_c"), None);
    assert_eq!((readings[1]["temperature_c"].as_f64(), readings[1]["wind_gust_kmh"].as_f64()), (Some(1.1), Some(20.4)));
    recorded.stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pandas_reads_every_table_format() {
    let recorded = recorded().await;
    let positions: Vec<Value> = recorded.positions.iter().map(exported_position).collect();
    let receptions: Vec<Value> = ["=cmd|'x'!A1", "8896672", "+1"]
        .iter()
        .map(|receiver| {
            json!({
                "receiver_id": receiver, "ingested_at_utc": recorded.start_ms, "rssi_dbm": -97, "snr_db": 5, "relayed": false,
                "reception_id": RecordId::new(9, receiver.len() as u64).to_string(), "packet_type": 1,
                "latitude_deg": 46.5, "longitude_deg": 8.0,
            })
        })
        .collect();
    for (kind, key, columns, rows) in [
        ("positions", "observation_id", POSITION_COLUMNS, positions),
        ("receptions", "reception_id", RECEPTION_COLUMNS, receptions),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        for format in ["csv", "xlsx", "parquet"] {
            let response = recorded.stage.get(&format!("/api/v1/export?kind={kind}&format={format}&hours=1")).await;
            assert_eq!(response.headers()["x-rows"], rows.len().to_string().as_str());
            assert_eq!(response.headers().contains_key("content-length"), format == "xlsx", "{format}");
            write(dir.path(), &format!("table.{format}"), &response.bytes().await.expect("a body"));
        }
        let expected = json!({ "columns": columns, "rows": rows });
        write(dir.path(), "expected.json", expected.to_string().as_bytes());
        run_python("check_tables.py", &[dir.path().as_os_str(), key.as_ref()]);
    }
    recorded.stage.close().await;
}

const POSITION_COLUMNS: &[(&str, &str)] = &[
    ("device", "text"),
    ("event_at_utc", "time"),
    ("observation_id", "text"),
    ("latitude_deg", "number"),
    ("longitude_deg", "number"),
    ("altitude_m", "number"),
    ("speed_kmh", "number"),
    ("climb_mps", "number"),
    ("course_deg", "number"),
    ("turn_rate_dps", "number"),
    ("aircraft_kind", "text"),
    ("plausible", "flag"),
    ("delayed", "flag"),
    ("relayed", "flag"),
    ("source", "text"),
];

const RECEPTION_COLUMNS: &[(&str, &str)] = &[
    ("receiver_id", "text"),
    ("ingested_at_utc", "time"),
    ("reception_id", "text"),
    ("observation_id", "text"),
    ("rssi_dbm", "integer"),
    ("snr_db", "integer"),
    ("relayed", "flag"),
    ("packet_type", "integer"),
    ("latitude_deg", "number"),
    ("longitude_deg", "number"),
    ("altitude_m", "number"),
];

fn exported_position(row: &PositionRow) -> Value {
    json!({
        "device": "110B90", "event_at_utc": row.event_at_ms, "observation_id": RecordId(row.observation_id).to_string(),
        "latitude_deg": f64::from(row.latitude_e7) / 1e7, "longitude_deg": f64::from(row.longitude_e7) / 1e7,
        "altitude_m": row.altitude_m, "speed_kmh": f64::from(row.speed_dkmh) / 10.0,
        "climb_mps": f64::from(row.climb_cmps) / 100.0, "course_deg": row.course_cdeg.map(|course| f64::from(course) / 100.0),
        "aircraft_kind": "paraglider", "plausible": true, "delayed": false, "relayed": false, "source": "radio",
    })
}

#[tokio::test]
async fn a_table_has_the_decimal_mark_of_the_locale() {
    let recorded = recorded().await;
    let path = "/api/v1/export?kind=positions&hours=1&excel=true";
    for (language, mark) in [("de-AT,de;q=0.9,en;q=0.8", ","), ("de-CH", "."), ("en-US,en;q=0.5", ".")] {
        let response = recorded.stage.get_with(path, "accept-language", language).await;
        let text = String::from_utf8(response.bytes().await.expect("a body").to_vec()).expect("UTF-8");
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines[0].starts_with("\u{FEFF}device;event_at_utc;"), "{}", lines[0]);
        let cells: Vec<&str> = lines[1].split(';').collect();
        assert_eq!(cells[0], "\"=\"\"110B90\"\"\"", "an address is text");
        assert!(cells[3].starts_with("-12") && cells[3].contains(mark), "{language}: {}", cells[3]);
    }
    recorded.stage.close().await;
}

#[tokio::test]
async fn head_has_the_number_of_rows() {
    let recorded = recorded().await;
    let url = format!("http://{}/api/v1/export?kind=weather&hours=1", recorded.stage.address);
    let response = reqwest::Client::new().head(url).send().await.expect("a response");
    assert_eq!((response.status().as_u16(), &response.headers()["x-rows"]), (200, &"30".parse().unwrap()));
    // It would be the length of the empty body, not of the table.
    assert_eq!(response.headers().get("content-length"), None);
    assert_eq!(
        recorded.text("/api/v1/export?kind=weather&hours=1").await.lines().count(),
        31,
        "a header and a line per row"
    );
    recorded.stage.close().await;
}

#[tokio::test]
async fn a_table_beyond_the_limit_names_both_numbers() {
    let recorded = recorded_with(&["--export-max-rows", "100"]).await;
    let (status, code, detail) = recorded.problem("/api/v1/export?hours=1&format=parquet").await;
    assert_eq!((status, code.as_str()), (400, "too_many_rows"));
    assert!(detail.starts_with("300 rows; at most 100 at once"), "{detail}");
    assert_eq!(recorded.text("/api/v1/export?kind=thermals&hours=1").await.lines().count(), 2);
    recorded.stage.close().await;
}
