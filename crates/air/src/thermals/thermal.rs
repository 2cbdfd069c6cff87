//! One thermal: climbs of all pilots made into one picture.

use flight::units::KMH_PER_MPS;
use geo::Position;
use geo::distance::{distance_m, from_components, shifted, to_components};
use geo::position::wrap_course_deg;
use schemas::v1::{self, ClimbReport, ThermalMemory, ThermalState};

use crate::thermals::fading::{confirmed_pct, count_device, ends_at_us, faded_pct, seconds_between, share_of};

/// A report this near to the drifted centre belongs to the thermal, metres.
pub(super) const JOIN_M: f64 = 500.0;
/// A report this far above or below what is known of it still belongs to it, metres.
const BAND_M: f64 = 400.0;
/// A report's share in position and climb halves in this time.
const HALF_LIFE_S: f64 = 10.0 * 60.0;
/// Instruments send no radius: that of a usual circle, metres.
const USUAL_RADIUS_M: f64 = 60.0;

/// A live thermal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thermal {
    pub(super) state: ThermalState,
    /// Distinct devices, ascending.
    devices: Vec<u32>,
    weight: f64,
    climb_weighted_sum: f64,
    wind_weight: f64,
    wind_east_mps: f64,
    wind_north_mps: f64,
}

impl Thermal {
    /// A thermal that begins with a report at `position`.
    pub(super) fn begin(report: &ClimbReport, position: Position) -> Self {
        let altitude_m = altitude_m(report);
        let state = ThermalState {
            thermal_id: report.report_id,
            position: Some(at(position, altitude_m)),
            radius_m: report.radius_m.unwrap_or(USUAL_RADIUS_M),
            base_altitude_m: report.base_altitude_m.unwrap_or(altitude_m),
            top_altitude_m: report.top_altitude_m.unwrap_or(altitude_m),
            first_seen_at_us: report.event_at_us,
            last_seen_at_us: report.event_at_us,
            ..ThermalState::default()
        };
        let mut thermal = Self {
            state,
            devices: Vec::new(),
            weight: 0.0,
            climb_weighted_sum: 0.0,
            wind_weight: 0.0,
            wind_east_mps: 0.0,
            wind_north_mps: 0.0,
        };
        thermal.join(report, position);
        thermal
    }

    /// How far a report is from where the thermal has drifted to, metres. `None`: another altitude.
    pub(super) fn distance_m(&self, report: &ClimbReport, position: Position) -> Option<f64> {
        let altitude_m = altitude_m(report);
        let (base_m, top_m) = (
            report.base_altitude_m.unwrap_or(altitude_m) - BAND_M,
            report.top_altitude_m.unwrap_or(altitude_m) + BAND_M,
        );
        let same_band = base_m <= self.state.top_altitude_m && top_m >= self.state.base_altitude_m;
        same_band.then(|| distance_m(self.drifted(report.event_at_us), position))
    }

    /// Where the centre is at a time.
    pub(super) fn drifted(&self, at_us: u64) -> Position {
        let known = self.state.position.unwrap_or_default();
        let known = Position::new(known.latitude_deg, known.longitude_deg);
        let seconds = seconds_between(self.state.last_seen_at_us, at_us);
        shifted(known, self.wind_east_mps * seconds, self.wind_north_mps * seconds)
    }

    /// Takes a report.
    pub(super) fn join(&mut self, report: &ClimbReport, position: Position) {
        let centre = self.drifted(report.event_at_us);
        let seconds = seconds_between(self.state.last_seen_at_us, report.event_at_us);
        let fade = libm::exp2(-seconds / HALF_LIFE_S);
        let share = share_of(report.confidence_pct);
        (self.weight, self.climb_weighted_sum) =
            (self.weight * fade + share, self.climb_weighted_sum * fade + share * report.climb_mps);
        let (east_m, north_m) = geo::distance::local_m(centre, position);
        let part = share / self.weight;
        let moved = shifted(centre, east_m * part, north_m * part);
        self.blow(report, fade, share);
        count_device(&mut self.devices, report.device);
        let altitude_m = altitude_m(report);
        let state = &mut self.state;
        state.position = Some(at(moved, altitude_m));
        state.radius_m += (report.radius_m.unwrap_or(USUAL_RADIUS_M) - state.radius_m) * part;
        state.base_altitude_m = state.base_altitude_m.min(report.base_altitude_m.unwrap_or(altitude_m));
        state.top_altitude_m = state.top_altitude_m.max(report.top_altitude_m.unwrap_or(altitude_m));
        state.mean_climb_mps = self.climb_weighted_sum / self.weight;
        state.max_climb_mps = state.max_climb_mps.max(report.max_climb_mps.unwrap_or(report.climb_mps));
        state.pilots = self.devices.len() as u32;
        state.reports += 1;
        state.confidence_pct = confirmed_pct(faded_pct(state.confidence_pct, seconds), share);
        state.last_seen_at_us = state.last_seen_at_us.max(report.event_at_us);
    }

    fn blow(&mut self, report: &ClimbReport, fade: f64, share: f64) {
        let (Some(from_deg), Some(speed_kmh)) = (report.wind_from_deg, report.wind_speed_kmh) else { return };
        let (east, north) = to_components(wrap_course_deg(from_deg + 180.0), speed_kmh / KMH_PER_MPS);
        self.wind_weight = self.wind_weight * fade + share;
        let part = share / self.wind_weight;
        self.wind_east_mps += (east - self.wind_east_mps) * part;
        self.wind_north_mps += (north - self.wind_north_mps) * part;
        let (course_deg, speed_mps) = from_components(self.wind_east_mps, self.wind_north_mps);
        let state = &mut self.state;
        state.wind_from_deg = Some(wrap_course_deg(course_deg + 180.0));
        state.wind_speed_kmh = Some(speed_mps * KMH_PER_MPS);
        state.drift_course_deg = Some(course_deg);
        state.drift_speed_kmh = Some(speed_mps * KMH_PER_MPS);
    }

    /// How fast it drifts, metres per second.
    pub(super) fn wind_mps(&self) -> f64 {
        from_components(self.wind_east_mps, self.wind_north_mps).1
    }

    /// When it ends without another report, microseconds.
    pub(super) fn ends_at_us(&self) -> u64 {
        ends_at_us(self.state.confidence_pct, self.state.last_seen_at_us)
    }

    pub(super) fn to_checkpoint(&self, next_offset: u64) -> ThermalMemory {
        ThermalMemory {
            state: Some(self.state),
            next_offset,
            devices: self.devices.clone(),
            weight: self.weight,
            climb_weighted_sum: self.climb_weighted_sum,
            wind_weight: self.wind_weight,
            wind_east_mps: self.wind_east_mps,
            wind_north_mps: self.wind_north_mps,
        }
    }

    pub(super) fn from_checkpoint(checkpoint: &ThermalMemory) -> Self {
        Self {
            state: checkpoint.state.unwrap_or_default(),
            devices: checkpoint.devices.clone(),
            weight: checkpoint.weight,
            climb_weighted_sum: checkpoint.climb_weighted_sum,
            wind_weight: checkpoint.wind_weight,
            wind_east_mps: checkpoint.wind_east_mps,
            wind_north_mps: checkpoint.wind_north_mps,
        }
    }
}

fn altitude_m(report: &ClimbReport) -> f64 {
    report.position.and_then(|position| position.altitude_m).unwrap_or_default()
}

fn at(position: Position, altitude_m: f64) -> v1::Position {
    v1::Position {
        latitude_deg: position.latitude_deg,
        longitude_deg: position.longitude_deg,
        altitude_m: Some(altitude_m),
    }
}

#[cfg(test)]
mod tests;
