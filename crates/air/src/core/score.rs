//! Trust: radio noise, receivers without a fix and colliding addresses make aircraft that do not exist; a score
//! distinguishes them from real ones.
//!
//! A device has one **followed track**: the positions that are shown, used for thermals and kept as its track. A
//! position is judged by its own coordinates and by the step from the newest position of the followed track
//! ([`flight::step`]).
//! - The first position is held until a second one agrees with it. Of two that disagree, neither changes the score: the
//!   third decides. After a silence that ends a live object, a position elsewhere is a first one again.
//! - A position too close in time to say anything moves nothing.
//! - The followed track is kept when positions of another body carry its address. Those make a candidate of their own
//!   ([`candidate`]). The candidate is followed once the followed track has been silent for half as long as it lasted,
//!   from ten seconds to a quarter of an hour: a first position that was wrong is replaced at once, an aircraft that has
//!   been flying for half an hour keeps its track until it expires.

mod candidate;
mod reported_position;

use flight::Step;
use geo::Position;
use geo::distance::distance_m;
use schemas::v1::{JudgedFix, ScoreMemory};

use crate::core::score::candidate::{Candidate, Fix, Others};
pub use crate::core::score::reported_position::{Confirmed, Reason, ReportedPosition};
use crate::core::settings::SECOND_US;

const START: u8 = 50;
const GAIN: u8 = 15;
const LOSS: u8 = 25;
const MOST: u8 = 100;
const PUBLISH_FROM: u8 = 70;
const WITHDRAW_AT: u8 = 30;
/// The followed track may be silent for half as long as it has lasted, but not less and not more than this, microseconds.
const SILENCES_US: std::ops::RangeInclusive<u64> = 10 * SECOND_US..=flight::progress::SILENCE_US;
/// What is over may begin again as far from where it ended as it moves within this time, microseconds.
const NEAR_US: u64 = 60 * SECOND_US;
/// A reported position farther than this from the device's own is ignored, metres.
const NEAR_M: f64 = 20_000.0;
/// Positions that differ by less in latitude and in longitude are nearer than [`NEAR_M`], degrees.
const CLOSE_DEG: f64 = 0.12;

/// The verdict on a position. Only a plausible one changes shown states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It continues the followed track, or begins it.
    Plausible,
    /// It cannot be true.
    Implausible(Reason),
    /// Nothing can be said yet: a first position, or one too close in time to the one before.
    Unconfirmed,
    /// It continues another track with the same address.
    Conflict,
}

/// A verdict, and the earlier position that it confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict on the position.
    pub verdict: Verdict,
    /// The position that was not believed until this one came.
    pub confirmed: Option<Confirmed>,
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, confirmed: None }
    }
}

/// A device's trust.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    value: u8,
    published: bool,
    last_reason: Option<Reason>,
    /// When the followed track began, seconds since the epoch.
    since_s: u32,
    plausible_frames: u32,
    implausible_frames: u32,
    /// The newest position of the followed track.
    last: Option<Fix>,
    others: Option<Box<Others>>,
}

impl Default for Score {
    fn default() -> Self {
        Self {
            value: START,
            published: false,
            last_reason: None,
            since_s: 0,
            plausible_frames: 0,
            implausible_frames: 0,
            last: None,
            others: None,
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

    /// Where the followed track is.
    pub fn position(&self) -> Option<Position> {
        self.last.map(Fix::position)
    }

    /// Event time of the newest position that others are judged against, 0 where there is none.
    pub fn newest_us(&self) -> u64 {
        let held = || self.others.as_ref().and_then(|others| others.newest_us());
        self.last.map(Fix::event_at_us).or_else(held).unwrap_or_default()
    }

    /// Whether a position that the device reports is near its own. `None`: its own is not known.
    pub fn is_near(&self, position: Position) -> Option<bool> {
        let own = self.position()?;
        // Nearly always decided without a cosine: a degree of longitude is never longer than one of latitude.
        let is_close = (position.latitude_deg - own.latitude_deg).abs() < CLOSE_DEG
            && (position.longitude_deg - own.longitude_deg).abs() < CLOSE_DEG;
        Some(position.is_on_earth() && (is_close || distance_m(own, position) <= NEAR_M))
    }

    /// Starts again, by an operator's command. A device that is shown stays so until it is caught again.
    pub fn reset(&mut self) {
        let Self { published, last, since_s, .. } = *self;
        *self = Self { published, last, since_s, ..Self::default() };
    }

    /// A person has rejected the positions of a time: the next one is judged against `before`, or is a first one again.
    pub fn replace(&mut self, is_of: impl Fn(u64) -> bool, before: Option<(u64, Position)>) {
        if self.last.is_some_and(|last| is_of(last.event_at_us())) {
            self.last = before.map(|(event_at_us, at)| Fix::new(event_at_us, at.latitude_deg, at.longitude_deg));
        }
        if let Some(others) = &mut self.others {
            others.forget(|fix| is_of(fix.event_at_us()));
            self.forget_empty();
        }
    }

    /// Judges a position and counts the verdict.
    pub fn judge(&mut self, reported: &ReportedPosition) -> Judgement {
        let judgement = match reported.defect() {
            Some(reason) => self.lose(reason),
            None => self.judge_step(reported),
        };
        self.published = if self.published { self.value > WITHDRAW_AT } else { self.value >= PUBLISH_FROM };
        judgement
    }

    fn judge_step(&mut self, reported: &ReportedPosition) -> Judgement {
        let is_over = |fix: Fix| reported.event_at_us.saturating_sub(fix.event_at_us()) >= reported.lifetime_us;
        if let Some(others) = &mut self.others {
            others.forget(is_over);
            self.forget_empty();
        }
        if let Some(last) = self.last.filter(|last| is_over(*last)) {
            if flight::step(NEAR_US, last.metres_to(reported), reported.max_speed_kmh) == Step::Possible {
                self.follow(reported, reported.event_at_us);
                return Verdict::Plausible.into();
            }
            self.last = None;
        }
        let Some(last) = self.last else { return self.hold(reported) };
        match last.step_to(reported) {
            Step::Possible => {
                if flight::is_reliable(reported.event_at_us.abs_diff(last.event_at_us())) {
                    self.follow(reported, self.since_us());
                } else {
                    self.gain();
                }
                Verdict::Plausible.into()
            }
            Step::TooSoon => Verdict::Unconfirmed.into(),
            Step::Impossible => self.contradict(reported, last),
        }
    }

    /// Takes a position while no track is followed.
    fn hold(&mut self, reported: &ReportedPosition) -> Judgement {
        let others = self.others.get_or_insert_default();
        if let Some(agreed) = others.take_agreeing(reported) {
            self.gain();
            self.follow(reported, agreed.since_us);
            self.forget_empty();
            return Judgement { verdict: Verdict::Plausible, confirmed: agreed.confirmed() };
        }
        if others.is_too_soon(reported) {
            return Verdict::Unconfirmed.into();
        }
        if others.add(Candidate::new(reported, 0)).is_some() {
            // Two later ones contradict it, and each other.
            self.lose(Reason::Speed);
        }
        Verdict::Unconfirmed.into()
    }

    /// Takes a position that the followed track cannot have reached.
    fn contradict(&mut self, reported: &ReportedPosition, last: Fix) -> Judgement {
        let silent_us = reported.event_at_us.saturating_sub(last.event_at_us());
        let followed_us = last.event_at_us().saturating_sub(self.since_us());
        let is_replaced = silent_us >= (followed_us / 2).clamp(*SILENCES_US.start(), *SILENCES_US.end());
        let others = self.others.get_or_insert_default();
        let Some(candidate) = &mut others.newer else {
            others.newer = Some(Candidate::new(reported, LOSS));
            return self.lose(Reason::Speed);
        };
        match candidate.fix.step_to(reported) {
            Step::TooSoon => Verdict::Unconfirmed.into(),
            Step::Impossible => {
                if candidate.frames == 1 {
                    *candidate = Candidate::new(reported, LOSS);
                }
                self.lose(Reason::Speed)
            }
            Step::Possible => {
                let lost = std::mem::take(&mut candidate.lost);
                let agreed = *candidate;
                if is_replaced {
                    *candidate = Candidate::of_followed(last, last.event_at_us() - followed_us);
                    self.follow(reported, agreed.since_us);
                    return Judgement { verdict: Verdict::Plausible, confirmed: agreed.confirmed() };
                }
                candidate.follow(reported);
                // What looked like noise was the other body.
                self.value = (self.value + lost).min(MOST);
                self.implausible_frames = self.implausible_frames.saturating_sub(u32::from(lost > 0));
                Verdict::Conflict.into()
            }
        }
    }

    fn follow(&mut self, reported: &ReportedPosition, since_us: u64) {
        self.last = Some(Fix::of(reported));
        self.since_s = u32::try_from(since_us / SECOND_US).unwrap_or(u32::MAX);
        self.gain();
    }

    fn since_us(&self) -> u64 {
        u64::from(self.since_s) * SECOND_US
    }

    fn gain(&mut self) {
        self.plausible_frames = self.plausible_frames.saturating_add(1);
        self.value = (self.value + GAIN).min(MOST);
    }

    fn lose(&mut self, reason: Reason) -> Judgement {
        self.last_reason = Some(reason);
        self.implausible_frames = self.implausible_frames.saturating_add(1);
        self.value = self.value.saturating_sub(LOSS);
        Verdict::Implausible(reason).into()
    }

    fn forget_empty(&mut self) {
        self.others.take_if(|others| others.is_empty());
    }

    /// As the checkpoint keeps it: trust, newest position of the followed track, candidates.
    pub fn to_checkpoint(&self) -> (ScoreMemory, Option<JudgedFix>, Vec<JudgedFix>) {
        let checkpoint = ScoreMemory {
            score: self.value.into(),
            published: self.published,
            plausible_frames: self.plausible_frames,
            implausible_frames: self.implausible_frames,
            last_reason: self.last_reason.map_or(0, |reason| reason as u32),
            since_s: self.since_s,
        };
        let candidates = self.others.as_ref().map(|others| others.to_checkpoint()).unwrap_or_default();
        (checkpoint, self.last.map(Fix::to_checkpoint), candidates)
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &ScoreMemory, last: Option<&JudgedFix>, candidates: &[JudgedFix]) -> Self {
        let others = Others::from_checkpoint(candidates);
        // A checkpoint that does not say when the track began: with its newest position.
        let last_s = last.map_or(0, |fix| u32::try_from(fix.event_at_us / SECOND_US).unwrap_or(u32::MAX));
        Self {
            value: u8::try_from(checkpoint.score).unwrap_or(MOST).min(MOST),
            published: checkpoint.published,
            last_reason: Reason::from_number(checkpoint.last_reason),
            since_s: if checkpoint.since_s > 0 { checkpoint.since_s } else { last_s },
            plausible_frames: checkpoint.plausible_frames,
            implausible_frames: checkpoint.implausible_frames,
            last: last.map(Fix::from_checkpoint),
            others: (!others.is_empty()).then(|| Box::new(others)),
        }
    }
}

#[cfg(test)]
mod tests;
