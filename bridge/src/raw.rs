//! An MQTT message becomes a raw record: pure, and the payload stays untouched.

use bytes::Bytes;
use schemas::DeviceAddress;
use schemas::v1::{RawRecord, Tick, raw_record::Input};

use crate::reject::Reject;
use crate::topic::Topic;

/// Bytes before the frame: u32 seconds, i16 RSSI, i16 SNR, little-endian.
const WRAPPER_BYTES: usize = 8;
/// Header byte and source address.
const HEADER_BYTES: usize = 4;
/// The longest frame that LoRa carries.
const MAX_FRAME_BYTES: usize = 255;
/// Bound of what a receiver may tell of its hardware.
const MAX_HARDWARE_BYTES: usize = 4096;

/// A raw record and its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keyed {
    /// Device address, or the receiver id where there is no whole address.
    pub(crate) key: Bytes,
    /// The record.
    pub(crate) record: RawRecord,
}

/// Makes the record of a message. `now_us`: time of ingest, microseconds since the epoch.
///
/// # Errors
/// The payload is too short to have a wrapper, or too long to be a frame.
pub(crate) fn record_of(topic: Topic<'_>, payload: Bytes, now_us: u64) -> Result<Keyed, Reject> {
    let (receiver_id, key, input) = match topic {
        Topic::Frame { receiver_id } => {
            check_frame(&payload)?;
            (receiver_id, frame_key(&payload, receiver_id), Input::MqttFrame(payload))
        }
        Topic::Hardware { receiver_id } if payload.len() > MAX_HARDWARE_BYTES => {
            tracing::debug!(receiver_id, bytes = payload.len(), "hardware information too long");
            return Err(Reject::PayloadTooLong);
        }
        Topic::Hardware { receiver_id } => {
            (receiver_id, Bytes::copy_from_slice(receiver_id.as_bytes()), Input::ReceiverHardware(payload))
        }
    };
    let record = RawRecord {
        ingested_at_us: now_us,
        receiver_id: Some(receiver_id.to_owned()),
        origin_id: None,
        input: Some(input),
    };
    Ok(Keyed { key, record })
}

/// The record that says that time passes.
pub(crate) fn tick(bridge_id: &str, interval_s: u32, now_us: u64) -> RawRecord {
    let tick = Tick { bridge_id: bridge_id.to_owned(), interval_s };
    RawRecord { ingested_at_us: now_us, receiver_id: None, origin_id: None, input: Some(Input::Tick(tick)) }
}

fn check_frame(payload: &[u8]) -> Result<(), Reject> {
    if payload.len() < WRAPPER_BYTES {
        return Err(Reject::PayloadTooShort);
    }
    if payload.len() > WRAPPER_BYTES + MAX_FRAME_BYTES {
        return Err(Reject::PayloadTooLong);
    }
    Ok(())
}

/// The source address: manufacturer, then the id in little-endian, behind the header byte.
fn frame_key(payload: &[u8], receiver_id: &str) -> Bytes {
    match payload.get(WRAPPER_BYTES..WRAPPER_BYTES + HEADER_BYTES) {
        Some(&[_, manufacturer, low, high]) => {
            let address = u32::from_be_bytes([0, manufacturer, high, low]);
            DeviceAddress(address).to_string().into()
        }
        _ => Bytes::copy_from_slice(receiver_id.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Topic<'static> = Topic::Frame { receiver_id: "8896672" };

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
    fn lengths_outside_of_what_a_frame_can_have_are_refused() {
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
        let topic = Topic::Hardware { receiver_id: "1" };
        let keyed = record_of(topic, Bytes::from_static(b"{}"), 0).expect("fits");
        assert_eq!(keyed.key, "1");
        assert_eq!(record_of(topic, vec![0; 4097].into(), 0), Err(Reject::PayloadTooLong));
    }
}
