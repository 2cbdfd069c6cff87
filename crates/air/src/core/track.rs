//! The latest part of a device's track, and the circling that it shows: turn, drift, centre.

mod drift;
mod turning;

use flight::units::{CDEG_PER_DEGREE, CDPS_PER_DPS, KMH_PER_MPS, degrees, e7};
use geo::Position;
use geo::distance::{from_components, local_m, shifted, to_components};
use schemas::v1;

use crate::core::track::drift::{Part, drift_mps};
use crate::core::track::turning::{MAX_POINTS, Turning};

/// Points older than this are dropped, milliseconds.
const KEEP_MS: i32 = 57_000;
/// Points closer than this to the one before are not kept, milliseconds.
const SPACING_MS: i32 = 2_000;
/// Two points further apart than this do not determine the turn between them, milliseconds;
const GAP_MS: i32 = 16_000;
/// a little further where both have a turn rate.
const TURNING_GAP_MS: i32 = 21_000;

/// For the drift, the way between two points is looked at in so many parts.
const PARTS_PER_LEG: u32 = 2;

/// One point in sixteen bytes: a device holds a dozen of them. Courses, speeds and turns have the resolution of the
/// radio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    latitude_e7: i32,
    longitude_e7: i32,
    /// In units of 16 ms modulo 2^16: seventeen minutes, of which one is kept.
    event_16ms: u16,
    altitude_m: i16,
    /// 256 to a full turn.
    course: u8,
    speed_kmh: u8,
    /// Half degrees per second; `i8::MIN`: not transmitted.
    turn_rate: i8,
}

const NO_TURN_RATE: i8 = i8::MIN;

impl Fix {
    /// A point; what is out of the range of its field is limited.
    pub fn new(event_at_us: u64, position: Position, altitude_m: f64, report: &v1::AircraftPosition) -> Self {
        let turn_rate = |dps: f64| ((dps * 2.0).round() as i8).max(-i8::MAX);
        Self {
            latitude_e7: e7(position.latitude_deg),
            longitude_e7: e7(position.longitude_deg),
            event_16ms: (event_at_us / 16_000) as u16,
            altitude_m: altitude_m.round() as i16,
            course: ((report.course_deg.unwrap_or_default() / 360.0 * 256.0).round() as i64 & 0xFF) as u8,
            speed_kmh: report.speed_kmh.round() as u8,
            turn_rate: report.turn_rate_dps.map_or(NO_TURN_RATE, turn_rate),
        }
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        Position::new(degrees(self.latitude_e7), degrees(self.longitude_e7))
    }

    /// Metres above the sea.
    pub fn altitude_m(&self) -> f64 {
        self.altitude_m.into()
    }

    fn course_deg(&self) -> f64 {
        f64::from(self.course) / 256.0 * 360.0
    }

    fn turn_rate_dps(&self) -> Option<f64> {
        (self.turn_rate != NO_TURN_RATE).then(|| f64::from(self.turn_rate) / 2.0)
    }

    /// Metres per second east and north.
    fn velocity(&self) -> (f64, f64) {
        to_components(self.course_deg(), f64::from(self.speed_kmh) / KMH_PER_MPS)
    }

    fn after_ms(&self, earlier: &Self) -> i32 {
        i32::from(self.event_16ms.wrapping_sub(earlier.event_16ms).cast_signed()) * 16
    }

    /// How long before a time it was, in units of 16 ms; the time is at most some minutes later.
    fn ago_16ms(&self, at_us: u64) -> u16 {
        ((at_us / 16_000) as u16).wrapping_sub(self.event_16ms)
    }

    /// Seconds from `earlier` to this point.
    pub fn after_s(&self, earlier: &Self) -> f64 {
        f64::from(self.after_ms(earlier)) / 1_000.0
    }
}

/// The latest points, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track(Vec<Fix>);

/// An altitude and when it was: the middle between two points, since single GPS altitudes have metres of noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Seconds before the newest point.
    pub ago_s: f64,
    /// Above the sea.
    pub altitude_m: f64,
}

/// The newest full circles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circles {
    /// Their centre, brought to the time of the newest point.
    pub centre: Position,
    /// Mean distance from it, metres.
    pub radius_m: f64,
    /// How it drifts over ground: course and metres per second.
    pub drift_course_deg: f64,
    /// See above.
    pub drift_mps: f64,
}

impl Track {
    /// Adds a point that is newer than all others, by minutes at most; forgets what is too old.
    pub fn push(&mut self, fix: Fix) {
        if self.0.last().is_some_and(|last| fix.after_ms(last) < SPACING_MS) {
            return;
        }
        let old = self.0.iter().take_while(|earlier| fix.after_ms(earlier) > KEEP_MS).count();
        let over = (self.0.len() + 1).saturating_sub(MAX_POINTS);
        self.0.drain(..old.max(over));
        if self.0.len() == self.0.capacity() {
            // A dozen points in the time that is kept are the rule. At once: growing leaves holes in memory.
            self.0.reserve_exact(if self.0.len() < 12 { 12 - self.0.len() } else { 1 });
        }
        self.0.push(fix);
    }

    /// Takes the newest point out, if it is of this time.
    pub fn pop(&mut self, event_at_us: u64) {
        self.0.pop_if(|newest| newest.ago_16ms(event_at_us) == 0);
    }

    /// The newest point before a time, which is at most some minutes later, and when it was, to 16 ms.
    pub fn before(&self, event_at_us: u64) -> Option<(u64, Fix)> {
        let earlier = |fix: &Fix| (event_at_us.saturating_sub(u64::from(fix.ago_16ms(event_at_us)) * 16_000), *fix);
        self.0.last().map(earlier)
    }

    /// Forgets all points.
    pub fn clear(&mut self) {
        self.0 = Vec::new();
    }

    /// The points, oldest first.
    pub fn points(&self) -> &[Fix] {
        &self.0
    }

    /// The net turn over the last `seconds`, degrees, clockwise positive.
    pub fn turned_deg(&self, seconds: i32) -> f64 {
        let Some(newest) = self.0.last() else { return 0.0 };
        let legs = self.0.windows(2).rev().take_while(|leg| newest.after_ms(&leg[0]) <= seconds * 1_000);
        legs.map(|leg| turn_deg(&leg[0], &leg[1]).unwrap_or_default()).sum()
    }

    /// The turns of the points, as far back as they determine them.
    pub fn turning(&self) -> Turning {
        let newest = self.0.last();
        let legs = self.0.windows(2).rev();
        Turning::of(legs.map_while(|leg| Some((newest?.after_s(&leg[0]), turn_deg(&leg[0], &leg[1])?))))
    }

    /// The levels of the last seconds, oldest first.
    pub fn levels(&self, since_s: f64) -> impl Iterator<Item = Level> {
        let levels = self.0.windows(2).map(|pair| self.level(&pair[0], &pair[1]));
        levels.skip_while(move |level| level.ago_s > since_s)
    }

    /// The newest level.
    pub fn newest_level(&self) -> Option<Level> {
        let [.., before, newest] = &self.0[..] else { return None };
        Some(self.level(before, newest))
    }

    fn level(&self, earlier: &Fix, later: &Fix) -> Level {
        let newest = self.0.last().unwrap_or(later);
        Level {
            ago_s: f64::midpoint(newest.after_s(earlier), newest.after_s(later)),
            altitude_m: f64::midpoint(earlier.altitude_m(), later.altitude_m()),
        }
    }

    /// The newest full circles, two where there are two. `None`: not even one.
    pub fn circles(&self) -> Option<Circles> {
        let circles = [720.0, 360.0].into_iter().find_map(|turns_deg| self.last_turns(turns_deg))?;
        let Some((east_mps, north_mps)) = drift_mps(&self.parts()) else { return Some(circles) };
        let (drift_course_deg, drift_mps) = from_components(east_mps, north_mps);
        Some(Circles { drift_course_deg, drift_mps, ..circles })
    }

    /// The way as far as the turns are known, newest first; metres from the newest point.
    fn parts(&self) -> Vec<Part> {
        let Some(newest) = self.0.last() else { return Vec::new() };
        let (mut turned_deg, mut parts) = (0.0, Vec::with_capacity(self.0.len() * PARTS_PER_LEG as usize));
        for leg in self.0.windows(2).rev() {
            let Some(leg_deg) = turn_deg(&leg[0], &leg[1]) else { break };
            let curve = Curve::new(newest.position(), &leg[0], &leg[1]);
            for part in 0..PARTS_PER_LEG {
                let back = (f64::from(part) + 0.5) / f64::from(PARTS_PER_LEG);
                let (east_m, north_m) = curve.at(1.0 - back);
                parts.push(Part {
                    turned_deg: f64::abs(turned_deg + leg_deg * back),
                    ago_s: newest.after_s(&leg[1]) + back * curve.seconds,
                    east_m,
                    north_m,
                    seconds: curve.seconds / f64::from(PARTS_PER_LEG),
                });
            }
            turned_deg += leg_deg;
        }
        parts
    }

    /// The stretch in which the newest `turns_deg` degrees were turned. Over full circles the flight through the air
    /// adds up to zero: the remaining displacement is the wind's.
    fn last_turns(&self, turns_deg: f64) -> Option<Circles> {
        let newest = self.0.last()?;
        let origin = newest.position();
        let (mut turned, mut samples) = (0.0, DriftSamples::default());
        for leg in self.0.windows(2).rev() {
            let leg_turn = turn_deg(&leg[0], &leg[1])?;
            let curve = Curve::new(origin, &leg[0], &leg[1]);
            let missing = turns_deg - f64::abs(turned);
            turned += leg_turn;
            if turned.abs() < turns_deg {
                samples.add(&curve, newest.after_s(&leg[1]), 0.0);
                continue;
            }
            let from = 1.0 - (missing / leg_turn.abs()).clamp(0.0, 1.0);
            samples.add(&curve, newest.after_s(&leg[1]), from);
            return Some(samples.circles(
                origin,
                curve.at(from),
                newest.after_s(&leg[1]) + curve.seconds * (1.0 - from),
            ));
        }
        None
    }

    /// As the checkpoint keeps it.
    pub fn to_checkpoint(&self) -> Vec<v1::Fix> {
        let fix = |fix: &Fix| v1::Fix {
            event_ms: u32::from(fix.event_16ms) * 16,
            latitude_e7: fix.latitude_e7,
            longitude_e7: fix.longitude_e7,
            altitude_m: fix.altitude_m.into(),
            course_cdeg: (fix.course_deg() * CDEG_PER_DEGREE).round() as u32,
            speed_dkmh: u32::from(fix.speed_kmh) * 10,
            climb_cmps: 0,
            turn_rate_cdps: fix.turn_rate_dps().map(|dps| (dps * CDPS_PER_DPS) as i32),
        };
        self.0.iter().map(fix).collect()
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &[v1::Fix]) -> Self {
        let fix = |fix: &v1::Fix| Fix {
            event_16ms: (fix.event_ms / 16) as u16,
            latitude_e7: fix.latitude_e7,
            longitude_e7: fix.longitude_e7,
            altitude_m: fix.altitude_m as i16,
            course: ((f64::from(fix.course_cdeg) / 36_000.0 * 256.0).round() as i64 & 0xFF) as u8,
            speed_kmh: (fix.speed_dkmh / 10) as u8,
            turn_rate: fix.turn_rate_cdps.map_or(NO_TURN_RATE, |rate| (rate / 50) as i8),
        };
        Self(checkpoint.iter().map(fix).collect())
    }
}

/// The turn between two points, degrees, clockwise positive. Courses alone do not determine the number of full turns:
/// the one nearest to the turn rate is taken, unless the turn changed sides. `None`: the points lie too far apart.
fn turn_deg(from: &Fix, to: &Fix) -> Option<f64> {
    let rates = [from.turn_rate_dps(), to.turn_rate_dps()];
    let known = rates.iter().flatten().count();
    if to.after_ms(from) > if known == 2 { TURNING_GAP_MS } else { GAP_MS } {
        return None;
    }
    let difference = f64::from(to.course.wrapping_sub(from.course).cast_signed()) / 256.0 * 360.0;
    let is_steady = match rates {
        [Some(from), Some(to)] => from * to > 0.0,
        _ => known > 0,
    };
    if !is_steady {
        return Some(difference);
    }
    let mean_rate = rates.iter().flatten().sum::<f64>() / known as f64;
    let full_turns = ((mean_rate * to.after_s(from) - difference) / 360.0).round();
    Some(difference + full_turns * 360.0)
}

/// The path between two points as a cubic with the transmitted velocities at its ends; metres from an origin.
struct Curve {
    start: (f64, f64),
    end: (f64, f64),
    start_velocity: (f64, f64),
    end_velocity: (f64, f64),
    seconds: f64,
}

impl Curve {
    fn new(origin: Position, from: &Fix, to: &Fix) -> Self {
        Self {
            start: local_m(origin, from.position()),
            end: local_m(origin, to.position()),
            start_velocity: from.velocity(),
            end_velocity: to.velocity(),
            seconds: to.after_s(from),
        }
    }

    /// The point at a share of the time, 0 to 1.
    fn at(&self, share: f64) -> (f64, f64) {
        let (s, s2, s3) = (share, share * share, share * share * share);
        let weights = [2.0 * s3 - 3.0 * s2 + 1.0, (s3 - 2.0 * s2 + s) * self.seconds, 3.0 * s2 - 2.0 * s3];
        let last = (s3 - s2) * self.seconds;
        let axis = |p0: f64, v0: f64, p1: f64, v1: f64| weights[0] * p0 + weights[1] * v0 + weights[2] * p1 + last * v1;
        (
            axis(self.start.0, self.start_velocity.0, self.end.0, self.end_velocity.0),
            axis(self.start.1, self.start_velocity.1, self.end.1, self.end_velocity.1),
        )
    }
}

/// Samples of the path, evenly in time.
#[derive(Default)]
struct DriftSamples {
    /// (seconds before the newest point, east, north, weight in seconds)
    samples: Vec<(f64, f64, f64, f64)>,
}

impl DriftSamples {
    const PER_LEG: u32 = 4;

    /// Adds the part of a leg from the share `from` of it on; `end_s` is how long before the newest point it ends.
    fn add(&mut self, curve: &Curve, end_s: f64, from: f64) {
        let part = (1.0 - from) / f64::from(Self::PER_LEG);
        for index in 0..Self::PER_LEG {
            let share = from + (f64::from(index) + 0.5) * part;
            let (east, north) = curve.at(share);
            self.samples.push((end_s + (1.0 - share) * curve.seconds, east, north, part * curve.seconds));
        }
    }

    /// The newest point is the origin; `start` is where the circles began, `seconds` ago.
    fn circles(&self, origin: Position, start: (f64, f64), seconds: f64) -> Circles {
        let (drift_east, drift_north) = (-start.0 / seconds, -start.1 / seconds);
        let total: f64 = self.samples.iter().map(|sample| sample.3).sum();
        // Each sample is carried along with the drift to the time of the newest point.
        let carried = self
            .samples
            .iter()
            .map(|&(ago_s, east, north, weight)| (east + drift_east * ago_s, north + drift_north * ago_s, weight));
        let (mut east, mut north) = (0.0, 0.0);
        for (x, y, weight) in carried.clone() {
            east += x * weight / total;
            north += y * weight / total;
        }
        let radius = |(x, y, weight): (f64, f64, f64)| {
            ((x - east) * (x - east) + (y - north) * (y - north)).sqrt() * weight / total
        };
        let (drift_course_deg, drift_mps) = from_components(drift_east, drift_north);
        Circles {
            centre: shifted(origin, east, north),
            radius_m: carried.map(radius).sum(),
            drift_course_deg,
            drift_mps,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use geo::distance::distance_m;

    /// A circling flight: radius 40 m, one turn in 24 s, drifting, climbing 2 m/s.
    pub(crate) fn circling(second: f64, drift: (f64, f64)) -> (Position, v1::AircraftPosition) {
        let (radius_m, turn_s) = (40.0, 24.0);
        let angle = second / turn_s * std::f64::consts::TAU;
        let centre = Position::new(46.0, 13.0);
        let (east, north) = (radius_m * angle.sin() + drift.0 * second, radius_m * angle.cos() + drift.1 * second);
        let around = radius_m * std::f64::consts::TAU / turn_s;
        let (course_deg, speed) = from_components(around * angle.cos() + drift.0, -around * angle.sin() + drift.1);
        let report = v1::AircraftPosition {
            speed_kmh: speed * 3.6,
            climb_mps: 2.0,
            course_deg: Some(course_deg),
            ..v1::AircraftPosition::default()
        };
        (shifted(centre, east, north), report)
    }

    #[test]
    fn centre_and_drift_are_found_at_five_second_samples() {
        for drift in [(0.0, 0.0), (3.0, 0.0), (-2.0, 4.0)] {
            let mut track = Track::default();
            for step in 0..12 {
                let second = f64::from(step) * 5.0;
                let (position, report) = circling(second, drift);
                track.push(Fix::new((second * 1e6) as u64 + 1, position, 1_000.0 + second * 2.0, &report));
            }
            let circles = track.circles().expect("it circles");
            let centre = shifted(Position::new(46.0, 13.0), drift.0 * 55.0, drift.1 * 55.0);
            assert!(distance_m(circles.centre, centre) < 8.0, "{drift:?}: {}", distance_m(circles.centre, centre));
            assert!((circles.radius_m - 40.0).abs() < 5.0, "{}", circles.radius_m);
            let found = to_components(circles.drift_course_deg, circles.drift_mps);
            assert!((found.0 - drift.0).abs() < 0.5 && (found.1 - drift.1).abs() < 0.5, "{drift:?} {found:?}");
            assert!(track.turned_deg(45) > 270.0);
        }
    }

    #[test]
    fn a_turn_rate_counts_full_turns() {
        let at = |second: u64, course: f64, rate: Option<f64>| {
            let report = v1::AircraftPosition {
                course_deg: Some(course),
                turn_rate_dps: rate,
                ..v1::AircraftPosition::default()
            };
            Fix::new(second * 1_000_000, Position::new(46.0, 13.0), 0.0, &report)
        };
        // Courses have a resolution of 1.4 degrees.
        let turned = |from: Fix, to: Fix, expected: f64| {
            let found = turn_deg(&from, &to).expect("close enough");
            assert!((found - expected).abs() < 1.5, "{found} is not {expected}");
        };
        turned(at(0, 10.0, None), at(10, 200.0, None), -170.0);
        turned(at(0, 10.0, Some(18.0)), at(10, 200.0, None), 190.0);
        turned(at(0, 10.0, Some(36.0)), at(10, 10.0, Some(36.0)), 360.0);
        turned(at(0, 10.0, Some(18.0)), at(20, 10.0, Some(18.0)), 360.0);
        turned(at(0, 10.0, Some(-18.0)), at(10, 200.0, Some(18.0)), -170.0);
        assert_eq!(turn_deg(&at(0, 10.0, None), &at(17, 20.0, None)), None);
    }

    #[test]
    fn the_track_is_bounded() {
        let mut track = Track::default();
        for second in 0..400 {
            track.push(Fix::new(second * 1_000_000, Position::new(46.0, 13.0), 0.0, &v1::AircraftPosition::default()));
        }
        assert!(track.points().len() <= MAX_POINTS);
        assert_eq!(Track::from_checkpoint(&track.to_checkpoint()), track);
    }
}
