//! Thermals from reports, independent of the order in which partitions deliver them.
//!
//! A report waits until every raw partition's clock has passed its event time (see [`Clocks`] for stopped ones); then
//! reports are applied by (event time, id). The reporting core guarantees that no report is older than the last clock
//! that it emitted. So a report that is older than the applied time is a duplicate, or comes from a partition that was
//! ignored: it is dropped. No set of ids is needed, and the waiting reports are bounded.
//!
//! When partitions' clocks were ahead and are set back, thermals and winds from the future are ended, and reports are
//! applied from the present on.

use std::collections::BTreeSet;

use geo::Position;
use schemas::id::RecordId;
use schemas::keys;
use schemas::v1::{
    AggregatorMemory, ClimbReport, ThermalReport, ThermalState, ThermalsState, WindState, thermal_report,
    thermals_state,
};

use crate::group::GroupCore;
use crate::thermals::clocks::Clocks;
use crate::thermals::held::Held;
use crate::thermals::picture::Picture;
use crate::thermals::thermal::Thermal;
use crate::thermals::wind::{WindKey, Winds, name_of};

/// Reports that are held back at once; beyond it the oldest are applied, as if the clocks had passed them.
const MAX_HELD_REPORTS: usize = 250_000;

/// A report with a stronger wind is unusable, km/h.
const MAX_WIND_KMH: f64 = 500.0;

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

/// A new state of the wind of a cell and altitude band, or its end.
#[derive(Clone, Debug, PartialEq)]
pub struct WindChange {
    /// Cell and lowest altitude.
    pub key: WindKey,
    /// The offset of the record that made it.
    pub version: u64,
    /// The time that the partitions' clocks have passed, microseconds.
    pub at_us: u64,
    /// The state; `None`: it has ended.
    pub state: Option<WindState>,
}

/// The changes that records caused. A buffer that its owner drains and passes again.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Of thermals, each once per record.
    pub thermals: Vec<ThermalChange>,
    /// Of winds, likewise.
    pub winds: Vec<WindChange>,
}

/// The pure core of the thermals' group.
#[derive(Debug)]
pub struct Aggregator {
    next_offset: u64,
    clocks: Clocks,
    max_held_reports: usize,
    held: Held,
    applied_until_us: u64,
    thermals: Picture,
    winds: Winds,
    /// Changed since the last checkpoint, ended ones included.
    changed: Touched,
}

#[derive(Debug, Default)]
struct Touched {
    thermals: BTreeSet<u64>,
    winds: BTreeSet<WindKey>,
}

impl Aggregator {
    /// An aggregator that knows nothing; reports wait for the clocks of `raw_partitions`.
    pub fn new(raw_partitions: u32) -> Self {
        Self {
            next_offset: 0,
            clocks: Clocks::new(raw_partitions),
            max_held_reports: MAX_HELD_REPORTS,
            held: Held::default(),
            applied_until_us: 0,
            thermals: Picture::default(),
            winds: Winds::default(),
            changed: Touched::default(),
        }
    }

    /// Whether a report is new, and has a position and finite numbers.
    fn is_usable(&self, report: &ClimbReport) -> bool {
        let has_position = report.position.is_some_and(|at| {
            let altitude_m = at.altitude_m.unwrap_or_default();
            Position::new(at.latitude_deg, at.longitude_deg).is_on_earth() && altitude_m.is_finite()
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
        let is_wind = report.wind_speed_kmh.unwrap_or_default().abs() <= MAX_WIND_KMH;
        report.event_at_us >= self.applied_until_us && has_position && are_numbers && is_wind
    }

    /// All thermals as they were last published. The versions are those of now: nothing older can follow.
    pub fn states(&self) -> impl Iterator<Item = ThermalChange> {
        self.thermals.iter().map(|thermal| ThermalChange {
            thermal_id: thermal.state.thermal_id,
            version: thermal.state.version,
            at_us: self.applied_until_us,
            state: Some(thermal.state),
        })
    }

    /// All winds as they were last published.
    pub fn winds(&self) -> impl Iterator<Item = &WindState> {
        self.winds.iter().map(|(_, state)| state)
    }

    /// Applies what lies before `passed_us`.
    fn advance(&mut self, passed_us: u64, offset: u64, out: &mut Changes) {
        if passed_us <= self.applied_until_us {
            return;
        }
        let mut touched = Touched::default();
        while let Some(report) = self.held.take_before(passed_us) {
            self.end_before(report.event_at_us, &mut touched);
            self.assign(&report, &mut touched);
        }
        self.end_before(passed_us, &mut touched);
        self.applied_until_us = passed_us;
        self.publish(touched, passed_us, offset, out);
    }

    fn publish(&mut self, touched: Touched, passed_us: u64, offset: u64, out: &mut Changes) {
        for thermal_id in touched.thermals {
            self.changed.thermals.insert(thermal_id);
            let state = self.thermals.set_version(thermal_id, offset).map(|thermal| thermal.state);
            out.thermals.push(ThermalChange { thermal_id, version: offset, at_us: passed_us, state });
        }
        for key in touched.winds {
            self.changed.winds.insert(key);
            let state = self.winds.set_version(key, offset).cloned();
            out.winds.push(WindChange { key, version: offset, at_us: passed_us, state });
        }
    }

    /// Begins again at the time that all clocks have passed: thermals and winds that were seen later are ended, and
    /// reports that are later than every clock are dropped.
    fn set_back(&mut self, offset: u64, out: &mut Changes) {
        let (at_us, newest_us) = (self.clocks.passed_us(), self.clocks.newest_us());
        let mut touched = Touched::default();
        let later = self.thermals.iter().filter(|thermal| thermal.state.last_seen_at_us > at_us);
        let later: Vec<_> = later.map(|thermal| thermal.state.thermal_id).collect();
        for thermal in later.into_iter().filter_map(|thermal_id| self.thermals.take(thermal_id)) {
            if thermal.state.version > 0 {
                touched.thermals.insert(thermal.state.thermal_id);
            }
        }
        self.thermals.set_back(at_us);
        self.winds.end_later_than(at_us, |key| {
            touched.winds.insert(key);
        });
        self.held.drop_after(newest_us);
        self.applied_until_us = at_us;
        self.publish(touched, at_us, offset, out);
    }

    /// Assigns a report to the nearest thermal or a new one, and to its wind.
    fn assign(&mut self, report: &ClimbReport, touched: &mut Touched) {
        let Some(at) = report.position else { return };
        let position = Position::new(at.latitude_deg, at.longitude_deg);
        let thermal = match self.thermals.nearest(report, position).and_then(|nearest| self.thermals.take(nearest)) {
            Some(mut thermal) => {
                thermal.join(report, position);
                thermal
            }
            None => Thermal::begin(report, position),
        };
        touched.thermals.insert(thermal.state.thermal_id);
        self.thermals.put(thermal, report.event_at_us);
        touched.winds.extend(self.winds.add(report, position));
    }

    /// Thermals and winds that began and ended unpublished need no tombstone.
    fn end_before(&mut self, at_us: u64, touched: &mut Touched) {
        self.thermals.pass(at_us, |thermal| {
            let (thermal_id, is_published) = (thermal.state.thermal_id, thermal.state.version > 0);
            if is_published {
                touched.thermals.insert(thermal_id)
            } else {
                touched.thermals.remove(&thermal_id)
            };
        });
        self.winds.pass(at_us, |key, is_published| {
            if is_published {
                touched.winds.insert(key)
            } else {
                touched.winds.remove(&key)
            };
        });
    }
}

impl GroupCore for Aggregator {
    type Record = ThermalReport;
    type Checkpoint = ThermalsState;
    type Changes = Changes;

    fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The time up to which reports are applied.
    fn clock_us(&self) -> u64 {
        self.applied_until_us
    }

    fn apply(&mut self, offset: u64, record: &ThermalReport, out: &mut Changes) {
        if offset < self.next_offset {
            return;
        }
        self.next_offset = offset + 1;
        match &record.content {
            Some(thermal_report::Content::Report(report)) if self.is_usable(report) => {
                self.held.insert(*report);
                if self.held.len() > self.max_held_reports
                    && let Some(oldest_us) = self.held.oldest_us()
                {
                    self.advance(oldest_us + 1, offset, out);
                }
            }
            Some(thermal_report::Content::Clock(clock)) => {
                let is_set_back = self.clocks.update(clock);
                if is_set_back && self.clocks.passed_us() < self.applied_until_us {
                    self.set_back(offset, out);
                }
                self.advance(self.clocks.passed_us(), offset, out);
            }
            _ => {}
        }
    }

    fn changed_checkpoints(&mut self, epoch: &str) -> Vec<(String, Option<ThermalsState>)> {
        let state = |part| ThermalsState { part: Some(part) };
        let Touched { thermals, winds } = std::mem::take(&mut self.changed);
        let mut records = Vec::with_capacity(thermals.len() + winds.len() + 1);
        for thermal_id in thermals {
            let checkpoint = self.thermals.find(thermal_id).map(|thermal| thermal.to_checkpoint(self.next_offset));
            let checkpoint = checkpoint.map(|checkpoint| state(thermals_state::Part::Thermal(checkpoint)));
            records.push((RecordId(thermal_id).to_string(), checkpoint));
        }
        for key in winds {
            let checkpoint =
                self.winds.to_checkpoint(key).map(|checkpoint| state(thermals_state::Part::Wind(checkpoint)));
            records.push((format!("wind/{}", name_of(key)), checkpoint));
        }
        for (key, checkpoint) in self.held.changed_checkpoints() {
            records.push((key, checkpoint.map(|checkpoint| state(thermals_state::Part::Held(checkpoint)))));
        }
        let own = AggregatorMemory {
            next_offset: self.next_offset,
            clocks: self.clocks.to_checkpoint(),
            held: Vec::new(),
            applied_until_us: self.applied_until_us,
            epoch: epoch.to_owned(),
        };
        records.push((keys::PARTITION.to_owned(), Some(state(thermals_state::Part::Aggregator(own)))));
        records
    }

    fn change_all(&mut self) {
        self.changed.thermals.extend(self.thermals.iter().map(|thermal| thermal.state.thermal_id));
        self.changed.winds.extend(self.winds.iter().map(|(key, _)| key));
        self.held.change_all();
    }

    fn restore(&mut self, checkpoint: ThermalsState) {
        match checkpoint.part {
            Some(thermals_state::Part::Thermal(checkpoint)) => {
                let thermal = Thermal::from_checkpoint(&checkpoint);
                let last_seen_at_us = thermal.state.last_seen_at_us;
                self.thermals.put(thermal, last_seen_at_us);
            }
            Some(thermals_state::Part::Wind(checkpoint)) => self.winds.restore(checkpoint),
            Some(thermals_state::Part::Held(checkpoint)) => self.held.restore(checkpoint, self.applied_until_us),
            Some(thermals_state::Part::Aggregator(checkpoint)) => {
                self.next_offset = checkpoint.next_offset;
                self.applied_until_us = checkpoint.applied_until_us;
                for clock in &checkpoint.clocks {
                    self.clocks.update(clock);
                }
                checkpoint.held.into_iter().for_each(|report| self.held.insert(report));
                self.held.forget_before(checkpoint.applied_until_us);
            }
            None => {}
        }
    }
    fn epoch_of(checkpoint: &ThermalsState) -> Option<&str> {
        match &checkpoint.part {
            Some(thermals_state::Part::Aggregator(own)) => Some(&own.epoch),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
