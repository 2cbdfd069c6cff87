//! Metrics of notifications.

use std::sync::atomic::AtomicU64;

use membership::MemberMetrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use runtime::Metrics;

/// A label with an outcome from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
}

/// A label with a reason from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

/// Handles; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct NotifyMetrics {
    pub(crate) targets: Gauge,
    pub(crate) pending: Gauge,
    pub(crate) messages: Family<Outcome, Counter>,
    pub(crate) failures: Family<Reason, Counter>,
    pub(crate) seconds: Histogram,
    records: Counter,
    restarts: Counter,
    partitions: Gauge,
    pub(crate) stalls: Counter,
    pub(crate) lag: Gauge,
    pub(crate) lag_seconds: Gauge<f64, AtomicU64>,
}

impl NotifyMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            targets: metrics.register("notify_targets", "Webhooks and browsers of all users.", Gauge::default()),
            pending: metrics.register(
                "notify_messages_pending",
                "Messages that this instance has to deliver.",
                Gauge::default(),
            ),
            messages: metrics.register(
                "notify_messages",
                "Messages by what became of them: delivered, given_up (tried for too long), refused (the target does not \
                 take it), withheld (the device is hidden now), removed (its webhook was) or full (its webhook had too many).",
                Family::default(),
            ),
            failures: metrics.register(
                "notify_failures",
                "Attempts that failed, by reason; most of them are repeated.",
                Family::default(),
            ),
            seconds: metrics.register(
                "notify_delivery_seconds",
                "Time from an event to the target's answer, of messages that were delivered.",
                Histogram::new(exponential_buckets(0.01, 4.0, 12)),
            ),
            records: metrics.register(
                "notify_records",
                "Records read for notifications: alerts, states of hidden devices, zone events.",
                Counter::default(),
            ),
            restarts: metrics.register(
                "notify_restarts",
                "Times that the consumer group of notifications was joined again after a failure.",
                Counter::default(),
            ),
            partitions: metrics.register(
                "notify_partitions",
                "Partitions whose events this instance sends as notifications.",
                Gauge::default(),
            ),
            stalls: metrics.register(
                "notify_stalls",
                "Times that the consumer group of notifications made no progress.",
                Counter::default(),
            ),
            lag: metrics.register(
                "notify_lag_records",
                "Records that the consumer group of notifications has not read.",
                Gauge::default(),
            ),
            lag_seconds: metrics.register(
                "notify_lag_seconds",
                "How long ago the oldest of these records was written.",
                Gauge::default(),
            ),
        }
    }

    /// Those of the member of the group.
    pub(crate) fn member(&self) -> MemberMetrics {
        MemberMetrics {
            records: self.records.clone(),
            commits: Counter::default(),
            restarts: self.restarts.clone(),
            partitions: self.partitions.clone(),
        }
    }

    /// Counts a message by what became of it.
    pub(crate) fn count(&self, outcome: &'static str) {
        self.messages.get_or_create(&Outcome { outcome }).inc();
    }
}
