//! When a frame was sent: receivers' clocks are off by seconds to minutes, the time of ingest is what holds.
//!
//! `skew` of a receiver is the smallest (ingest - stamp) of the last ten minutes; what a frame took beyond that is its
//! delay. Two guards keep a garbled stamp from poisoning the minimum: a stamp far ahead is not counted until it has
//! company, and a stamp more than a day behind is a clock that was set, not a frame that waited.

use std::fmt;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use schemas::v1::{ReceiverClock, SkewSample};

use crate::core::settings::{HOUR_US, SECOND_US};

const MINUTE_US: u64 = 60 * SECOND_US;
const WINDOW_MINUTES: u64 = 10;
const KNOWN_FROM_FRAMES: u32 = 5;
/// A frame that took no longer than this beyond the skew was not held up, microseconds.
const PROMPT_US: i64 = 2 * SECOND_US as i64;
/// Older frames go to the history only, microseconds.
const OLDEST_LIVE_US: i64 = HOUR_US as i64;
/// A stamp further ahead than this of what the skew says is suspect, microseconds.
const EARLY_US: i64 = 30 * SECOND_US as i64;
/// No queue holds a frame for longer than this, microseconds.
const LONGEST_DELAY_US: i64 = 24 * HOUR_US as i64;
/// A receiver that was silent for so long is forgotten, microseconds.
const FORGET_US: u64 = 24 * HOUR_US;

/// How a frame's time stands to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lateness {
    /// It came at once, or nothing says otherwise.
    Prompt,
    /// It was held up on its way.
    Delayed,
    /// More than an hour: for the history only.
    HistoryOnly,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Microseconds since the epoch.
    pub at_us: u64,
    /// Whether that differs from the time of ingest.
    pub lateness: Lateness,
}

impl EventTime {
    /// Something that happened `delay_us` before it came in at `ingested_at_us`.
    pub fn delayed(ingested_at_us: u64, delay_us: i64) -> Self {
        if delay_us <= PROMPT_US {
            return Self { at_us: ingested_at_us, lateness: Lateness::Prompt };
        }
        let lateness = if delay_us > OLDEST_LIVE_US { Lateness::HistoryOnly } else { Lateness::Delayed };
        Self { at_us: ingested_at_us.saturating_sub_signed(delay_us), lateness }
    }
}

/// A receiver's name, shared by all devices that it hears: one pointer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReceiverName(Arc<Box<str>>);

impl ReceiverName {
    /// A name that is not shared yet.
    pub fn new(name: &str) -> Self {
        Self(Arc::new(name.into()))
    }
}

impl std::ops::Deref for ReceiverName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ReceiverName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReceiverName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ReceiverName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, formatter)
    }
}

/// Names while memories are read back, so that each is kept once.
#[derive(Debug, Default)]
pub struct ReceiverNames(FxHashSet<ReceiverName>);

impl ReceiverNames {
    /// The name as everybody has it.
    pub fn shared(&mut self, name: &str) -> ReceiverName {
        match self.0.get(name) {
            Some(known) => known.clone(),
            None => {
                let known = ReceiverName::new(name);
                self.0.insert(known.clone());
                known
            }
        }
    }
}

/// The clocks of all receivers that a partition has heard of.
#[derive(Debug, Default)]
pub struct ReceiverClocks {
    by_id: FxHashMap<ReceiverName, ReceiverSkew>,
    swept_us: u64,
}

impl ReceiverClocks {
    /// The event time of a frame, and the receiver's shared name. `clock_us` is the partition's clock.
    pub fn event_time(
        &mut self,
        receiver: &str,
        ingested_at_us: u64,
        stamp_s: u32,
        clock_us: u64,
    ) -> (ReceiverName, EventTime) {
        self.forget_silent(clock_us);
        let name = match self.by_id.get_key_value(receiver) {
            Some((name, _)) => name.clone(),
            None => {
                let name = ReceiverName::new(receiver);
                self.by_id.insert(name.clone(), ReceiverSkew::default());
                name
            }
        };
        let skew = self.by_id.get_mut(receiver).expect("it was put there");
        let sample_us = ingested_at_us.cast_signed() - i64::from(stamp_s) * SECOND_US as i64;
        let delay_us = skew.observe(sample_us, clock_us);
        (name, EventTime::delayed(ingested_at_us, delay_us))
    }

    fn forget_silent(&mut self, clock_us: u64) {
        if clock_us < self.swept_us + HOUR_US {
            return;
        }
        // Forgetting is judged again at each use, so when the sweep runs changes nothing but memory.
        self.swept_us = clock_us;
        self.by_id.retain(|_, skew| clock_us < skew.last_seen_us + FORGET_US);
    }

    /// As the checkpoint keeps them, by name.
    pub fn to_memory(&self) -> Vec<ReceiverClock> {
        let mut clocks: Vec<_> = self.by_id.iter().map(|(name, skew)| skew.to_memory(name)).collect();
        clocks.sort_unstable_by(|a, b| a.receiver_id.cmp(&b.receiver_id));
        clocks
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &[ReceiverClock], names: &mut ReceiverNames) -> Self {
        let by_id = memory.iter().map(|clock| (names.shared(&clock.receiver_id), ReceiverSkew::from_memory(clock)));
        Self { by_id: by_id.collect(), swept_us: 0 }
    }
}

#[derive(Debug, Default)]
struct ReceiverSkew {
    /// (minute, smallest sample in it), oldest first.
    minutes: Vec<(u64, i64)>,
    frames: u32,
    early_frames: u32,
    last_seen_us: u64,
}

impl ReceiverSkew {
    /// Counts a sample and returns the delay of its frame, microseconds; 0 while nothing is known.
    fn observe(&mut self, sample_us: i64, clock_us: u64) -> i64 {
        if clock_us >= self.last_seen_us + FORGET_US {
            *self = Self::default();
        }
        self.last_seen_us = clock_us;
        let minute = clock_us / MINUTE_US;
        let old = self.minutes.iter().take_while(|(at, _)| at + WINDOW_MINUTES <= minute).count();
        self.minutes.drain(..old);
        if let Some(known_us) = self.known_us() {
            let delay_us = sample_us - known_us;
            if delay_us < -EARLY_US {
                self.early_frames += 1;
                if self.early_frames < KNOWN_FROM_FRAMES {
                    return 0;
                }
                self.restart();
            } else if delay_us > LONGEST_DELAY_US {
                self.restart();
            } else {
                self.early_frames = 0;
            }
        }
        self.add(minute, sample_us);
        self.known_us().map_or(0, |known_us| sample_us - known_us)
    }

    fn restart(&mut self) {
        self.minutes.clear();
        (self.frames, self.early_frames) = (0, 0);
    }

    fn add(&mut self, minute: u64, sample_us: i64) {
        self.frames = self.frames.saturating_add(1);
        match self.minutes.last_mut() {
            Some((at, smallest_us)) if *at == minute => *smallest_us = sample_us.min(*smallest_us),
            _ => self.minutes.push((minute, sample_us)),
        }
    }

    fn known_us(&self) -> Option<i64> {
        let smallest = self.minutes.iter().map(|(_, sample_us)| *sample_us).min();
        smallest.filter(|_| self.frames >= KNOWN_FROM_FRAMES)
    }

    fn to_memory(&self, name: &str) -> ReceiverClock {
        ReceiverClock {
            receiver_id: name.to_owned(),
            samples: self.minutes.iter().map(|&(minute, skew_us)| SkewSample { minute, skew_us }).collect(),
            frames: self.frames,
            last_seen_us: self.last_seen_us,
            early_frames: self.early_frames,
        }
    }

    fn from_memory(memory: &ReceiverClock) -> Self {
        Self {
            minutes: memory.samples.iter().map(|sample| (sample.minute, sample.skew_us)).collect(),
            frames: memory.frames,
            early_frames: memory.early_frames,
            last_seen_us: memory.last_seen_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_S: u64 = 1_750_000_000;

    /// A frame that comes in at `second`, with a stamp `behind_s` seconds behind that.
    fn event(clocks: &mut ReceiverClocks, second: u64, behind_s: i64) -> EventTime {
        let at_us = (START_S + second) * SECOND_US;
        let stamp = u32::try_from((START_S + second).cast_signed() - behind_s).expect("fits");
        let (_, event) = clocks.event_time("r", at_us, stamp, at_us);
        EventTime { at_us: event.at_us.wrapping_sub(START_S * SECOND_US), ..event }
    }

    fn known(behind_s: i64) -> ReceiverClocks {
        let mut clocks = ReceiverClocks::default();
        for second in 0..5 {
            assert_eq!(event(&mut clocks, second, behind_s).lateness, Lateness::Prompt);
        }
        clocks
    }

    #[test]
    fn a_clock_that_is_off_delays_nothing() {
        for behind_s in [-20, 0, 20, 3_000] {
            let mut clocks = known(behind_s);
            let prompt = event(&mut clocks, 10, behind_s + 2);
            assert_eq!(prompt, EventTime { at_us: 10 * SECOND_US, lateness: Lateness::Prompt });
            let delayed = event(&mut clocks, 20, behind_s + 9);
            assert_eq!(delayed, EventTime { at_us: 11 * SECOND_US, lateness: Lateness::Delayed }, "{behind_s}");
        }
    }

    #[test]
    fn nothing_is_known_before_the_fifth_frame() {
        let mut clocks = ReceiverClocks::default();
        for second in 0..3 {
            event(&mut clocks, second, 0);
        }
        assert_eq!(event(&mut clocks, 3, 100).lateness, Lateness::Prompt);
        assert_eq!(event(&mut clocks, 4, 100).lateness, Lateness::Delayed);
    }

    #[test]
    fn more_than_an_hour_is_for_the_history() {
        let mut clocks = known(0);
        assert_eq!(event(&mut clocks, 4_000, 3_600).lateness, Lateness::Prompt, "the window is empty by then");
        let mut clocks = known(0);
        for second in 5..7_205 {
            event(&mut clocks, second, 0);
        }
        let at = |second: u64| second * SECOND_US;
        let hour = event(&mut clocks, 7_205, 3_600);
        assert_eq!(hour, EventTime { at_us: at(3_605), lateness: Lateness::Delayed });
        let more = event(&mut clocks, 7_205, 3_601);
        assert_eq!(more, EventTime { at_us: at(3_604), lateness: Lateness::HistoryOnly });
    }

    #[test]
    fn the_window_moves_on() {
        let mut clocks = known(0);
        // The clock was set back by 20 s: delayed until the old samples are ten minutes old.
        assert_eq!(event(&mut clocks, 60, 20).lateness, Lateness::Delayed);
        assert_eq!(event(&mut clocks, 700, 20).lateness, Lateness::Prompt);
    }

    #[test]
    fn a_garbled_stamp_spoils_nothing() {
        let mut clocks = known(0);
        assert_eq!(event(&mut clocks, 10, -86_400).at_us, 10 * SECOND_US);
        assert_eq!(event(&mut clocks, 11, 0).lateness, Lateness::Prompt);
        // A clock without a battery starts in 1970.
        assert_eq!(event(&mut clocks, 12, START_S.cast_signed()).lateness, Lateness::Prompt);
        // A clock that was really set forward is believed at the fifth frame.
        let mut clocks = known(0);
        for second in 20..25 {
            assert_eq!(event(&mut clocks, second, -100).lateness, Lateness::Prompt);
        }
        for second in 25..29 {
            event(&mut clocks, second, -100);
        }
        assert_eq!(event(&mut clocks, 30, -90).lateness, Lateness::Delayed);
    }

    #[test]
    fn clocks_come_back_from_memory() {
        let mut clocks = known(7);
        let mut restored = ReceiverClocks::from_memory(&clocks.to_memory(), &mut ReceiverNames::default());
        for second in 5..900 {
            let behind_s = 7 + (second * 37 % 11) as i64;
            assert_eq!(event(&mut clocks, second, behind_s), event(&mut restored, second, behind_s));
        }
        assert_eq!(clocks.to_memory(), restored.to_memory());
    }
}
