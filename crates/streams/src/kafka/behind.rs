//! For how long partitions have been behind, by their offsets. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::watchdog::PartitionStatus;
use crate::{Behind, Lag, TopicPartition};

/// The status of a partition, and the time of the last record of it that this reader has taken.
pub(super) struct PartitionRead {
    pub(super) status: PartitionStatus,
    pub(super) read_to_ms: Option<i64>,
}

/// Partitions with records that were not read, each with the time at which that was first observed.
#[derive(Debug, Default)]
pub(super) struct BehindSince(BTreeMap<TopicPartition, Duration>);

impl BehindSince {
    /// The lag at `now` (monotonic). For a group, the records count that it has not committed; for a reader without a group
    /// those that it has not read.
    pub(super) fn observe(&mut self, now: Duration, is_group: bool, read: &[PartitionRead]) -> Lag {
        let before = std::mem::take(&mut self.0);
        let mut lag = Lag::default();
        for PartitionRead { status, read_to_ms } in read {
            let unread = unread(status);
            lag.records += if is_group { status.lag() } else { unread };
            if unread > 0 {
                let since = before.get(&status.partition).copied().unwrap_or(now);
                self.0.insert(status.partition.clone(), since);
                lag.behind.push(Behind { read_to_ms: *read_to_ms, at_least: now.saturating_sub(since) });
            }
        }
        lag
    }
}

/// Records of an owned partition that were not read.
fn unread(status: &PartitionStatus) -> u64 {
    let Some(owned) = status.owned else { return 0 };
    // Before the first record, the position is what the group has committed.
    let position = owned.position.or(status.committed).unwrap_or_default();
    status.end.saturating_sub(position.max(status.low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watchdog::{OwnedStatus, WaitingFor};

    /// A partition that begins at 100, whose group has committed 120.
    fn read(end: u64, position: Option<u64>) -> Vec<PartitionRead> {
        let owned = Some(OwnedStatus { position, waiting_for: WaitingFor::Client });
        let partition = TopicPartition::new("t", 0);
        let status = PartitionStatus { partition, low: 100, end, committed: Some(120), owned };
        vec![PartitionRead { status, read_to_ms: Some(7) }]
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn behind_since_the_first_query_with_unread_records() {
        let mut since = BehindSince::default();
        let mut lasts = |now, end, position| {
            let lag = since.observe(at(now), true, &read(end, position));
            lag.behind.first().map(|behind| behind.at_least.as_secs())
        };
        assert_eq!(lasts(0, 130, Some(130)), None);
        assert_eq!(lasts(2, 150, Some(130)), Some(0));
        assert_eq!(lasts(4, 170, Some(140)), Some(2));
        assert_eq!(lasts(6, 170, Some(170)), None);
        assert_eq!(lasts(8, 171, Some(170)), Some(0));
        // Before the first record of a session, the position is what the group has committed.
        assert_eq!(lasts(10, 120, None), None);
        assert_eq!(lasts(12, 121, None), Some(0));
    }

    #[test]
    fn records_that_are_not_committed_or_not_read_count() {
        let records =
            |is_group, position| BehindSince::default().observe(at(0), is_group, &read(150, position)).records;
        assert_eq!((records(true, Some(140)), records(false, Some(140))), (30, 10));
        assert_eq!((records(true, Some(150)), records(false, Some(150))), (30, 0));
        // Retention removed records that were not read.
        assert_eq!(records(false, Some(0)), 50);
    }

    #[test]
    fn partitions_of_other_members_are_not_behind() {
        let mut of_another = read(150, None);
        of_another[0].status.owned = None;
        let lag = BehindSince::default().observe(at(0), true, &of_another);
        assert_eq!((lag.records, lag.behind.len()), (30, 0));
    }
}
