//! The frames as they are in the raw topic, which can hold more copies than were acknowledged: when a node restarts, the
//! producer may write a record again whose first acknowledgement it never received.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Result, ensure};
use fanet::Wrapped;
use prost::Message as _;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use streams::{Incoming, framing};

use crate::rig::Rig;
use crate::traffic::Sent;

#[derive(Debug, Default)]
pub(crate) struct RawFrames {
    /// The partition and offset of the first copy of each frame.
    pub(crate) first_copies: BTreeSet<(u32, u64)>,
    /// The number of copies.
    pub(crate) copies: usize,
}

/// Reads the raw topic, and compares it with what was acknowledged.
pub(crate) async fn read(rig: &Rig, sent: &Sent) -> Result<RawFrames> {
    let (mut raw, mut frames, mut positions) = (RawFrames::default(), HashSet::new(), HashSet::new());
    rig.read("fanet.raw.v1", |record| {
        let Some(payload) = payload(record) else { return };
        let frame = Wrapped::decode(&payload).expect("a wrapped frame").frame.to_vec();
        raw.copies += 1;
        positions.insert((record.partition, record.offset));
        if frames.insert(frame) {
            raw.first_copies.insert((record.partition, record.offset));
        }
    })
    .await?;
    let lost = sent.first_copies.iter().find(|position| !positions.contains(position));
    ensure!(lost.is_none(), "acknowledged, but not in the raw topic: {lost:?}");
    ensure!(frames.len() == sent.first_copies.len(), "{} frames of {}", frames.len(), sent.first_copies.len());
    Ok(raw)
}

/// The MQTT payload of a record; `None`: of a tick or command.
fn payload(record: &Incoming) -> Option<Vec<u8>> {
    let framed = framing::decode(record.value.as_ref().expect("raw records have values")).expect("in the wire format");
    match RawRecord::decode(framed.payload).expect("a raw record").input {
        Some(Input::MqttFrame(payload)) => Some(payload.to_vec()),
        _ => None,
    }
}
