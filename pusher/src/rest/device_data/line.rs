//! Rows of the history as lines of JSON: addresses, ids and times as in the rest of the API.

use axum::body::Bytes;
use history::DeviceRow;
use schemas::{DeviceAddress, RecordId};
use serde::Serialize;
use serde_json::Value;

use crate::time::rfc3339;

const DEVICE: &str = "device";
const IDS: [&str; 3] = ["observation_id", "reception_id", "alert_id"];
const TIMES: [&str; 11] = [
    "event_at",
    "ingested_at",
    "opened_at",
    "refreshed_at",
    "acknowledged_at",
    "resolved_at",
    "erased_at",
    "take_off_at",
    "landed_at",
    "public_since",
    "hidden_until",
];

/// The lines of rows.
pub(super) fn lines(rows: &[DeviceRow]) -> Bytes {
    let mut out = Vec::with_capacity(rows.len() * 320);
    for row in rows {
        let mut row = serde_json::to_value(row).expect("plain columns");
        for (name, value) in row.as_object_mut().into_iter().flatten() {
            if let Some(text) = written(name, value) {
                *value = Value::String(text);
            }
        }
        add_line(&mut out, &row);
    }
    out.into()
}

/// Adds one line.
pub(super) fn add_line(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *out, value).expect("all keys are strings");
    out.push(b'\n');
}

/// The written form of a value that is a number in the store. `None`: as it is.
fn written(name: &str, value: &Value) -> Option<String> {
    if name == DEVICE {
        return Some(DeviceAddress(u32::try_from(value.as_u64()?).ok()?).to_string());
    }
    if IDS.contains(&name) {
        return Some(RecordId(value.as_u64()?).to_string());
    }
    let at_ms = TIMES.contains(&name).then(|| value.as_i64()).flatten()?;
    Some(rfc3339(u64::try_from(at_ms).ok()? * 1_000))
}

#[cfg(test)]
mod tests {
    use history::{ErasureRow, NameRow};

    use super::*;

    #[test]
    fn rows_are_lines_in_the_forms_of_the_api() {
        let name = NameRow {
            device: 0x11_0B90,
            event_at_ms: 1_780_000_000_250,
            observation_id: RecordId::new(17, 123_456).0,
            name: "Ada\nLovelace".to_owned(),
            private: true,
        };
        let erasure = ErasureRow { device: 1, observation_id: 5, erased_at_ms: 0 };
        let text = lines(&[DeviceRow::Names(name), DeviceRow::Erasures(erasure)]);
        let rows: Vec<Value> = std::str::from_utf8(&text)
            .expect("text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let expected = serde_json::json!([
            {
                "table": "names", "device": "110B90", "event_at": "2026-05-28T20:26:40.250Z",
                "observation_id": "17-123456", "name": "Ada\nLovelace", "private": true,
            },
            { "table": "erasures", "device": "000001", "observation_id": "0-5", "erased_at": "1970-01-01T00:00:00.000Z" },
        ]);
        assert_eq!(Value::Array(rows), expected);
    }
}
