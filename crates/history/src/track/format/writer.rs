//! The interface of the track formats.

use crate::track::{Summary, TrackPoint};

/// Writes a track. Every call appends to `out`; only a bounded number of positions is kept.
pub trait TrackWriter: Send {
    /// Writes the start, before the positions.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// Writes the next position, in order; lines are cut where its segment changes.
    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>);
    /// Writes the end, after the positions.
    fn end(&mut self, summary: &Summary, out: &mut Vec<u8>);
}
