//! The historian: writes observations, receptions, thermals, receivers and alerts into the history, each row once.
//!
//! ```text
//! source --records--> task (one per partition) --blocks--> writer --rows--> history
//!    ^                                                           |
//!    +--------------------- commit after the insert -------------+
//! ```
//!
//! - A block is a range of offsets of one partition ([`block`]). Its rows are a pure function of its records ([`rows`]), so
//!   that writing it again changes nothing: the store detects the same range by its token, and other ranges by the row keys.
//! - Offsets are committed when the block's rows are in the history. Records that were read and not written are read again.
//! - While the history is slow or unreachable, blocks wait and are retried; when too many records wait, the partitions are
//!   paused. The member stays in the group.
//! - A record that makes no rows, or whose rows the store refuses, becomes a dead letter; the rest of the block is written.

pub mod block;
mod block_tasks;
mod block_writer;
mod metrics;
mod options;
pub mod rows;
mod waiting_records;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use history::{HistoryError, HistoryWriter};
use membership::{Group, GroupProgress, Interrupted, Member, MemberMetrics, part_of};
use prometheus_client::metrics::counter::Counter;
use runtime::retry::with_causes;
use runtime::{Context, Part, Tasks, keep_trying};
use schemas::catalogue::topic;
use streams::trace::RecordTracer;
use streams::{Cluster, GroupSettings, SinkSettings, unless_stopped};
use tokio::sync::Semaphore;

use crate::historian::block::BlockLimits;
use crate::historian::block_tasks::{BlockTasks, Topics};
use crate::historian::block_writer::BlockWriter;
use crate::historian::waiting_records::WaitingRecords;

pub use metrics::HistorianMetrics;
pub use options::HistorianOptions;

/// The group's name, after the prefix.
const GROUP: &str = "historian";
/// Time between two maintenance calls to the history.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);
/// The time limit for a revoked partition to write and commit; its next owner reads the rest again.
const REVOKE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the cluster may gather input: rows wait for their block far longer.
const GATHER_TIME: Duration = Duration::from_millis(100);
/// The time limit for tasks to end after a stop request.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// Less than the revoke deadline: unwritten records are read again by the next owner.
const DRAIN_DEADLINE: Duration = Duration::from_secs(4);

/// Runs the historian on any log and history until stopped. `history_name` is for `/ready`.
///
/// # Errors
/// Fatal errors: refused credentials, a refused schema.
pub async fn serve_historian(
    options: HistorianOptions,
    writer: Arc<dyn HistoryWriter>,
    history_name: String,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let part = context.readiness.part("historian");
    if cluster.find_topic(&context, &part, topic::OBSERVATION).await?.is_none() {
        return Ok(());
    }
    let mut topics = Topics::new();
    for name in rows::TOPICS {
        let Some(topic) = unless_stopped(cluster.topic(&context, name).await)? else { return Ok(()) };
        topics.insert(topic.name.clone(), (name, topic));
    }
    let metrics = HistorianMetrics::register(&context.metrics);
    let part = context.readiness.part("history");
    let maintenance = maintain(context.clone(), writer.clone());
    let group = cluster.full_name(GROUP).to_string();
    let progress = GroupProgress {
        context: context.clone(),
        log: cluster.log.clone(),
        group: group.clone(),
        part: part_of("historian"),
        stalls: metrics.stalls.clone(),
        lag: metrics.lag.clone(),
        lag_seconds: metrics.lag_seconds.clone(),
    };
    let member = Member {
        context: context.clone(),
        log: cluster.log.clone(),
        settings: GroupSettings {
            max_batch_records: 5_000,
            queue_records: 50_000.min(options.max_waiting_records),
            revoke_deadline: REVOKE_DEADLINE,
            gather_time: GATHER_TIME,
            ..GroupSettings::new(group, topics.keys().map(|name| name.to_string()))
        },
        checkpoint_interval: None,
        commit_interval: None,
        drain_deadline: DRAIN_DEADLINE,
        part: context.readiness.part("historian"),
        metrics: MemberMetrics {
            records: metrics.records.clone(),
            commits: Counter::default(),
            restarts: metrics.restarts.clone(),
            partitions: metrics.partitions.clone(),
        },
    };
    let mut tasks = Tasks::new(context.clock.clone(), context.shutdown.clone());
    let topics = Arc::new(topics);
    let historian = Historian { options, writer, history_name, cluster, context, topics, metrics, history: part };
    tasks.spawn("maintenance", |stop| async move { stop.or(maintenance).await.unwrap_or(Ok(())) });
    tasks.spawn("progress", |stop| progress.run(stop));
    tasks.spawn("historian", |stop| async move { member.run(&historian, stop).await });
    tasks.run(STOP_DEADLINE).await
}

/// The group: what stays when the member joins again.
struct Historian {
    options: HistorianOptions,
    writer: Arc<dyn HistoryWriter>,
    history_name: String,
    cluster: Cluster,
    context: Context,
    topics: Arc<Topics>,
    metrics: HistorianMetrics,
    history: Part,
}

#[async_trait]
impl Group for Historian {
    type Membership = BlockTasks;

    async fn prepare(&self) -> Result<Option<BlockTasks>, Interrupted> {
        let is_final = |error: &HistoryError| !error.is_transient();
        let ready = keep_trying(&self.context, &self.history, &self.history_name, is_final, || self.writer.ready());
        if ready.await.map_err(anyhow::Error::from)?.is_none() {
            return Ok(None);
        }
        let log = &self.cluster.log;
        let writer = BlockWriter {
            context: self.context.clone(),
            writer: self.writer.clone(),
            sink: log.sink(SinkSettings::new(self.cluster.full_name(GROUP).to_string()))?,
            dead_letters: self.cluster.full_name(topic::DEAD_LETTER),
            part: self.history.clone(),
            traces: RecordTracer::new(self.context.tracer.named("historian"), log.as_ref()),
            metrics: self.metrics.clone(),
        };
        let waiting = WaitingRecords::new(self.options.max_waiting_records, self.metrics.waiting.clone());
        Ok(Some(BlockTasks {
            limits: BlockLimits { records: self.options.block_records, age: self.options.block_age },
            topics: self.topics.clone(),
            writer: Arc::new(writer),
            writers: Arc::new(Semaphore::new(self.options.writers)),
            waiting: Arc::new(waiting),
            clock: self.context.clock.clone(),
        }))
    }

    fn is_final(&self, error: &anyhow::Error) -> bool {
        error.downcast_ref().is_some_and(|error: &HistoryError| !error.is_transient())
    }
}

/// Calls the maintenance of the history.
async fn maintain(context: Context, writer: Arc<dyn HistoryWriter>) -> anyhow::Result<()> {
    loop {
        context.clock.sleep(MAINTENANCE_INTERVAL).await;
        if let Err(error) = writer.maintain().await {
            tracing::debug!(reason = error.reason(), "maintenance of the history failed: {}", with_causes(&error));
        }
    }
}
