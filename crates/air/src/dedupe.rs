//! One frame heard by many receivers: which of them are copies of the same radio frame.
//!
//! A device remembers its latest frames, each in sixteen bytes. Times are kept in milliseconds modulo 2^32, which is exact
//! for the minutes that are compared; of the key 62 bits, 32 where the frame was held up.

use schemas::v1::HeardKey;

/// A frame with the key of an earlier one is its copy when it came in within this time of the first.
const COPY_MS: i32 = 4_000;
/// Likewise when their event times are within this time,
const COPY_EVENT_MS: i32 = 2_000;
/// as long as it came in within this one: a receiver behind a slow link.
const LATE_COPY_MS: i32 = 60_000;
/// More frames of one device are not remembered.
const MOST_FRAMES: usize = 16;

/// The first copy of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstCopy {
    key: u64,
    ingested_ms: u32,
    /// Event time minus ingestion time.
    event_after_ms: i32,
    is_private: bool,
    /// The observation that it made.
    pub observation_id: u64,
}

impl FirstCopy {
    /// A frame as it came in; `event_at_us` by the rules for receivers' clocks.
    pub fn new(key: u64, ingested_at_us: u64, event_at_us: u64, observation_id: u64, private: bool) -> Self {
        let after_ms = event_at_us.cast_signed().wrapping_sub(ingested_at_us.cast_signed()) / 1_000;
        Self {
            key,
            ingested_ms: milliseconds(ingested_at_us),
            event_after_ms: after_ms.clamp(-Packed::MOST_AFTER_MS, Packed::MOST_AFTER_MS) as i32,
            is_private: private,
            observation_id,
        }
    }

    /// The same frame, with what became of its observation.
    pub fn with_privacy(self, private: bool) -> Self {
        Self { is_private: private, ..self }
    }

    /// Its event time, which all copies have; seen from a copy that arrived at `arrived_at_us`, to the millisecond.
    pub fn event_at_us(&self, arrived_at_us: u64) -> u64 {
        let before_ms = milliseconds(arrived_at_us).wrapping_sub(self.ingested_ms).cast_signed();
        let after_ms = i64::from(self.event_after_ms) - i64::from(before_ms);
        arrived_at_us.saturating_add_signed(after_ms * 1_000)
    }

    /// Whether the observation was private.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    fn has_copy(&self, later: &Self) -> bool {
        if !self.has_key_of(later) {
            return false;
        }
        let came_after_ms = later.ingested_ms.wrapping_sub(self.ingested_ms).cast_signed();
        let happened_after_ms =
            i64::from(came_after_ms) + i64::from(later.event_after_ms) - i64::from(self.event_after_ms);
        came_after_ms.abs() <= COPY_MS
            || came_after_ms.abs() <= LATE_COPY_MS && happened_after_ms.abs() <= COPY_EVENT_MS.into()
    }

    /// Of a frame that was held up fewer bits of the key are remembered.
    fn has_key_of(&self, later: &Self) -> bool {
        let are_prompt = self.event_after_ms == 0 && later.event_after_ms == 0;
        let remembered = if are_prompt { Packed::PROMPT_KEY } else { Packed::DELAYED_KEY };
        (self.key ^ later.key) & remembered == 0
    }
}

fn milliseconds(at_us: u64) -> u32 {
    (at_us / 1_000) as u32
}

/// A first copy as it is kept: a device holds a dozen of them, so each byte counts.
#[derive(Clone, Copy, Debug)]
struct Packed {
    key: u32,
    ingested_ms: u32,
    /// The observation, counted from the list's base.
    observation_after: u32,
    /// Bit 31: held up. Bit 30: private. The others: of a prompt frame, more of the key; else how far its event lies from
    /// its ingest, milliseconds, from `-MOST_AFTER_MS` on.
    rest: u32,
}

impl Packed {
    /// What is remembered of the key of a prompt frame, and of one that was held up.
    const PROMPT_KEY: u64 = (1 << 62) - 1;
    const DELAYED_KEY: u64 = u32::MAX as u64;
    /// Longer times between event and ingest are clamped to this: six days.
    const MOST_AFTER_MS: i64 = (1 << 29) - 1;
    const DELAYED: u32 = 1 << 31;
    const PRIVATE: u32 = 1 << 30;

    /// `None`: the observation is too far from the base.
    fn of(frame: &FirstCopy, base: u64) -> Option<Self> {
        let observation_after = u32::try_from(frame.observation_id.checked_sub(base)?).ok()?;
        let private = if frame.is_private { Self::PRIVATE } else { 0 };
        let rest = match frame.event_after_ms {
            0 => ((frame.key & Self::PROMPT_KEY) >> 32) as u32,
            after_ms => (i64::from(after_ms) + Self::MOST_AFTER_MS) as u32 | Self::DELAYED,
        };
        let (key, ingested_ms) = (frame.key as u32, frame.ingested_ms);
        Some(Self { key, ingested_ms, observation_after, rest: rest | private })
    }

    fn frame(&self, base: u64) -> FirstCopy {
        let rest = self.rest & (Self::PRIVATE - 1);
        let (more_key, event_after_ms) = match self.rest & Self::DELAYED {
            0 => (u64::from(rest), 0),
            _ => (0, (i64::from(rest) - Self::MOST_AFTER_MS) as i32),
        };
        FirstCopy {
            key: more_key << 32 | u64::from(self.key),
            ingested_ms: self.ingested_ms,
            event_after_ms,
            is_private: self.rest & Self::PRIVATE != 0,
            observation_id: base + u64::from(self.observation_after),
        }
    }
}

/// The frames that a device sent lately, in the order in which they came in.
#[derive(Clone, Debug, Default)]
pub struct LatestFrames {
    base: u64,
    frames: Vec<Packed>,
}

impl PartialEq for LatestFrames {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl LatestFrames {
    /// The earlier frame that this one is a copy of.
    pub fn first_copy_of(&self, frame: &FirstCopy) -> Option<FirstCopy> {
        let same = self.frames.iter().rev().filter(|earlier| earlier.key == frame.key as u32);
        same.map(|earlier| earlier.frame(self.base)).find(|earlier| earlier.has_copy(frame))
    }

    /// Remembers a frame that is no copy, and forgets what can have none any more.
    pub fn remember(&mut self, frame: FirstCopy) {
        let is_old =
            |earlier: &Packed| frame.ingested_ms.wrapping_sub(earlier.ingested_ms).cast_signed() > LATE_COPY_MS;
        let old = self.frames.iter().take_while(|earlier| is_old(earlier)).count();
        let over = (self.frames.len() + 1).saturating_sub(MOST_FRAMES);
        self.frames.drain(..old.max(over));
        let packed = Packed::of(&frame, self.base).or_else(|| {
            self.move_base(frame.observation_id);
            Packed::of(&frame, self.base)
        });
        if self.frames.len() == self.frames.capacity() {
            // Much of a device's memory is this list, and growing leaves holes: at once what a minute of frames takes.
            self.frames.reserve_exact(if self.frames.is_empty() {
                1
            } else {
                13_usize.saturating_sub(self.frames.len()).max(1)
            });
        }
        self.frames.extend(packed);
    }

    /// Counts observations from another base, so that one of them fits. Those that do not fit beside it (of another
    /// partition, in a replay) are forgotten.
    fn move_base(&mut self, observation_id: u64) {
        let base = observation_id.saturating_sub(1 << 31);
        let frames = self.iter().filter_map(|frame| Packed::of(&frame, base));
        (self.frames, self.base) = (frames.collect(), base);
    }

    fn iter(&self) -> impl Iterator<Item = FirstCopy> {
        self.frames.iter().map(|packed| packed.frame(self.base))
    }

    /// As the checkpoint keeps it.
    pub fn to_checkpoint(&self) -> Vec<HeardKey> {
        let key = |frame: FirstCopy| HeardKey {
            key: frame.key,
            ingested_ms: frame.ingested_ms,
            event_after_ms: frame.event_after_ms,
            observation_id: frame.observation_id,
            private: frame.is_private,
        };
        self.iter().map(key).collect()
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &[HeardKey]) -> Self {
        let base = checkpoint.iter().map(|heard| heard.observation_id).min().unwrap_or_default();
        let frame = |heard: &HeardKey| FirstCopy {
            key: heard.key,
            ingested_ms: heard.ingested_ms,
            event_after_ms: heard.event_after_ms,
            is_private: heard.private,
            observation_id: heard.observation_id,
        };
        Self { base, frames: checkpoint.iter().filter_map(|heard| Packed::of(&frame(heard), base)).collect() }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_US: u64 = 1_750_000_000_000_000;

    fn frame(key: u64, ingested_after_ms: i64, event_after_ms: i64) -> FirstCopy {
        let at = |after_ms: i64| FIRST_US.wrapping_add_signed(after_ms * 1_000);
        FirstCopy::new(key, at(ingested_after_ms), at(event_after_ms), 1, false)
    }

    #[test]
    fn copies_by_table() {
        // (ingestion time, event time) of the second frame, milliseconds after the first; whether it is a copy.
        let cases = [
            (0, 0, true),
            (4_000, 4_000, true),
            (4_001, 4_001, false),
            (5_000, 5_000, false),
            (-3_000, -3_000, true),
            (30_000, 2_000, true),
            (30_000, 2_001, false),
            (60_000, 0, true),
            (60_001, 0, false),
        ];
        for (ingested, event, copy) in cases {
            let mut latest = LatestFrames::default();
            latest.remember(frame(7, 0, 0));
            assert_eq!(latest.first_copy_of(&frame(7, ingested, event)).is_some(), copy, "{ingested} {event}");
            assert!(latest.first_copy_of(&frame(8, ingested, event)).is_none());
        }
    }

    #[test]
    fn frames_are_bounded_in_time_and_number() {
        let mut latest = LatestFrames::default();
        for index in 0..100 {
            latest.remember(frame(index, 0, 0));
        }
        assert_eq!(latest.len(), MOST_FRAMES);
        latest.remember(frame(1, 61_000, 61_000));
        assert_eq!(latest.len(), 1);
    }

    #[test]
    fn milliseconds_wrap_without_harm() {
        let last = u64::from(u32::MAX) * 1_000;
        let mut latest = LatestFrames::default();
        latest.remember(FirstCopy::new(7, last, last, 1, false));
        assert!(latest.first_copy_of(&FirstCopy::new(7, last + 3_000_000, last + 3_000_000, 2, false)).is_some());
        assert!(latest.first_copy_of(&FirstCopy::new(7, last + 9_000_000, last + 9_000_000, 2, false)).is_none());
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut latest = LatestFrames::default();
        let frames = [
            (u64::MAX >> 2, 0, 0, 7 << 48, false),
            (5, 1_000, -3_599_000, (7 << 48) + 1, true),
            (6, 2_000, 1_000, (7 << 48) - 1, false),
            (u64::from(u32::MAX), 3_000, -4_000_000_000, (7 << 48) + (1 << 30), true),
        ];
        for (key, ingested, after, id, private) in frames {
            let at = |after_ms: i64| FIRST_US.wrapping_add_signed(after_ms * 1_000);
            latest.remember(FirstCopy::new(key, at(ingested), at(ingested + after), id, private));
        }
        assert_eq!(LatestFrames::from_checkpoint(&latest.to_checkpoint()), latest);
        let saved = latest.to_checkpoint();
        for (heard, (key, _, after, id, private)) in saved.iter().zip(frames) {
            let after = after.clamp(-Packed::MOST_AFTER_MS, Packed::MOST_AFTER_MS);
            assert_eq!((heard.key, heard.observation_id, heard.private), (key, id, private));
            assert_eq!(i64::from(heard.event_after_ms), after);
        }
        // An observation of another partition: what lies too far from it is forgotten, and it is remembered.
        let other = FirstCopy::new(9, FIRST_US + 4_000_000, FIRST_US + 4_000_000, 3 << 48, false);
        latest.remember(other);
        assert_eq!((latest.len(), latest.first_copy_of(&other)), (1, Some(other)));
    }
}
