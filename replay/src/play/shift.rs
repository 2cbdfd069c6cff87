//! Times moved, so that a recording happens now.

use bytes::Bytes;
use capture::{Framed, Record};
use schemas::v1::raw_record::Input;

/// Bytes of the receiver's stamp at the beginning of a payload.
const STAMP_BYTES: usize = 4;

/// Moves all times of a record by so many milliseconds: its own, that of ingest, and the stamp of the receiver or
/// telephone.
pub(super) fn shifted(mut record: Record, by_ms: i64) -> Record {
    if by_ms == 0 {
        return record;
    }
    record.timestamp_ms = record.timestamp_ms.saturating_add(by_ms);
    let Some(mut framed) = record.value.as_ref().and_then(Framed::parse) else { return record };
    let by_us = by_ms.saturating_mul(1000);
    framed.record.ingested_at_us = framed.record.ingested_at_us.saturating_add_signed(by_us);
    match &mut framed.record.input {
        Some(Input::MqttFrame(payload)) => *payload = restamped(payload, by_ms),
        Some(Input::AppPosition(position)) => {
            position.positioned_at_us = position.positioned_at_us.saturating_add_signed(by_us);
        }
        Some(Input::SourceReport(report)) => {
            report.reported_at_us = report.reported_at_us.saturating_add_signed(by_us);
        }
        Some(Input::Command(command)) => {
            command.issued_at_us = command.issued_at_us.saturating_add_signed(by_us);
        }
        // The version of a set of zones orders imports; it is no time of an event.
        Some(Input::ReceiverHardware(_) | Input::ZoneSet(_) | Input::Tick(_)) | None => {}
    }
    record.value = Some(framed.to_value());
    record
}

/// The payload as the receiver would have stamped it then. Full seconds: the resolution of the stamp.
fn restamped(payload: &Bytes, by_ms: i64) -> Bytes {
    let mut payload = payload.to_vec();
    if let Some(stamp) = payload.first_chunk_mut::<STAMP_BYTES>() {
        let moved = i64::from(u32::from_le_bytes(*stamp)).saturating_add(by_ms.div_euclid(1000));
        *stamp = u32::try_from(moved.max(0)).unwrap_or(u32::MAX).to_le_bytes();
    }
    payload.into()
}

#[cfg(test)]
mod tests {
    use schemas::v1::RawRecord;

    use super::*;

    #[test]
    fn all_times_move_together() {
        let input = Some(Input::MqttFrame(Bytes::from_static(&[10, 0, 0, 0, 1, 2, 3, 4, 5])));
        let raw = RawRecord { ingested_at_us: 10_500_000, receiver_id: None, origin_id: None, input };
        let value = Some(Framed { framing: Bytes::new(), record: raw }.to_value());
        let record = Record { timestamp_ms: 10_500, value, ..Record::default() };
        let moved = shifted(record.clone(), 60_000);
        let framed = Framed::parse(moved.value.as_ref().expect("there")).expect("a raw record");
        assert_eq!((moved.timestamp_ms, framed.record.ingested_at_us), (70_500, 70_500_000));
        let Some(Input::MqttFrame(payload)) = framed.record.input else { panic!("a frame") };
        assert_eq!(&payload[..], [70, 0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(shifted(record.clone(), 0), record);
    }
}
