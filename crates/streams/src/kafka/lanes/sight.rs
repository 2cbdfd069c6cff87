//! How far each lane is, for whoever watches over its progress.

use super::Lanes;
use crate::TopicPartition;
use crate::watchdog::{OwnedSight, Turn};

impl Lanes {
    /// How far a partition is, given where it ends now. `None`: it is not assigned.
    pub(in crate::kafka) fn sight(&mut self, partition: &TopicPartition, end: u64) -> Option<OwnedSight> {
        if self.closing {
            return None;
        }
        let lane = self.lanes.get_mut(partition)?;
        if std::mem::take(&mut lane.at_end) && lane.records.is_empty() {
            lane.position = lane.position.max(Some(end));
        }
        let turn = match lane {
            _ if lane.paused => Turn::Nobody,
            _ if !lane.started || !lane.records.is_empty() => Turn::Caller,
            _ => Turn::Client,
        };
        Some(OwnedSight { position: lane.position, turn })
    }

    /// Whether its caller left in an orderly way: then there is nothing to watch over.
    pub(in crate::kafka) fn has_left(&self) -> bool {
        self.has_left
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lanes, partition, records, taken};
    use super::*;

    fn sight(lanes: &mut Lanes, end: u64) -> Option<(Option<u64>, Turn)> {
        lanes.sight(&partition(0), end).map(|sight| (sight.position, sight.turn))
    }

    #[test]
    fn a_lane_tells_how_far_it_is_and_whose_turn() {
        let mut lanes = lanes();
        assert_eq!(sight(&mut lanes, 9), Some((None, Turn::Client)));
        lanes.deliver(&partition(0), records(0, 3..6), None);
        assert_eq!(sight(&mut lanes, 9), Some((None, Turn::Caller)));
        assert_eq!(taken(&mut lanes, 10).len(), 3);
        assert_eq!(sight(&mut lanes, 9), Some((Some(6), Turn::Client)));
        lanes.set_paused(&[partition(0)], true);
        assert_eq!(sight(&mut lanes, 9), Some((Some(6), Turn::Nobody)));
        assert_eq!(lanes.sight(&partition(7), 9), None);
        lanes.close();
        assert_eq!(sight(&mut lanes, 9), None);
    }

    /// The end may lie behind what was taken, where retention took the rest; what comes after it is not read yet.
    #[test]
    fn the_end_counts_as_read_once_it_was_reached() {
        let mut lanes = lanes();
        lanes.deliver(&partition(0), Vec::new(), Some(0));
        assert_eq!(sight(&mut lanes, 9), Some((Some(9), Turn::Client)));
        assert_eq!(sight(&mut lanes, 12), Some((Some(9), Turn::Client)));
    }
}
