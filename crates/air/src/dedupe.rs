//! Finds the copies of a frame: several receivers hear one frame, and each of them forwards it.
//!
//! Two receptions are copies of one frame when they have the same key and their times are close to each other. The key
//! is a hash of the bytes that relays leave unchanged (`fanet::RawFrame::dedup_key`), or of an app's position. A device
//! that sends the same bytes again later sends a new frame: therefore the times count.
//!
//! For each device the latest frames are remembered, in 16 bytes each. To save memory, times are kept in milliseconds
//! modulo 2^32, which is exact for the minutes that are compared. Of the key 62 bits are kept, or 32 bits for a delayed
//! frame: one whose event time differs from its ingestion time, and whose difference takes the place of the other bits.

use schemas::v1::HeardKey;

/// A frame with the key of an earlier one is its copy when their ingestion times are at most this far apart,
const COPY_MS: i32 = 4_000;
/// or when their event times are at most this far apart
const COPY_EVENT_MS: i32 = 2_000;
/// and their ingestion times at most this far: the copy of a receiver behind a slow link.
const LATE_COPY_MS: i32 = 60_000;
/// Frames that are remembered per device; beyond it, the oldest are forgotten.
const MAX_FRAMES: usize = 16;
/// Most devices send fewer frames within [`LATE_COPY_MS`]: the list grows by single frames only beyond this.
const USUAL_FRAMES: usize = 13;

/// A reception of a frame; the one that arrived first makes the observation, and later ones are its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstCopy {
    key: u64,
    /// Modulo 2^32.
    ingested_ms: u32,
    /// Event time minus ingestion time: usually zero or negative.
    event_minus_ingested_ms: i32,
    is_private: bool,
    /// The id of the observation made from it.
    pub observation_id: u64,
}

impl FirstCopy {
    /// A frame as it arrived. `event_at_us`: the event time by which it is compared with other frames.
    pub fn new(key: u64, ingested_at_us: u64, event_at_us: u64, observation_id: u64, private: bool) -> Self {
        let difference_ms = event_at_us.cast_signed().wrapping_sub(ingested_at_us.cast_signed()) / 1_000;
        let difference_ms = difference_ms.clamp(-Packed::MAX_DIFFERENCE_MS, Packed::MAX_DIFFERENCE_MS);
        Self {
            key,
            ingested_ms: milliseconds(ingested_at_us),
            event_minus_ingested_ms: difference_ms as i32,
            is_private: private,
            observation_id,
        }
    }

    /// The same frame; `private`: whether its observation was private.
    pub fn with_privacy(self, private: bool) -> Self {
        Self { is_private: private, ..self }
    }

    /// The event time of the frame, which its copies share, to the millisecond. `arrived_at_us`, the ingestion time of
    /// a copy, completes the time that is kept modulo 2^32.
    pub fn event_at_us(&self, arrived_at_us: u64) -> u64 {
        let copy_after_ms = milliseconds(arrived_at_us).wrapping_sub(self.ingested_ms).cast_signed();
        let event_after_copy_ms = i64::from(self.event_minus_ingested_ms) - i64::from(copy_after_ms);
        arrived_at_us.saturating_add_signed(event_after_copy_ms * 1_000)
    }

    /// Whether the observation was private.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    fn has_copy(&self, later: &Self) -> bool {
        if !self.has_key_of(later) {
            return false;
        }
        let ingested_after_ms = later.ingested_ms.wrapping_sub(self.ingested_ms).cast_signed();
        let event_after_ms = i64::from(ingested_after_ms) + i64::from(later.event_minus_ingested_ms)
            - i64::from(self.event_minus_ingested_ms);
        ingested_after_ms.abs() <= COPY_MS
            || ingested_after_ms.abs() <= LATE_COPY_MS && event_after_ms.abs() <= COPY_EVENT_MS.into()
    }

    /// Compares the bits of the key that are kept of both.
    fn has_key_of(&self, later: &Self) -> bool {
        let are_prompt = self.event_minus_ingested_ms == 0 && later.event_minus_ingested_ms == 0;
        let remembered = if are_prompt { Packed::PROMPT_KEY } else { Packed::DELAYED_KEY };
        (self.key ^ later.key) & remembered == 0
    }
}

fn milliseconds(at_us: u64) -> u32 {
    (at_us / 1_000) as u32
}

/// A [`FirstCopy`] in 16 bytes: a device has about a dozen of them, so each byte counts.
#[derive(Clone, Copy, Debug)]
struct Packed {
    /// The lowest 32 bits.
    key: u32,
    ingested_ms: u32,
    /// The observation's id minus [`LatestFrames::base`].
    observation_after: u32,
    /// Bit 31: delayed. Bit 30: private. The others: of a prompt frame, the next 30 bits of the key; of a delayed one,
    /// event time minus ingestion time plus `MAX_DIFFERENCE_MS`, which is never negative.
    rest: u32,
}

impl Packed {
    /// The bits of the key that are kept of a prompt frame, and of a delayed one.
    const PROMPT_KEY: u64 = (1 << 62) - 1;
    const DELAYED_KEY: u64 = u32::MAX as u64;
    /// Larger differences between event time and ingestion time are clamped to this: six days.
    const MAX_DIFFERENCE_MS: i64 = (1 << 29) - 1;
    const DELAYED: u32 = 1 << 31;
    const PRIVATE: u32 = 1 << 30;

    /// `None`: the id of the observation is below `base`, or 2^32 or more above it.
    fn of(frame: &FirstCopy, base: u64) -> Option<Self> {
        let observation_after = u32::try_from(frame.observation_id.checked_sub(base)?).ok()?;
        let private = if frame.is_private { Self::PRIVATE } else { 0 };
        let rest = match frame.event_minus_ingested_ms {
            0 => ((frame.key & Self::PROMPT_KEY) >> 32) as u32,
            difference_ms => (i64::from(difference_ms) + Self::MAX_DIFFERENCE_MS) as u32 | Self::DELAYED,
        };
        let (key, ingested_ms) = (frame.key as u32, frame.ingested_ms);
        Some(Self { key, ingested_ms, observation_after, rest: rest | private })
    }

    fn frame(&self, base: u64) -> FirstCopy {
        let rest = self.rest & (Self::PRIVATE - 1);
        let (more_key, event_minus_ingested_ms) = match self.rest & Self::DELAYED {
            0 => (u64::from(rest), 0),
            _ => (0, (i64::from(rest) - Self::MAX_DIFFERENCE_MS) as i32),
        };
        FirstCopy {
            key: more_key << 32 | u64::from(self.key),
            ingested_ms: self.ingested_ms,
            event_minus_ingested_ms,
            is_private: self.rest & Self::PRIVATE != 0,
            observation_id: base + u64::from(self.observation_after),
        }
    }
}

/// The latest frames of a device, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct LatestFrames {
    /// An observation id, relative to which those of the frames are stored.
    base: u64,
    frames: Vec<Packed>,
}

impl PartialEq for LatestFrames {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl LatestFrames {
    /// The earlier frame that this one is a copy of. `None`: it is no copy.
    pub fn first_copy_of(&self, frame: &FirstCopy) -> Option<FirstCopy> {
        let same = self.frames.iter().rev().filter(|earlier| earlier.key == frame.key as u32);
        same.map(|earlier| earlier.frame(self.base)).find(|earlier| earlier.has_copy(frame))
    }

    /// Remembers a frame that is no copy, and forgets the frames that are too old to have further copies.
    pub fn remember(&mut self, frame: FirstCopy) {
        let is_old =
            |earlier: &Packed| frame.ingested_ms.wrapping_sub(earlier.ingested_ms).cast_signed() > LATE_COPY_MS;
        let old = self.frames.iter().take_while(|earlier| is_old(earlier)).count();
        let over = (self.frames.len() + 1).saturating_sub(MAX_FRAMES);
        self.frames.drain(..old.max(over));
        let packed = Packed::of(&frame, self.base).or_else(|| {
            self.move_base(frame.observation_id);
            Packed::of(&frame, self.base)
        });
        if self.frames.len() == self.frames.capacity() {
            // This list takes much of a device's memory, and each reallocation fragments the heap: a device of which a
            // second frame arrives gets space for a minute of frames at once.
            self.frames.reserve_exact(if self.frames.is_empty() {
                1
            } else {
                USUAL_FRAMES.saturating_sub(self.frames.len()).max(1)
            });
        }
        self.frames.extend(packed);
    }

    /// Chooses a base to which `observation_id` can be relative. Frames whose observations are then too far from it are
    /// forgotten: ids contain the raw partition, and in a replay a device's records can be of several partitions.
    fn move_base(&mut self, observation_id: u64) {
        let base = observation_id.saturating_sub(1 << 31);
        let frames = self.iter().filter_map(|frame| Packed::of(&frame, base));
        (self.frames, self.base) = (frames.collect(), base);
    }

    fn iter(&self) -> impl Iterator<Item = FirstCopy> {
        self.frames.iter().map(|packed| packed.frame(self.base))
    }

    /// The frames as the checkpoint of the device has them.
    pub fn to_checkpoint(&self) -> Vec<HeardKey> {
        let key = |frame: FirstCopy| HeardKey {
            key: frame.key,
            ingested_ms: frame.ingested_ms,
            event_after_ms: frame.event_minus_ingested_ms,
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
            event_minus_ingested_ms: heard.event_after_ms,
            is_private: heard.private,
            observation_id: heard.observation_id,
        };
        Self { base, frames: checkpoint.iter().filter_map(|heard| Packed::of(&frame(heard), base)).collect() }
    }

    /// The number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_US: u64 = 1_750_000_000_000_000;

    /// A frame with its times relative to [`FIRST_US`].
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
        assert_eq!(latest.len(), MAX_FRAMES);
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
    fn checkpoint_restores_the_frames() {
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
            let after = after.clamp(-Packed::MAX_DIFFERENCE_MS, Packed::MAX_DIFFERENCE_MS);
            assert_eq!((heard.key, heard.observation_id, heard.private), (key, id, private));
            assert_eq!(i64::from(heard.event_after_ms), after);
        }
        // The observation id of another partition is too far from the others: they are forgotten.
        let other = FirstCopy::new(9, FIRST_US + 4_000_000, FIRST_US + 4_000_000, 3 << 48, false);
        latest.remember(other);
        assert_eq!((latest.len(), latest.first_copy_of(&other)), (1, Some(other)));
    }
}
