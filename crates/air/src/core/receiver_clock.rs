//! Plausibility of one receiver's timestamps.
//!
//! A frame's event time is its arrival, unless its receiver's recent frames make a delay credible. The stamps of most
//! receivers have a constant difference to arrivals (the *skew*: arrival minus stamp); the difference beyond the skew
//! is the *lateness* that a stamp claims. Receivers' clocks are set, stand still, run slow or start in 1970, so a claim
//! alone proves nothing. Two tests distinguish a backlog from a clock that was set back by as much:
//!
//! - **The gap before it.** While frames queue, none arrives. The first frame of a backlog is stamped after the last
//!   frame that was believed, so its lateness is at most the silence before it. A clock that is set back while its
//!   receiver hears claims more than that, and is refused at its first frame.
//! - **The pace after it.** A backlog drains faster than real time: its lateness shrinks by at least the time that
//!   passes. A clock that is behind claims the same lateness again.
//!
//! A receiver that restarts with an old clock, or that heard nothing while its clock was set back, passes the first
//! test: its stamps continue where they ended, as those of a backlog do. No rule can distinguish the two by one frame.
//! It is then taken for delayed, since an age that is stated too high misleads less than an old position that is shown
//! as new, and the second test refuses it [`SHRINK_SLACK_US`] later: one frame after the silence is shown with the
//! wrong age. It is shown all the same, since nothing newer was believed. Calls for help do not wait for the proof (see
//! [`EventTime::call_at_us`]).
//!
//! A frame that comes alone, out of order by its receiver's own counting, was *held back* by its link, for at most
//! [`LONGEST_HOLD_US`]: no clock is set back for one frame. Where it is the first of many the clock was set back after
//! all, and the second one, which claims the same lateness, is refused. Two clocks under one name, which claim the same
//! lateness in turns, are refused from the third time on.
//!
//! Refused stamps are ignored: the event time is that of the arrival. (Only where another receiver heard the very same
//! frame at the time that such a stamp claims the two are copies.) After [`DOUBTS`] frames in a row that were refused
//! or held back the clock's trouble is named and the skew forgotten; it is learnt again from stamps that keep pace with
//! arrivals.

use schemas::v1::{self, ReceiverClockTrouble as Trouble, SkewSample};

use crate::core::settings::{HOUR_US, SECOND_US};
use crate::core::time::{EventTime, PROMPT_US};

/// So many refused stamps in a row are no accident.
const DOUBTS: u8 = 3;
/// So many stamps that keep pace with arrivals,
const LEARN_FRAMES: u32 = 5;
/// over at least this time, determine the skew, microseconds.
const LEARN_US: u64 = 10 * SECOND_US;
/// The skew is the smallest of the latest one to two spans of this, microseconds: a frame can take longer, never less.
const SPAN_US: u64 = 5 * 60 * SECOND_US;
const SPAN_MINUTES: u64 = 5;
/// Stamps are full seconds, and links jitter: a backlog's lateness may be so much above what it should be,
/// microseconds.
const SHRINK_SLACK_US: i64 = 3 * SECOND_US as i64;
/// A lateness that has shrunk by so much, faster than time passed, proves a backlog, microseconds.
const PROOF_US: i64 = 3 * SECOND_US as i64;
/// A drain that stopped for so long may be followed by another backlog, microseconds.
const STALL_US: u64 = 10 * SECOND_US;
/// No queue holds a frame for longer than this, microseconds.
const LONGEST_DELAY_US: i64 = 24 * HOUR_US as i64;
/// No link holds back a single frame for longer than this, microseconds.
const LONGEST_HOLD_US: i64 = 25 * SECOND_US as i64;
/// At least this number of frames in a row with the same lateness were not held back one by one: the clock is off.
const MIN_ALIKE_FRAMES: u32 = 2;
/// A clock that shows the same for so long stands, microseconds.
const STANDING_US: i64 = 10 * SECOND_US as i64;
/// Over so long the pace of a clock is measured, microseconds.
const PACE_US: i64 = 30 * SECOND_US as i64;
/// Trouble is reported until so long after its last sign, microseconds.
const REPORT_US: u64 = 10 * 60 * SECOND_US;
/// A clock that is off by more than this should be set, microseconds.
const OFFSET_US: u64 = 10 * SECOND_US;

/// What is reported of a clock in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReport {
    /// What is wrong with it.
    pub trouble: Trouble,
    /// Its stamps minus the ingestion times, microseconds: positive is ahead.
    pub offset_us: i64,
}

/// The skew: the smallest sample (arrival minus stamp) of the present span and of the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Skew {
    span: u64,
    current_us: i64,
    previous_us: i64,
}

impl Skew {
    fn new(at_us: u64, sample_us: i64) -> Self {
        Self { span: at_us / SPAN_US, current_us: sample_us, previous_us: sample_us }
    }

    fn us(&self) -> i64 {
        self.current_us.min(self.previous_us)
    }

    fn add(&mut self, at_us: u64, sample_us: i64) {
        let span = at_us / SPAN_US;
        if span == self.span {
            self.current_us = self.current_us.min(sample_us);
        } else {
            *self = Self { span, current_us: sample_us, previous_us: self.current_us };
        }
    }
}

/// Frames that are taken for a backlog, from the first one on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Backlog {
    since_us: u64,
    lateness_us: i64,
    is_proven: bool,
}

impl Backlog {
    fn has_shrunk_to(&self, at_us: u64, lateness_us: i64) -> bool {
        let passed_us = at_us.saturating_sub(self.since_us).cast_signed();
        lateness_us <= self.lateness_us - passed_us + SHRINK_SLACK_US
    }
}

/// Stamps that keep pace with arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Run {
    since_us: u64,
    sample_us: i64,
    frames: u32,
}

/// An ingestion time and the stamp that came with it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stamped {
    at_us: u64,
    stamp_s: u32,
}

impl Stamped {
    /// Microseconds that passed, and those that the stamps say, since an earlier one.
    fn since(&self, earlier: &Self) -> (i64, i64) {
        let passed_us = self.at_us.saturating_sub(earlier.at_us).cast_signed();
        (passed_us, (i64::from(self.stamp_s) - i64::from(earlier.stamp_s)) * SECOND_US as i64)
    }

    fn sample_us(&self) -> i64 {
        self.at_us.cast_signed() - i64::from(self.stamp_s) * SECOND_US as i64
    }
}

/// One receiver's clock as one partition sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiverClock {
    /// `None`: not learnt yet, or forgotten.
    skew: Option<Skew>,
    last: Stamped,
    /// Event time of the newest frame that was believed.
    believed_us: u64,
    backlog: Option<Backlog>,
    doubts: u8,
    /// While the skew is known: of the stamps that were doubted.
    run: Run,
    /// Where the measurement of its pace began.
    pace: Stamped,
    trouble: Option<(Trouble, u64)>,
}

impl ReceiverClock {
    /// A clock that counts as right until it is proven wrong.
    pub fn trusted() -> Self {
        Self { skew: Some(Skew::new(0, 0)), ..Self::default() }
    }

    /// The event time of a frame that arrived at `at_us`; and the clock trouble that it reveals, if any.
    pub fn observe(&mut self, at_us: u64, stamp_s: u32) -> (EventTime, Option<Trouble>) {
        let stamped = Stamped { at_us, stamp_s };
        let mut found = None;
        let time = match &mut self.skew {
            None => {
                found = self.learn(&stamped);
                EventTime::prompt(at_us)
            }
            Some(skew) => {
                let lateness_us = stamped.sample_us() - skew.us();
                if lateness_us.abs() <= PROMPT_US {
                    skew.add(at_us, stamped.sample_us());
                    self.believe(at_us, lateness_us.max(0));
                    (self.doubts, self.backlog) = (0, None);
                    self.trouble = self.trouble.filter(|(_, since_us)| at_us < since_us + REPORT_US);
                    EventTime::prompt(at_us)
                } else if self.is_credible(&stamped, lateness_us) {
                    self.believe(at_us, lateness_us);
                    self.doubts = 0;
                    let is_proven = self.backlog.is_some_and(|backlog| backlog.is_proven);
                    EventTime::delayed(at_us, lateness_us, is_proven)
                } else {
                    let was_held = self.was_held_back(&stamped, lateness_us);
                    found = self.doubt(&stamped);
                    match was_held {
                        true => EventTime::delayed(at_us, lateness_us, false),
                        false => EventTime::refused(at_us, lateness_us),
                    }
                }
            }
        };
        self.last = stamped;
        (time, found)
    }

    /// What is wrong with the clock. `None`: nothing that is known.
    pub fn report(&self) -> Option<ClockReport> {
        let offset_us = -self.skew.map_or_else(|| self.last.sample_us(), |skew| skew.us());
        match self.trouble {
            Some((trouble, _)) => Some(ClockReport { trouble, offset_us }),
            None if self.skew.is_some() && offset_us.unsigned_abs() > OFFSET_US => {
                Some(ClockReport { trouble: Trouble::Offset, offset_us })
            }
            None => None,
        }
    }

    fn believe(&mut self, at_us: u64, lateness_us: i64) {
        self.believed_us = self.believed_us.max(at_us.saturating_sub_signed(lateness_us));
    }

    /// Whether the frame can have waited for as long as its stamp claims.
    fn is_credible(&mut self, stamped: &Stamped, lateness_us: i64) -> bool {
        let event_us = stamped.at_us.saturating_sub_signed(lateness_us);
        let is_in_order = event_us.saturating_add_signed(PROMPT_US) >= self.believed_us;
        if lateness_us <= 0 || lateness_us > LONGEST_DELAY_US || !is_in_order {
            return false;
        }
        let (passed_us, stamped_us) = stamped.since(&self.last);
        if self.doubts > 0 && stamped_us < 2 * passed_us + SECOND_US as i64 {
            return false;
        }
        let begun = Backlog { since_us: stamped.at_us, lateness_us, is_proven: false };
        match &mut self.backlog {
            Some(backlog) if backlog.has_shrunk_to(stamped.at_us, lateness_us) => {
                backlog.is_proven |= backlog.lateness_us - lateness_us >= PROOF_US;
            }
            Some(backlog) if !backlog.is_proven || passed_us < STALL_US.cast_signed() => return false,
            backlog => *backlog = Some(begun),
        }
        true
    }

    /// Whether the frame, which is not credible as part of a backlog, can have been held back alone.
    fn was_held_back(&self, stamped: &Stamped, lateness_us: i64) -> bool {
        let event_us = stamped.at_us.saturating_sub_signed(lateness_us);
        let is_out_of_order = event_us.saturating_add_signed(PROMPT_US) < self.believed_us;
        let is_alike = self.run.frames > 0 && (stamped.sample_us() - self.run.sample_us).abs() <= PROMPT_US;
        let is_alone =
            self.doubts + 1 < DOUBTS && !(is_alike && (self.doubts > 0 || self.run.frames >= MIN_ALIKE_FRAMES));
        is_out_of_order && is_alone && lateness_us > 0 && lateness_us <= LONGEST_HOLD_US
    }

    /// Doubts a stamp; returns the trouble that this makes certain.
    fn doubt(&mut self, stamped: &Stamped) -> Option<Trouble> {
        self.backlog = None;
        if self.doubts == 0 {
            self.pace = *stamped;
        }
        self.doubts += 1;
        self.run_on(stamped);
        if self.doubts < DOUBTS {
            return None;
        }
        let (passed_us, stamped_us) = stamped.since(&self.pace);
        let repeats = self.trouble.is_some_and(|(trouble, since_us)| {
            matches!(trouble, Trouble::Jumped | Trouble::Drifting) && stamped.at_us < since_us + REPORT_US
        });
        let keeps_pace = (stamped_us - passed_us).abs() <= PROMPT_US;
        let trouble = match (passed_us >= SHRINK_SLACK_US && stamped_us == 0, keeps_pace && !repeats) {
            (true, _) => Trouble::Standing,
            (false, true) => Trouble::Jumped,
            (false, false) => Trouble::Drifting,
        };
        self.trouble = Some((trouble, stamped.at_us));
        (self.skew, self.doubts) = (None, 0);
        Some(trouble)
    }

    /// Takes a stamp while the skew is not known; returns the trouble that is new.
    fn learn(&mut self, stamped: &Stamped) -> Option<Trouble> {
        let found = self.measure_pace(stamped);
        self.run_on(stamped);
        if self.run.frames >= LEARN_FRAMES && stamped.at_us >= self.run.since_us + LEARN_US {
            self.skew = Some(Skew::new(stamped.at_us, self.run.sample_us));
            (self.believed_us, self.backlog, self.doubts) = (stamped.at_us, None, 0);
            self.run = Run::default();
        }
        found
    }

    fn run_on(&mut self, stamped: &Stamped) {
        let sample_us = stamped.sample_us();
        if self.run.frames > 0 && (sample_us - self.run.sample_us).abs() <= PROMPT_US {
            self.run.frames = self.run.frames.saturating_add(1);
            self.run.sample_us = self.run.sample_us.min(sample_us);
        } else {
            self.run = Run { since_us: stamped.at_us, sample_us, frames: 1 };
        }
    }

    /// A clock that does not keep pace cannot be learnt. Stamps that are faster prove nothing: a backlog that drains
    /// shows them, too.
    fn measure_pace(&mut self, stamped: &Stamped) -> Option<Trouble> {
        if self.pace == Stamped::default() {
            self.pace = *stamped;
        }
        let (passed_us, stamped_us) = stamped.since(&self.pace);
        let is_standing = passed_us >= STANDING_US && stamped_us == 0;
        if !is_standing && passed_us < PACE_US {
            return None;
        }
        self.pace = *stamped;
        let is_slow = stamped_us < passed_us - passed_us / 10 - PROMPT_US;
        if !is_standing && !is_slow {
            return None;
        }
        let trouble = if is_standing { Trouble::Standing } else { Trouble::Drifting };
        let before = self.trouble.replace((trouble, stamped.at_us));
        before.is_none_or(|(before, _)| before != trouble).then_some(trouble)
    }

    /// Takes part in the correction of a partition's clock: no time of its own lies after `clock_us` any more.
    pub fn set_back(&mut self, clock_us: u64) {
        // Its skew was learnt by arrivals of another time.
        let trouble = self.trouble.map(|(trouble, since_us)| (trouble, since_us.min(clock_us)));
        *self = Self { trouble, ..Self::default() };
    }

    /// As the checkpoint keeps it.
    pub fn to_checkpoint(&self, receiver_id: &str, last_seen_us: u64) -> v1::ReceiverClock {
        let sample = |span: u64, skew_us| SkewSample { minute: span * SPAN_MINUTES, skew_us };
        let samples = self.skew.iter().flat_map(|skew| {
            [sample(skew.span.saturating_sub(1), skew.previous_us), sample(skew.span, skew.current_us)]
        });
        v1::ReceiverClock {
            receiver_id: receiver_id.to_owned(),
            samples: samples.collect(),
            frames: if self.skew.is_some() { LEARN_FRAMES } else { 0 },
            last_seen_us,
            early_frames: 0,
            arrived_at_us: self.last.at_us,
            stamp_s: self.last.stamp_s,
            believed_us: self.believed_us,
            backlog_since_us: self.backlog.map(|backlog| backlog.since_us),
            backlog_lateness_us: self.backlog.map_or(0, |backlog| backlog.lateness_us),
            backlog_proven: self.backlog.is_some_and(|backlog| backlog.is_proven),
            doubts: self.doubts.into(),
            run_since_us: self.run.since_us,
            run_skew_us: self.run.sample_us,
            run_frames: self.run.frames,
            pace_at_us: self.pace.at_us,
            pace_stamp_s: self.pace.stamp_s,
            trouble: self.trouble.map_or(0, |(trouble, _)| trouble.into()),
            trouble_at_us: self.trouble.map_or(0, |(_, since_us)| since_us),
        }
    }

    /// From a checkpoint. One of an earlier form has a sample per minute, and nothing beyond `early_frames`.
    pub fn from_checkpoint(checkpoint: &v1::ReceiverClock) -> Self {
        let is_earlier = checkpoint.arrived_at_us == 0;
        let skew = match &checkpoint.samples[..] {
            [previous, current] if !is_earlier => Some(Skew {
                span: current.minute / SPAN_MINUTES,
                current_us: current.skew_us,
                previous_us: previous.skew_us,
            }),
            samples => {
                let smallest = samples.iter().map(|sample| sample.skew_us).min();
                smallest.filter(|_| checkpoint.frames >= LEARN_FRAMES).map(|us| Skew::new(checkpoint.last_seen_us, us))
            }
        };
        let trouble = Trouble::try_from(checkpoint.trouble).unwrap_or_default();
        Self {
            skew,
            last: Stamped { at_us: checkpoint.arrived_at_us, stamp_s: checkpoint.stamp_s },
            believed_us: if is_earlier { checkpoint.last_seen_us } else { checkpoint.believed_us },
            backlog: checkpoint.backlog_since_us.map(|since_us| Backlog {
                since_us,
                lateness_us: checkpoint.backlog_lateness_us,
                is_proven: checkpoint.backlog_proven,
            }),
            doubts: checkpoint.doubts.min(DOUBTS.into()) as u8,
            run: Run {
                since_us: checkpoint.run_since_us,
                sample_us: checkpoint.run_skew_us,
                frames: checkpoint.run_frames,
            },
            pace: Stamped { at_us: checkpoint.pace_at_us, stamp_s: checkpoint.pace_stamp_s },
            trouble: (trouble != Trouble::Unspecified).then_some((trouble, checkpoint.trouble_at_us)),
        }
    }
}

#[cfg(test)]
mod tests;
