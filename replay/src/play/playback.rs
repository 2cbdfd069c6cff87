//! The records to play, and the speed.

use archive::S3Options;
use capture::Record;
use runtime::Clock;

use super::pace::Speed;
use super::resume::ResumeFile;
use crate::input::{Recording, SelectedRecords, open};
use crate::select::SelectArgs;

/// The records to play, and the speed.
#[derive(Clone, Debug)]
pub struct Playback {
    /// The input.
    pub input: Recording,
    /// How to reach an archive.
    pub s3: S3Options,
    /// The selection.
    pub select: SelectArgs,
    /// How fast.
    pub speed: Speed,
    /// Begin again at the end.
    pub again: bool,
    /// Move all times, so that the first record is now.
    pub is_shifted: bool,
}

impl Playback {
    /// Its records, from the beginning.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, clock: &Clock) -> anyhow::Result<SelectedRecords> {
        let now_ms = i64::try_from(clock.now_us() / 1000)?;
        open(&self.input, &self.s3, &self.select, now_ms).map(SelectedRecords::with_ticks)
    }

    /// How many records will be played, where that is known.
    pub(super) fn total(&self, records: &SelectedRecords) -> Option<u64> {
        (!self.select.is_partial()).then_some(records.max_records)
    }

    /// By how much this run moves times, ms.
    pub(super) fn shift_ms(&self, resume_file: &mut ResumeFile, first: &Record, clock: &Clock) -> anyhow::Result<i64> {
        if !self.is_shifted {
            return Ok(0);
        }
        if let Some(shift_ms) = resume_file.point.shift_ms {
            return Ok(shift_ms);
        }
        let now_ms = i64::try_from(clock.now_us() / 1000)?;
        Ok(*resume_file.point.shift_ms.insert(now_ms.saturating_sub(first.timestamp_ms)))
    }
}
