//! Deduplication keys that must never change, since they are stored.
//!
//! The expected values come from a second implementation, in Python, of the form that the module
//! `dedup` describes.

use fanet::{DedupKey, RawFrame};

fn key(digits: &str) -> DedupKey {
    RawFrame::parse(&hex::decode(digits).expect("hex")).expect("complete").dedup_key()
}

#[test]
fn keys_stay_the_same_for_ever() {
    let table = [
        ("0111900b4caf411bc209a690030000", 0x3274_9E68_43D3_1F43),
        ("8011900b20012801", 0x3D1C_C107_BE13_7860),
        ("c1083412bd012801a1b2c3d42d5d368f47fa01601f40ff413a", 0x8D27_DFFE_7940_F676),
        ("4206fbfe41", 0x6C2B_1322_AB0E_C199),
        ("0511900b971f00a166ac5a12460088eda33d0026c0ff0a00952fd32d8167c0790093ea2a9f0a00", 0xE79D_67D7_6F1A_00B9),
    ];
    for (frame, expected) in table {
        assert_eq!(key(frame), DedupKey(expected), "{frame}");
    }
}

#[test]
fn relayed_copies_have_the_key_of_the_original() {
    // The worked example of a geo relay: forward cleared, extended header rewritten.
    let original = key("c311900b1092156d160068656c6c6f");
    assert_eq!(original, key("8311900b1892156d160068656c6c6f"));
    // A geo relay puts in an extended header that was missing.
    assert_eq!(key("0311900b0068656c6c6f"), key("8311900b080068656c6c6f"));
    assert_eq!(key("4311900b0068656c6c6f"), key("0311900b0068656c6c6f"));
}

#[test]
fn a_landmark_is_known_by_its_body() {
    let identity = |digits: &str| {
        let bytes = hex::decode(digits).expect("hex");
        RawFrame::parse(&bytes).expect("complete").landmark_identity()
    };
    let body = "96092e2b32e46c5769726521";
    let there = identity(&format!("0511900b001f55{body}"));
    assert!(there.is_some());
    assert_eq!(there, identity(&format!("0511900b700f{body}")), "another lifetime, layer and wind");
    assert_ne!(there, identity(&format!("0511900b700f{body}00")));
    assert_eq!(identity("0211900b00"), None);
}
