//! Found climbs against true ones.

use geo::Position;
use geo::distance::{distance_m, from_components};
use geo::position::wrap_difference_deg;

use super::climb::{FoundClimb, Recording, TrueClimb, seconds};

/// A climb counts as found when a found one covers at least this many of its seconds.
const OVERLAP_S: f64 = 10.0;
/// Below this the direction of the wind is not compared, m/s.
pub(crate) const CALM_MPS: f64 = 2.0;

/// The errors of one measure, one per comparison.
#[derive(Clone, Debug, Default)]
pub struct Errors(Vec<f64>);

impl Errors {
    /// Adds one.
    pub fn push(&mut self, error: f64) {
        self.0.push(error.abs());
    }

    /// The error that a share of all (0 to 1) stays within; 0 where there is none.
    pub fn within(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = ((sorted.len() as f64 * share).ceil() as usize).max(1) - 1;
        sorted.get(at).copied().unwrap_or_default()
    }

    /// The share of all, 0 to 1, that stays within a limit; 1 where there is none.
    pub fn share_within(&self, limit: f64) -> f64 {
        let within = self.0.iter().filter(|error| **error <= limit).count();
        if self.0.is_empty() { 1.0 } else { within as f64 / self.0.len() as f64 }
    }

    /// How many comparisons.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of another list.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }
}

/// How well climbs were found.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// True climbs.
    pub true_climbs: usize,
    /// Those of them that were found.
    pub recalled: usize,
    /// Climbs that were found.
    pub found_climbs: usize,
    /// Those of them that the recording confirms.
    pub right: usize,
    /// Of the centres, each report's at its time, metres.
    pub centre_m: Errors,
    /// Of the mean climb rates, m/s.
    pub climb_mps: Errors,
    /// Of the wind's speed, per climb, m/s.
    pub wind_mps: Errors,
    /// Of its direction, where it is no calm, degrees.
    pub wind_deg: Errors,
}

impl Score {
    /// Compares the found climbs of an aircraft with its recording. Seconds of both count from `start_us`.
    pub fn of(recording: &Recording, found: &[FoundClimb], start_us: u64) -> Self {
        let climbs = recording.climbs();
        let mut score = Self { true_climbs: climbs.len(), ..Self::default() };
        let own: Vec<&FoundClimb> = found.iter().filter(|climb| climb.device == recording.device).collect();
        for climb in &own {
            score.found_climbs += 1;
            score.right += usize::from(recording.bears_out(climb));
            for report in &climb.reports {
                score.centre_m.0.extend(centre_error_m(recording, report, start_us));
            }
        }
        for climb in &climbs {
            let Some(found) = found_of(climb, &own) else { continue };
            score.recalled += 1;
            score.climb_mps.push(found.climb_mps() - climb.climb_mps);
            score.blow(climb, found.wind_mps());
        }
        score
    }

    /// Adds another score.
    pub fn add(&mut self, other: &Self) {
        self.true_climbs += other.true_climbs;
        self.recalled += other.recalled;
        self.found_climbs += other.found_climbs;
        self.right += other.right;
        self.centre_m.extend(&other.centre_m);
        self.climb_mps.extend(&other.climb_mps);
        self.wind_mps.extend(&other.wind_mps);
        self.wind_deg.extend(&other.wind_deg);
    }

    /// Share of the found climbs that are true.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.found_climbs.max(1) as f64
    }

    /// Share of the true climbs that were found.
    pub fn recall(&self) -> f64 {
        self.recalled as f64 / self.true_climbs.max(1) as f64
    }

    fn blow(&mut self, climb: &TrueClimb, found_mps: (f64, f64)) {
        let (true_deg, true_mps) = from_components(climb.wind_mps.0, climb.wind_mps.1);
        let (found_deg, found_mps) = from_components(found_mps.0, found_mps.1);
        self.wind_mps.push(found_mps - true_mps);
        if true_mps >= CALM_MPS {
            self.wind_deg.push(wrap_difference_deg(found_deg - true_deg));
        }
    }
}

/// The found climb that covers most of a true one.
pub(super) fn found_of<'a>(climb: &TrueClimb, found: &[&'a FoundClimb]) -> Option<&'a FoundClimb> {
    let most = found.iter().copied().max_by(|a, b| overlap_s(climb, a).total_cmp(&overlap_s(climb, b)));
    most.filter(|found| overlap_s(climb, found) >= OVERLAP_S)
}

/// `None`: the recording shows no circle then; the precision counts that.
fn centre_error_m(recording: &Recording, report: &schemas::v1::ClimbReport, start_us: u64) -> Option<f64> {
    let at = report.position?;
    let centre = recording.at(seconds(report, start_us) as i64)?.centre?;
    Some(distance_m(centre, Position::new(at.latitude_deg, at.longitude_deg)))
}

fn overlap_s(climb: &TrueClimb, found: &FoundClimb) -> f64 {
    (found.to_s.min(climb.to_s as f64) - found.from_s.max(climb.from_s as f64)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::TruthSample;
    use schemas::v1::ClimbReport;

    /// Ten minutes: a minute of glide, then 2 m/s in a circle around the origin for two minutes, over and over.
    fn recording() -> Recording {
        let origin = Position::new(46.0, 13.0);
        let samples = (0..600).map(|second| {
            let (round, at) = (second / 180, second % 180);
            let is_up = at >= 60;
            let altitude_m =
                1_000.0 + 180.0 * round as f64 + if is_up { 2.0 * (at - 60) as f64 - 60.0 } else { -at as f64 };
            let centre = is_up.then_some(origin);
            TruthSample { at_s: second, position: origin, altitude_m, centre, wind_mps: is_up.then_some((3.0, 0.0)) }
        });
        Recording { device: 7, samples: samples.collect() }
    }

    fn found(to_s: u64, climb_mps: f64, from_deg: f64) -> FoundClimb {
        let report = ClimbReport {
            event_at_us: to_s * 1_000_000,
            device: 7,
            position: Some(schemas::v1::Position { latitude_deg: 46.0, longitude_deg: 13.001, altitude_m: None }),
            climb_mps,
            wind_from_deg: Some(from_deg),
            wind_speed_kmh: Some(3.6 * 4.0),
            base_altitude_m: Some(1_000.0),
            top_altitude_m: Some(1_000.0 + 30.0 * climb_mps),
            ..ClimbReport::default()
        };
        FoundClimb::of(&[report], 0).remove(0)
    }

    #[test]
    fn climbs_are_counted_and_measured() {
        let recording = recording();
        let climbs = recording.climbs();
        assert_eq!(
            climbs.iter().map(|climb| (climb.from_s, climb.to_s)).collect::<Vec<_>>(),
            [(60, 179), (240, 359), (420, 539)]
        );
        assert!(climbs.iter().all(|climb| (climb.climb_mps - 2.0).abs() < 1e-9 && climb.wind_mps == (3.0, 0.0)));
        let all = [found(120, 2.2, 280.0), found(330, 1.9, 270.0), found(220, 2.0, 270.0)];
        let score = Score::of(&recording, &all, 0);
        assert_eq!((score.true_climbs, score.recalled, score.found_climbs, score.right), (3, 2, 3, 2));
        assert!((score.climb_mps.within(1.0) - 0.2).abs() < 1e-9);
        assert!((score.wind_mps.within(0.5) - 1.0).abs() < 1e-9 && (score.wind_deg.within(1.0) - 10.0).abs() < 1e-9);
        assert!((score.centre_m.within(1.0) - 77.2).abs() < 0.5, "{:?}", score.centre_m);
        assert_eq!((score.wind_deg.share_within(5.0), score.centre_m.share_within(50.0)), (0.5, 0.0));
    }
}
