//! Every vector of `fixtures/vectors.jsonl`, compared as `fixtures/vectors.md` says.

use fanet::json::Report;
use fanet::{DecodeError, Frame, RawFrame, Wrapped};
use serde_json::{Map, Value};

const VECTORS: &str = include_str!("fixtures/vectors.jsonl");

fn vectors() -> impl Iterator<Item = Map<String, Value>> {
    VECTORS.lines().map(|line| match serde_json::from_str(line) {
        Ok(Value::Object(vector)) => vector,
        other => panic!("not an object: {other:?}"),
    })
}

fn text<'a>(vector: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    vector.get(key).map(|value| value.as_str().expect("a string"))
}

fn bytes(vector: &Map<String, Value>, key: &str) -> Option<Vec<u8>> {
    text(vector, key).map(|digits| hex::decode(digits).expect("hex"))
}

/// Decodes a vector's bytes with everything that the vector gives.
fn decode(vector: &Map<String, Value>) -> Result<Value, DecodeError> {
    let message = bytes(vector, "mqtt_hex");
    let frame = bytes(vector, "frame_hex");
    let wrapped = message.as_deref().map(Wrapped::decode).transpose()?;
    let frame = wrapped.map_or_else(|| frame.as_deref().expect("one of the two"), |wrapped| wrapped.frame);
    let raw = RawFrame::parse(frame)?;
    let key = bytes(vector, "psk_hex");
    let signature_valid = key.map(|key| raw.is_signed_with(&key));
    let report = Report { wrapped, frame: raw.decode()?, signature_valid };
    Ok(serde_json::to_value(report).expect("plain values"))
}

/// Compares recursively; `path` says where, for the message.
fn assert_matches(expected: &Value, found: &Value, path: &str) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<std::collections::BTreeSet<_>>();
            assert_eq!(keys(expected), keys(found), "keys of {path}");
            for (key, value) in expected {
                assert_matches(value, &found[key], &format!("{path}.{key}"));
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len(), "length of {path}");
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                assert_matches(expected, found, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(expected), Value::Number(found)) if expected.is_f64() => {
            assert!(found.is_f64(), "{path} is a floating-point number");
            let (expected, found) = (expected.as_f64().expect("finite"), found.as_f64().expect("finite"));
            let off = difference(expected, found, path);
            assert!(off <= tolerance(path), "{path}: expected {expected}, found {found}");
        }
        _ => assert_eq!(expected, found, "{path}"),
    }
}

fn difference(expected: f64, found: f64, path: &str) -> f64 {
    let off = (expected - found).abs();
    if path.ends_with("].longitude_deg") { off.min((off - 360.0).abs()) } else { off }
}

fn tolerance(path: &str) -> f64 {
    if !path.ends_with("itude_deg") {
        return 1e-3;
    }
    // Points after the first are compressed.
    if path.contains("].") && !path.contains("points[0]") { 1e-5 } else { 1e-6 }
}

#[test]
fn every_vector_decodes_or_is_refused_as_expected() {
    let (mut decoded, mut refused) = (0, 0);
    for vector in vectors() {
        let id = text(&vector, "id").expect("every vector has an id");
        match (vector.get("expect"), decode(&vector)) {
            (Some(expected), Ok(found)) => {
                assert_matches(expected, &found, id);
                decoded += 1;
            }
            (None, Err(error)) => {
                assert_eq!(text(&vector, "expect_error"), Some(error.reason()), "{id}");
                assert_eq!(text(&vector, "error_class"), Some(error.class().as_str()), "{id}");
                refused += 1;
            }
            (expected, found) => panic!("{id}: expected {expected:?}, found {found:?}"),
        }
    }
    assert_eq!((decoded, refused), (67, 6), "the fixture is complete");
}

#[test]
fn every_vector_comes_back_from_its_canonical_form() {
    for vector in vectors() {
        let Some(bytes) = bytes(&vector, "frame_hex") else { continue };
        let Ok(frame) = Frame::decode(&bytes) else { continue };
        let again = frame.encode_as_received().expect("what decodes encodes");
        assert_eq!(Frame::decode(&again).expect("decodes"), frame, "{}", vector["id"]);
    }
}

#[test]
fn comparing_notices_wrong_values_and_extra_keys() {
    let expected = serde_json::json!({ "climb_ms": 1.0 });
    for found in [serde_json::json!({ "climb_ms": 1.1 }), serde_json::json!({ "climb_ms": 1.0, "speed_kmh": 0.0 })] {
        assert!(std::panic::catch_unwind(|| assert_matches(&expected, &found, "")).is_err());
    }
}
