//! Properties of decoding and encoding, over any bytes and over any values.
//!
//! Cases that once failed are kept in `regressions.txt` and run first.

mod near;
mod strategies;
mod text;

use fanet::{Address, EncodeError, ErrorClass, Frame, FrameBuf, Header, RawFrame, Wrapped};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use strategies::{any_frame_bytes, landmark_bytes};

fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/roundtrip/regressions.txt");
    ProptestConfig { failure_persistence: Some(Box::new(kept)), cases: 16_384, ..ProptestConfig::default() }
}

/// Whether our own encoder may send from this address.
fn may_send(source: Address) -> bool {
    !source.is_reserved() && !source.is_multicast()
}

fn decoding_holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = Wrapped::decode(bytes);
    let frame = match Frame::decode(bytes) {
        Ok(frame) => frame,
        Err(error) => {
            prop_assert!(error.offset <= bytes.len(), "{error} in {} bytes", bytes.len());
            return Ok(());
        }
    };
    let again = frame.encode_as_received();
    let again = again.map_err(|error| TestCaseError::fail(format!("what decodes encodes: {error}: {frame:?}")))?;
    prop_assert!(again.len() <= bytes.len(), "the canonical form is never longer");
    let received = Frame::decode(&again);
    prop_assert_eq!(received, Ok(frame));
    // The canonical form is its own canonical form.
    prop_assert_eq!(received.ok().and_then(|frame| frame.encode_as_received().ok()), Some(again.clone()));
    sender_agrees(&frame)
}

/// Under a sender's rules a received frame is refused for a reason, or sent in a form that stays.
fn sender_agrees(frame: &Frame<'_>) -> Result<(), TestCaseError> {
    let source = frame.header.source;
    match frame.encode() {
        Ok(sent) => {
            prop_assert!(sent.len() <= 254);
            let received = Frame::decode(&sent);
            let received = received.map_err(|error| TestCaseError::fail(format!("what is sent decodes: {error}")))?;
            prop_assert_eq!(received.encode(), Ok(sent.clone()));
            prop_assert!(may_send(source));
        }
        Err(EncodeError::ReservedSource) => prop_assert!(!may_send(source)),
        Err(EncodeError::TooLong { length }) => prop_assert!(length > 254),
        Err(EncodeError::TextNotSendable) => {}
        Err(error) => prop_assert!(false, "{error} for {frame:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_decode_or_are_refused_with_an_offset(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decoding_holds(&bytes)?;
    }

    #[test]
    fn frames_of_every_type_come_back(bytes in any_frame_bytes()) {
        decoding_holds(&bytes)?;
    }

    #[test]
    fn landmarks_and_geofences_come_back(bytes in landmark_bytes()) {
        decoding_holds(&bytes)?;
    }

    #[test]
    fn a_cut_frame_is_truncated_and_no_length_violation(bytes in any_frame_bytes(), cut in 0_usize..64) {
        let Ok(_) = Frame::decode(&bytes) else { return Ok(()) };
        let cut = bytes.len().saturating_sub(cut);
        if let Err(error) = Frame::decode(&bytes[..cut]) {
            let announced = ["too_few_elements", "pull_request_not_unicast"];
            prop_assert!(error.class() == ErrorClass::Truncated || announced.contains(&error.reason()), "{}", error);
        }
    }

    #[test]
    fn relays_change_no_key(bytes in any_frame_bytes(), flags in any::<u8>()) {
        let Ok(raw) = RawFrame::parse(&bytes) else { return Ok(()) };
        let mut relayed = bytes.clone();
        relayed[0] ^= flags & 0x40;
        if raw.header.extended.is_some() {
            // All but the two bits that announce a destination and a signature.
            relayed[4] ^= flags & 0xCF;
        }
        prop_assert_eq!(RawFrame::parse(&relayed).expect("same parts").dedup_key(), raw.dedup_key());
    }

    #[test]
    fn signatures_hold_for_their_key_alone(bytes in any_frame_bytes(), key in prop::collection::vec(any::<u8>(), 1..32)) {
        let Ok(mut frame) = Frame::decode(&bytes) else { return Ok(()) };
        frame.header.source = Address::new(0x11, 0x0B90);
        if frame.sign(&key).is_err() {
            return Ok(());
        }
        let Ok(sent) = frame.encode() else { return Ok(()) };
        let raw = RawFrame::parse(&sent).expect("complete");
        prop_assert!(raw.is_signed_with(&key));
        let mut other = key.clone();
        other[0] ^= 1;
        prop_assert!(!raw.is_signed_with(&other));
    }

    #[test]
    fn owned_frames_are_the_borrowed_ones(bytes in any_frame_bytes()) {
        let owned = FrameBuf::decode(bytes.clone());
        prop_assert_eq!(owned.as_ref().map(FrameBuf::frame).ok(), Frame::decode(&bytes).ok());
    }

    #[test]
    fn values_come_back_within_half_a_step(sent in strategies::any_values()) {
        let header = Header::broadcast(Address::new(0x11, 0x0B90));
        let bytes = Frame::new(header, sent.packet()).encode().expect("finite values on earth");
        let received = Frame::decode(&bytes).expect("what is sent decodes");
        near::assert_near(&sent, &received.packet)?;
    }
}
