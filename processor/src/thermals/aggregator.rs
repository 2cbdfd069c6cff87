//! Reports into thermals, whatever the order in which partitions bring them.
//!
//! A report waits until every raw partition's clock has passed its event time; then reports are applied by (event time,
//! id). The core that reports sees to it that none is older than the clock it has told last, so a report from before
//! what is applied already is one that came twice.

use std::collections::{BTreeMap, BTreeSet};

use geo::Position;
use schemas::id::RecordId;
use schemas::v1::{
    AggregatorMemory, ClimbReport, PartitionClock, ThermalReport, ThermalState, ThermalsState, thermal_report,
    thermals_state,
};

use crate::core::PARTITION_KEY;
use crate::thermals::thermal::{JOIN_M, Thermal};

/// A new state of a thermal, or its end.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalChange {
    /// The id of its first report.
    pub thermal_id: u64,
    /// The offset of the record that made it.
    pub version: u64,
    /// The time that the partitions' clocks have passed, microseconds.
    pub at_us: u64,
    /// The state; `None`: it has ended.
    pub state: Option<ThermalState>,
}

/// The pure core of the thermals' group.
#[derive(Debug)]
pub struct Aggregator {
    raw_partitions: u32,
    next_offset: u64,
    clocks: BTreeMap<u32, u64>,
    held: BTreeMap<(u64, u64), ClimbReport>,
    applied_until_us: u64,
    thermals: BTreeMap<u64, Thermal>,
    /// Changed since the last checkpoint, ended ones included.
    changed: BTreeSet<u64>,
}

impl Aggregator {
    /// An aggregator that knows nothing; reports wait for the clocks of `raw_partitions`.
    pub fn new(raw_partitions: u32) -> Self {
        Self {
            raw_partitions,
            next_offset: 0,
            clocks: BTreeMap::new(),
            held: BTreeMap::new(),
            applied_until_us: 0,
            thermals: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    /// The offset of the first record that has not been applied.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The time that all partitions' clocks have passed, microseconds.
    pub fn clock_us(&self) -> u64 {
        self.applied_until_us
    }

    /// Applies one record; changed thermals are appended to `out`, each once.
    pub fn apply(&mut self, offset: u64, record: &ThermalReport, out: &mut Vec<ThermalChange>) {
        if offset < self.next_offset {
            return;
        }
        self.next_offset = offset + 1;
        match &record.content {
            Some(thermal_report::Content::Report(report)) if report.event_at_us >= self.applied_until_us => {
                self.held.entry((report.event_at_us, report.report_id)).or_insert(*report);
            }
            Some(thermal_report::Content::Clock(clock)) => {
                let known_us = self.clocks.entry(clock.raw_partition).or_default();
                *known_us = clock.clock_us.max(*known_us);
                self.advance(offset, out);
            }
            _ => {}
        }
    }

    /// All thermals as they were last given out. The versions are those of now: nothing older can follow.
    pub fn states(&self) -> impl Iterator<Item = ThermalChange> {
        self.thermals.values().map(|thermal| ThermalChange {
            thermal_id: thermal.state.thermal_id,
            version: thermal.state.version,
            at_us: self.applied_until_us,
            state: Some(thermal.state),
        })
    }

    fn advance(&mut self, offset: u64, out: &mut Vec<ThermalChange>) {
        if self.clocks.len() < self.raw_partitions as usize {
            return;
        }
        let passed_us = self.clocks.values().copied().min().unwrap_or_default();
        if passed_us <= self.applied_until_us {
            return;
        }
        let mut touched = BTreeSet::new();
        while let Some(entry) = self.held.first_entry()
            && entry.key().0 < passed_us
        {
            let report = entry.remove();
            self.end_before(report.event_at_us, &mut touched);
            touched.extend(self.place(&report));
        }
        self.end_before(passed_us, &mut touched);
        self.applied_until_us = passed_us;
        for thermal_id in touched {
            self.changed.insert(thermal_id);
            let state = self.thermals.get_mut(&thermal_id).map(|thermal| {
                thermal.state.version = offset;
                thermal.state
            });
            out.push(ThermalChange { thermal_id, version: offset, at_us: passed_us, state });
        }
    }

    /// Puts a report where it belongs; the thermal's id.
    fn place(&mut self, report: &ClimbReport) -> Option<u64> {
        let told = report.position?;
        let position = Position::new(told.latitude_deg, told.longitude_deg);
        let near = self.thermals.iter().filter_map(|(thermal_id, thermal)| {
            let distance_m = thermal.distance_m(report, position)?;
            (distance_m <= JOIN_M).then_some((distance_m, *thermal_id))
        });
        let nearest = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let thermal_id = nearest.map_or(report.report_id, |(_, thermal_id)| thermal_id);
        match self.thermals.get_mut(&thermal_id) {
            Some(thermal) => thermal.join(report, position),
            None => {
                self.thermals.insert(thermal_id, Thermal::begin(report, position));
            }
        }
        Some(thermal_id)
    }

    fn end_before(&mut self, at_us: u64, touched: &mut BTreeSet<u64>) {
        self.thermals.retain(|thermal_id, thermal| {
            let lives = thermal.ends_at_us() > at_us;
            if !lives {
                touched.insert(*thermal_id);
            }
            lives
        });
    }

    /// What changed since the last call, as checkpoint records, the aggregator's own part last.
    pub fn changed_memories(&mut self, epoch: &str) -> Vec<(String, Option<ThermalsState>)> {
        let state = |part| ThermalsState { part: Some(part) };
        let mut records = Vec::with_capacity(self.changed.len() + 1);
        for thermal_id in std::mem::take(&mut self.changed) {
            let memory = self.thermals.get(&thermal_id).map(|thermal| thermal.to_memory(self.next_offset));
            let memory = memory.map(|memory| state(thermals_state::Part::Thermal(memory)));
            records.push((RecordId(thermal_id).to_string(), memory));
        }
        let clock = |(raw_partition, clock_us): (&u32, &u64)| PartitionClock {
            raw_partition: *raw_partition,
            clock_us: *clock_us,
        };
        let own = AggregatorMemory {
            next_offset: self.next_offset,
            clocks: self.clocks.iter().map(clock).collect(),
            held: self.held.values().copied().collect(),
            applied_until_us: self.applied_until_us,
            epoch: epoch.to_owned(),
        };
        records.push((PARTITION_KEY.to_owned(), Some(state(thermals_state::Part::Aggregator(own)))));
        records
    }

    /// Takes back one checkpoint record, before any record is applied.
    pub fn restore(&mut self, memory: ThermalsState) {
        match memory.part {
            Some(thermals_state::Part::Thermal(memory)) => {
                let thermal = Thermal::from_memory(&memory);
                self.thermals.insert(thermal.state.thermal_id, thermal);
            }
            Some(thermals_state::Part::Aggregator(memory)) => {
                self.next_offset = memory.next_offset;
                self.applied_until_us = memory.applied_until_us;
                self.clocks = memory.clocks.iter().map(|clock| (clock.raw_partition, clock.clock_us)).collect();
                let held = memory.held.into_iter().map(|report| ((report.event_at_us, report.report_id), report));
                self.held = held.collect();
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
