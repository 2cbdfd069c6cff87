//! Searches the audit topic, the newest records first, in bounded memory and time.
//!
//! A window of the newest records of each partition is read from its beginning to its end; of those that match the newest
//! are kept. Older windows are reached by asking again with an earlier end.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::catalogue::{self, topic};
use schemas::v1::AuditRecord;
use streams::registry::{Schemas, TopicCodec};
use streams::{Event, Incoming, SeekTo, StreamError, TopicPartition};

use super::Audit;
use crate::tail::{self, Tail};

/// Records of all partitions that one search reads.
const MAX_READ: u64 = 30_000;
/// Time for one search.
const DEADLINE: Duration = Duration::from_secs(10);

/// What to look for. A field that is `None` does not restrict the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// Who.
    pub(crate) user_id: Option<String>,
    /// The device of the act, or of its alert.
    pub(crate) device: Option<String>,
    /// Not before, microseconds since the epoch.
    pub(crate) from_us: Option<u64>,
    /// Before, microseconds since the epoch.
    pub(crate) to_us: Option<u64>,
    /// The maximum number of records.
    pub(crate) limit: usize,
}

impl Search {
    fn matches(&self, record: &AuditRecord) -> bool {
        let is_of_device =
            |device: &String| record.subject == *device || record.details.get("device").is_some_and(|of| of == device);
        self.user_id.as_ref().is_none_or(|user| *user == record.user_id)
            && self.device.as_ref().is_none_or(is_of_device)
            && self.from_us.is_none_or(|from_us| record.happened_at_us >= from_us)
            && self.to_us.is_none_or(|to_us| record.happened_at_us < to_us)
    }
}

/// The records of a search.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// The newest first.
    pub(crate) records: Vec<AuditRecord>,
    /// From this time on they are complete; `None`: all that match are there.
    pub(crate) complete_since_us: Option<u64>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    #[error("another search of the audit trail is in progress: try again when it has ended")]
    Busy,
    #[error("the log did not answer within {} s", DEADLINE.as_secs())]
    Timeout,
    #[error("the log is not available")]
    Stream(#[from] StreamError),
}

impl Audit {
    /// Searches the records.
    ///
    /// # Errors
    /// As [`SearchError`].
    pub(crate) async fn search(&self, search: &Search) -> Result<Found, SearchError> {
        let _permit = self.searching.try_acquire().map_err(|_| SearchError::Busy)?;
        tokio::select! {
            found = self.read(search) => Ok(found?),
            () = self.clock.sleep(DEADLINE) => Err(SearchError::Timeout),
        }
    }

    async fn read(&self, search: &Search) -> Result<Found, StreamError> {
        let partitions = tail::partitions(&self.cluster, topic::AUDIT).await?;
        let ends = match search.to_us {
            None => BTreeMap::new(),
            Some(to_us) => self.offsets_at(&partitions, to_us).await?,
        };
        let tail = Tail::find(&self.cluster, &partitions, ends, MAX_READ).await?;
        let entry = catalogue::find(topic::AUDIT).expect("in the catalogue");
        // The schema of this build reads the records of all builds, and needs no registry.
        let codec = Schemas::local().prepare("", &entry).await?;
        let mut newest = Newest::new(search, codec);
        tail.read(&self.cluster, |record| newest.add(record)).await?;
        Ok(newest.found(tail.is_cut))
    }

    /// The offset of the first record at or after a time; partitions without one are left out.
    async fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        at_us: u64,
    ) -> Result<BTreeMap<TopicPartition, u64>, StreamError> {
        let timestamp_ms = i64::try_from(at_us.div_ceil(1_000)).unwrap_or(i64::MAX);
        let mut offsets = BTreeMap::new();
        for at in partitions {
            let mut source = self.cluster.log.read(vec![(at.clone(), SeekTo::Time { timestamp_ms })]).await?;
            match source.next().await? {
                Event::Records(records) => {
                    let first = records.first().map(|record| record.offset);
                    offsets.extend(first.map(|offset| (at.clone(), offset)));
                }
                Event::CaughtUp(_) | Event::Assigned(_) | Event::Revoked(_) => {}
            }
            source.close().await?;
        }
        Ok(offsets)
    }
}

/// The newest records that match.
struct Newest<'a> {
    search: &'a Search,
    codec: TopicCodec,
    /// By time, then place in the log.
    records: BTreeMap<(u64, u32, u64), AuditRecord>,
    /// When the window of each partition begins.
    begins_us: BTreeMap<u32, u64>,
    /// More have matched than may be returned.
    is_full: bool,
}

impl<'a> Newest<'a> {
    fn new(search: &'a Search, codec: TopicCodec) -> Self {
        Self { search, codec, records: BTreeMap::new(), begins_us: BTreeMap::new(), is_full: false }
    }

    fn add(&mut self, incoming: &Incoming) {
        let at_us = u64::try_from(incoming.timestamp_ms).unwrap_or_default() * 1_000;
        self.begins_us.entry(incoming.partition).or_insert(at_us);
        let decoded = incoming.value.as_ref().and_then(|value| self.codec.decode::<AuditRecord>(value).ok());
        let Some(record) = decoded.filter(|record| self.search.matches(record)) else { return };
        self.records.insert((record.happened_at_us, incoming.partition, incoming.offset), record);
        if self.records.len() > self.search.limit {
            self.is_full = true;
            self.records.pop_first();
        }
    }

    /// `is_cut`: a window does not reach to the beginning of its partition.
    fn found(self, is_cut: bool) -> Found {
        // Since the youngest beginning of a window all partitions are read.
        let window_us = is_cut.then(|| self.begins_us.values().max().copied().unwrap_or_default());
        let window_us = window_us.filter(|since_us| self.search.from_us.is_none_or(|from_us| from_us < *since_us));
        let returned_us = self.records.keys().next().filter(|_| self.is_full).map(|(at_us, ..)| *at_us);
        Found { complete_since_us: window_us.max(returned_us), records: self.records.into_values().rev().collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use streams::Headers;

    use super::*;

    async fn codec() -> TopicCodec {
        let entry = catalogue::find(topic::AUDIT).expect("in the catalogue");
        Schemas::local().prepare("", &entry).await.expect("a schema")
    }

    fn record(user: &str, subject: &str, at_us: u64) -> AuditRecord {
        let details = HashMap::from([("device".to_owned(), "07AB12".to_owned())]);
        AuditRecord {
            happened_at_us: at_us,
            user_id: user.into(),
            subject: subject.into(),
            details,
            ..AuditRecord::default()
        }
    }

    /// Ten records, one a second, in two partitions.
    async fn found(search: &Search, is_cut: bool) -> (Vec<u64>, Option<u64>) {
        let codec = codec().await;
        let mut newest = Newest::new(search, codec.clone());
        for second in 1..=10_u64 {
            let is_even = second.is_multiple_of(2);
            let (user, subject) = if is_even { ("ada", "110B90") } else { ("bob", "alert/1-2") };
            newest.add(&Incoming {
                topic: topic::AUDIT.into(),
                partition: u32::from(is_even),
                offset: second / 2,
                timestamp_ms: second as i64 * 1_000,
                key: None,
                value: Some(codec.encode(&record(user, subject, second * 1_000_000))),
                headers: Headers::new(),
            });
        }
        let found = newest.found(is_cut);
        let seconds = found.records.iter().map(|record| record.happened_at_us / 1_000_000).collect();
        (seconds, found.complete_since_us.map(|at_us| at_us / 1_000_000))
    }

    #[tokio::test]
    async fn the_newest_matching_records_come_first() {
        let all = Search { limit: 100, ..Search::default() };
        let ada = Search { user_id: Some("ada".into()), ..all.clone() };
        let device = Search { device: Some("110B90".into()), ..all.clone() };
        let of_alert = Search { device: Some("07AB12".into()), limit: 3, ..all.clone() };
        let late = Search { from_us: Some(4_000_000), to_us: Some(7_000_000), ..all.clone() };
        for (search, is_cut, seconds, since) in [
            (&all, false, vec![10, 9, 8, 7, 6, 5, 4, 3, 2, 1], None),
            (&all, true, vec![10, 9, 8, 7, 6, 5, 4, 3, 2, 1], Some(2)),
            (&ada, false, vec![10, 8, 6, 4, 2], None),
            (&device, false, vec![10, 8, 6, 4, 2], None),
            (&of_alert, false, vec![10, 9, 8], Some(8)),
            (&of_alert, true, vec![10, 9, 8], Some(8)),
            (&late, true, vec![6, 5, 4], None),
        ] {
            assert_eq!(found(search, is_cut).await, (seconds, since), "{search:?} {is_cut}");
        }
    }
}
