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
mod session;
mod writing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use history::HistoryWriter;
use parking_lot::Mutex;
use runtime::patience::with_causes;
use runtime::{Backoff, Context, Part, Shutdown, Tasks, keep_trying};
use schemas::catalogue::topic;
use streams::{GroupSettings, Log, SinkSettings, StreamError, TopicPartition};

use crate::historian::session::Session;
use crate::historian::writing::Desk;
use crate::serve::Outfit;
use crate::sinks::topics::{Topic, unless_stopped};

pub use metrics::HistorianMetrics;
pub use options::HistorianOptions;

/// How often the lag is measured, and the history tidied.
const LAG: Duration = Duration::from_secs(10);
const TIDY: Duration = Duration::from_secs(60);
/// A revoked partition gets so long to write and commit; what is not done by then is read again by its next owner.
const REVOKE_DEADLINE: Duration = Duration::from_secs(5);
/// The cluster may gather so long: rows wait for their block far longer.
const GATHER_TIME: Duration = Duration::from_millis(100);
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
    let mut topics = Topics::new();
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

/// By full name: the name in the catalogue, and the codec.
type Topics = HashMap<Arc<str>, (&'static str, Topic)>;

struct Historian {
    options: HistorianOptions,
    writer: Arc<dyn HistoryWriter>,
    history_name: String,
    outfit: Outfit,
    topics: Topics,
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
        let source = log.subscribe(settings).await?;
        let mut session = Session::new(self, source, Arc::new(desk));
        group.ready();
        let ended = session.attend(stop).await;
        session.drop_writes().await;
        self.positions.lock().clear();
        self.metrics.waiting.set(0);
        self.metrics.partitions.set(0);
        ended?;
        session.leave().await;
        Ok(())
    }
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
