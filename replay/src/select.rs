//! The selection of records.

use std::ops::Range;

use air::record::sender_position;
use bytes::Bytes;
use capture::{Filter, Framed, Record};
use clap::Args;
use envelope::Wrapped;
use fanet::{DecodeError, Frame, PacketType};
use geo::Bounds;
use schemas::v1::raw_record::Input;
use schemas::{DeviceAddress, RecordId};

use crate::time::{Bound, Time};
use crate::usage::BadUsage;

/// The selection options; without any, all records match.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// From this time on: 2026-07-14T13:40 (UTC), 13:40, 2h ago, now. Or from this record of its partition on: 17-123456, as
    /// observation ids have it.
    #[arg(long, value_name = "TIME|RECORD")]
    pub from: Option<Bound>,
    /// Before this time, or before this record.
    #[arg(long, value_name = "TIME|RECORD")]
    pub to: Option<Bound>,
    /// Only frames of these devices: addresses such as 110B90, separated by commas.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = parse_device)]
    pub device: Vec<DeviceAddress>,
    /// Only records of these receivers: their ids, separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub receiver: Vec<String>,
    /// Only frames of these FANET packet types: numbers or names (tracking, name, message, service, thermal, ...).
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = parse_type)]
    pub types: Vec<PacketType>,
    /// Only frames with a position within WEST,SOUTH,EAST,NORTH, in degrees.
    #[arg(long, value_name = "W,S,E,N", value_parser = parse_bounds, allow_hyphen_values = true)]
    pub bounds: Option<Bounds>,
}

fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn parse_bounds(text: &str) -> Result<Bounds, String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let [west, south, east, north] = numbers[..] else {
        return Err("expected four numbers: west,south,east,north in degrees".to_owned());
    };
    Bounds::new(south, west, north, east).map_err(|error| error.to_string())
}

fn parse_type(text: &str) -> Result<PacketType, String> {
    let types = || (0..NAMED_TYPES).map(PacketType::from_code);
    let by_name = types().find(|packet_type| packet_type.name() == text);
    let by_number = || text.parse().ok().filter(|number: &u8| *number < 64).map(PacketType::from_code);
    by_name.or_else(by_number).ok_or_else(|| {
        format!("expected 0 to 63, or one of {}", types().map(PacketType::name).collect::<Vec<_>>().join(", "))
    })
}

/// Types that the protocol has given a meaning.
const NAMED_TYPES: u8 = 11;

/// A selection with its times resolved.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The part that the index of a capture can check.
    pub filter: Filter,
    types: Vec<PacketType>,
    bounds: Option<Bounds>,
}

impl SelectArgs {
    /// Resolves the times. `first_ms`: the first record's time, where it is known.
    ///
    /// # Errors
    /// The records that --from and --to name are of different partitions.
    pub fn resolve(&self, now_ms: i64, first_ms: Option<i64>) -> anyhow::Result<Selection> {
        let time =
            |bound: Option<Bound>| bound.and_then(Bound::time).map(|time: Time| time.resolve_ms(now_ms, first_ms));
        let (from, to) = (time(self.from), time(self.to));
        let time_ms = (from.is_some() || to.is_some()).then(|| from.unwrap_or(i64::MIN)..to.unwrap_or(i64::MAX));
        let devices = self.device.iter().map(|device| Bytes::from(device.to_string())).collect();
        let offsets = self.offsets()?;
        let filter = Filter { time_ms, offsets, devices, receivers: self.receiver.clone(), with_ticks: false };
        Ok(Selection { filter, types: self.types.clone(), bounds: self.bounds })
    }

    fn offsets(&self) -> anyhow::Result<Option<(u32, Range<u64>)>> {
        let record = |bound: Option<Bound>| bound.and_then(Bound::record);
        let (from, to) = (record(self.from), record(self.to));
        let Some(partition) = from.or(to).map(RecordId::partition) else { return Ok(None) };
        if let (Some(from), Some(to)) = (from, to)
            && from.partition() != to.partition()
        {
            let line =
                format!("--from {from} and --to {to} are of different partitions: name records of one, or times");
            return Err(BadUsage(line).into());
        }
        let range = from.map_or(0, RecordId::offset)..to.map_or(u64::MAX, RecordId::offset);
        Ok(Some((partition.into(), range)))
    }

    /// Whether frames are chosen by more than their time.
    pub fn is_partial(&self) -> bool {
        let by_record = [self.from, self.to].into_iter().flatten().any(|bound| bound.record().is_some());
        by_record
            || !(self.device.is_empty() && self.receiver.is_empty() && self.types.is_empty() && self.bounds.is_none())
    }
}

impl Selection {
    /// The same, with the ticks and other records that the core needs for its clock.
    #[must_use]
    pub fn with_ticks(mut self) -> Self {
        self.filter.with_ticks = true;
        self
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &Record) -> bool {
        if !self.filter.matches(record) {
            return false;
        }
        if self.types.is_empty() && self.bounds.is_none() {
            return true;
        }
        if self.filter.with_ticks && record.key.is_none() {
            return true;
        }
        let Some(payload) = frame_of(record) else { return false };
        let Ok((_, frame)) = decode(&payload) else { return false };
        let code = frame.packet.packet_type().code();
        let by_type = self.types.is_empty() || self.types.iter().any(|wanted| wanted.code() == code);
        by_type && self.bounds.as_ref().is_none_or(|bounds| is_within(bounds, &frame))
    }
}

fn is_within(bounds: &Bounds, frame: &Frame<'_>) -> bool {
    sender_position(&frame.packet).is_some_and(|at| bounds.contains(at.latitude_deg, at.longitude_deg))
}

/// The MQTT payload of a record with a frame.
pub fn frame_of(record: &Record) -> Option<Bytes> {
    match record.value.as_ref().and_then(Framed::parse)?.record.input? {
        Input::MqttFrame(payload) => Some(payload),
        _ => None,
    }
}

/// The wrapper and the frame of an MQTT payload.
pub(crate) fn decode(payload: &[u8]) -> Result<(Wrapped<'_>, Frame<'_>), DecodeError> {
    let wrapped = Wrapped::decode(payload)?;
    Ok((wrapped, Frame::decode(wrapped.frame)?))
}
