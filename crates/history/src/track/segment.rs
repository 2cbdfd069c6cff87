//! Segments: a track is cut where a silence is too long to draw a line.

use super::TrackPoint;

/// A longer silence cuts a track. Instruments send every 1 to 20 s and lose single frames behind ridges, which a
/// straight line bridges well; in three minutes a paraglider climbs 500 m or flies 2 km, so that a line would be wrong.
pub const GAP_US: u64 = 180_000_000;

/// Numbers the segments.
#[derive(Debug, Default)]
pub(super) struct Segments {
    previous: Option<(u64, u32)>,
}

impl Segments {
    /// Sets the number of a position's segment.
    pub(super) fn number(&mut self, mut point: TrackPoint) -> TrackPoint {
        point.segment = match self.previous {
            None => 0,
            Some((at_us, segment)) => segment + u32::from(point.event_at_us.saturating_sub(at_us) > GAP_US),
        };
        self.previous = Some((point.event_at_us, point.segment));
        point
    }
}

#[cfg(test)]
mod tests {
    use super::super::point::testing::point;
    use super::*;

    #[test]
    fn only_a_silence_above_the_limit_cuts_a_track() {
        let mut segments = Segments::default();
        let at = [0.0, 5.0, 185.0, 365.001, 366.0, 900.0];
        let numbers: Vec<u32> = at.iter().map(|at| segments.number(point(*at, 46.0, 8.0, 0.0)).segment).collect();
        assert_eq!(numbers, [0, 0, 0, 1, 1, 2]);
    }
}
