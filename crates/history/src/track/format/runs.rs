//! Lines of bounded length that do not cross longitude 180, for formats that need the complete line before they can
//! write it.

use crate::track::TrackPoint;

/// The maximum number of positions in a line. A longer segment becomes several lines, each of which begins where the
/// last one ends.
const MAX_POSITIONS: usize = 10_000;

/// Collects a line.
#[derive(Debug, Default)]
pub(super) struct Runs {
    points: Vec<TrackPoint>,
}

impl Runs {
    /// Takes the next position; returns a line that is complete.
    pub(super) fn push(&mut self, point: &TrackPoint) -> Option<Vec<TrackPoint>> {
        let before = self.points.last().filter(|last| last.segment == point.segment);
        let point = &before.and_then(|before| on_the_side_of(before, point)).unwrap_or(*point);
        if let Some((end, begin)) = before.and_then(|before| crossing(before, point)) {
            self.points.push(end);
            return Some(std::mem::replace(&mut self.points, vec![begin, *point]));
        }
        let cut = self.points.last().is_some_and(|last| last.segment != point.segment);
        let full = self.points.len() >= MAX_POSITIONS;
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

/// A position on longitude 180 itself, with the sign of the position before; `None` elsewhere.
fn on_the_side_of(before: &TrackPoint, point: &TrackPoint) -> Option<TrackPoint> {
    let changes_sides =
        point.longitude_deg.abs() >= 180.0 && (before.longitude_deg < 0.0) != (point.longitude_deg < 0.0);
    changes_sides.then(|| TrackPoint { longitude_deg: -point.longitude_deg, ..*point })
}

/// Where the shorter way between two positions crosses longitude 180: the same point as the end of one line and the
/// start of the next, as RFC 7946 (3.1.9) requires.
fn crossing(from: &TrackPoint, to: &TrackPoint) -> Option<(TrackPoint, TrackPoint)> {
    let east_deg = to.longitude_deg - from.longitude_deg;
    if east_deg.abs() <= 180.0 {
        return None;
    }
    let side_deg = if from.longitude_deg < 0.0 { -180.0 } else { 180.0 };
    let way_deg = 360.0 - east_deg.abs();
    let share = (side_deg - from.longitude_deg).abs() / way_deg;
    let between = |a: f64, b: f64| a + (b - a) * share;
    let duration_us = to.event_at_us.saturating_sub(from.event_at_us) as f64;
    let end = TrackPoint {
        longitude_deg: side_deg,
        latitude_deg: between(from.latitude_deg, to.latitude_deg),
        altitude_m: from.altitude_m.zip(to.altitude_m).map(|(from, to)| between(from, to)),
        event_at_us: from.event_at_us + (duration_us * share).round() as u64,
        ..*from
    };
    Some((end, TrackPoint { longitude_deg: -side_deg, ..end }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::point::testing::point;

    #[test]
    fn lines_end_with_their_segment_or_when_full() {
        let mut runs = Runs::default();
        let mut lines = Vec::new();
        for i in 0..25_000_u32 {
            let at = TrackPoint { segment: u32::from(i >= 12_000), ..point(f64::from(i), 46.0, 8.0, 1.0) };
            lines.extend(runs.push(&at));
        }
        lines.extend(runs.finish());
        let shape: Vec<_> = lines.iter().map(|line| (line[0].segment, line.len())).collect();
        assert_eq!(shape, [(0, 10_000), (0, 2_001), (1, 10_000), (1, 3_001)]);
        assert_eq!(lines[0].last(), lines[1].first(), "no gap between two lines of one segment");
    }
}
