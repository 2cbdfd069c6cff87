//! One frame heard by many receivers: which of them are copies of the same radio frame.
//!
//! A device remembers its latest frames. Times are kept in milliseconds modulo 2^32, which is exact for the minutes
//! that are compared and half the size.

use schemas::v1::HeardKey;

/// A frame with the key of an earlier one is its copy when it came in within this time of the first.
const COPY_MS: i32 = 4_000;
/// Likewise when their event times are within this time,
const COPY_EVENT_MS: i32 = 2_000;
/// as long as it came in within this one: a receiver behind a slow link.
const LATE_COPY_MS: i32 = 60_000;
/// More than this between event and ingest is not told apart: twelve days.
const MOST_AFTER_MS: i64 = (1 << 30) - 1;
/// More frames of one device are not remembered.
const MOST_FRAMES: usize = 16;

/// The first copy of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstCopy {
    key: u64,
    ingested_ms: u32,
    /// Doubled; the lowest bit says whether the observation was private. A device holds a dozen of these.
    event_after_ms_and_privacy: i32,
    /// The observation that it made.
    pub observation_id: u64,
}

impl FirstCopy {
    /// A frame as it came in; `event_at_us` by the rules for receivers' clocks.
    pub fn new(key: u64, ingested_at_us: u64, event_at_us: u64, observation_id: u64, private: bool) -> Self {
        let after_ms = event_at_us.cast_signed().wrapping_sub(ingested_at_us.cast_signed()) / 1_000;
        let frame = Self {
            key,
            ingested_ms: milliseconds(ingested_at_us),
            event_after_ms_and_privacy: (after_ms.clamp(-MOST_AFTER_MS, MOST_AFTER_MS) * 2) as i32,
            observation_id,
        };
        frame.with_privacy(private)
    }

    /// The same frame, with what became of its observation.
    pub fn with_privacy(self, private: bool) -> Self {
        let event_after_ms_and_privacy = self.event_after_ms_and_privacy & !1 | i32::from(private);
        Self { event_after_ms_and_privacy, ..self }
    }

    /// Whether the observation was private.
    pub fn is_private(&self) -> bool {
        self.event_after_ms_and_privacy & 1 == 1
    }

    /// Event time minus time of ingest, milliseconds.
    fn event_after_ms(&self) -> i32 {
        self.event_after_ms_and_privacy >> 1
    }

    fn has_copy(&self, later: &Self) -> bool {
        if self.key != later.key {
            return false;
        }
        let came_after_ms = later.ingested_ms.wrapping_sub(self.ingested_ms).cast_signed();
        let happened_after_ms =
            i64::from(came_after_ms) + i64::from(later.event_after_ms()) - i64::from(self.event_after_ms());
        came_after_ms.abs() <= COPY_MS
            || came_after_ms.abs() <= LATE_COPY_MS && happened_after_ms.abs() <= COPY_EVENT_MS.into()
    }
}

fn milliseconds(at_us: u64) -> u32 {
    (at_us / 1_000) as u32
}

/// The frames that a device sent lately, in the order in which they came in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatestFrames(Vec<FirstCopy>);

impl LatestFrames {
    /// The earlier frame that this one is a copy of.
    pub fn first_copy_of(&self, frame: &FirstCopy) -> Option<&FirstCopy> {
        self.0.iter().rev().find(|earlier| earlier.has_copy(frame))
    }

    /// Remembers a frame that is no copy, and forgets what can have none any more.
    pub fn remember(&mut self, frame: FirstCopy) {
        let is_old =
            |earlier: &FirstCopy| frame.ingested_ms.wrapping_sub(earlier.ingested_ms).cast_signed() > LATE_COPY_MS;
        let old = self.0.iter().take_while(|earlier| is_old(earlier)).count();
        let over = (self.0.len() + 1).saturating_sub(MOST_FRAMES);
        self.0.drain(..old.max(over));
        if self.0.len() == self.0.capacity() {
            // Small steps: most of a device's memory is this list.
            self.0.reserve_exact(4);
        }
        self.0.push(frame);
    }

    /// As the checkpoint keeps it.
    pub fn to_memory(&self) -> Vec<HeardKey> {
        let key = |frame: &FirstCopy| HeardKey {
            key: frame.key,
            ingested_ms: frame.ingested_ms,
            event_after_ms: frame.event_after_ms(),
            observation_id: frame.observation_id,
            private: frame.is_private(),
        };
        self.0.iter().map(key).collect()
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &[HeardKey]) -> Self {
        let frame = |heard: &HeardKey| FirstCopy {
            key: heard.key,
            ingested_ms: heard.ingested_ms,
            event_after_ms_and_privacy: (heard.event_after_ms * 2) | i32::from(heard.private),
            observation_id: heard.observation_id,
        };
        Self(memory.iter().map(frame).collect())
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        // (time of ingest, event time) of the second frame, milliseconds after the first; whether it is a copy.
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
    fn the_memory_is_bounded_in_time_and_size() {
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
}
