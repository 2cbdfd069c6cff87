//! Levels: which recorded positions are shown, and how they are processed.

use std::collections::VecDeque;

use flight::{ALTITUDES_M, Step, max_speed_kmh};

use super::TrackPoint;

/// How much a track is processed before it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// All recorded positions, unchanged.
    Raw,
    /// Without impossible positions: those that failed the check on arrival or were never confirmed, impossible
    /// altitudes, and single positions that could only be reached and left above the aircraft's maximum speed.
    #[default]
    Plausible,
    /// As plausible, with the noise of GPS and rounding removed.
    Smoothed,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Plausible, Self::Smoothed];

    /// The text in a URL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Plausible => "plausible",
            Self::Smoothed => "smoothed",
        }
    }

    /// The level of a text in a URL.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}

/// Leaves out impossible positions. Looks one position ahead.
#[derive(Debug, Default)]
pub(crate) struct Plausible {
    accepted: Option<TrackPoint>,
    pending: Option<TrackPoint>,
}

impl Plausible {
    /// Takes the next position; returns the one before it, unless that is impossible.
    pub(crate) fn push(&mut self, next: TrackPoint) -> Option<TrackPoint> {
        if next.implausible || next.altitude_m.is_some_and(|altitude| !ALTITUDES_M.contains(&altitude)) {
            return None;
        }
        let pending = self.pending.replace(next)?;
        if self.accepted.is_some_and(|before| is_spike(&before, &pending, &next)) {
            return None;
        }
        self.accepted = Some(pending);
        Some(pending)
    }

    /// Returns the last position.
    pub(crate) fn finish(&mut self) -> Option<TrackPoint> {
        self.pending.take()
    }
}

/// Whether a position is reached and left too fast, while the step past it is possible.
fn is_spike(before: &TrackPoint, point: &TrackPoint, after: &TrackPoint) -> bool {
    too_fast(before, point) && too_fast(point, after) && !too_fast(before, after)
}

fn too_fast(from: &TrackPoint, to: &TrackPoint) -> bool {
    flight::step(to.event_at_us.abs_diff(from.event_at_us), from.metres_to(to), max_speed_kmh(to.kind))
        == Step::Impossible
}

/// Half the width of the window for horizontal positions, s. Narrow, since a thermal circle takes 15 to 25 s and must
/// stay round: with one position every 5 s nothing is smoothed, with one per second the noise halves.
const HORIZONTAL_WINDOW_S: f64 = 4.0;
/// Half the width of the window for altitudes, s. Wider, since climbing is steadier than circling.
const ALTITUDE_WINDOW_S: f64 = 15.0;
/// A parabola through fewer positions has nothing to average.
const MIN_SAMPLES: usize = 4;
/// The maximum number of positions in the window: more per second than any device sends.
const MAX_WINDOW: usize = 256;

/// Replaces each position by the value of a parabola over time that is fitted to the positions around it (least
/// squares, near ones weigh more). This keeps turns and changes of climb, which a moving average would flatten. Course,
/// speed and climb are unchanged.
#[derive(Debug, Default)]
pub(super) struct Smooth {
    window: VecDeque<TrackPoint>,
    /// The index in the window of the next position to return.
    next: usize,
}

impl Smooth {
    pub(super) fn push(&mut self, point: TrackPoint, out: &mut Vec<TrackPoint>) {
        self.window.push_back(point);
        while self.next < self.window.len() {
            let waiting = point.seconds_since(&self.window[self.next]) <= ALTITUDE_WINDOW_S;
            if waiting && self.window.len() < MAX_WINDOW {
                return;
            }
            self.emit(out);
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<TrackPoint>) {
        while self.next < self.window.len() {
            self.emit(out);
        }
    }

    fn emit(&mut self, out: &mut Vec<TrackPoint>) {
        let point = self.window[self.next];
        out.push(self.smoothed(&point));
        self.next += 1;
        let upcoming = self.window.get(self.next).copied().unwrap_or(point);
        while self.window.front().is_some_and(|old| {
            self.next > 0 && (upcoming.seconds_since(old) > ALTITUDE_WINDOW_S || self.next >= MAX_WINDOW / 2)
        }) {
            self.window.pop_front();
            self.next -= 1;
        }
    }

    fn smoothed(&self, point: &TrackPoint) -> TrackPoint {
        let near = |width_s: f64| {
            let around = self.window.iter().map(move |other| (other.seconds_since(point), other));
            around.filter(move |(seconds, _)| seconds.abs() <= width_s)
        };
        let positions = near(HORIZONTAL_WINDOW_S).map(|(seconds, other)| {
            let (north_m, east_m) = point.offset_to(other.latitude_deg, other.longitude_deg);
            (seconds, north_m, east_m)
        });
        let positions: Vec<_> = positions.collect();
        let north = parabola(positions.iter().map(|(seconds, north_m, _)| (*seconds, *north_m)), HORIZONTAL_WINDOW_S);
        let east = parabola(positions.iter().map(|(seconds, _, east_m)| (*seconds, *east_m)), HORIZONTAL_WINDOW_S);
        let altitudes = near(ALTITUDE_WINDOW_S).filter_map(|(seconds, other)| Some((seconds, other.altitude_m?)));
        let mut smoothed = *point;
        if let (Some(north_m), Some(east_m)) = (north, east) {
            let metres = super::point::METRES_PER_DEGREE;
            smoothed.latitude_deg += north_m / metres;
            smoothed.longitude_deg += east_m / (metres * point.latitude_deg.to_radians().cos().max(1e-6));
        }
        if point.altitude_m.is_some() {
            smoothed.altitude_m = parabola(altitudes, ALTITUDE_WINDOW_S).or(point.altitude_m);
        }
        smoothed
    }
}

/// The value at 0 of the fitted parabola; `None`: too few samples.
fn parabola(samples: impl Iterator<Item = (f64, f64)>, width: f64) -> Option<f64> {
    // Sums of weight * x^k, k up to 4, and of weight * y * x^k, k up to 2.
    let (mut x, mut y) = ([0.0; 5], [0.0; 3]);
    let mut count = 0;
    for (at, value) in samples {
        let scaled = at / width;
        let mut power = 1.0 - 0.9 * scaled.abs();
        for k in 0..5 {
            x[k] += power;
            if k < 3 {
                y[k] += power * value;
            }
            power *= scaled;
        }
        count += 1;
    }
    // Cramer's rule for the constant term of the normal equations.
    let determinant = |a: [f64; 3], b: [f64; 3], c: [f64; 3]| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1])
    };
    let columns = ([x[0], x[1], x[2]], [x[1], x[2], x[3]], [x[2], x[3], x[4]]);
    let denominator = determinant(columns.0, columns.1, columns.2);
    (count >= MIN_SAMPLES && denominator.abs() > 1e-9).then(|| determinant(y, columns.1, columns.2) / denominator)
}

#[cfg(test)]
mod tests {
    use super::super::point::testing::{flight, point};
    use super::*;

    fn plausible(points: &[TrackPoint]) -> Vec<u64> {
        let mut stage = Plausible::default();
        let mut kept: Vec<_> = points.iter().filter_map(|point| stage.push(*point)).collect();
        kept.extend(stage.finish());
        kept.iter().map(|point| point.observation_id).collect()
    }

    #[test]
    fn levels_are_parsed_from_text() {
        for level in Level::ALL {
            assert_eq!(Level::of(level.word()), Some(level));
        }
        assert_eq!(Level::of("smooth"), None);
    }

    #[test]
    fn impossible_positions_are_left_out() {
        let mut points: Vec<_> =
            (0..6).map(|i| point(f64::from(i) * 5.0, 46.5, 8.0 + f64::from(i) * 0.0005, 900.0)).collect();
        points[2].latitude_deg = 46.6;
        points[4].altitude_m = Some(20_000.0);
        assert_eq!(plausible(&points), [0, 5_000, 15_000, 25_000]);
        points[2].latitude_deg = 46.5;
        points[4].altitude_m = None;
        points[3].implausible = true;
        assert_eq!(plausible(&points), [0, 5_000, 10_000, 20_000, 25_000]);
    }

    #[test]
    fn a_fast_flight_has_no_spikes() {
        let fast: Vec<_> = (0..5).map(|i| point(f64::from(i) * 5.0, 46.5, 8.0 + f64::from(i) * 0.01, 900.0)).collect();
        assert_eq!(plausible(&fast).len(), 5, "each is too fast, but so is the step past it");
    }

    fn smooth(points: &[TrackPoint]) -> Vec<TrackPoint> {
        let (mut stage, mut out) = (Smooth::default(), Vec::new());
        points.iter().for_each(|point| stage.push(*point, &mut out));
        stage.finish(&mut out);
        out
    }

    #[test]
    fn smoothing_removes_noise_and_keeps_circles() {
        let truth = flight(900);
        let noise = |i: usize, step: f64| ((i as f64 * step).fract() - 0.5) * 2.0;
        let noisy: Vec<_> = truth
            .iter()
            .enumerate()
            .map(|(i, point)| {
                let mut noisy = *point;
                noisy.latitude_deg += 5.0 * noise(i, 0.618_034) / 111_195.0;
                noisy.longitude_deg += 5.0 * noise(i, 0.754_878) / 76_500.0;
                noisy.altitude_m = point.altitude_m.map(|altitude| altitude + 8.0 * noise(i, 0.569_84));
                noisy
            })
            .collect();
        let error = |points: &[TrackPoint]| {
            let square = |(a, b): (&TrackPoint, &TrackPoint)| {
                (a.metres_to(b).powi(2), (a.altitude_m.unwrap() - b.altitude_m.unwrap()).powi(2))
            };
            let sums = points.iter().zip(&truth).map(square).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            let count = points.len() as f64;
            ((sums.0 / count).sqrt(), (sums.1 / count).sqrt())
        };
        let smoothed = smooth(&noisy);
        assert_eq!(smoothed.len(), noisy.len());
        let (before, after) = (error(&noisy), error(&smoothed));
        assert!(after.0 < 0.75 * before.0, "positions: {before:?} became {after:?}");
        assert!(after.1 < 0.6 * before.1, "altitudes: {before:?} became {after:?}");
        let (exact, kept) = (error(&truth), error(&smooth(&truth)));
        assert_eq!(exact, (0.0, 0.0));
        assert!(kept.0 < 3.0 && kept.1 < 3.0, "a flight without noise stays: {kept:?}");
    }

    #[test]
    fn a_sparse_track_is_unchanged_in_bounded_memory() {
        let sparse: Vec<_> = (0..40).map(|i| point(f64::from(i) * 20.0, 46.5, 8.0, 900.0 + f64::from(i % 3))).collect();
        assert_eq!(smooth(&sparse), sparse);
        let mut stage = Smooth::default();
        let mut out = Vec::new();
        for i in 0..10_000 {
            stage.push(point(0.001 * f64::from(i), 46.5, 8.0, 900.0), &mut out);
            assert!(stage.window.len() <= MAX_WINDOW);
        }
        stage.finish(&mut out);
        assert_eq!(out.len(), 10_000);
    }
}
