//! What the consumer groups count.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use runtime::Metrics;

use crate::core::{Outputs, StateChange};

/// A reason out of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: &'static str,
}

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    kind: &'static str,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Partition {
    partition: u16,
}

/// What every group counts; clones count together.
#[derive(Debug, Clone)]
pub struct GroupMetrics {
    pub(crate) records_in: Counter,
    pub(crate) records_out: Counter,
    pub(crate) commits: Counter,
    pub(crate) restarts: Counter,
    pub(crate) partitions: Gauge,
    pub(crate) repairs: Counter,
    rejects: Family<Reason, Counter>,
    pub(crate) batch_seconds: Histogram,
    pub(crate) restore_seconds: Histogram,
}

impl GroupMetrics {
    /// Registers them under the group's name: processor, thermals, receivers.
    pub fn register(metrics: &Metrics, group: &str) -> Self {
        let name = |what: &str| format!("{group}_{what}");
        // 0.1 ms to 1.6 s; 10 ms to 82 s.
        let (batches, restores) = (exponential_buckets(0.0001, 2.0, 15), exponential_buckets(0.01, 2.0, 14));
        Self {
            records_in: metrics.register(&name("records_in"), "Records read", Counter::default()),
            records_out: metrics.register(
                &name("records_out"),
                "Records handed to the log, checkpoints included",
                Counter::default(),
            ),
            commits: metrics.register(&name("commits"), "Offsets committed", Counter::default()),
            restarts: metrics.register(
                &name("restarts"),
                "Times the group joined anew after a failure",
                Counter::default(),
            ),
            partitions: metrics.register(&name("partitions"), "Partitions owned now", Gauge::default()),
            repairs: metrics.register(
                &name("repairs"),
                "Records published again on top of a former owner's late ones",
                Counter::default(),
            ),
            rejects: metrics.register(
                &name("rejected"),
                "Inputs that could not be used, by reason",
                Family::<Reason, Counter>::default(),
            ),
            batch_seconds: metrics.register(
                &name("batch_seconds"),
                "Time to apply one batch of a partition and hand its outputs over",
                Histogram::new(batches),
            ),
            restore_seconds: metrics.register(
                &name("restore_seconds"),
                "Time to bring a partition's memory back",
                Histogram::new(restores),
            ),
        }
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejects.get_or_create(&Reason { reason }).inc();
    }
}

/// What the group on the raw topic counts beside that.
#[derive(Debug, Clone)]
pub struct RawMetrics {
    observations: Counter,
    private_observations: Counter,
    receptions: Counter,
    states: Family<Kind, Counter>,
    devices: Family<Partition, Gauge>,
}

impl RawMetrics {
    /// Registers them.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            observations: metrics.register("processor_observations", "Public observations", Counter::default()),
            private_observations: metrics.register(
                "processor_private_observations",
                "Observations of hidden devices",
                Counter::default(),
            ),
            receptions: metrics.register("processor_receptions", "Receptions, copies included", Counter::default()),
            states: metrics.register(
                "processor_states",
                "Changed states and tombstones, by kind of object",
                Family::<Kind, Counter>::default(),
            ),
            devices: metrics.register(
                "processor_devices",
                "Devices known, by raw partition",
                Family::<Partition, Gauge>::default(),
            ),
        }
    }

    pub(crate) fn count(&self, out: &Outputs) {
        let private = out.observations.iter().filter(|observation| observation.private).count();
        self.private_observations.inc_by(private as u64);
        self.observations.inc_by((out.observations.len() - private) as u64);
        self.receptions.inc_by(out.receptions.len() as u64);
        for StateChange { content, .. } in &out.states {
            let kind = match content.kind() {
                schemas::v1::ObjectKind::Aircraft => "aircraft",
                schemas::v1::ObjectKind::Ground => "ground",
                schemas::v1::ObjectKind::Station => "station",
                _ => "alert",
            };
            self.states.get_or_create(&Kind { kind }).inc();
        }
    }

    pub(crate) fn devices(&self, partition: u16, count: usize) {
        self.devices.get_or_create(&Partition { partition }).set(count as i64);
    }
}

/// What the way to Redis counts.
#[derive(Debug, Clone)]
pub struct RedisMetrics {
    pub(crate) written: Family<Kind, Counter>,
    pub(crate) failures: Counter,
    pub(crate) refills: Counter,
    pub(crate) swept: Counter,
    pub(crate) call_seconds: Histogram,
    pub(crate) connected: Gauge<u64, AtomicU64>,
}

impl RedisMetrics {
    /// Registers them under the group's name.
    pub fn register(metrics: &Metrics, group: &str) -> Self {
        let name = |what: &str| format!("{group}_redis_{what}");
        let calls = exponential_buckets(0.0001, 2.0, 15);
        Self {
            written: metrics.register(
                &name("written"),
                "States handed to Redis, by kind; after coalescing",
                Family::<Kind, Counter>::default(),
            ),
            failures: metrics.register(&name("failures"), "Calls to Redis that failed", Counter::default()),
            refills: metrics.register(
                &name("refills"),
                "Times all states of a partition were written",
                Counter::default(),
            ),
            swept: metrics.register(&name("swept"), "Dead members that the sweep removed", Counter::default()),
            call_seconds: metrics.register(&name("call_seconds"), "Time of one call to Redis", Histogram::new(calls)),
            connected: metrics.register(&name("connected"), "1 while Redis answers", Gauge::default()),
        }
    }

    pub(crate) fn wrote(&self, kind: &'static str, count: usize) {
        self.written.get_or_create(&Kind { kind }).inc_by(count as u64);
    }
}
