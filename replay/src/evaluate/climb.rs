//! Climbs: true ones, and detected ones.

use geo::Position;
use geo::distance::{local_m, to_components};
use schemas::v1::ClimbReport;

/// A climb gains at least this much, metres,
const LEAST_GAIN_M: f64 = 50.0;
/// at more than this on average, m/s.
const LEAST_CLIMB_MPS: f64 = 1.0;
/// A loss of this much ends a climb at its top, metres.
const LOSS_M: f64 = 20.0;
/// Circling that is interrupted for no longer than this continues, seconds.
const BREAK_S: i64 = 15;
/// A found climb may claim this much less than a real one must have: two measurements at the limit differ.
const ALLOWANCE: f64 = 0.8;
/// At least this share of the time of a found climb must have been circled.
const CIRCLED: f64 = 0.5;
/// Reports that follow each other within this belong to one climb, seconds.
const SAME_CLIMB_S: f64 = 40.0;

/// One second of the truth.
#[derive(Clone, Copy, Debug)]
pub struct TruthSample {
    /// Seconds, on any scale that reports share.
    pub at_s: i64,
    /// Where the aircraft was.
    pub position: Position,
    /// Above the sea.
    pub altitude_m: f64,
    /// Where the centre of its circle was; of a simulated one: of its thermal. `None`: it did not circle.
    pub centre: Option<Position>,
    /// The motion of the air that carried it, metres per second east and north, where that is known for each second.
    pub wind_mps: Option<(f64, f64)>,
}

/// All seconds of one aircraft.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The sender's address.
    pub device: u32,
    /// In the order of time; seconds may be missing.
    pub samples: Vec<TruthSample>,
}

/// A true climb.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueClimb {
    /// From its foot
    pub from_s: i64,
    /// to its top.
    pub to_s: i64,
    /// Gain over time.
    pub climb_mps: f64,
    /// Gain.
    pub gain_m: f64,
    /// How its circles drifted, metres per second east and north.
    pub wind_mps: (f64, f64),
}

/// The recording in the time of a found climb.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    /// The share of it that was circled, 0 to 1.
    pub(super) circled: f64,
    /// From its first second to its last.
    pub(super) gain_m: f64,
    pub(super) seconds: f64,
}

impl Recording {
    /// The climbs, in the order of time.
    pub fn climbs(&self) -> Vec<TrueClimb> {
        let mut climbs = Vec::new();
        for stretch in self.circled() {
            self.climbs_of(stretch, &mut climbs);
        }
        climbs
    }

    /// The sample of a second, or the last one before it.
    pub fn at(&self, at_s: i64) -> Option<&TruthSample> {
        let after = self.samples.partition_point(|sample| sample.at_s <= at_s);
        self.samples[..after].last()
    }

    /// Whether a found climb is true: the aircraft circled, and climbed about as reported.
    pub fn bears_out(&self, found: &FoundClimb) -> bool {
        let Some(Shown { circled, gain_m, seconds }) = self.shown(found) else { return false };
        circled >= CIRCLED && gain_m >= ALLOWANCE * LEAST_GAIN_M && gain_m / seconds > ALLOWANCE * LEAST_CLIMB_MPS
    }

    /// The recording in the time of a found climb; `None`: nothing was recorded.
    pub(super) fn shown(&self, found: &FoundClimb) -> Option<Shown> {
        let within: Vec<&TruthSample> =
            self.samples.iter().filter(|sample| (found.from_s..=found.to_s).contains(&(sample.at_s as f64))).collect();
        let (first, last) = (within.first()?, within.last()?);
        let circled = within.iter().filter(|sample| sample.centre.is_some()).count();
        Some(Shown {
            circled: circled as f64 / within.len() as f64,
            gain_m: last.altitude_m - first.altitude_m,
            seconds: (last.at_s - first.at_s).max(1) as f64,
        })
    }

    /// Stretches of circling, as indices.
    fn circled(&self) -> Vec<(usize, usize)> {
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for (index, sample) in self.samples.iter().enumerate().filter(|(_, sample)| sample.centre.is_some()) {
            match stretches.last_mut() {
                Some(last) if sample.at_s - self.samples[last.1].at_s <= BREAK_S => last.1 = index,
                _ => stretches.push((index, index)),
            }
        }
        stretches
    }

    /// Cuts a stretch at its tops; each part counts from its foot.
    fn climbs_of(&self, (first, last): (usize, usize), climbs: &mut Vec<TrueClimb>) {
        let altitude_m = |index: usize| self.samples[index].altitude_m;
        let (mut foot, mut top) = (first, first);
        for index in first..=last {
            if altitude_m(index) > altitude_m(top) {
                top = index;
            }
            if altitude_m(index) < altitude_m(foot) && top <= foot {
                (foot, top) = (index, index);
            }
            if altitude_m(index) < altitude_m(top) - LOSS_M {
                climbs.extend(self.climb(foot, top));
                (foot, top) = (index, index);
            }
        }
        climbs.extend(self.climb(foot, top));
    }

    fn climb(&self, foot: usize, top: usize) -> Option<TrueClimb> {
        let (from, to) = (&self.samples[foot], &self.samples[top]);
        let gain_m = to.altitude_m - from.altitude_m;
        let climb_mps = gain_m / (to.at_s - from.at_s).max(1) as f64;
        let is_climb = gain_m >= LEAST_GAIN_M && climb_mps > LEAST_CLIMB_MPS;
        let wind_mps = self.wind(foot, top);
        is_climb.then_some(TrueClimb { from_s: from.at_s, to_s: to.at_s, climb_mps, gain_m, wind_mps })
    }

    /// The mean of what is known second by second; else the slope of the centres over time, by least squares.
    fn wind(&self, foot: usize, top: usize) -> (f64, f64) {
        let samples = &self.samples[foot..=top];
        let known: Vec<(f64, f64)> = samples.iter().filter_map(|sample| sample.wind_mps).collect();
        if !known.is_empty() {
            let count = known.len() as f64;
            return (
                known.iter().map(|wind| wind.0).sum::<f64>() / count,
                known.iter().map(|wind| wind.1).sum::<f64>() / count,
            );
        }
        let origin = samples[0].position;
        let centres: Vec<(f64, f64, f64)> = samples
            .iter()
            .filter_map(|sample| {
                let (east_m, north_m) = local_m(origin, sample.centre?);
                Some((sample.at_s as f64, east_m, north_m))
            })
            .collect();
        (
            slope(centres.iter().map(|centre| (centre.0, centre.1))),
            slope(centres.iter().map(|centre| (centre.0, centre.2))),
        )
    }
}

/// The slope of a line through points, by least squares; 0 where there is none.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = points.clone().count().max(1) as f64;
    let mean_x = points.clone().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.clone().map(|point| point.1).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        above += (x - mean_x) * (y - mean_y);
        below += (x - mean_x) * (x - mean_x);
    }
    if below > 0.0 { above / below } else { 0.0 }
}

/// Reports of one aircraft that follow each other.
#[derive(Clone, Debug)]
pub struct FoundClimb {
    /// The sender's address.
    pub device: u32,
    /// From the foot of the first report
    pub from_s: f64,
    /// to the last one.
    pub to_s: f64,
    /// The reports.
    pub reports: Vec<ClimbReport>,
}

impl FoundClimb {
    /// Groups reports into climbs, per aircraft. Seconds count from `start_us`.
    pub fn of(reports: &[ClimbReport], start_us: u64) -> Vec<Self> {
        let mut climbs: Vec<Self> = Vec::new();
        for report in reports {
            let to_s = seconds(report, start_us);
            let from_s = to_s - lasted_s(report);
            let last = climbs.iter_mut().rev().find(|climb| climb.device == report.device);
            match last {
                Some(climb) if from_s - climb.to_s <= SAME_CLIMB_S => {
                    climb.to_s = to_s;
                    climb.reports.push(*report);
                }
                _ => climbs.push(Self { device: report.device, from_s, to_s, reports: vec![*report] }),
            }
        }
        climbs
    }

    /// Mean climb, each report weighted by its time.
    pub fn climb_mps(&self) -> f64 {
        let seconds: f64 = self.reports.iter().map(lasted_s).sum();
        self.reports.iter().map(|report| report.climb_mps * lasted_s(report)).sum::<f64>() / seconds.max(1.0)
    }

    /// Mean wind, metres per second east and north.
    pub fn wind_mps(&self) -> (f64, f64) {
        let winds = self.reports.iter().filter_map(|report| {
            let towards_deg = report.wind_from_deg? + 180.0;
            Some(to_components(towards_deg, report.wind_speed_kmh? / 3.6))
        });
        let (mut east, mut north, mut count) = (0.0, 0.0, 0.0);
        for wind in winds {
            (east, north, count) = (east + wind.0, north + wind.1, count + 1.0);
        }
        (east / f64::max(count, 1.0), north / f64::max(count, 1.0))
    }
}

/// When a report was made.
pub(crate) fn seconds(report: &ClimbReport, start_us: u64) -> f64 {
    (report.event_at_us as f64 - start_us as f64) / 1e6
}

/// The time that a report covers.
pub(crate) fn lasted_s(report: &ClimbReport) -> f64 {
    let gain_m = report.top_altitude_m.unwrap_or_default() - report.base_altitude_m.unwrap_or_default();
    gain_m / report.climb_mps.max(0.1)
}
