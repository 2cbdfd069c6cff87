//! A member's settings and metrics.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{Context, Part};
use streams::{GroupSettings, Log};

/// Counters of a member.
#[derive(Debug, Clone)]
pub struct MemberMetrics {
    /// Records read.
    pub records: Counter,
    /// Commits.
    pub commits: Counter,
    /// Times that the group was joined again after a failure.
    pub restarts: Counter,
    /// Partitions owned.
    pub partitions: Gauge,
}

/// A member of a consumer group, with its settings.
pub struct Member {
    /// The process.
    pub context: Context,
    /// The log.
    pub log: Arc<dyn Log>,
    /// The settings of the group.
    pub settings: GroupSettings,
    /// How often tasks checkpoint. `None`: only when their partition is revoked, or at the end.
    pub checkpoint_interval: Option<Duration>,
    /// How often finished offsets are committed. `None`: as soon as a task reports one.
    pub commit_interval: Option<Duration>,
    /// How long the drain of revoked partitions may take.
    pub drain_deadline: Duration,
    /// Whether the member is in its group, for `/ready`.
    pub part: Part,
    /// Counters.
    pub metrics: MemberMetrics,
}
