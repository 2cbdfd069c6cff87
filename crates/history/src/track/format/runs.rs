//! Lines of bounded length, for formats that need to know a whole line before they can write it.

use crate::track::TrackPoint;

/// The most positions in one line. A longer segment becomes several lines, each of which begins where the last one ends.
const MOST: usize = 10_000;

/// Collects a line.
#[derive(Debug, Default)]
pub(super) struct Runs {
    points: Vec<TrackPoint>,
}

impl Runs {
    /// Takes the next position; gives out a line that is complete now.
    pub(super) fn push(&mut self, point: &TrackPoint) -> Option<Vec<TrackPoint>> {
        let cut = self.points.last().is_some_and(|last| last.segment != point.segment);
        let full = self.points.len() >= MOST;
        let done = (cut || full).then(|| std::mem::take(&mut self.points));
        if let Some(last) = done.as_ref().and_then(|done| done.last()).filter(|_| !cut) {
            self.points.push(*last);
        }
        self.points.push(*point);
        done
    }

    /// The last line.
    pub(super) fn finish(&mut self) -> Option<Vec<TrackPoint>> {
        Some(std::mem::take(&mut self.points)).filter(|points| !points.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::point::testing::point;

    #[test]
    fn lines_end_with_their_segment_or_when_they_are_full() {
        let mut runs = Runs::default();
        let mut lines = Vec::new();
        for i in 0..25_000_u32 {
            let at = TrackPoint { segment: u32::from(i >= 12_000), ..point(f64::from(i), 46.0, 8.0, 1.0) };
            lines.extend(runs.push(&at));
        }
        lines.extend(runs.finish());
        let shape: Vec<_> = lines.iter().map(|line| (line[0].segment, line.len())).collect();
        assert_eq!(shape, [(0, 10_000), (0, 2_001), (1, 10_000), (1, 3_001)]);
        assert_eq!(lines[0].last(), lines[1].first(), "no hole between two lines of one segment");
    }
}
