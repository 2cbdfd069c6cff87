//! Frames: a reception for every copy, an observation for the first.

use bytes::Bytes;
use fanet::Packet;
use schemas::v1::{HeardFrame, Observation, ObservationFlag, SourceKind, reception};

use crate::core::outputs::Outputs;
use crate::core::partition_clock::Arrival;
use crate::core::receiver_clock::ClockReport;
use crate::core::receiver_clocks::Judged;
use crate::core::{Core, RawInput, receiver_of};
use crate::decode::{self, Reject};
use crate::dedupe::FirstCopy;
use crate::record;

impl Core {
    pub(super) fn apply_frame(&mut self, input: &RawInput<'_>, arrival: Arrival, payload: &Bytes, out: &mut Outputs) {
        let heard = match decode::heard_frame(payload) {
            Ok(heard) => heard,
            Err(error) => {
                out.reject = Some(Reject::from(error));
                return;
            }
        };
        let clock_us = self.clock.now_us();
        let Judged { receiver, time, clock, found } =
            self.receivers.judge(receiver_of(input.record), arrival, heard.stamp_s, clock_us);
        out.clock_trouble = found;
        let source = heard.frame.header.source.as_u32();
        let id = self.record_id(input);
        let observation = self.observation(input, source, time.at_us);
        let frame = FirstCopy::new(heard.key.0, arrival.at_us(), time.at_us, id, false);
        // Copies are found by the receiver's timestamp, even where it is not credible as the event time: the copy of a
        // receiver with a long delay is one all the same.
        let claimed = FirstCopy::new(heard.key.0, arrival.at_us(), time.claimed_at_us, id, false);
        let content = self.with_device(source, input.offset, |device, context| {
            device.note_receiver(&receiver, heard.rssi_dbm, heard.snr_db, context.clock_us);
            let first = match device.frames.first_copy_of(&claimed) {
                Some(first) => {
                    device.last_seen_us = context.clock_us;
                    first
                }
                None => {
                    let observation = complete(observation, &heard, &receiver);
                    let private = device.observe(observation, &time, context, out);
                    let first = frame.with_privacy(private);
                    device.frames.remember(first);
                    first
                }
            };
            let private = first.is_private() || device.is_hidden(context.settings);
            let mut heard = heard_frame(&heard, first.observation_id, private, clock);
            heard.device = (!private).then_some(source);
            heard.position = heard.position.filter(|position| device.may_be_near(position));
            (first.event_at_us(arrival.at_us()), reception::Content::HeardFrame(heard))
        });
        if let Some((event_at_us, content)) = content {
            out.receptions.push((event_at_us, self.reception(input, content)));
        }
    }
}

/// The reception of a frame by one receiver. That of a private frame has no data about its sender.
fn heard_frame(
    heard: &decode::HeardFrame<'_>,
    observation_id: u64,
    private: bool,
    clock: Option<ClockReport>,
) -> HeardFrame {
    let packet: &Packet<'_> = &heard.frame.packet;
    HeardFrame {
        observation_id: (!private).then_some(observation_id),
        rssi_dbm: heard.rssi_dbm.into(),
        snr_db: heard.snr_db.into(),
        receiver_stamp_s: heard.stamp_s,
        relayed: heard.is_relayed(),
        packet_type: (!private).then(|| packet.packet_type().code().into()),
        position: record::sender_position(packet).filter(|_| !private),
        clock_trouble: clock.map(|clock| clock.trouble.into()),
        clock_offset_us: clock.map(|clock| clock.offset_us),
        device: None,
    }
}

/// Adds the fields of the frame and its reception to an observation that has the ids and times.
fn complete(observation: Observation, heard: &decode::HeardFrame<'_>, receiver: &str) -> Observation {
    let mut flags = Vec::new();
    if heard.is_relayed() {
        flags.push(ObservationFlag::Relayed.into());
    }
    if heard.frame.header.signature().is_some() {
        flags.push(ObservationFlag::Signed.into());
    }
    let trailing = heard.frame.trailing;
    Observation {
        receiver_id: Some(receiver.to_owned()),
        receiver_stamp_s: Some(heard.stamp_s),
        packet_type: Some(heard.frame.packet.packet_type().code().into()),
        destination_device: heard.frame.header.destination().map(|address| address.as_u32()),
        flags,
        source: SourceKind::Radio.into(),
        trailing: (!trailing.is_empty()).then(|| Bytes::copy_from_slice(trailing)),
        body: Some(record::body(&heard.frame.packet)),
        ..observation
    }
}
