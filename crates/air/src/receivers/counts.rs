//! Usable and unusable frames of a receiver in the last minute, and when most are unusable.

use schemas::v1::FrameCount;

use crate::core::settings::SECOND_US;

const SLICE_US: u64 = 10 * SECOND_US;
const MINUTE_US: u64 = 60 * SECOND_US;
/// Fewer unusable frames in a minute are noise.
const LEAST_UNUSABLE: u64 = 20;

/// Frames per slice of ten seconds, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Vec<FrameCount>);

impl Counts {
    /// Counts a usable frame.
    pub(super) fn frame(&mut self, clock_us: u64) {
        self.slice(clock_us).frames += 1;
    }

    /// Counts frames that could not be used.
    pub(super) fn unusable(&mut self, frames: u32, clock_us: u64) {
        let slice = self.slice(clock_us);
        slice.unusable_frames = slice.unusable_frames.saturating_add(frames);
    }

    fn slice(&mut self, clock_us: u64) -> &mut FrameCount {
        self.forget_old(clock_us);
        let slice_start_us = clock_us / SLICE_US * SLICE_US;
        if self.0.last().is_none_or(|slice| slice.slice_start_us != slice_start_us) {
            self.0.push(FrameCount { slice_start_us, ..FrameCount::default() });
        }
        self.0.last_mut().expect("it was put there")
    }

    pub(super) fn forget_old(&mut self, clock_us: u64) {
        self.0.retain(|slice| slice.slice_start_us + SLICE_US + MINUTE_US > clock_us);
    }

    /// Usable frames of the last minute: of the slice that lies in it in part, the share.
    pub(super) fn frames_per_minute(&self, clock_us: u64) -> f64 {
        let minute_ago_us = clock_us.saturating_sub(MINUTE_US);
        let share = |begin_us: u64| {
            let outside_us = minute_ago_us.saturating_sub(begin_us).min(SLICE_US);
            (SLICE_US - outside_us) as f64 / SLICE_US as f64
        };
        // From zero: the sum of nothing is minus zero.
        self.0.iter().fold(0.0, |sum, slice| sum + f64::from(slice.frames) * share(slice.slice_start_us))
    }

    /// Whether most of its frames are unusable, with hysteresis: the state ends when four of five frames are usable
    /// again, and not by silence.
    pub(super) fn is_set_aside(&self, was_set_aside: bool) -> bool {
        let (usable, unusable) = self.0.iter().fold((0, 0), |(usable, unusable), slice| {
            (usable + u64::from(slice.frames), unusable + u64::from(slice.unusable_frames))
        });
        match was_set_aside {
            false => unusable >= LEAST_UNUSABLE && unusable > usable,
            true => usable == 0 || unusable * 4 > usable,
        }
    }

    /// After a clock was set back the counts of the last minute are meaningless.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn to_checkpoint(&self) -> Vec<FrameCount> {
        self.0.clone()
    }

    pub(super) fn from_checkpoint(checkpoint: Vec<FrameCount>) -> Self {
        Self(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(slices: &[(u64, u32, u32)]) -> Counts {
        let mut counts = Counts::default();
        for &(second, usable, unusable) in slices {
            (0..usable).for_each(|_| counts.frame(second * SECOND_US));
            counts.unusable(unusable, second * SECOND_US);
        }
        counts
    }

    #[test]
    fn most_frames_decide() {
        assert!(!counts(&[(100, 0, 19)]).is_set_aside(false), "noise");
        assert!(counts(&[(100, 0, 10), (130, 0, 10)]).is_set_aside(false));
        assert!(!counts(&[(100, 30, 30)]).is_set_aside(false));
        assert!(counts(&[(100, 29, 30)]).is_set_aside(false));
    }

    #[test]
    fn it_comes_back_when_its_frames_are_readable() {
        assert!(counts(&[(100, 10, 30)]).is_set_aside(true));
        assert!(counts(&[(100, 60, 16)]).is_set_aside(true));
        assert!(!counts(&[(100, 60, 15)]).is_set_aside(true));
        assert!(!counts(&[(100, 0, 500), (200, 1, 0)]).is_set_aside(true), "what it sent before is forgotten");
        assert!(counts(&[]).is_set_aside(true), "silence is not better");
    }

    #[test]
    fn one_minute_is_remembered() {
        let mut counts = Counts::default();
        (0..100_000).for_each(|second| counts.frame(second * SECOND_US));
        assert_eq!(counts.to_checkpoint().len(), 7);
        assert_eq!(counts.frames_per_minute(99_999 * SECOND_US), 61.0);
    }
}
