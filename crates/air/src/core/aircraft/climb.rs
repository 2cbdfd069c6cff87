//! The climbs that circles show, in stretches.

use flight::units::{cmps, mps};

use crate::core::aircraft::circling::{CIRCLING_S, circles};
use crate::core::track::{Circles, Level, Track};

/// A climb continues while the aircraft turns more than this within `CIRCLING_S`, degrees.
const STILL_CIRCLING_DEG: f64 = 180.0;
const CLIMB_GAIN_M: f64 = 50.0;
const CLIMB_MPS: f64 = 1.0;
/// Climbs of one aircraft are not reported more often, seconds: every third position, as they come every 5 s. What was
/// gained between the last report and the top is not reported, so a longer interval would miss more of the climb.
const REPORT_EVERY_S: f64 = 12.0;
/// Weaker stretches of a climb wait for a stronger one, m/s,
const LEAST_MPS: f64 = 0.3;
/// for at most this long; then the climb has ended, seconds.
const LONGEST_WEAK_S: f64 = 60.0;

/// A climb in progress, or one that may begin; all zero: no climb.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Climb {
    pub(super) foot_at_us: u64,
    /// Up to when it was reported; the foot before the first report.
    pub(super) reported_at_us: u64,
    pub(super) foot_m: i16,
    pub(super) reported_m: i16,
    /// The best climb rate since then.
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

    /// The stretch that the newest position of a circling aircraft completes, if it does. A climb: turned more than 270
    /// degrees within 45 s, gained at least 50 m, climbed more than 1 m/s on average. Stretches follow each other without
    /// a gap from the foot of the climb on, the weaker ones as well as the stronger, so that their mean is that of the
    /// climb.
    pub(super) fn complete(&mut self, track: &Track, event_at_us: u64) -> Option<Stretch> {
        let newest = track.newest_level()?;
        let is_circling = track.turned_deg(CIRCLING_S).abs() > STILL_CIRCLING_DEG;
        if !is_circling {
            return None;
        }
        let climb = if self.is_reported() { *self } else { self.begun(track, &newest, event_at_us)? };
        let level_at_us = time_of(&newest, event_at_us);
        let rate = |from_m: i16, from_us: u64| {
            let seconds = level_at_us.saturating_sub(from_us).max(1) as f64 / 1e6;
            ((newest.altitude_m - f64::from(from_m)) / seconds, seconds)
        };
        let (climb_mps, seconds) = rate(climb.reported_m, climb.reported_at_us);
        let (mean_mps, _) = rate(climb.foot_m, climb.foot_at_us);
        if seconds < REPORT_EVERY_S {
            return None;
        }
        if mean_mps <= CLIMB_MPS || climb_mps < LEAST_MPS {
            if seconds > LONGEST_WEAK_S {
                // It circled without climbing: a later climb is another one.
                *self = Self::default();
            }
            return None;
        }
        let circles = track.circles()?;
        let reported_m = newest.altitude_m.round() as i16;
        *self = Self { reported_at_us: level_at_us, reported_m, best_cmps: 0, ..climb };
        let best_mps = mps(climb.best_cmps).max(climb_mps);
        Some(Stretch { climb_mps, best_mps, base_m: climb.reported_m.into(), top_m: newest.altitude_m, circles })
    }

    fn is_reported(&self) -> bool {
        self.reported_at_us > self.foot_at_us
    }

    /// The climb that has become one by now, from the foot of the circles on. Until then the foot is remembered, since a
    /// weak climb takes longer than the track reaches back.
    fn begun(&mut self, track: &Track, newest: &Level, event_at_us: u64) -> Option<Self> {
        let foot = track.foot()?;
        let (foot_at_us, foot_m) = (time_of(&foot, event_at_us).max(1), foot.altitude_m.round() as i16);
        let latest = Self { foot_at_us, reported_at_us: foot_at_us, foot_m, reported_m: foot_m, ..*self };
        let level_at_us = time_of(newest, event_at_us);
        let gain = |climb: &Self| {
            let gained_m = newest.altitude_m - f64::from(climb.foot_m);
            (gained_m, gained_m / (level_at_us.saturating_sub(climb.foot_at_us).max(1) as f64 / 1e6))
        };
        let is_climb = |climb: &&Self| {
            let (gained_m, mean_mps) = gain(climb);
            climb.foot_at_us > 0 && gained_m >= CLIMB_GAIN_M && mean_mps > CLIMB_MPS
        };
        let begun = [*self, latest].iter().find(is_climb).filter(|_| circles(track)).copied();
        let is_given_up = gain(self).1 <= CLIMB_MPS || foot_m <= self.foot_m;
        if self.foot_at_us == 0 || is_given_up {
            *self = latest;
        }
        begun
    }
}

/// The event time of a level, where that of the newest position is known.
fn time_of(level: &Level, event_at_us: u64) -> u64 {
    event_at_us.saturating_sub((level.ago_s * 1e6) as u64)
}
