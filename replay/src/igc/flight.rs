//! A recorded flight.

use crate::generate::Position3d;

/// One recorded position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Seconds since midnight UTC of the day on which the recording began; past 86,400 after midnight.
    pub at_s: u32,
    /// Where. The altitude is the satellites' as the recorder wrote it, above the ellipsoid or above mean sea level as its
    /// `HFALG` says (about 50 m apart in the Alps, which no climb notices); by pressure where there is none.
    pub position: Position3d,
}

/// The contents of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Flight {
    /// Day, month and year of its header; `None` where it has none that can be read.
    pub date: Option<(u8, u8, u16)>,
    /// In the order of time, at least one, never two at the same second.
    pub fixes: Vec<Fix>,
    /// Lines that should have been fixes and were not used: garbled, out of range, at 0/0, or of another time than most.
    pub skipped: usize,
}

impl Flight {
    /// Seconds from the first fix to the last.
    pub fn duration_s(&self) -> u32 {
        match (self.fixes.first(), self.fixes.last()) {
            (Some(first), Some(last)) => last.at_s - first.at_s,
            _ => 0,
        }
    }
}
