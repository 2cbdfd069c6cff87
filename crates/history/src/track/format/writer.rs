//! What every form of a track does.

use crate::track::{Summary, TrackPoint};

/// Writes a track. Every call appends to `out`; nothing but a bounded run of positions is kept.
pub trait TrackWriter: Send {
    /// What comes before the positions.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// The next position, in order; its segment tells where lines are cut.
    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>);
    /// What comes after the positions.
    fn end(&mut self, summary: &Summary, out: &mut Vec<u8>);
}
