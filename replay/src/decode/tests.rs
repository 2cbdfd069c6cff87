use super::*;
use serde_json::{Value, json};

const TRACKING: &str = "0111900b4caf411bc209a690030000";

/// Runs the decoder over `input`; returns the objects it prints and whether any line was bad.
fn decode(format: Format, key: Option<&[u8]>, input: &[u8]) -> (Vec<Value>, bool) {
    let mut session =
        Session { decoder: LineDecoder::new(format, key), explainer: None, out: Vec::new(), any_bad: false };
    session.input(BufReader::new(input), Path::new("-")).expect("a Vec takes everything");
    let lines = String::from_utf8(session.out).expect("JSON is UTF-8");
    let objects = lines.lines().map(|line| serde_json::from_str(line).expect("one object per line")).collect();
    (objects, session.any_bad)
}

#[test]
fn a_bad_line_is_answered_and_passed_over() {
    let input = format!("{TRACKING}\nnonsense\n\n01\r\n\u{fffd}\n{TRACKING}");
    let (objects, any_bad) = decode(Format::Frame, None, input.as_bytes());
    assert!(any_bad);
    let errors: Vec<_> = objects.iter().map(|object| object.get("error").and_then(Value::as_str)).collect();
    let expected =
        [None, Some("invalid_hex"), Some("frame_too_short"), Some("frame_too_short"), Some("invalid_hex"), None];
    assert_eq!(errors, expected);
    assert_eq!(objects[2], json!({ "error": "frame_too_short", "error_class": "truncated" }));
    assert_eq!(objects[0], objects[5]);
}

#[test]
fn good_lines_alone_are_good() {
    let (objects, any_bad) = decode(Format::Frame, None, format!("{TRACKING}\n").as_bytes());
    assert!(!any_bad);
    assert_eq!(objects[0]["source_address"], "110B90");
    assert_eq!(objects[0].get("signature_valid"), None);
}

#[test]
fn wrapped_lines_bring_the_reception() {
    let (objects, _) = decode(Format::Wrapped, None, format!("8986446888fffeff{TRACKING}\n00\n").as_bytes());
    assert_eq!(objects[0]["timestamp_s"], 1_749_321_353);
    assert_eq!(objects[0]["rssi_dbm"], -120);
    assert_eq!(objects[1]["error"], "mqtt_too_short");
}

#[test]
fn vectors_bring_their_own_key() {
    let input = format!(
        "{}\n{}\n{}\n",
        json!({ "id": "a", "frame_hex": "c311900b1092156d160068656c6c6f", "psk_hex": "736563726574", "expect": {} }),
        json!({ "id": "b", "frame_hex": TRACKING, "psk_hex": "00" }),
        json!({ "id": "c", "mqtt_hex": format!("8986446888fffeff{TRACKING}") }),
    );
    let (objects, any_bad) = decode(Format::Vectors, None, input.as_bytes());
    assert!(!any_bad);
    assert_eq!(objects[0]["signature_valid"], true);
    assert_eq!(objects[1]["signature_valid"], false, "an unsigned frame is not signed with any key");
    assert_eq!(objects[2].get("signature_valid"), None);
    assert_eq!(objects[2]["snr_db"], -2);
}

#[test]
fn lines_that_are_not_vectors_are_bad() {
    let input =
        b"{}\n[1]\n{\"frame_hex\": 1}\n{\"frame_hex\": \"0\"}\nnull\n{\"frame_hex\": \"\", \"mqtt_hex\": \"\"}\n";
    let (objects, any_bad) = decode(Format::Vectors, None, input);
    assert!(any_bad);
    let errors: Vec<_> = objects.iter().map(|object| object["error"].as_str().expect("all are bad")).collect();
    let expected = ["invalid_vector"; 3].into_iter().chain(["invalid_hex", "invalid_vector", "invalid_vector"]);
    assert!(errors.into_iter().eq(expected));
}

#[test]
fn a_key_on_the_command_line_holds_for_all_lines() {
    let (objects, _) = decode(Format::Frame, Some(b"secret"), b"8311900b1892156d160068656c6c6f\n");
    assert_eq!(objects[0]["signature_valid"], true);
    let (objects, _) = decode(Format::Frame, Some(b"other"), b"8311900b1892156d160068656c6c6f\n");
    assert_eq!(objects[0]["signature_valid"], false);
}
