//! Filters for records.

use std::ops::Range;

use bytes::Bytes;

use crate::{Framed, Record, Summary, keys};

/// A filter by the fields of the index; the default takes all records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only records of these times, ms since the epoch.
    pub time_ms: Option<Range<i64>>,
    /// Only records of this partition at these offsets.
    pub offsets: Option<(u32, Range<u64>)>,
    /// Only records with one of these keys: addresses as `110B90`.
    pub devices: Vec<Bytes>,
    /// Only records that one of these receivers heard.
    pub receivers: Vec<String>,
    /// Also ticks and other records without a device or receiver, where one of those is asked for: the core needs them.
    pub with_ticks: bool,
}

impl Filter {
    /// Whether a block may hold matching records.
    pub fn may_match(&self, summary: &Summary) -> bool {
        let in_time =
            self.time_ms.as_ref().is_none_or(|time| summary.first_ms < time.end && summary.last_ms >= time.start);
        let by_device = self.devices.is_empty() || self.devices.iter().any(|key| keys::may_hold(&summary.devices, key));
        let by_receiver = self.receivers.is_empty()
            || self.receivers.iter().any(|id| keys::may_hold(&summary.receivers, id.as_bytes()));
        in_time && (self.with_ticks || (by_device && by_receiver))
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &Record) -> bool {
        if self.time_ms.as_ref().is_some_and(|time| !time.contains(&record.timestamp_ms)) {
            return false;
        }
        let is_there = |(partition, offsets): &(u32, Range<u64>)| {
            *partition == record.partition && offsets.contains(&record.offset)
        };
        if !self.offsets.as_ref().is_none_or(is_there) {
            return false;
        }
        if self.with_ticks && record.key.is_none() {
            return true;
        }
        let by_device = self.devices.is_empty() || record.key.as_ref().is_some_and(|key| self.devices.contains(key));
        by_device && (self.receivers.is_empty() || self.is_by_receiver(record))
    }

    fn is_by_receiver(&self, record: &Record) -> bool {
        let framed = record.value.as_ref().and_then(Framed::parse);
        let receiver = framed.and_then(|framed| framed.record.receiver_id);
        receiver.is_some_and(|receiver| self.receivers.contains(&receiver))
    }
}
