//! The archive: the raw topic in hourly files, so that a replay reaches back further than Kafka keeps it.
//!
//! An hour of a partition is the range of the log from the first record of that hour up to the first record of a later hour.
//! The ranges have no gap and no overlap, every record is in exactly one file, and archiving an hour again makes the same
//! file. A late record (its bridge could not reach Kafka) is in the file of the hour in which it was written, so that a
//! replay reads it at the same position.
//!
//! The only state is the store: an hour is archived when its manifest is there, which is written last. After any kind of end,
//! the next start continues with the first hour without a manifest.

mod options;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use archive::{Border, Hour, HourFile, Manifest, Store};
use capture::FileHeader;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{Backoff, Context, keep_trying};
use streams::{Event, Log, SeekTo, StreamError, TopicPartition};

pub use options::ArchiveOptions;

/// Archives the hours of one topic in a store.
pub struct Archiver {
    context: Context,
    log: Arc<dyn Log>,
    store: Store,
    topic: Arc<str>,
    partitions: u32,
    settle: Duration,
    retention: Option<Duration>,
    metrics: Metrics,
}

struct Metrics {
    hours: Counter,
    records: Counter,
    bytes: Counter,
    newest: Gauge,
}

/// The result of archiving an hour.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is in the store.
    Archived(Manifest),
    /// Some partition can still get records of it.
    NotYet,
}

impl Archiver {
    /// `topic`: the full name. `partitions`: their number.
    pub fn new(
        context: Context,
        log: Arc<dyn Log>,
        store: Store,
        options: &ArchiveOptions,
        topic: String,
        partitions: u32,
    ) -> Self {
        let register = |name: &str, help: &str| context.metrics.register(name, help, Counter::default());
        let metrics = Metrics {
            hours: register("archive_hours", "Hours archived."),
            records: register("archive_records", "Records archived."),
            bytes: register("archive_bytes", "Bytes archived, compressed."),
            newest: context.metrics.register(
                "archive_newest_hour_seconds",
                "End of the newest archived hour, seconds since the epoch.",
                Gauge::default(),
            ),
        };
        Self {
            settle: options.settle,
            retention: options.retention(),
            context,
            log,
            store,
            topic: topic.into(),
            partitions,
            metrics,
        }
    }

    /// Archives every hour that is over, and removes those beyond the retention. Returns how many were added.
    ///
    /// # Errors
    /// The log or the store is unreachable; the next call continues where this one ended.
    pub async fn catch_up(&self) -> anyhow::Result<usize> {
        let mut last = self.store.newest().await?;
        let mut added = 0;
        while let Some(hour) = self.next_hour(last.as_ref()).await? {
            if self.context.shutdown.is_requested() {
                break;
            }
            match self.archive(hour, last.as_ref()).await? {
                Outcome::NotYet => break,
                Outcome::Archived(manifest) => last = Some(manifest),
            }
            added += 1;
        }
        self.expire().await?;
        Ok(added)
    }

    /// The hour after the newest archived one; without one, the hour of the oldest record. `None`: it is not over, or the topic
    /// is empty.
    async fn next_hour(&self, last: Option<&Manifest>) -> anyhow::Result<Option<Hour>> {
        let hour = match last {
            Some(manifest) => Some(manifest.hour.next()),
            None => self.oldest().await?.map(Hour::of_ms),
        };
        let now_ms = i64::try_from(self.context.clock.now_us() / 1_000).unwrap_or(i64::MAX);
        Ok(hour.filter(|hour| hour.end_ms() <= now_ms))
    }

    /// The lowest timestamp of the partitions' first records.
    async fn oldest(&self) -> anyhow::Result<Option<i64>> {
        let from = (0..self.partitions).map(|partition| (self.partition(partition), SeekTo::Beginning)).collect();
        let mut source = self.log.read(from).await?;
        let mut first: BTreeMap<u32, Option<i64>> = BTreeMap::new();
        while first.len() < self.partitions as usize {
            match source.next().await? {
                Event::Records(records) => {
                    for record in records {
                        if let Entry::Vacant(first) = first.entry(record.partition) {
                            first.insert(Some(record.timestamp_ms));
                            source.pause(&[record.topic_partition()])?;
                        }
                    }
                }
                Event::CaughtUp(partition) => drop(first.entry(partition.partition).or_insert(None)),
                Event::Assigned(_) | Event::Revoked(_) => {}
            }
        }
        source.close().await?;
        Ok(first.into_values().flatten().min())
    }

    /// Archives one hour that follows `last`.
    ///
    /// # Errors
    /// The log or the store is unreachable; the hour is then not archived.
    pub async fn archive(&self, hour: Hour, last: Option<&Manifest>) -> anyhow::Result<Outcome> {
        let epoch = self.log.epoch().await?;
        // Offsets of another epoch are those of other records.
        let last = last.filter(|manifest| manifest.epoch == epoch);
        let mut borders = Vec::new();
        for number in 0..self.partitions {
            let partition = self.partition(number);
            let marks = self.log.watermarks(&partition).await?;
            let start = last.and_then(|manifest| manifest.end_of(number));
            if let Some(lost) = start.and_then(|start| marks.low.checked_sub(start)).filter(|lost| *lost > 0) {
                tracing::error!(%partition, %hour, lost, "retention has removed records that were not archived");
            }
            // Where records are missing, the manifest begins after them, not at the end of the previous hour.
            borders.push(Border::new(hour, start.map(|start| start.max(marks.low)), marks.high));
        }
        let mut file = HourFile::create(self.partitions)?;
        if !self.read_hour(hour, &mut borders, &mut file, last.is_none()).await? {
            return Ok(Outcome::NotYet);
        }
        let header = FileHeader {
            topic: self.topic.to_string(),
            epoch,
            partitions: self.partitions,
            // Without a version: a newer release makes the same file of an hour.
            written_by: "processor archive".to_owned(),
            source: format!("the hour {hour}"),
        };
        let manifest = self.store.put(hour, &header, file, &borders).await?;
        self.metrics.hours.inc();
        self.metrics.records.inc_by(manifest.records);
        self.metrics.bytes.inc_by(manifest.bytes);
        self.metrics.newest.set(hour.end_ms() / 1_000);
        tracing::info!(hour = %hour, records = manifest.records, bytes = manifest.bytes, "hour archived");
        Ok(Outcome::Archived(manifest))
    }

    /// Reads the hour into the file. `false`: it is not over in a partition.
    async fn read_hour(
        &self,
        hour: Hour,
        borders: &mut [Border],
        file: &mut HourFile,
        from_the_beginning: bool,
    ) -> anyhow::Result<bool> {
        let from = (0_u32..).zip(borders.iter()).map(|(number, border)| {
            let seek = match border.first_offset() {
                Some(offset) => SeekTo::Offset(offset),
                None if from_the_beginning => SeekTo::Beginning,
                None => SeekTo::Time { timestamp_ms: hour.start_ms() },
            };
            (self.partition(number), seek)
        });
        let mut source = self.log.read(from.collect()).await?;
        let settled = self.is_settled(hour);
        while !borders.iter().all(Border::is_closed) {
            let Some(event) = self.context.shutdown.or(source.next()).await else { return Ok(false) };
            match event? {
                Event::Records(records) => {
                    for record in records {
                        let border = &mut borders[record.partition as usize];
                        if border.takes(record.offset, record.timestamp_ms) {
                            file.add(&archive::record(record))?;
                        } else if border.closed_now() {
                            source.pause(&[record.topic_partition()])?;
                        }
                    }
                }
                Event::CaughtUp(partition) => {
                    let border = &mut borders[partition.partition as usize];
                    if !border.is_closed() && !settled {
                        source.close().await?;
                        return Ok(false);
                    }
                    border.close_at_end();
                }
                Event::Assigned(_) | Event::Revoked(_) => {}
            }
        }
        source.close().await?;
        Ok(true)
    }

    /// Whether an hour without a later record counts as over.
    fn is_settled(&self, hour: Hour) -> bool {
        let settle_ms = i64::try_from(self.settle.as_millis()).unwrap_or(i64::MAX);
        let now_ms = i64::try_from(self.context.clock.now_us() / 1_000).unwrap_or(i64::MAX);
        now_ms >= hour.end_ms().saturating_add(settle_ms)
    }

    async fn expire(&self) -> anyhow::Result<()> {
        let Some(retention) = self.retention else { return Ok(()) };
        let now_ms = i64::try_from(self.context.clock.now_us() / 1_000).unwrap_or(i64::MAX);
        let before_ms = now_ms.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
        let removed = self.store.remove_before(before_ms).await?;
        if removed > 0 {
            tracing::info!(removed, "hours beyond the retention removed from the archive");
        }
        Ok(())
    }

    fn partition(&self, number: u32) -> TopicPartition {
        TopicPartition::new(self.topic.clone(), number)
    }
}

/// Archives once, or at every interval until stopped.
///
/// # Errors
/// Once: any error. At intervals: fatal errors only, such as refused credentials.
pub async fn run(
    options: ArchiveOptions,
    topic_prefix: &str,
    log: Arc<dyn Log>,
    context: Context,
) -> anyhow::Result<()> {
    let every = options.every;
    let entry =
        schemas::catalogue::find(schemas::catalogue::topic::RAW).context("the raw topic is in the catalogue")?;
    let topic = entry.full_name(topic_prefix);
    let store = Store::open(options.to.clone(), &options.s3)?;
    let Some(every) = every else {
        let partitions = log.partitions(&topic).await?;
        let archiver = Archiver::new(context.clone(), log, store, &options, topic, partitions);
        let added = archiver.catch_up().await?;
        tracing::info!(added, "the archive is up to date");
        return Ok(());
    };
    let part = context.readiness.part("archive");
    let is_final = |error: &StreamError| !error.is_transient();
    let partitions = keep_trying(&context, &part, &topic, is_final, || log.partitions(&topic));
    let Some(partitions) = partitions.await? else { return Ok(()) };
    let archiver = Archiver::new(context.clone(), log, store, &options, topic, partitions);
    let mut backoff = Backoff::for_services();
    loop {
        let pause = match archiver.catch_up().await {
            Ok(_) => {
                part.ready();
                backoff.reset();
                every
            }
            Err(error) => {
                part.not_ready(format!("{error:#}"));
                tracing::warn!(error = format!("{error:#}"), "cannot archive now, retrying");
                backoff.next_delay()
            }
        };
        if context.shutdown.or(context.clock.sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}
