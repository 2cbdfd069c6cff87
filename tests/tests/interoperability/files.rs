//! Independent programs read the files of tracks and tables: pandas and others open them in each format.

use std::path::Path;
use std::process::Command;

use history::PositionRow;
use schemas::RecordId;
use serde_json::{Value, json};

use crate::recorded::{NAME, recorded};

fn run_python(script: &str, arguments: &[&std::ffi::OsStr]) {
    let python = harness::python().expect("Python is set up: run `just setup test`");
    let script = harness::workspace_dir().join("tests/clients").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().expect("Python starts");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
}

const CSV: &str = "text/csv; charset=utf-8";

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).expect("the file is written");
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
