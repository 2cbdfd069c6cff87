//! The climbs that circles show, in stretches.

use flight::units::{cmps, mps};

use crate::core::track::{Circles, Level, Track};

/// A climb gains 50 m at more than 1 m/s. Measured between the middles of two positions, where one is lost now and then,
/// it shows up to a tenth less: a higher limit would miss more climbs than it would spare false ones, metres
const CLIMB_GAIN_M: f64 = 45.0;
/// and m/s.
const CLIMB_MPS: f64 = 0.9;
/// A loss of this much ends a climb at its top, metres.
const LOSS_M: i16 = 20;
/// Circling shows in positions of 5 s a little after it began: the foot can lie so long before, seconds.
const EARLIER_S: f64 = 10.0;
/// A stretch is reported while it circles, or circled until so long ago, seconds.
const STILL_S: f64 = 5.0;
/// Climbs of one aircraft are not reported more often, seconds: every third position, as they come every 5 s. What was
/// gained between the last report and the top is not reported, so a longer interval would miss more of the climb.
const REPORT_EVERY_S: f64 = 12.0;
/// Weaker stretches of a climb wait for a stronger one, m/s.
const LEAST_MPS: f64 = 0.3;

/// A climb in progress, or one that may begin; all zero: no climb.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Climb {
    pub(super) foot_at_us: u64,
    /// Up to when it was reported; the foot before the first report.
    pub(super) reported_at_us: u64,
    pub(super) foot_m: i16,
    /// Its altitude then; before the first report the highest so far.
    pub(super) reported_m: i16,
    /// The best climb rate since the last report.
    pub(super) best_cmps: i16,
}

/// A stretch of a climb, from its foot or the end of the stretch before.
pub(super) struct Stretch {
    /// On average, m/s.
    pub(super) climb_mps: f64,
    /// The best climb rate that the aircraft sent, m/s.
    pub(super) best_mps: f64,
    /// Its lowest altitude, metres.
    pub(super) base_m: f64,
    /// Its highest, metres.
    pub(super) top_m: f64,
    /// Where.
    pub(super) circles: Circles,
}

impl Climb {
    /// Takes the climb rate that the aircraft sends while it circles, m/s.
    pub(super) fn note_climb(&mut self, climb_mps: f64) {
        self.best_cmps = self.best_cmps.max(cmps(climb_mps));
    }

    /// Whether it may go on, or begin: its foot is known.
    pub(super) fn is_open(&self) -> bool {
        self.foot_at_us > 0
    }

    /// The stretch that the newest position of an aircraft in flight completes, if it does. Stretches follow each other
    /// without a gap from the foot of the climb on, the weaker ones as well as the stronger, so that their mean is that
    /// of the climb. A climb ends with its circling, and at its top with a loss: what follows is another one.
    pub(super) fn complete(&mut self, track: &Track, event_at_us: u64) -> Option<Stretch> {
        let newest = track.newest_level()?;
        if self.is_reported() {
            self.rise(&newest, event_at_us);
            if self.is_reported() && self.since_report_s(&newest, event_at_us) < REPORT_EVERY_S {
                return None;
            }
        }
        let turning = track.turning();
        let Some(circled_ago_s) = turning.circled_ago_s() else {
            if turning.is_conclusive() {
                *self = Self { best_cmps: self.best_cmps, ..Self::default() };
            }
            return None;
        };
        if self.is_open() {
            self.rise(&newest, event_at_us);
        } else {
            let since_s = turning.circling_since_s(circled_ago_s) + EARLIER_S;
            track.levels(since_s).for_each(|level| self.rise(&level, event_at_us));
        }
        if circled_ago_s > STILL_S {
            return None;
        }
        let (gained_m, mean_mps) = gain(&newest, event_at_us, self.foot_m, self.foot_at_us);
        let base_m = if self.is_reported() { self.reported_m } else { self.foot_m };
        let (_, climb_mps) = gain(&newest, event_at_us, base_m, self.reported_at_us);
        let is_climb = gained_m >= CLIMB_GAIN_M && mean_mps > CLIMB_MPS;
        if !is_climb || climb_mps < LEAST_MPS || self.since_report_s(&newest, event_at_us) < REPORT_EVERY_S {
            return None;
        }
        let circles = track.circles()?;
        let best_mps = mps(self.best_cmps).max(climb_mps);
        self.reported_at_us = time_of(&newest, event_at_us);
        self.reported_m = newest.altitude_m.round() as i16;
        self.best_cmps = 0;
        Some(Stretch { climb_mps, best_mps, base_m: base_m.into(), top_m: newest.altitude_m, circles })
    }

    /// Takes the next level: a new foot, a new top, or neither.
    fn rise(&mut self, level: &Level, event_at_us: u64) {
        let (at_us, altitude_m) = (time_of(level, event_at_us).max(1), level.altitude_m.round() as i16);
        let has_not_risen = !self.is_reported() && self.reported_m <= self.foot_m;
        let is_lost = self.reported_m.saturating_sub(altitude_m) > LOSS_M;
        if !self.is_open() || is_lost || has_not_risen && altitude_m < self.foot_m {
            let best_cmps = if self.is_open() { 0 } else { self.best_cmps };
            *self = Self {
                foot_at_us: at_us,
                reported_at_us: at_us,
                foot_m: altitude_m,
                reported_m: altitude_m,
                best_cmps,
            };
        } else if !self.is_reported() {
            self.reported_m = self.reported_m.max(altitude_m);
        }
    }

    fn since_report_s(&self, level: &Level, event_at_us: u64) -> f64 {
        time_of(level, event_at_us).saturating_sub(self.reported_at_us) as f64 / 1e6
    }

    fn is_reported(&self) -> bool {
        self.reported_at_us > self.foot_at_us
    }
}

/// What was gained from an altitude and time up to a level: metres, m/s.
fn gain(to: &Level, event_at_us: u64, from_m: i16, from_us: u64) -> (f64, f64) {
    let seconds = time_of(to, event_at_us).saturating_sub(from_us).max(1) as f64 / 1e6;
    let gained_m = to.altitude_m - f64::from(from_m);
    (gained_m, gained_m / seconds)
}

/// The event time of a level, where that of the newest position is known.
fn time_of(level: &Level, event_at_us: u64) -> u64 {
    event_at_us.saturating_sub((level.ago_s * 1e6) as u64)
}
