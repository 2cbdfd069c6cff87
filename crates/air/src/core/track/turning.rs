//! How the way turned up to the newest point, and since when it circles.
//!
//! A moment is circled when the way turns by more than 270 degrees within the 44 seconds around it, with half a turn
//! before it and half a turn after it. The one turn in which a pilot tries the air between two glides is over before
//! there is such a moment; turns to both sides have none at all. What comes after the newest point is not known yet: for
//! some seconds it is taken to turn on as it does now.

/// Points that are looked at, the newest ones.
pub(super) const MAX_POINTS: usize = 32;
const CIRCLED_DEG: f64 = 270.0;
/// From so long before a moment to so long after it, seconds.
const AROUND_S: f64 = 22.0;
const HALF_TURN_DEG: f64 = 180.0;
/// Half a turn takes at most this long, seconds.
const HALF_TURN_S: f64 = 45.0;
/// It turns on as it did in so many of the last seconds,
const RATE_S: f64 = 6.0;
/// for so many seconds. With more, turns that end are taken for circles; with fewer, slow circles are seen late.
const AHEAD_S: f64 = 20.0;
/// Moments are looked at this far apart, seconds.
const STEP_S: f64 = 2.5;
/// Circling that is interrupted for no longer than this continues, seconds: the breaks of 15 s that a climb survives
/// look longer where positions are lost.
const BREAK_S: f64 = 25.0;

/// The turns up to the newest point, as far back as the points determine them.
#[derive(Debug)]
pub struct Turning {
    /// Seconds before the newest point, and the turn from the newest point back to there, degrees; newest first.
    points: [(f64, f64); MAX_POINTS],
    count: usize,
    /// Now, degrees per second.
    rate_dps: f64,
}

impl Turning {
    /// From the legs between the points, newest first: seconds from their beginning to the newest point, and their turn in
    /// degrees, clockwise positive.
    pub(super) fn of(legs: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut turning = Self { points: [(0.0, 0.0); MAX_POINTS], count: 1, rate_dps: 0.0 };
        let mut turned_deg = 0.0;
        for (point, (began_s, leg_deg)) in turning.points[1..].iter_mut().zip(legs) {
            turned_deg -= leg_deg;
            *point = (began_s, turned_deg);
            turning.count += 1;
        }
        let rate_s = RATE_S.min(turning.reach_s());
        if rate_s > 0.0 {
            turning.rate_dps = -turning.at(rate_s) / rate_s;
        }
        turning
    }

    /// Whether it reaches back far enough to see that circling has ended.
    pub fn is_conclusive(&self) -> bool {
        self.reach_s() >= BREAK_S
    }

    /// How long ago it circled last, seconds. `None`: it has not for a while.
    pub fn circled_ago_s(&self) -> Option<f64> {
        self.times(0.0).take_while(|ago_s| *ago_s <= BREAK_S).find(|ago_s| self.is_circled(*ago_s))
    }

    /// How long ago the circling began that went on at a moment, as far as is known, seconds.
    pub fn circling_since_s(&self, ago_s: f64) -> f64 {
        let mut since_s = ago_s;
        for earlier_s in self.times(ago_s) {
            if self.is_circled(earlier_s) {
                since_s = earlier_s;
            } else if earlier_s - since_s > BREAK_S {
                break;
            }
        }
        since_s
    }

    /// Times from one on backwards.
    fn times(&self, from_s: f64) -> impl Iterator<Item = f64> + use<> {
        let count = ((self.reach_s() - from_s) / STEP_S) as u32;
        (0..=count).map(move |step| from_s + f64::from(step) * STEP_S)
    }

    fn is_circled(&self, ago_s: f64) -> bool {
        let turned_deg = self.at((ago_s - AROUND_S).max(-AHEAD_S)) - self.at(ago_s + AROUND_S);
        turned_deg.abs() > CIRCLED_DEG
            && self.half_turns(ago_s, ago_s, ago_s + HALF_TURN_S)
            && self.half_turns(ago_s, (ago_s - HALF_TURN_S).max(-AHEAD_S), ago_s)
    }

    /// Whether the way turns by half a turn between a moment and one of those in a range.
    fn half_turns(&self, ago_s: f64, newest_s: f64, oldest_s: f64) -> bool {
        let here_deg = self.at(ago_s);
        let between = self.known().iter().filter(|point| (newest_s..=oldest_s).contains(&point.0)).map(|point| point.1);
        let mut all = between.chain([self.at(newest_s), self.at(oldest_s)]);
        all.any(|there_deg| (there_deg - here_deg).abs() >= HALF_TURN_DEG)
    }

    /// The turn at a moment, against the newest point. Negative moments have not come yet.
    fn at(&self, ago_s: f64) -> f64 {
        if ago_s < 0.0 {
            return self.rate_dps * -ago_s;
        }
        let known = self.known();
        let older = known.partition_point(|point| point.0 < ago_s);
        match (older.checked_sub(1).map(|newer| known[newer]), known.get(older)) {
            (Some(newer), Some(older)) => newer.1 + (older.1 - newer.1) * (ago_s - newer.0) / (older.0 - newer.0),
            (Some(oldest), None) => oldest.1,
            (None, _) => 0.0,
        }
    }

    fn known(&self) -> &[(f64, f64)] {
        &self.points[..self.count]
    }

    pub fn reach_s(&self) -> f64 {
        self.points[self.count - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute of points every 5 s.
    fn turning(course_deg: impl Fn(f64) -> f64) -> Turning {
        let leg = |index: u32| {
            let ago_s = 5.0 * f64::from(index);
            (ago_s + 5.0, course_deg(55.0 - ago_s) - course_deg(50.0 - ago_s))
        };
        Turning::of((0..11).map(leg))
    }

    #[test]
    fn circles_are_circled_after_the_first_half_turn() {
        for rate_dps in [9.0, -15.0, 18.0] {
            let turning = turning(|at_s| (at_s - 10.0).max(0.0) * rate_dps);
            let ago_s = turning.circled_ago_s().expect("it circles");
            let since_s = turning.circling_since_s(ago_s);
            assert!(ago_s < 5.0, "{rate_dps}: {ago_s}");
            assert!((since_s - (45.0 - 180.0 / f64::abs(rate_dps))).abs() < 5.0, "{rate_dps}: {since_s}");
        }
    }

    #[test]
    fn straight_flight_and_s_turns_are_no_circles() {
        assert_eq!(turning(|_| 80.0).circled_ago_s(), None);
        let ridge = turning(|at_s| 100.0 * libm::sin(at_s / 40.0 * std::f64::consts::TAU));
        assert_eq!(ridge.circled_ago_s(), None);
        assert_eq!(Turning::of(std::iter::empty()).circled_ago_s(), None);
    }

    #[test]
    fn one_turn_between_two_glides_is_no_circle() {
        assert_eq!(turning(|at_s| (at_s - 10.0).clamp(0.0, 25.0) * 12.0).circled_ago_s(), None);
    }

    #[test]
    fn circling_has_ended_when_it_was_long_ago() {
        let left = |straight_s: f64| turning(move |at_s| at_s.min(55.0 - straight_s) * 15.0);
        assert!(left(5.0).circled_ago_s().is_some_and(|ago_s| ago_s > 5.0));
        assert_eq!(left(40.0).circled_ago_s(), None);
        assert!(left(40.0).is_conclusive());
    }
}
