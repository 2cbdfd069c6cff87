//! Any bytes: refused with an offset inside them, or decoded to a frame that comes back.

#![no_main]

use fanet::{Frame, RawFrame, Wrapped, json::Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Ok(wrapped) = Wrapped::decode(bytes) {
        assert_eq!(wrapped.encode(), bytes);
        check(wrapped.frame);
    }
});

fn check(bytes: &[u8]) {
    let frame = match Frame::decode(bytes) {
        Ok(frame) => frame,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            return;
        }
    };
    let raw = RawFrame::parse(bytes).expect("a frame that decodes has a header");
    let again = frame.encode_as_received().expect("what decodes encodes");
    assert_eq!(Frame::decode(&again), Ok(frame));
    if again == bytes {
        let canonical = RawFrame::parse(&again).expect("complete");
        assert_eq!(canonical.dedup_key(), raw.dedup_key());
    }
    if let Ok(sent) = frame.encode() {
        assert!(sent.len() <= 254);
        Frame::decode(&sent).expect("what is sent decodes");
    }
    let report = Report { wrapped: None, frame, signature_valid: Some(raw.is_signed_with(b"key")) };
    serde_json::to_string(&report).expect("plain values");
}
