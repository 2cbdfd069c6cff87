//! The stream core without services, to analyse a bug report with the raw records of that hour.
//!
//! Reads captures and lines, and uses neither Kafka nor a clock: the same input gives the same output, bit for bit.

mod input;
mod lines;
mod options;
mod outputs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use air::core::{Core, Outputs, RawInput, Settings};
use anyhow::Context as _;
use schemas::catalogue::{self, topic};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};
use streams::partitioner::partition_of;

pub use input::is_capture;
pub use lines::{Line, LineReader, message_record};
pub use options::{CoreOptions, Privacy, parse_bound};
pub use outputs::print;

/// As bridges do: a tick for every partition, so that silent objects expire.
const TICK_US: u64 = 5_000_000;

/// One record that the core has applied.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// The record.
    pub record: &'a RawRecord,
    /// What follows from it.
    pub outputs: &'a Outputs,
}

/// The cores of all partitions of a raw topic, each fed in the order of its input.
#[derive(Debug)]
pub struct OfflineCore<'s> {
    settings: &'s Settings,
    lines: LineReader,
    partitions: u32,
    cores: BTreeMap<u32, Core>,
    /// For captured messages, which have no offsets of their own.
    next_offsets: BTreeMap<u32, u64>,
    next_tick_us: Option<u64>,
    outputs: Outputs,
}

impl<'s> OfflineCore<'s> {
    /// Cores that know nothing. `partitions`: of the raw topic, for messages that have none yet; `None`: as the catalogue
    /// has it.
    pub fn new(settings: &'s Settings, partitions: Option<u32>) -> Self {
        let partitions =
            partitions.unwrap_or_else(|| catalogue::find(topic::RAW).expect("in the catalogue").partitions);
        Self {
            settings,
            lines: LineReader::new(),
            partitions,
            cores: BTreeMap::new(),
            next_offsets: BTreeMap::new(),
            next_tick_us: None,
            outputs: Outputs::default(),
        }
    }

    /// Applies a record of the raw topic where it stood.
    ///
    /// # Errors
    /// The partition is no number below 65,536, or `see` fails.
    pub fn apply(
        &mut self,
        partition: u32,
        offset: u64,
        record: &RawRecord,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.core(partition)?;
        let core = self.cores.get_mut(&partition).expect("made above");
        core.apply(&RawInput { offset, record }, &mut self.outputs);
        let seen = see(Applied { partition, offset, record, outputs: &self.outputs });
        self.outputs.clear();
        seen
    }

    /// Passes over a record that cannot be read, as the processor does.
    ///
    /// # Errors
    /// The partition is no number below 65,536.
    pub fn skip(&mut self, partition: u32, offset: u64, reason: &'static str) -> anyhow::Result<()> {
        self.core(partition)?.skip(offset, reason);
        Ok(())
    }

    /// Applies a message of a receiver as the bridge would write it: in its device's partition, behind the ticks that were
    /// due until then.
    ///
    /// # Errors
    /// As [`OfflineCore::apply`].
    pub fn message(
        &mut self,
        key: &[u8],
        record: &RawRecord,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.tick(record.ingested_at_us, see)?;
        self.append(partition_of(key, self.partitions), record, see)
    }

    /// The core of a partition, where it has had records.
    pub fn of_partition(&self, partition: u32) -> Option<&Core> {
        self.cores.get(&partition)
    }

    fn core(&mut self, partition: u32) -> anyhow::Result<&mut Core> {
        let number = u16::try_from(partition).context("a partition is a number below 65,536")?;
        Ok(self.cores.entry(partition).or_insert_with(|| Core::new(number, self.settings.clone())))
    }

    fn tick(&mut self, now_us: u64, see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut next_us = self.next_tick_us.unwrap_or(now_us);
        while next_us <= now_us {
            let input = Some(Input::Tick(Tick { bridge_id: "offline".into(), interval_s: 5 }));
            let tick = RawRecord { ingested_at_us: next_us, input, ..RawRecord::default() };
            for partition in 0..self.partitions {
                self.append(partition, &tick, see)?;
            }
            next_us += TICK_US;
        }
        self.next_tick_us = Some(next_us);
        Ok(())
    }

    fn append(
        &mut self,
        partition: u32,
        record: &RawRecord,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let next = self.next_offsets.entry(partition).or_default();
        *next += 1;
        let offset = *next;
        self.apply(partition, offset, record, see)
    }
}
