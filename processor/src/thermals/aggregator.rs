//! Reports into thermals, whatever the order in which partitions bring them.
//!
//! A report waits until every raw partition's clock has passed its event time (see [`Clocks`] for those that stand
//! still); then reports are applied by (event time, id). The core that reports sees to it that none is older than the
//! clock it has told last, so a report from before what is applied already is one that came twice, or one from a
//! partition that was waited for no longer: it is dropped. So no memory of ids is needed, and what waits is bounded.

use std::collections::{BTreeMap, BTreeSet};

use geo::Position;
use schemas::id::RecordId;
use schemas::v1::{
    AggregatorMemory, ClimbReport, ThermalReport, ThermalState, ThermalsState, thermal_report, thermals_state,
};

use crate::core::PARTITION_KEY;
use crate::thermals::clocks::Clocks;
use crate::thermals::picture::Picture;
use crate::thermals::thermal::Thermal;

/// More reports do not wait: then the oldest are applied, as if the clocks had passed them.
const MOST_HELD: usize = 250_000;

/// No wind is stronger, km/h.
const MOST_WIND_KMH: f64 = 500.0;

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
    next_offset: u64,
    clocks: Clocks,
    most_held: usize,
    held: BTreeMap<(u64, u64), ClimbReport>,
    applied_until_us: u64,
    thermals: Picture,
    /// Changed since the last checkpoint, ended ones included.
    changed: BTreeSet<u64>,
}

impl Aggregator {
    /// An aggregator that knows nothing; reports wait for the clocks of `raw_partitions`.
    pub fn new(raw_partitions: u32) -> Self {
        Self {
            next_offset: 0,
            clocks: Clocks::new(raw_partitions),
            most_held: MOST_HELD,
            held: BTreeMap::new(),
            applied_until_us: 0,
            thermals: Picture::default(),
            changed: BTreeSet::new(),
        }
    }

    /// The offset of the first record that has not been applied.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The time up to which reports are applied, microseconds.
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
            Some(thermal_report::Content::Report(report)) if self.is_usable(report) => {
                self.held.entry((report.event_at_us, report.report_id)).or_insert(*report);
                if self.held.len() > self.most_held
                    && let Some((oldest_us, _)) = self.held.keys().next()
                {
                    self.advance(oldest_us + 1, offset, out);
                }
            }
            Some(thermal_report::Content::Clock(clock)) => {
                self.clocks.tell(clock);
                self.advance(self.clocks.passed_us(), offset, out);
            }
            _ => {}
        }
    }

    /// Whether a report is new, has a place and numbers that can be reckoned with.
    fn is_usable(&self, report: &ClimbReport) -> bool {
        let is_placed = report.position.is_some_and(|told| {
            let altitude_m = told.altitude_m.unwrap_or_default();
            Position::new(told.latitude_deg, told.longitude_deg).is_on_earth() && altitude_m.is_finite()
        });
        let stated = [report.climb_mps, report.confidence_pct];
        let optional = [
            report.max_climb_mps,
            report.radius_m,
            report.wind_from_deg,
            report.wind_speed_kmh,
            report.base_altitude_m,
            report.top_altitude_m,
        ];
        let are_numbers = stated.into_iter().chain(optional.into_iter().flatten()).all(f64::is_finite);
        let is_wind = report.wind_speed_kmh.unwrap_or_default().abs() <= MOST_WIND_KMH;
        report.event_at_us >= self.applied_until_us && is_placed && are_numbers && is_wind
    }

    /// All thermals as they were last given out. The versions are those of now: nothing older can follow.
    pub fn states(&self) -> impl Iterator<Item = ThermalChange> {
        self.thermals.iter().map(|thermal| ThermalChange {
            thermal_id: thermal.state.thermal_id,
            version: thermal.state.version,
            at_us: self.applied_until_us,
            state: Some(thermal.state),
        })
    }

    /// Applies what lies before `passed_us`.
    fn advance(&mut self, passed_us: u64, offset: u64, out: &mut Vec<ThermalChange>) {
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
            let state = self.thermals.tell(thermal_id, offset).map(|thermal| thermal.state);
            out.push(ThermalChange { thermal_id, version: offset, at_us: passed_us, state });
        }
    }

    /// Puts a report where it belongs; the thermal's id.
    fn place(&mut self, report: &ClimbReport) -> Option<u64> {
        let told = report.position?;
        let position = Position::new(told.latitude_deg, told.longitude_deg);
        let thermal = match self.thermals.nearest(report, position).and_then(|nearest| self.thermals.take(nearest)) {
            Some(mut thermal) => {
                thermal.join(report, position);
                thermal
            }
            None => Thermal::begin(report, position),
        };
        let thermal_id = thermal.state.thermal_id;
        self.thermals.put(thermal, report.event_at_us);
        Some(thermal_id)
    }

    fn end_before(&mut self, at_us: u64, touched: &mut BTreeSet<u64>) {
        self.thermals.pass(at_us, |thermal| {
            let thermal_id = thermal.state.thermal_id;
            // Of one that began and ended while nobody was told there is nothing to end.
            let is_told = thermal.state.version > 0;
            if is_told {
                touched.insert(thermal_id)
            } else {
                touched.remove(&thermal_id)
            };
        });
    }

    /// What changed since the last call, as checkpoint records, the aggregator's own part last.
    pub fn changed_memories(&mut self, epoch: &str) -> Vec<(String, Option<ThermalsState>)> {
        let state = |part| ThermalsState { part: Some(part) };
        let mut records = Vec::with_capacity(self.changed.len() + 1);
        for thermal_id in std::mem::take(&mut self.changed) {
            let memory = self.thermals.find(thermal_id).map(|thermal| thermal.to_memory(self.next_offset));
            let memory = memory.map(|memory| state(thermals_state::Part::Thermal(memory)));
            records.push((RecordId(thermal_id).to_string(), memory));
        }
        let own = AggregatorMemory {
            next_offset: self.next_offset,
            clocks: self.clocks.to_memory(),
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
                let last_seen_at_us = thermal.state.last_seen_at_us;
                self.thermals.put(thermal, last_seen_at_us);
            }
            Some(thermals_state::Part::Aggregator(memory)) => {
                self.next_offset = memory.next_offset;
                self.applied_until_us = memory.applied_until_us;
                memory.clocks.iter().for_each(|clock| self.clocks.tell(clock));
                let held = memory.held.into_iter().map(|report| ((report.event_at_us, report.report_id), report));
                self.held = held.collect();
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
