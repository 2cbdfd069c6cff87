//! Tables for analysts.

use history::PositionRow;
use schemas::RecordId;
use serde_json::{Value, json};

use crate::recorded::{recorded, recorded_with};
use crate::{run_python, write};

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
