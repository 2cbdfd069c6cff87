use super::*;
use crate::decode::line::{Format, LineDecoder};

fn explain(format: Format, line: &str) -> String {
    let mut decoder = LineDecoder::new(format, None);
    let read = decoder.read(line.as_bytes());
    let decoded = read.and_then(|()| decoder.report());
    Explainer::new(false).explain(&decoder.parts(), &decoded)
}

/// Every vector that there is, to see that no byte goes unexplained.
fn vectors() -> impl Iterator<Item = &'static str> {
    include_str!("../../../crates/fanet/tests/fixtures/vectors.jsonl").lines()
}

#[test]
fn a_captured_frame_byte_by_byte() {
    let text = explain(Format::Wrapped, "8986446888fffeff0111900b4caf411bc209a690030000");
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
   21  00                             climb_ms             +0 m/s
   22  00                             heading_deg          0 deg

";
    assert_eq!(text, expected);
}

#[test]
fn every_byte_of_every_vector_is_explained_once() {
    for line in vectors() {
        let mut decoder = LineDecoder::new(Format::Vectors, None);
        decoder.read(line.as_bytes()).expect("a vector");
        let parts = decoder.parts();
        let layout = match decoder.report() {
            Ok(report) => known(&parts, &report),
            Err(LineError::Frame(error)) => refused(&parts, &error),
            Err(other) => panic!("{other:?}: {line}"),
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
    let text = explain(Format::Frame, "0111900b4caf411bc209a6900300");
    assert!(text.starts_with("refused: heading_deg at byte 14: truncated_payload (truncated)\n"), "{text}");
    assert!(text.contains("source_address       110B90, FANET+\n"), "{text}");
    assert!(
        text.contains("   14                                 heading_deg          truncated: truncated_payload\n"),
        "{text}"
    );
    assert_eq!(explain(Format::Frame, "xyz"), "refused: invalid_hex\n\n");
    assert_eq!(
        explain(Format::Frame, "01"),
        "refused: header at byte 0: frame_too_short (truncated)\n    0  01                             header               truncated: frame_too_short\n\n"
    );
}

#[test]
fn colour_is_there_only_when_wanted() {
    let mut decoder = LineDecoder::new(Format::Frame, None);
    decoder.read(b"2a11900b0102").expect("hex");
    let decoded = decoder.report();
    let plain = Explainer::new(false).explain(&decoder.parts(), &decoded);
    let coloured = Explainer::new(true).explain(&decoder.parts(), &decoded);
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
}
