//! Passes each position through the stages: level, segments, simplification.

use super::level::{Level, Plausible, Smooth};
use super::segment::Segments;
use super::simplify::Simplify;
use super::{MAX_POINTS, TrackPoint};

/// The summary of a track, complete at its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// The number of recorded positions.
    pub recorded: u64,
    /// The number of shown positions.
    pub shown: u64,
    /// The maximum distance of a position that simplification left out from the shown line, metres; altitudes count
    /// [`super::ALTITUDE_WEIGHT`] times. 0: none was left out.
    pub error_m: f64,
}

/// Prepares a track for display, position by position, in bounded memory.
#[derive(Debug)]
pub struct Shaper {
    level: Level,
    plausible: Plausible,
    smooth: Smooth,
    segments: Segments,
    simplify: Option<Simplify>,
    newest: Option<(u64, u64)>,
    summary: Summary,
    held: Vec<TrackPoint>,
}

impl Shaper {
    /// `max_points`: the maximum number of shown positions, from 2 to [`MAX_POINTS`]; `None`: unlimited.
    pub fn new(level: Level, max_points: Option<usize>) -> Self {
        Self {
            level,
            plausible: Plausible::default(),
            smooth: Smooth::default(),
            segments: Segments::default(),
            simplify: max_points.map(|most| Simplify::new(most.clamp(2, MAX_POINTS))),
            newest: None,
            summary: Summary::default(),
            held: Vec::new(),
        }
    }

    /// Takes the next position, in the order of (time, id), and adds the positions that are ready to `out`. A repeated
    /// position, or one out of order, is left out.
    pub fn push(&mut self, point: TrackPoint, out: &mut Vec<TrackPoint>) {
        let position = (point.event_at_us, point.observation_id);
        if self.newest.is_some_and(|newest| newest >= position) {
            return;
        }
        self.newest = Some(position);
        self.summary.recorded += 1;
        let mut held = std::mem::take(&mut self.held);
        match self.level {
            Level::Raw => held.push(point),
            Level::Plausible => held.extend(self.plausible.push(point)),
            Level::Smoothed => {
                if let Some(point) = self.plausible.push(point) {
                    self.smooth.push(point, &mut held);
                }
            }
        }
        self.pass(&mut held, out);
        self.held = held;
    }

    /// Adds the remaining positions to `out`.
    pub fn finish(&mut self, out: &mut Vec<TrackPoint>) -> Summary {
        let mut held = Vec::new();
        match (self.level, self.plausible.finish()) {
            (Level::Smoothed, last) => {
                if let Some(point) = last {
                    self.smooth.push(point, &mut held);
                }
                self.smooth.finish(&mut held);
            }
            (_, last) => held.extend(last),
        }
        self.pass(&mut held, out);
        if let Some(simplify) = &mut self.simplify {
            let before = out.len();
            self.summary.error_m = simplify.finish(out);
            self.summary.shown += (out.len() - before) as u64;
        }
        self.summary
    }

    fn pass(&mut self, held: &mut Vec<TrackPoint>, out: &mut Vec<TrackPoint>) {
        for point in held.drain(..) {
            let point = self.segments.number(point);
            match &mut self.simplify {
                Some(simplify) => simplify.push(point),
                None => {
                    self.summary.shown += 1;
                    out.push(point);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::point::testing::{flight, point};
    use super::*;

    fn shape(points: &[TrackPoint], level: Level, max_points: Option<usize>) -> (Vec<TrackPoint>, Summary) {
        let (mut shaper, mut out) = (Shaper::new(level, max_points), Vec::new());
        points.iter().for_each(|point| shaper.push(*point, &mut out));
        let summary = shaper.finish(&mut out);
        (out, summary)
    }

    #[test]
    fn raw_shows_all_recorded_positions() {
        let points = flight(700);
        let (out, summary) = shape(&points, Level::Raw, None);
        assert_eq!(out, points);
        assert_eq!(summary, Summary { recorded: 700, shown: 700, error_m: 0.0 });
    }

    #[test]
    fn every_level_keeps_all_of_a_clean_flight() {
        for level in Level::ALL {
            assert_eq!(shape(&flight(700), level, None).0.len(), 700, "{level:?}");
            assert_eq!(shape(&flight(1), level, Some(10)).0.len(), 1, "{level:?}");
            assert_eq!(shape(&[], level, Some(10)), (vec![], Summary::default()));
        }
    }

    #[test]
    fn repeated_and_late_positions_are_left_out() {
        let points = [
            point(0.0, 46.0, 8.0, 1.0),
            point(0.0, 46.0, 8.0, 1.0),
            point(9.0, 46.0, 8.0, 1.0),
            point(5.0, 46.0, 8.0, 1.0),
        ];
        assert_eq!(shape(&points, Level::Raw, None).0.len(), 2);
    }

    #[test]
    fn the_maximum_is_kept_and_gaps_stay() {
        let mut points = flight(900);
        let pause = points[500].event_at_us;
        points.iter_mut().filter(|point| point.event_at_us > pause).for_each(|point| point.event_at_us += 600_000_000);
        let (out, summary) = shape(&points, Level::Raw, Some(60));
        assert_eq!((out.len(), summary.shown, summary.recorded), (60, 60, 900));
        assert_eq!(out.last().map(|point| point.segment), Some(1));
        let border = out.windows(2).find(|pair| pair[0].segment != pair[1].segment).unwrap();
        assert_eq!(border[0].event_at_us, pause, "both ends of a gap stay");
        assert!(summary.error_m > 0.0);
    }
}
