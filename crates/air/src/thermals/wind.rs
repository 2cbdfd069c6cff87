//! The wind of an area and altitude band, by the drift of all circles flown there.

use std::collections::{BTreeMap, BTreeSet};

use flight::units::KMH_PER_MPS;
use geo::distance::{from_components, to_components};
use geo::position::wrap_course_deg;
use geo::{Cell, Position};
use schemas::keys;
use schemas::v1::{ClimbReport, WindMemory, WindState};

use crate::thermals::fading::{confirmed_pct, count_device, ends_at_us, faded_pct, seconds_between, share_of};

/// Precision of the cells: some 20 by 30 km.
const PRECISION: u32 = 4;
/// Height of a band, metres.
const BAND_M: i32 = 500;
/// A report's share in the mean halves in this time, seconds.
const HALF_LIFE_S: f64 = 30.0 * 60.0;

/// A cell and the lowest altitude of a band.
pub type WindKey = (Cell, i32);

/// The name of a key in topics.
pub fn name_of((cell, base_altitude_m): WindKey) -> String {
    keys::wind(&cell.to_string(), base_altitude_m)
}

/// The wind of one cell and band.
#[derive(Clone, Debug, PartialEq)]
struct Wind {
    state: WindState,
    /// Distinct devices, ascending.
    devices: Vec<u32>,
    weight: f64,
    east_mps: f64,
    north_mps: f64,
}

impl Wind {
    fn begin(key: WindKey, event_at_us: u64) -> Self {
        let state = WindState {
            cell: key.0.to_string(),
            base_altitude_m: key.1,
            top_altitude_m: key.1 + BAND_M,
            first_seen_at_us: event_at_us,
            last_seen_at_us: event_at_us,
            ..WindState::default()
        };
        Self { state, devices: Vec::new(), weight: 0.0, east_mps: 0.0, north_mps: 0.0 }
    }

    fn join(&mut self, report: &ClimbReport, (east_mps, north_mps): (f64, f64)) {
        let seconds = seconds_between(self.state.last_seen_at_us, report.event_at_us);
        let share = share_of(report.confidence_pct);
        self.weight = self.weight * libm::exp2(-seconds / HALF_LIFE_S) + share;
        let part = share / self.weight;
        self.east_mps += (east_mps - self.east_mps) * part;
        self.north_mps += (north_mps - self.north_mps) * part;
        count_device(&mut self.devices, report.device);
        let (course_deg, speed_mps) = from_components(self.east_mps, self.north_mps);
        let state = &mut self.state;
        state.wind_from_deg = wrap_course_deg(course_deg + 180.0);
        state.wind_speed_kmh = speed_mps * KMH_PER_MPS;
        state.pilots = self.devices.len() as u32;
        state.reports += 1;
        state.confidence_pct = confirmed_pct(faded_pct(state.confidence_pct, seconds), share);
        state.last_seen_at_us = state.last_seen_at_us.max(report.event_at_us);
    }

    fn ends_at_us(&self) -> u64 {
        ends_at_us(self.state.confidence_pct, self.state.last_seen_at_us)
    }
}

/// All winds that are known.
#[derive(Debug, Default)]
pub(super) struct Winds {
    winds: BTreeMap<WindKey, Wind>,
    /// When which ends.
    due: BTreeSet<(u64, WindKey)>,
}

impl Winds {
    /// Takes the wind of a report, if it has one: instruments send an estimate, circles show the drift.
    pub(super) fn add(&mut self, report: &ClimbReport, position: Position) -> Option<WindKey> {
        let (from_deg, speed_kmh) = (report.wind_from_deg?, report.wind_speed_kmh?);
        if !report.from_track {
            return None;
        }
        let key = key_of(report, position);
        let mut wind = self.take(key).unwrap_or_else(|| Wind::begin(key, report.event_at_us));
        wind.join(report, to_components(wrap_course_deg(from_deg + 180.0), speed_kmh / KMH_PER_MPS));
        self.put(key, wind);
        Some(key)
    }

    /// Ends winds that have expired by a time; `ended` gets the key and whether the wind was published.
    pub(super) fn pass(&mut self, at_us: u64, mut ended: impl FnMut(WindKey, bool)) {
        while let Some(&(due_us, key)) = self.due.first()
            && due_us <= at_us
        {
            let wind = self.take(key).expect("due has live winds only");
            ended(key, wind.state.version > 0);
        }
    }

    /// Ends winds that were seen after a time; `ended` gets the keys of published ones.
    pub(super) fn end_later_than(&mut self, at_us: u64, mut ended: impl FnMut(WindKey)) {
        let later = self.winds.iter().filter(|(_, wind)| wind.state.last_seen_at_us > at_us);
        let later: Vec<_> = later.map(|(key, _)| *key).collect();
        for key in later {
            if self.take(key).is_some_and(|wind| wind.state.version > 0) {
                ended(key);
            }
        }
    }

    /// Sets the version under which a wind is published; `None`: it has ended.
    pub(super) fn set_version(&mut self, key: WindKey, version: u64) -> Option<&WindState> {
        let state = &mut self.winds.get_mut(&key)?.state;
        state.version = version;
        Some(state)
    }

    /// All winds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (WindKey, &WindState)> {
        self.winds.iter().map(|(key, wind)| (*key, &wind.state))
    }

    /// As the checkpoint keeps it.
    pub(super) fn to_checkpoint(&self, key: WindKey) -> Option<WindMemory> {
        self.winds.get(&key).map(|wind| WindMemory {
            state: Some(wind.state.clone()),
            devices: wind.devices.clone(),
            weight: wind.weight,
            east_mps: wind.east_mps,
            north_mps: wind.north_mps,
        })
    }

    /// From a checkpoint.
    pub(super) fn restore(&mut self, checkpoint: WindMemory) {
        let Some(state) = checkpoint.state else { return };
        let Ok(cell) = state.cell.parse::<Cell>() else { return };
        let key = (cell, state.base_altitude_m);
        let (weight, east_mps, north_mps) = (checkpoint.weight, checkpoint.east_mps, checkpoint.north_mps);
        self.put(key, Wind { state, devices: checkpoint.devices, weight, east_mps, north_mps });
    }

    fn take(&mut self, key: WindKey) -> Option<Wind> {
        let wind = self.winds.remove(&key)?;
        self.due.remove(&(wind.ends_at_us(), key));
        Some(wind)
    }

    fn put(&mut self, key: WindKey, wind: Wind) {
        self.due.insert((wind.ends_at_us(), key));
        self.winds.insert(key, wind);
    }
}

/// Where a report's wind belongs: the middle of its climb decides on the band.
fn key_of(report: &ClimbReport, position: Position) -> WindKey {
    let reported_m = report.position.and_then(|at| at.altitude_m).unwrap_or_default();
    let (base_m, top_m) = (report.base_altitude_m.unwrap_or(reported_m), report.top_altitude_m.unwrap_or(reported_m));
    let middle_m = f64::midpoint(base_m, top_m).clamp(-10_000.0, 100_000.0);
    let band = (middle_m / f64::from(BAND_M)).floor() as i32;
    (Cell::at(position.latitude_deg, position.longitude_deg, PRECISION), band * BAND_M)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Position = Position::new(46.0, 13.0);

    fn report(second: u64, device: u32, from_deg: f64, speed_kmh: f64) -> ClimbReport {
        ClimbReport {
            report_id: second,
            event_at_us: second * 1_000_000,
            device,
            base_altitude_m: Some(1_520.0),
            top_altitude_m: Some(1_600.0),
            wind_from_deg: Some(from_deg),
            wind_speed_kmh: Some(speed_kmh),
            confidence_pct: 80.0,
            from_track: true,
            ..ClimbReport::default()
        }
    }

    #[test]
    fn circles_of_a_cell_and_band_make_one_wind() {
        let mut winds = Winds::default();
        let key = winds.add(&report(0, 1, 260.0, 18.0), HOME).expect("drifts");
        assert_eq!(name_of(key), "u21j/1500");
        winds.add(&report(60, 2, 280.0, 18.0), HOME);
        let high =
            ClimbReport { base_altitude_m: Some(1_950.0), top_altitude_m: Some(2_100.0), ..report(70, 3, 0.0, 30.0) };
        assert_ne!(winds.add(&high, HOME), Some(key));
        let state = winds.set_version(key, 9).expect("live").clone();
        assert_eq!((state.pilots, state.reports, state.version, state.top_altitude_m), (2, 2, 9, 2_000));
        assert!((state.wind_from_deg - 270.0).abs() < 0.5, "{}", state.wind_from_deg);
        assert!((state.wind_speed_kmh - 17.7).abs() < 0.1, "{}", state.wind_speed_kmh);
        assert_eq!((state.confidence_pct * 10.0).round(), 958.0, "two witnesses, the first a minute ago");
    }

    #[test]
    fn instruments_guess_and_are_not_asked() {
        let guess = ClimbReport { from_track: false, ..report(0, 1, 260.0, 18.0) };
        assert_eq!(Winds::default().add(&guess, HOME), None);
    }

    #[test]
    fn only_published_winds_get_an_end() {
        let mut winds = Winds::default();
        let key = winds.add(&report(0, 1, 260.0, 18.0), HOME).expect("drifts");
        winds.set_version(key, 1);
        let unpublished = winds.add(&report(0, 1, 260.0, 18.0), Position::new(-46.0, 13.0)).expect("drifts");
        let mut ended = Vec::new();
        // 80 % is 5 % after four hours.
        winds.pass(3 * 3_600_000_000, |key, is_published| ended.push((key, is_published)));
        assert!(ended.is_empty());
        winds.pass(5 * 3_600_000_000, |key, is_published| ended.push((key, is_published)));
        ended.sort();
        let mut expected = vec![(key, true), (unpublished, false)];
        expected.sort();
        assert_eq!((ended, winds.iter().count()), (expected, 0));
    }
}
