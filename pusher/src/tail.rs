//! The newest records of a topic, read on demand in bounded memory and time.

use std::collections::BTreeMap;

use streams::{Cluster, Event, Incoming, SeekTo, Source, StreamError, TopicPartition};

/// Offsets of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    from: u64,
    to: u64,
}

/// A part of a topic: the newest records of each partition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    windows: BTreeMap<TopicPartition, Window>,
    /// There are older records.
    pub(crate) is_cut: bool,
}

impl Tail {
    /// At most `most` records of all partitions together, those before `ends`; a partition without one is read to its end.
    ///
    /// # Errors
    /// The log is not available.
    pub(crate) async fn find(
        cluster: &Cluster,
        partitions: &[TopicPartition],
        mut ends: BTreeMap<TopicPartition, u64>,
        most: u64,
    ) -> Result<Self, StreamError> {
        let most = most.div_ceil(partitions.len().max(1) as u64);
        let (mut windows, mut is_cut) = (BTreeMap::new(), false);
        for at in partitions {
            let marks = cluster.log.watermarks(at).await?;
            let to = ends.remove(at).unwrap_or(marks.high).min(marks.high);
            let from = to.saturating_sub(most).max(marks.low.min(to));
            is_cut |= from > marks.low;
            windows.insert(at.clone(), Window { from, to });
        }
        Ok(Self { windows, is_cut })
    }

    /// Reads it, each partition in its order.
    ///
    /// # Errors
    /// The log is not available.
    pub(crate) async fn read(&self, cluster: &Cluster, take: impl FnMut(&Incoming) + Send) -> Result<(), StreamError> {
        let unread: BTreeMap<_, _> = self.windows.iter().filter(|(_, window)| window.from < window.to).collect();
        if unread.is_empty() {
            return Ok(());
        }
        let from = unread.iter().map(|(at, window)| ((*at).clone(), SeekTo::Offset(window.from))).collect();
        let mut source = cluster.log.read(from).await?;
        let outcome = pass_on(source.as_mut(), unread, take).await;
        let closed = source.close().await;
        outcome.and(closed)
    }
}

/// The partitions of a topic.
///
/// # Errors
/// The log is not available, or has no such topic.
pub(crate) async fn partitions(cluster: &Cluster, topic: &str) -> Result<Vec<TopicPartition>, StreamError> {
    let name = cluster.full_name(topic);
    let count = cluster.log.partitions(&name).await?;
    Ok((0..count).map(|partition| TopicPartition::new(name.clone(), partition)).collect())
}

/// Passes on each partition to the end of its window.
async fn pass_on(
    source: &mut dyn Source,
    mut unread: BTreeMap<&TopicPartition, &Window>,
    mut take: impl FnMut(&Incoming) + Send,
) -> Result<(), StreamError> {
    while !unread.is_empty() {
        match source.next().await? {
            Event::Records(records) => {
                for record in records {
                    let at = record.topic_partition();
                    let Some(window) = unread.get(&at) else { continue };
                    if record.offset < window.to {
                        take(&record);
                    }
                    if record.offset + 1 >= window.to {
                        unread.remove(&at);
                    }
                }
            }
            Event::CaughtUp(at) => {
                unread.remove(&at);
            }
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    Ok(())
}
