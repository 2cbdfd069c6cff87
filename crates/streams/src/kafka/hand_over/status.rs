//! The progress of each partition, for the watchdog.

use super::RecordQueues;
use crate::TopicPartition;
use crate::watchdog::{OwnedStatus, WaitingFor};

impl RecordQueues {
    /// The progress of a partition that now ends at `end`. `None`: it is not assigned.
    pub(in crate::kafka) fn status(&mut self, partition: &TopicPartition, end: u64) -> Option<OwnedStatus> {
        if self.closing {
            return None;
        }
        let queue = self.queues.get_mut(partition)?;
        if std::mem::take(&mut queue.at_end) && queue.records.is_empty() {
            queue.position = queue.position.max(Some(end));
        }
        let waiting_for = match queue {
            _ if queue.paused => WaitingFor::Resume,
            _ if !queue.started || !queue.records.is_empty() => WaitingFor::Caller,
            _ => WaitingFor::Client,
        };
        Some(OwnedStatus { position: queue.position, waiting_for })
    }

    /// The time of the last record of a partition that the caller took.
    pub(in crate::kafka) fn read_to_ms(&self, partition: &TopicPartition) -> Option<i64> {
        self.queues.get(partition)?.read_to_ms
    }

    /// Whether the caller has left the group: then the watchdog ignores this member.
    pub(in crate::kafka) fn has_left(&self) -> bool {
        self.has_left
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{partition, queues, records, taken};
    use super::*;

    fn status(queues: &mut RecordQueues, end: u64) -> Option<(Option<u64>, WaitingFor)> {
        queues.status(&partition(0), end).map(|status| (status.position, status.waiting_for))
    }

    #[test]
    fn status_has_position_and_what_it_waits_for() {
        let mut queues = queues();
        assert_eq!(status(&mut queues, 9), Some((None, WaitingFor::Client)));
        queues.deliver(&partition(0), records(0, 3..6), None);
        assert_eq!(status(&mut queues, 9), Some((None, WaitingFor::Caller)));
        assert_eq!(taken(&mut queues, 10).len(), 3);
        assert_eq!(status(&mut queues, 9), Some((Some(6), WaitingFor::Client)));
        queues.set_paused(&[partition(0)], true);
        assert_eq!(status(&mut queues, 9), Some((Some(6), WaitingFor::Resume)));
        assert_eq!(queues.status(&partition(7), 9), None);
        queues.close();
        assert_eq!(status(&mut queues, 9), None);
    }

    /// Where retention has removed the last records, the end is after the last record that was taken.
    #[test]
    fn a_reached_end_counts_as_read() {
        let mut queues = queues();
        queues.deliver(&partition(0), Vec::new(), Some(0));
        assert_eq!(status(&mut queues, 9), Some((Some(9), WaitingFor::Client)));
        assert_eq!(status(&mut queues, 12), Some((Some(9), WaitingFor::Client)));
    }
}
