use serde_json::Value;

use super::*;

const PLAIN: Explainer = Explainer::new(false);

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn decoded<'a>(parts: &Parts<'a>) -> Result<Report<'a>, DecodeError> {
    let wrapped = if parts.is_wrapped { Some(Wrapped::decode(parts.bytes)?) } else { None };
    let frame = Frame::decode(wrapped.map_or(parts.bytes, |wrapped| wrapped.frame))?;
    Ok(Report { wrapped, frame, signature_valid: None })
}

/// The explanation of a frame without a wrapper.
fn frame(text: &str) -> String {
    let bytes = bytes(text);
    let parts = Parts { bytes: &bytes, is_wrapped: false };
    match decoded(&parts) {
        Ok(report) => PLAIN.decoded(&parts, &report),
        Err(error) => PLAIN.refused(&parts, &error),
    }
}

#[test]
fn a_captured_frame_byte_by_byte() {
    let text = PLAIN.payload(&bytes("8986446888fffeff0111900b4caf411bc209a690030000"));
    let expected = "\
tracking from 110B90 (FANET+), 23 bytes
    0  89 86 44 68                    timestamp_s          1749321353
    4  88 ff                          rssi_dbm             -120
    6  fe ff                          snr_db               -2
    8  01                       7     extended             false
                                6     forward              false
                                0-5   type                 1, tracking
    9  11 90 0b                       source_address       110B90, FANET+
   12  4c af 41                       latitude_deg         46.184967
   15  1b c2 09                       longitude_deg        13.722614
   18  a6 90                    15    online_tracking      true
                                12-14 aircraft_type        1, paraglider
                                0-11  altitude_m           166 m
   20  03                             speed_kmh            1.5 km/h
   21  00                             climb_mps            +0 m/s
   22  00                             heading_deg          0 deg

";
    assert_eq!(text, expected);
}

#[test]
fn every_byte_of_every_vector_is_explained_once() {
    for line in include_str!("../../fanet/tests/fixtures/vectors.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).expect("JSON");
        let (text, is_wrapped) = match (&vector["mqtt_hex"], &vector["frame_hex"]) {
            (Value::String(text), _) => (text, true),
            (_, Value::String(text)) => (text, false),
            _ => panic!("neither a message nor a frame: {line}"),
        };
        let bytes = bytes(text);
        let parts = Parts { bytes: &bytes, is_wrapped };
        let layout = match decoded(&parts) {
            Ok(report) => known(&parts, &report),
            Err(error) => refused(&parts, &error),
        };
        let mut at = 0;
        for span in layout.spans.iter().filter(|span| span.length > 0) {
            assert_eq!(span.start, at, "{line}");
            at += span.length;
        }
        assert_eq!(at, parts.bytes.len(), "{line}");
        let trailing = layout.spans.iter().any(|span| span.field == "trailing_hex");
        assert!(!trailing || line.contains("trailing_hex"), "{line}");
    }
}

#[test]
fn a_refused_frame_is_explained_up_to_where_it_fails() {
    let text = frame("0111900b4caf411bc209a6900300");
    assert!(text.starts_with("refused: heading_deg at byte 14: truncated_payload (truncated)\n"), "{text}");
    assert!(text.contains("source_address       110B90, FANET+\n"), "{text}");
    assert!(
        text.contains("   14                                 heading_deg          truncated: truncated_payload\n"),
        "{text}"
    );
    assert_eq!(PLAIN.unreadable("invalid_hex"), "refused: invalid_hex\n\n");
    assert_eq!(
        frame("01"),
        "refused: header at byte 0: frame_too_short (truncated)\n    0  01                             header               truncated: frame_too_short\n\n"
    );
}

#[test]
fn colour_is_there_only_when_wanted() {
    let payload = bytes("8986446888fffeff2a11900b0102");
    let (plain, coloured) = (PLAIN.payload(&payload), Explainer::new(true).payload(&payload));
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
}

#[test]
fn any_bytes_have_an_explanation() {
    for length in 0..24 {
        assert!(PLAIN.payload(&vec![0xff; length]).ends_with("\n\n"), "{length}");
    }
}

#[test]
fn frames_come_under_any_prefix() {
    assert_eq!(receiver_of_frames("fb/b/ogn-be-1/f/1"), Some("ogn-be-1"));
    for other in ["fb/b/ogn-be-1/hw", "fb/b/ogn-be-1/x", "fanet.raw.v1", ""] {
        assert_eq!(receiver_of_frames(other), None, "{other}");
    }
}
