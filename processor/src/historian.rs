//! The historian: observations, receptions, thermals, receivers and alerts into the history, each row once.
//!
//! ```text
//! source --records--> pending (one per partition) --blocks--> writers --rows--> history
//!    ^                                                           |
//!    +--------------------- commit after the insert -------------+
//! ```
//!
//! - A block is a range of offsets of one partition ([`block`]), its rows a pure function of its records ([`rows`]), so
//!   that writing it again changes nothing: the same range by its token, another range by the row keys.
//! - Offsets are committed when the block's rows are in the history. What was read and not written is read again.
//! - While the history is slow or gone, blocks wait and are tried again; when too many records wait, the partitions are
//!   paused. Membership goes on, and nothing else knows of it.
//! - A record that makes no rows, or rows that the store refuses, become dead letters; the block goes on without.

pub mod block;
mod metrics;
mod options;
pub mod rows;
mod writing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use history::HistoryWriter;
use parking_lot::Mutex;
use runtime::patience::with_causes;
use runtime::{Backoff, Context, Part, Shutdown, Tasks, keep_trying};
use schemas::catalogue::topic;
use streams::{Event, GroupSettings, Incoming, Log, Revocation, SinkSettings, Source, StreamError, TopicPartition};
use tokio::task::JoinSet;

use crate::historian::block::{BlockLimits, Pending};
use crate::historian::writing::Desk;
use crate::serve::Outfit;
use crate::sinks::topics::{Topic, unless_stopped};

pub use metrics::HistorianMetrics;
pub use options::HistorianOptions;

/// How often old blocks are looked for.
const LOOK: Duration = Duration::from_millis(250);
/// How often the lag is measured, and the history tidied.
const LAG: Duration = Duration::from_secs(10);
const TIDY: Duration = Duration::from_secs(60);
/// A revoked partition gets so long to write and commit; what is not done by then is read again by its next owner.
const REVOKE_DEADLINE: Duration = Duration::from_secs(5);
/// The cluster may gather so long: rows wait for their block far longer.
const GATHER_TIME: Duration = Duration::from_millis(100);
const LAST_WRITES: Duration = Duration::from_secs(4);
/// What a task gets to finish with.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// After so long a failure is not the same as the one before.
const LONG_SESSION: Duration = Duration::from_secs(60);

/// Runs the historian on any log and history until stopped. `history_name` is for `/ready`.
///
/// # Errors
/// What no retry can mend: credentials that are refused, a schema that is refused.
pub async fn serve_historian(
    options: HistorianOptions,
    writer: Arc<dyn HistoryWriter>,
    history_name: String,
    outfit: Outfit,
) -> anyhow::Result<()> {
    let context = outfit.context.clone();
    let mut topics = HashMap::new();
    for name in rows::TOPICS {
        let Some(topic) = unless_stopped(Topic::prepare(&outfit, name).await)? else { return Ok(()) };
        topics.insert(topic.name.clone(), (name, topic));
    }
    let metrics = HistorianMetrics::register(&context.metrics);
    let part = context.readiness.part("history");
    let tidy = tidy(context.clone(), writer.clone());
    let positions = Positions::default();
    let lag = measure_lag(context.clone(), outfit.log.clone(), positions.clone(), metrics.clone());
    let historian = Historian { options, writer, history_name, outfit, topics, metrics, history: part, positions };
    let mut tasks = Tasks::new(context.clock.clone(), context.shutdown.clone());
    tasks.spawn("tidy", |stop| async move { stop.or(tidy).await.unwrap_or(Ok(())) });
    tasks.spawn("lag", |stop| async move { stop.or(lag).await.unwrap_or(Ok(())) });
    tasks.spawn("historian", |stop| historian.run(stop));
    tasks.run(STOP_DEADLINE).await
}

/// The next offset to write of each partition owned.
type Positions = Arc<Mutex<HashMap<TopicPartition, u64>>>;

struct Historian {
    options: HistorianOptions,
    writer: Arc<dyn HistoryWriter>,
    history_name: String,
    outfit: Outfit,
    /// By full name: the name in the catalogue, and the codec.
    topics: HashMap<Arc<str>, (&'static str, Topic)>,
    metrics: HistorianMetrics,
    history: Part,
    positions: Positions,
}

/// Why a session ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Log(#[from] StreamError),
    #[error("a block cannot be written: {0:#}")]
    Block(anyhow::Error),
}

/// A partition that is ours.
#[derive(Default)]
struct Lane {
    pending: Pending,
    /// The records of the block on its way.
    writing: Option<usize>,
    /// Another life of the same partition is another lane.
    life: u64,
}

/// What a write came to: the offset after the block.
struct Written {
    partition: TopicPartition,
    life: u64,
    next_offset: u64,
    outcome: anyhow::Result<()>,
}

struct Session {
    source: Box<dyn Source>,
    desk: Arc<Desk>,
    lanes: HashMap<TopicPartition, Lane>,
    writes: JoinSet<Written>,
    waiting: usize,
    paused: bool,
    lives: u64,
}

impl Historian {
    async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let context = self.outfit.context.clone();
        let group = context.readiness.part("historian");
        let mut backoff = Backoff::for_services();
        loop {
            let is_final = |error: &history::HistoryError| !error.is_transient();
            let ready = keep_trying(&context, &self.history, &self.history_name, is_final, || self.writer.ready());
            if stop.or(ready).await.transpose()?.flatten().is_none() {
                return Ok(());
            }
            let began = context.clock.monotonic();
            match self.session(&group, &stop).await {
                Ok(()) => return Ok(()),
                Err(Interrupted::Log(error)) if error.reason() == "bad_settings" => return Err(error.into()),
                Err(Interrupted::Block(error))
                    if error.downcast_ref().is_some_and(|error: &history::HistoryError| !error.is_transient()) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    let reason = with_causes(&error);
                    tracing::warn!(reason, "joining anew");
                    group.not_ready(&reason);
                    self.metrics.restarts.inc();
                }
            }
            if context.clock.monotonic() >= began + LONG_SESSION {
                backoff.reset();
            }
            if stop.or(context.clock.sleep(backoff.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn session(&self, group: &Part, stop: &Shutdown) -> Result<(), Interrupted> {
        let Outfit { log, topic_prefix, context, .. } = &self.outfit;
        let name = format!("{topic_prefix}historian");
        let desk = Desk {
            context: context.clone(),
            writer: self.writer.clone(),
            sink: log.sink(SinkSettings::new(name.clone()))?,
            dead_letters: format!("{topic_prefix}{}", topic::DEAD_LETTER).into(),
            part: self.history.clone(),
            metrics: self.metrics.clone(),
        };
        let settings = GroupSettings {
            max_batch_records: 5_000,
            queue_records: 50_000.min(self.options.max_waiting_records),
            revoke_deadline: REVOKE_DEADLINE,
            gather_time: GATHER_TIME,
            ..GroupSettings::new(name, self.topics.keys().map(|name| name.to_string()))
        };
        let mut session = Session {
            source: log.subscribe(settings).await?,
            desk: Arc::new(desk),
            lanes: HashMap::new(),
            writes: JoinSet::new(),
            waiting: 0,
            paused: false,
            lives: 0,
        };
        group.ready();
        let ended = self.attend(&mut session, stop).await;
        session.writes.shutdown().await;
        self.positions.lock().clear();
        self.metrics.waiting.set(0);
        self.metrics.partitions.set(0);
        ended?;
        if let Err(error) = session.source.close().await {
            tracing::debug!(reason = error.reason(), "left the group without its answer");
        }
        Ok(())
    }

    async fn attend(&self, session: &mut Session, stop: &Shutdown) -> Result<(), Interrupted> {
        let clock = &self.outfit.context.clock;
        loop {
            tokio::select! {
                () = stop.requested() => {
                    let all: Vec<_> = session.lanes.keys().cloned().collect();
                    return self.finish(session, &all).await;
                }
                Some(written) = session.writes.join_next() => self.settle(session, joined(written)?).await?,
                () = clock.sleep(LOOK) => {}
                event = session.source.next() => match event? {
                    Event::Assigned(partitions) => self.take(session, partitions)?,
                    Event::Revoked(revocation) => self.give_up(session, revocation).await?,
                    Event::Records(records) => self.gather(session, records),
                    Event::CaughtUp(_) => {}
                },
            }
            self.start_writes(session);
            self.brake(session)?;
        }
    }

    fn take(&self, session: &mut Session, partitions: Vec<TopicPartition>) -> Result<(), Interrupted> {
        if session.paused {
            session.source.pause(&partitions)?;
        }
        for partition in partitions {
            session.lives += 1;
            session.lanes.insert(partition, Lane { life: session.lives, ..Lane::default() });
        }
        self.metrics.partitions.set(session.lanes.len().cast_signed() as i64);
        Ok(())
    }

    fn gather(&self, session: &mut Session, records: Vec<Incoming>) {
        let now = self.outfit.context.clock.monotonic();
        self.metrics.records.inc_by(records.len() as u64);
        for record in records {
            // What is not ours (any more) is another's to write.
            if let Some(lane) = session.lanes.get_mut(&record.topic_partition()) {
                lane.pending.push(record, now);
                session.waiting += 1;
            }
        }
    }

    /// Blocks that are due, one per partition at a time.
    fn start_writes(&self, session: &mut Session) {
        let now = self.outfit.context.clock.monotonic();
        let limits = BlockLimits { records: self.options.block_records, age: self.options.block_age };
        // When too much waits in too many small heaps, whatever there is goes out.
        let all = session.waiting >= self.options.max_waiting_records;
        for (partition, lane) in &mut session.lanes {
            if session.writes.len() >= self.options.writers {
                break;
            }
            if lane.writing.is_some() {
                continue;
            }
            if let Some(records) = lane.pending.cut(limits, now, all) {
                start(&self.topics, &session.desk, &mut session.writes, partition, lane, records);
            }
        }
        self.metrics.waiting.set(session.waiting.cast_signed() as i64);
    }

    /// Pauses all partitions while too many records wait.
    fn brake(&self, session: &mut Session) -> Result<(), Interrupted> {
        let most = self.options.max_waiting_records;
        let pause = if session.paused { session.waiting > most / 2 } else { session.waiting >= most };
        if pause != session.paused {
            let all: Vec<_> = session.lanes.keys().cloned().collect();
            match pause {
                true => session.source.pause(&all)?,
                false => session.source.resume(&all)?,
            }
            session.paused = pause;
            tracing::info!(
                waiting = session.waiting,
                "{}",
                if pause { "paused: the history is behind" } else { "reading again" }
            );
        }
        Ok(())
    }

    /// A block is done: commits what is after it.
    async fn settle(&self, session: &mut Session, written: Written) -> Result<(), Interrupted> {
        let Written { partition, life, next_offset, outcome } = written;
        let Some(lane) = session.lanes.get_mut(&partition).filter(|lane| lane.life == life) else {
            return Ok(());
        };
        session.waiting -= lane.writing.take().unwrap_or_default();
        outcome.map_err(Interrupted::Block)?;
        self.positions.lock().insert(partition.clone(), next_offset);
        match session.source.commit(&[(partition, next_offset)]).await {
            Err(error) if !error.is_transient() => Err(error.into()),
            Err(error) => {
                // The rows are there; reading them again changes nothing.
                tracing::debug!(reason = error.reason(), "not committed");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn give_up(&self, session: &mut Session, revocation: Revocation) -> Result<(), Interrupted> {
        if !revocation.lost {
            self.finish(session, &revocation.partitions).await?;
        }
        for partition in &revocation.partitions {
            if let Some(lane) = session.lanes.remove(partition) {
                session.waiting -= lane.pending.len() + lane.writing.unwrap_or_default();
            }
            self.positions.lock().remove(partition);
        }
        self.metrics.partitions.set(session.lanes.len().cast_signed() as i64);
        revocation.done();
        Ok(())
    }

    /// Writes and commits all that these partitions hold, as far as the time allows.
    async fn finish(&self, session: &mut Session, partitions: &[TopicPartition]) -> Result<(), Interrupted> {
        let limits = BlockLimits { records: self.options.block_records, age: self.options.block_age };
        let clock = self.outfit.context.clock.clone();
        let deadline = clock.sleep(LAST_WRITES);
        tokio::pin!(deadline);
        loop {
            let mut open = false;
            for partition in partitions {
                let Some(lane) = session.lanes.get_mut(partition) else { continue };
                if lane.writing.is_none()
                    && let Some(records) = lane.pending.cut(limits, clock.monotonic(), true)
                {
                    start(&self.topics, &session.desk, &mut session.writes, partition, lane, records);
                }
                open |= lane.writing.is_some();
            }
            if !open {
                return Ok(());
            }
            tokio::select! {
                () = &mut deadline => return Ok(()),
                Some(written) = session.writes.join_next() => self.settle(session, joined(written)?).await?,
            }
        }
    }
}

fn start(
    topics: &HashMap<Arc<str>, (&'static str, Topic)>,
    desk: &Arc<Desk>,
    writes: &mut JoinSet<Written>,
    partition: &TopicPartition,
    lane: &mut Lane,
    records: Vec<Incoming>,
) {
    let Some((name, topic)) = topics.get(&partition.topic) else { return };
    let (name, codec) = (*name, topic.codec.clone());
    lane.writing = Some(records.len());
    let (partition, life, desk) = (partition.clone(), lane.life, desk.clone());
    let next_offset = records.last().map_or(0, |record| record.offset + 1);
    writes.spawn(async move {
        let outcome = desk.write(name, &codec, &records).await;
        Written { partition, life, next_offset, outcome }
    });
}

fn joined(written: Result<Written, tokio::task::JoinError>) -> Result<Written, Interrupted> {
    written.map_err(|error| Interrupted::Block(error.into()))
}

/// Tells how far behind the history is.
async fn measure_lag(
    context: Context,
    log: Arc<dyn Log>,
    positions: Positions,
    metrics: HistorianMetrics,
) -> anyhow::Result<()> {
    loop {
        context.clock.sleep(LAG).await;
        let known: Vec<_> = positions.lock().iter().map(|(partition, next)| (partition.clone(), *next)).collect();
        let mut lag = 0;
        for (partition, next) in known {
            // A log that is away shows elsewhere.
            if let Ok(marks) = log.watermarks(&partition).await {
                lag += marks.high.saturating_sub(next);
            }
        }
        metrics.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
    }
}

/// Lets the history tidy itself up.
async fn tidy(context: Context, writer: Arc<dyn HistoryWriter>) -> anyhow::Result<()> {
    loop {
        context.clock.sleep(TIDY).await;
        if let Err(error) = writer.maintain().await {
            tracing::debug!(reason = error.reason(), "not tidied: {}", with_causes(&error));
        }
    }
}
