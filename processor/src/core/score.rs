//! Trust: radio noise makes phantom aircraft, and a score tells them from real ones.
//!
//! A frame is judged by its own coordinates and by the speed it implies against the newest plausible position. A
//! position that contradicts that one is remembered as a suspect: if the next frame agrees with the suspect, the device
//! has really moved (or the older position was the wrong one), and it is trusted from there.

use std::num::NonZeroU64;

use geo::Position;
use geo::distance::distance_m;
use schemas::v1::{AircraftKind, JudgedFix, ScoreMemory};

const START: u8 = 50;
const GAIN: u8 = 15;
const LOSS: u8 = 25;
const MOST: u8 = 100;
const PUBLISH_FROM: u8 = 70;
const WITHDRAW_AT: u8 = 30;
const ALTITUDES_M: std::ops::RangeInclusive<f64> = -1_000.0..=15_000.0;
/// Shorter intervals are not judged, microseconds.
const SHORTEST_US: u64 = 1_000_000;

/// Why a frame is not plausible. The numbers are kept in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The speed it implies is above what its kind can do.
    Speed = 1,
    /// Latitude or longitude is out of range.
    Coordinates = 2,
    /// The altitude is out of range.
    Altitude = 3,
}

impl Reason {
    /// Its code, for operators and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Coordinates => "coordinates",
            Self::Altitude => "altitude",
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        [Self::Speed, Self::Coordinates, Self::Altitude].into_iter().find(|reason| *reason as u32 == number)
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be true.
    Plausible,
    /// It cannot be true.
    Implausible(Reason),
    /// Too close in time to the one before to say anything.
    Unjudged,
}

/// A position to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// When.
    pub event_at_us: u64,
    /// Where.
    pub position: Position,
    /// Metres, where it was told.
    pub altitude_m: Option<f64>,
    /// The fastest it can be, km/h.
    pub max_speed_kmh: f64,
}

/// The fastest that a kind moves over ground, wind included, km/h.
pub fn max_speed_kmh(kind: AircraftKind) -> f64 {
    match kind {
        AircraftKind::Paraglider => 120.0,
        AircraftKind::HangGlider => 160.0,
        AircraftKind::Balloon => 150.0,
        AircraftKind::Glider => 300.0,
        AircraftKind::Powered => 400.0,
        AircraftKind::Helicopter => 360.0,
        AircraftKind::Uav | AircraftKind::Other | AircraftKind::Unspecified => 200.0,
    }
}

/// A position against which the next is judged, to the centimetre: half the room.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fix {
    event_at_us: NonZeroU64,
    latitude_e7: i32,
    longitude_e7: i32,
}

impl Fix {
    fn new(event_at_us: u64, latitude_deg: f64, longitude_deg: f64) -> Self {
        Self {
            // Nothing is heard in the first microsecond of 1970.
            event_at_us: NonZeroU64::new(event_at_us).unwrap_or(NonZeroU64::MIN),
            latitude_e7: (latitude_deg * 1e7).round() as i32,
            longitude_e7: (longitude_deg * 1e7).round() as i32,
        }
    }

    fn position(self) -> Position {
        Position::new(f64::from(self.latitude_e7) / 1e7, f64::from(self.longitude_e7) / 1e7)
    }

    fn agrees_with(self, claim: &Claim) -> Option<bool> {
        let interval_us = claim.event_at_us.abs_diff(self.event_at_us.get());
        if interval_us < SHORTEST_US {
            return None;
        }
        let reach_m = claim.max_speed_kmh / 3.6 * (interval_us as f64 / 1e6);
        Some(distance_m(self.position(), claim.position) <= reach_m)
    }
}

/// A device's trust.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    value: u8,
    published: bool,
    last_reason: Option<Reason>,
    plausible_frames: u32,
    implausible_frames: u32,
    last: Option<Fix>,
    suspect: Option<Box<Fix>>,
}

impl Default for Score {
    fn default() -> Self {
        Self {
            value: START,
            published: false,
            last_reason: None,
            plausible_frames: 0,
            implausible_frames: 0,
            last: None,
            suspect: None,
        }
    }
}

impl Score {
    /// 0 to 100.
    pub fn value(&self) -> u8 {
        self.value
    }

    /// Whether the device has the trust to be shown.
    pub fn is_published(&self) -> bool {
        self.published
    }

    /// Frames judged plausible so far.
    pub fn plausible_frames(&self) -> u32 {
        self.plausible_frames
    }

    /// Frames judged implausible so far.
    pub fn implausible_frames(&self) -> u32 {
        self.implausible_frames
    }

    /// Why the newest implausible frame was so.
    pub fn last_reason(&self) -> Option<Reason> {
        self.last_reason
    }

    /// Event time of the newest plausible position, 0 where there is none.
    pub fn newest_us(&self) -> u64 {
        self.last.map_or(0, |fix| fix.event_at_us.get())
    }

    /// Starts anew, by an operator's command. A device that is shown stays so until it is caught again.
    pub fn reset(&mut self) {
        *self = Self { published: self.published, last: self.last, ..Self::default() };
    }

    /// Judges a position and counts the verdict.
    pub fn judge(&mut self, claim: &Claim) -> Verdict {
        let fix = Fix::new(claim.event_at_us, claim.position.latitude_deg, claim.position.longitude_deg);
        let verdict = self.verdict(claim);
        match verdict {
            Verdict::Plausible => {
                (self.last, self.suspect) = (Some(fix), None);
                self.plausible_frames = self.plausible_frames.saturating_add(1);
                self.value = (self.value + GAIN).min(MOST);
            }
            Verdict::Implausible(reason) => {
                if reason == Reason::Speed {
                    self.suspect = Some(Box::new(fix));
                }
                self.last_reason = Some(reason);
                self.implausible_frames = self.implausible_frames.saturating_add(1);
                self.value = self.value.saturating_sub(LOSS);
            }
            Verdict::Unjudged => {}
        }
        self.published = if self.published { self.value > WITHDRAW_AT } else { self.value >= PUBLISH_FROM };
        verdict
    }

    fn verdict(&self, claim: &Claim) -> Verdict {
        if !claim.position.is_on_earth() {
            return Verdict::Implausible(Reason::Coordinates);
        }
        if claim.altitude_m.is_some_and(|altitude_m| !ALTITUDES_M.contains(&altitude_m)) {
            return Verdict::Implausible(Reason::Altitude);
        }
        match self.last.map(|fix| fix.agrees_with(claim)) {
            None | Some(Some(true)) => Verdict::Plausible,
            Some(None) => Verdict::Unjudged,
            Some(Some(false)) => match self.suspect.as_ref().and_then(|fix| fix.agrees_with(claim)) {
                Some(true) => Verdict::Plausible,
                _ => Verdict::Implausible(Reason::Speed),
            },
        }
    }

    /// As the checkpoint keeps it: trust, newest plausible position, suspect.
    pub fn to_memory(&self) -> (ScoreMemory, Option<JudgedFix>, Option<JudgedFix>) {
        let memory = ScoreMemory {
            score: self.value.into(),
            published: self.published,
            plausible_frames: self.plausible_frames,
            implausible_frames: self.implausible_frames,
            last_reason: self.last_reason.map_or(0, |reason| reason as u32),
        };
        let judged = |fix: &Fix| JudgedFix {
            event_at_us: fix.event_at_us.get(),
            latitude_deg: fix.position().latitude_deg,
            longitude_deg: fix.position().longitude_deg,
        };
        (memory, self.last.as_ref().map(judged), self.suspect.as_deref().map(judged))
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &ScoreMemory, last: Option<&JudgedFix>, suspect: Option<&JudgedFix>) -> Self {
        let fix = |judged: &JudgedFix| Fix::new(judged.event_at_us, judged.latitude_deg, judged.longitude_deg);
        Self {
            value: u8::try_from(memory.score).unwrap_or(MOST).min(MOST),
            published: memory.published,
            last_reason: Reason::from_number(memory.last_reason),
            plausible_frames: memory.plausible_frames,
            implausible_frames: memory.implausible_frames,
            last: last.map(fix),
            suspect: suspect.map(fix).map(Box::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(second: u64, east_m: f64) -> Claim {
        Claim {
            event_at_us: second * 1_000_000,
            position: geo::distance::offset(Position::new(46.0, 13.0), 90.0, east_m),
            altitude_m: Some(1_500.0),
            max_speed_kmh: max_speed_kmh(AircraftKind::Paraglider),
        }
    }

    #[test]
    fn two_plausible_frames_publish_and_two_bad_ones_do_not_yet_withdraw() {
        let mut score = Score::default();
        assert_eq!((score.judge(&claim(0, 0.0)), score.value(), score.is_published()), (Verdict::Plausible, 65, false));
        assert_eq!((score.judge(&claim(5, 50.0)), score.value(), score.is_published()), (Verdict::Plausible, 80, true));
        let bad = Verdict::Implausible(Reason::Speed);
        assert_eq!((score.judge(&claim(10, 90_000.0)), score.value()), (bad, 55));
        assert_eq!((score.judge(&claim(15, -90_000.0)), score.value(), score.is_published()), (bad, 30, false));
        assert_eq!(
            (score.judge(&claim(20, 100.0)), score.value(), score.is_published()),
            (Verdict::Plausible, 45, false)
        );
    }

    #[test]
    fn speed_limits_hold_at_the_border() {
        for (east_m, verdict) in [(332.0, Verdict::Plausible), (335.0, Verdict::Implausible(Reason::Speed))] {
            let mut score = Score::default();
            score.judge(&claim(0, 0.0));
            // 120 km/h for 10 s is 333 m.
            assert_eq!(score.judge(&claim(10, east_m)), verdict, "{east_m}");
        }
    }

    #[test]
    fn intervals_below_a_second_are_not_judged() {
        let mut score = Score::default();
        score.judge(&claim(5, 0.0));
        let close = Claim { event_at_us: 5_999_999, ..claim(5, 9_000.0) };
        assert_eq!((score.judge(&close), score.value()), (Verdict::Unjudged, 65));
    }

    #[test]
    fn a_device_that_really_moved_is_trusted_from_there() {
        let mut score = Score::default();
        score.judge(&claim(0, 0.0));
        assert_eq!(score.judge(&claim(5, 50_000.0)), Verdict::Implausible(Reason::Speed));
        assert_eq!(score.judge(&claim(10, 50_050.0)), Verdict::Plausible);
        assert_eq!(score.judge(&claim(15, 50_100.0)), Verdict::Plausible);
        assert_eq!(score.judge(&claim(20, 0.0)), Verdict::Implausible(Reason::Speed));
    }

    #[test]
    fn what_is_out_of_range_is_no_place() {
        let mut score = Score::default();
        let high = Claim { altitude_m: Some(15_001.0), ..claim(0, 0.0) };
        assert_eq!(score.judge(&high), Verdict::Implausible(Reason::Altitude));
        let low = Claim { altitude_m: Some(-1_000.0), ..claim(1, 0.0) };
        assert_eq!(score.judge(&low), Verdict::Plausible);
        let nowhere = Claim { position: Position::new(91.0, 0.0), ..claim(9, 0.0) };
        assert_eq!(score.judge(&nowhere), Verdict::Implausible(Reason::Coordinates));
    }

    #[test]
    fn the_score_stays_within_its_bounds_and_comes_back_from_memory() {
        let mut score = Score::default();
        for second in 0..20 {
            score.judge(&claim(second * 5, 0.0));
        }
        assert_eq!(score.value(), 100);
        for second in 20..40 {
            // Never twice in the same place, so that no suspect is confirmed.
            score.judge(&claim(second * 5, second as f64 * 100_000.0));
        }
        assert_eq!((score.value(), score.is_published()), (0, false));
        let (memory, last, suspect) = score.to_memory();
        assert_eq!(Score::from_memory(&memory, last.as_ref(), suspect.as_ref()), score);
        score.reset();
        assert_eq!((score.value(), score.plausible_frames()), (50, 0));
    }
}
