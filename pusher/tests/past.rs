//! The recorded past over HTTP: tracks, flights, weather and exports, from the embedded store; the files are read by
//! programs of another make.

#[path = "live/stage.rs"]
mod stage;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use history::{
    Block, BlockRows, HistoryWriter as _, NameRow, PositionRow, ReceptionRow, Retention, Sqlite, ThermalRow, WeatherRow,
};
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::{RecordId, v1};
use serde_json::{Value, json};
use stage::Stage;

const ADA: u32 = 0x11_0B90;
const HIDDEN: u32 = 0x11_0B91;
const STATION: u32 = 0x08_0100;
const NAME: &str = "=Jürg <3 & \"Söhne\"";

struct Past {
    stage: Stage,
    positions: Vec<PositionRow>,
    start_ms: i64,
}

/// Forty minutes ago it began: 300 positions every 5 s with a silence of 7 minutes, south of the equator and west of
/// Greenwich.
fn flight(device: u32, start_ms: i64) -> Vec<PositionRow> {
    let row = |i: i32| {
        let pause_ms = if i >= 200 { 420_000 } else { 0 };
        let angle = f64::from(i) * 1.3;
        PositionRow {
            device,
            event_at_ms: start_ms + i64::from(i) * 5_000 + pause_ms + i64::from(i % 7) * 11,
            observation_id: RecordId::new(3, 1_000 + i as u64).0,
            ingest_delay_ms: 0,
            latitude_e7: -123_456_789 + i * 1_913 + (angle.sin() * 5_000.0) as i32,
            longitude_e7: -701_234_567 + i * 3_001 + (angle.cos() * 5_000.0) as i32,
            altitude_m: Some(900 + (i as i16) * 3),
            speed_dkmh: 361,
            climb_cmps: 150 - (i as i16),
            course_cdeg: Some(((i * 7_450) % 36_000) as u16),
            turn_rate_cdps: None,
            qne_offset_m: Some(-31),
            aircraft_kind: 2,
            flags: 0,
            score: Some(90),
            source: 1,
            online_tracking: true,
            private: false,
        }
    };
    (0..300).map(row).collect()
}

async fn past() -> Past {
    past_with(&[]).await
}

async fn past_with(arguments: &[&str]) -> Past {
    let clock = Clock::system();
    let store = Sqlite::open(None, Retention::default(), clock.clone()).expect("a temporary file");
    let start_ms = i64::try_from(clock.now_us() / 1_000).expect("after 1970") - 40 * 60_000;
    let positions = flight(ADA, start_ms);
    let mut rows = BlockRows { positions: positions.clone(), ..Default::default() };
    rows.positions.extend(flight(HIDDEN, start_ms).into_iter().map(|row| PositionRow { private: true, ..row }));
    let name = |device, text: &str, private| NameRow {
        device,
        event_at_ms: start_ms,
        observation_id: RecordId::new(4, u64::from(device)).0,
        name: text.into(),
        private,
    };
    rows.names = vec![name(ADA, NAME, false), name(HIDDEN, "secret", true)];
    rows.weather = (0..30).map(|i| reading(start_ms + i64::from(i) * 60_000, i)).collect();
    rows.thermals = vec![thermal(start_ms)];
    rows.receptions = ["=cmd|'x'!A1", "8896672", "+1"].iter().map(|receiver| reception(start_ms, receiver)).collect();
    store.write(&Block { token: "test-0-1-2".into(), rows }).await.expect("is written");
    store.refresh().await.expect("flights are made");
    let stage = Stage::open_with_past(Arc::new(store), arguments).await;
    Past { stage, positions, start_ms }
}

fn reading(event_at_ms: i64, i: u8) -> WeatherRow {
    WeatherRow {
        device: STATION,
        event_at_ms,
        observation_id: RecordId::new(5, u64::from(i)).0,
        ingest_delay_ms: 0,
        latitude_e7: Some(465_000_000),
        longitude_e7: Some(80_000_000),
        altitude_m: Some(1_950),
        temperature_c: (!i.is_multiple_of(3)).then(|| 0.1 + f32::from(i)),
        wind_from_deg: Some(270.0),
        wind_speed_kmh: Some(12.2),
        wind_gust_kmh: Some(20.4),
        humidity_pct: None,
        pressure_hpa: Some(1_018.2),
        state_of_charge_pct: None,
        internet_gateway: false,
        flags: 0,
        private: false,
    }
}

fn thermal(at_ms: i64) -> ThermalRow {
    ThermalRow {
        thermal_id: RecordId::new(7, 7).0,
        version: 3,
        first_seen_at_ms: at_ms,
        last_seen_at_ms: at_ms + 600_000,
        latitude_e7: 465_000_000,
        longitude_e7: 80_000_000,
        altitude_m: None,
        radius_m: 210.5,
        base_altitude_m: 1_200.0,
        top_altitude_m: 2_400.0,
        mean_climb_mps: 1.9,
        max_climb_mps: 4.1,
        wind_from_deg: None,
        wind_speed_kmh: None,
        pilots: 3,
        reports: 7,
        confidence_pct: 80.0,
        drift_course_deg: None,
        drift_speed_kmh: None,
    }
}

fn reception(at_ms: i64, receiver_id: &str) -> ReceptionRow {
    ReceptionRow {
        receiver_id: receiver_id.into(),
        ingested_at_ms: at_ms,
        reception_id: RecordId::new(9, receiver_id.len() as u64).0,
        observation_id: None,
        rssi_dbm: -97,
        snr_db: 5,
        receiver_stamp_s: 0,
        relayed: false,
        packet_type: Some(1),
        latitude_e7: Some(465_000_000),
        longitude_e7: Some(80_000_000),
        altitude_m: None,
    }
}

impl Past {
    async fn text(&self, path: &str) -> String {
        let answer = self.stage.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("text")
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).expect("JSON")
    }

    async fn problem(&self, path: &str) -> (u16, String, String) {
        let answer = self.stage.get(path).await;
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}: {status}");
        let problem: Value = answer.json().await.expect("JSON");
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        (status, text("code"), text("detail"))
    }
}

fn read_by_others(script: &str, arguments: &[&std::ffi::OsStr]) {
    let python = harness::python().expect("just setup test");
    let script = harness::workspace_dir().join("tests/clients").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().expect("Python starts");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
}

/// Numbers the segments by the silence of seven minutes that is in the flight.
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
async fn every_form_of_a_track_is_read_by_programs_of_another_make() {
    let past = past().await;
    let dir = tempfile::tempdir().expect("a directory");
    for form in ["json", "geojson", "gpx", "kml", "igc", "csv"] {
        let answer = past.stage.get(&format!("/api/v1/track/110b90?hours=1&level=raw&format={form}")).await;
        assert_eq!(answer.status(), 200, "{form}");
        let disposition = answer.headers().get("content-disposition").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(disposition.is_some_and(|text| text.ends_with(&format!(".{form}\""))), !form.ends_with("json"));
        write(dir.path(), &format!("track.{form}"), &answer.bytes().await.expect("a body"));
    }
    write(dir.path(), "expected.json", expected_track(&past.positions).to_string().as_bytes());
    read_by_others("check_tracks.py", &[dir.path().as_os_str()]);
    past.stage.close().await;
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).expect("is written");
}

#[tokio::test]
async fn a_track_is_shaped_as_asked() {
    let past = past().await;
    let track = past.json("/api/v1/track/110B90?max_points=20").await;
    let points = |track: &Value| -> usize {
        track["segments"].as_array().unwrap().iter().map(|segment| segment["points"].as_array().unwrap().len()).sum()
    };
    assert_eq!((points(&track), &track["recorded"], &track["level"]), (20, &"300".into(), &"plausible".into()));
    assert!(track["error_m"].as_f64().unwrap() > 0.0);
    assert_eq!(points(&past.json("/api/v1/track/110B90?level=smoothed").await), 300);
    let from = humantime_ms(past.positions[10].event_at_ms);
    let to = humantime_ms(past.positions[20].event_at_ms);
    assert_eq!(points(&past.json(&format!("/api/v1/track/110B90?from={from}&to={to}")).await), 10);
    let empty = past.json("/api/v1/track/110B90?from=2020-01-01&to=2020-01-02").await;
    assert_eq!((points(&empty), &empty["device"]), (0, &"110B90".into()), "known, but not then");
    let answer = past.stage.get_with("/api/v1/track/110B90", "accept", "application/gpx+xml").await;
    assert_eq!(answer.headers()["content-type"], "application/gpx+xml");
    past.stage.close().await;
}

fn humantime_ms(at_ms: i64) -> String {
    let since = std::time::Duration::from_millis(at_ms as u64);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

#[tokio::test]
async fn what_is_hidden_or_unknown_or_cannot_be_is_a_problem() {
    let past = past().await;
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
        ("/api/v1/weather/110B90/history", 404, "unknown_device"),
        ("/api/v1/export?kind=secrets", 400, "bad_parameter"),
        ("/api/v1/export?format=pdf", 400, "bad_parameter"),
    ] {
        let (found_status, found_code, _) = past.problem(path).await;
        assert_eq!((found_status, found_code.as_str()), (status, code), "{path}");
    }
    // Ada withdraws her consent: what was public is not shown any more.
    let aircraft = v1::AircraftState { version: 9, ..stage::aircraft(ADA, 9, 46.5, 8.0) };
    let state = v1::PrivateState { state: Some(v1::private_state::State::Aircraft(aircraft)) };
    past.stage.publish_value(topic::PRIVATE_STATE, "110B90", &state).await;
    past.stage.until("Ada is hidden", || async { past.stage.get("/api/v1/track/110B90").await.status() == 404 }).await;
    let (_, _, detail) = past.problem("/api/v1/track/110B90").await;
    assert_eq!(detail, "nothing was recorded of 110B90", "the words of what is not known");
    assert_eq!(past.json("/api/v1/flights?bounds=-90,-180,90,180").await["flights"], json!([]));
    assert_eq!(past.text("/api/v1/export?hours=1").await.lines().count(), 1, "the header alone");
    past.stage.close().await;
}

#[tokio::test]
async fn without_a_history_the_present_goes_on() {
    let stage = Stage::open().await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export"] {
        let answer = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "no_history");
    }
    assert_eq!(stage.get("/api/v1/pilots").await.status(), 200);
    stage.close().await;
    // A store that is away.
    let away = history::ClickHouse::new("http://127.0.0.1:1", Clock::system()).expect("a URL");
    let stage = Stage::open_with_past(Arc::new(away), &[]).await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export"] {
        let answer = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(answer.headers()["retry-after"], "2");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "history_unavailable", "{path}");
    }
    stage.close().await;
}

#[tokio::test]
async fn flights_and_weather_are_listed() {
    let past = past().await;
    let day = humantime_ms(past.positions[0].event_at_ms);
    for query in ["address=110B90".to_owned(), "bounds=-13,-71,-12,-70".to_owned(), format!("day={}", &day[..10])] {
        let list = past.json(&format!("/api/v1/flights?{query}")).await;
        let flight = &list["flights"][0];
        assert_eq!((&flight["device"], &flight["name"]), (&"110B90".into(), &NAME.into()), "{query}: {list}");
        assert_eq!(flight["aircraft_kind"], "paraglider");
        assert_eq!(list["truncated"], false);
    }
    assert_eq!(past.json("/api/v1/flights?bounds=40,0,50,10").await["flights"], json!([]));
    let weather = past.json("/api/v1/weather/080100/history?hours=2&limit=10").await;
    let readings = weather["readings"].as_array().unwrap();
    assert_eq!((readings.len(), &weather["truncated"]), (10, &true.into()));
    assert_eq!(readings[0].get("temperature_c"), None);
    assert_eq!((readings[1]["temperature_c"].as_f64(), readings[1]["wind_gust_kmh"].as_f64()), (Some(1.1), Some(20.4)));
    past.stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_table_is_read_by_pandas() {
    let past = past().await;
    let positions: Vec<Value> = past.positions.iter().map(exported_position).collect();
    let receptions: Vec<Value> = ["=cmd|'x'!A1", "8896672", "+1"]
        .iter()
        .map(|receiver| {
            json!({
                "receiver_id": receiver, "ingested_at_utc": past.start_ms, "rssi_dbm": -97, "snr_db": 5, "relayed": false,
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
        for form in ["csv", "xlsx", "parquet"] {
            let answer = past.stage.get(&format!("/api/v1/export?kind={kind}&format={form}&hours=1")).await;
            assert_eq!(answer.headers()["x-rows"], rows.len().to_string().as_str());
            assert_eq!(answer.headers().contains_key("content-length"), form == "xlsx", "{form}");
            write(dir.path(), &format!("table.{form}"), &answer.bytes().await.expect("a body"));
        }
        let expected = json!({ "columns": columns, "rows": rows });
        write(dir.path(), "expected.json", expected.to_string().as_bytes());
        read_by_others("check_tables.py", &[dir.path().as_os_str(), key.as_ref()]);
    }
    past.stage.close().await;
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
async fn head_tells_how_many_rows_there_will_be() {
    let past = past().await;
    let url = format!("http://{}/api/v1/export?kind=weather&hours=1", past.stage.address);
    let answer = reqwest::Client::new().head(url).send().await.expect("answers");
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-rows"]), (200, &"30".parse().unwrap()));
    assert_eq!(
        past.text("/api/v1/export?kind=weather&hours=1").await.lines().count(),
        31,
        "a header and as many lines"
    );
    past.stage.close().await;
}

#[tokio::test]
async fn more_rows_than_the_limit_are_a_problem_that_tells_both_numbers() {
    let past = past_with(&["--export-max-rows", "100"]).await;
    let (status, code, detail) = past.problem("/api/v1/export?hours=1&format=parquet").await;
    assert_eq!((status, code.as_str()), (400, "too_many_rows"));
    assert!(detail.starts_with("300 rows; at most 100 at once"), "{detail}");
    assert_eq!(past.text("/api/v1/export?kind=thermals&hours=1").await.lines().count(), 2);
    past.stage.close().await;
}
