//! Makes a raw record of an MQTT message: pure, and the payload stays unchanged.

use bytes::Bytes;
use envelope::Topic;
use schemas::DeviceAddress;
use schemas::v1::{RawRecord, Tick, raw_record::Input};

use crate::reject::Reject;

/// A raw record and its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keyed {
    /// Device address, or the receiver id where there is no complete address.
    pub(crate) key: Bytes,
    /// The record.
    pub(crate) record: RawRecord,
}

/// Makes the record of a message. `now_us`: ingestion time, microseconds since the epoch.
///
/// # Errors
/// The payload is too short to have a wrapper, or too long to be a frame.
pub(crate) fn record_of(topic: Topic<'_>, payload: Bytes, now_us: u64) -> Result<Keyed, Reject> {
    let receiver_id = topic.receiver();
    topic.check(&payload).inspect_err(|error| {
        tracing::debug!(receiver_id, bytes = payload.len(), %error, "an MQTT message is refused");
    })?;
    let key = match topic.device(&payload) {
        Some(address) => DeviceAddress(address).to_string().into(),
        None => Bytes::copy_from_slice(receiver_id.as_bytes()),
    };
    let input = match topic {
        Topic::Frame { .. } => Input::MqttFrame(payload),
        Topic::Hardware { .. } => Input::ReceiverHardware(payload),
    };
    let record = RawRecord {
        ingested_at_us: now_us,
        receiver_id: Some(receiver_id.to_owned()),
        origin_id: None,
        input: Some(input),
    };
    Ok(Keyed { key, record })
}

/// A tick.
pub(crate) fn tick(bridge_id: &str, interval_s: u32, now_us: u64) -> RawRecord {
    let tick = Tick { bridge_id: bridge_id.to_owned(), interval_s };
    RawRecord { ingested_at_us: now_us, receiver_id: None, origin_id: None, input: Some(Input::Tick(tick)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Topic<'static> = Topic::Frame { receiver: "8896672", packet_type: None };

    fn key_of(payload: &[u8]) -> String {
        let keyed = record_of(FRAME, Bytes::copy_from_slice(payload), 7).expect("fits");
        String::from_utf8(keyed.key.to_vec()).expect("text")
    }

    #[test]
    fn the_key_is_the_source_address_of_the_frame() {
        // Captured: tracking from 110B90, heard at -120 dBm.
        let payload = b"\x89\x86\x44\x68\x88\xff\xfe\xff\x01\x11\x90\x0b\x4c\xaf\x41\x1b\xc2\x09\xa6\x90\x03\x00\x00";
        assert_eq!(key_of(payload), "110B90");
        assert_eq!(key_of(&payload[..12]), "110B90");
    }

    #[test]
    fn a_frame_without_an_address_goes_under_its_receiver() {
        assert_eq!(key_of(&[0; 11]), "8896672");
        assert_eq!(key_of(&[0; 8]), "8896672");
    }

    #[test]
    fn the_payload_and_the_time_are_kept_as_they_came() {
        let payload = Bytes::from_static(&[9; 30]);
        let keyed = record_of(FRAME, payload.clone(), 1_749_321_353_000_001).expect("fits");
        assert_eq!(keyed.record.input, Some(Input::MqttFrame(payload)));
        assert_eq!(keyed.record.ingested_at_us, 1_749_321_353_000_001);
        assert_eq!(keyed.record.receiver_id.as_deref(), Some("8896672"));
    }

    #[test]
    fn lengths_no_frame_can_have_are_refused() {
        let outcome = |length: usize| record_of(FRAME, vec![0; length].into(), 0).map(|_| ());
        assert_eq!(outcome(0), Err(Reject::PayloadTooShort));
        assert_eq!(outcome(7), Err(Reject::PayloadTooShort));
        assert_eq!(outcome(8), Ok(()));
        assert_eq!(outcome(8 + 255), Ok(()));
        assert_eq!(outcome(8 + 256), Err(Reject::PayloadTooLong));
        assert_eq!(outcome(65_536), Err(Reject::PayloadTooLong));
    }

    #[test]
    fn hardware_information_is_bounded_too() {
        let topic = Topic::Hardware { receiver: "1" };
        let keyed = record_of(topic, Bytes::from_static(b"{}"), 0).expect("fits");
        assert_eq!(keyed.key, "1");
        assert_eq!(record_of(topic, vec![0; 4097].into(), 0), Err(Reject::PayloadTooLong));
    }
}
