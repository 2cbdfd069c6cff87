//! Metrics of the consumer groups.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use runtime::Metrics;
use schemas::v1::ReceiverClockTrouble;

use air::core::{Outputs, StateChange};

/// A reason of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: &'static str,
}

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct KindLabel {
    kind: &'static str,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    outcome: &'static str,
}

/// Whether something was shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Shown {
    shown: &'static str,
}

/// What is wrong with a clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Trouble {
    trouble: &'static str,
}

/// What is wrong with clocks that a partition knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct PartitionTrouble {
    partition: u32,
    trouble: &'static str,
}

/// The direction of a leap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Direction {
    direction: &'static str,
}

/// The kinds of trouble that receivers' clocks are counted by.
const TROUBLES: [(ReceiverClockTrouble, &str); 4] = [
    (ReceiverClockTrouble::Offset, "offset"),
    (ReceiverClockTrouble::Jumped, "jumped"),
    (ReceiverClockTrouble::Standing, "standing"),
    (ReceiverClockTrouble::Drifting, "drifting"),
];

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Partition {
    partition: u16,
}

/// Metrics of every group; clones share them.
#[derive(Debug, Clone)]
pub struct GroupMetrics {
    pub(crate) records_in: Counter,
    pub(crate) records_out: Counter,
    pub(crate) commits: Counter,
    pub(crate) restarts: Counter,
    pub(crate) stalls: Counter,
    pub(crate) lag: Gauge,
    pub(crate) lag_seconds: Gauge<f64, AtomicU64>,
    pub(crate) partitions: Gauge,
    pub(crate) repairs: Counter,
    rejects: Family<Reason, Counter>,
    withheld: Family<Reason, Counter>,
    pub(crate) reject_alarm: Gauge,
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
                "Records sent to the log, including checkpoints",
                Counter::default(),
            ),
            commits: metrics.register(&name("commits"), "Offsets committed", Counter::default()),
            restarts: metrics.register(
                &name("restarts"),
                "Times that the group joined again after a failure",
                Counter::default(),
            ),
            stalls: metrics.register(
                &name("stalls"),
                "Times that the group made no progress although there were records to read",
                Counter::default(),
            ),
            lag: metrics.register(
                &name("lag_records"),
                "Records in the log that the group has not committed, over all partitions",
                Gauge::default(),
            ),
            lag_seconds: metrics.register(
                &name("lag_seconds"),
                "How long ago the records were written that this member reads now; 0 where it has read everything",
                Gauge::default(),
            ),
            partitions: metrics.register(&name("partitions"), "Partitions owned now", Gauge::default()),
            repairs: metrics.register(
                &name("repairs"),
                "Records published again because a former owner wrote an older version late",
                Counter::default(),
            ),
            rejects: metrics.register(
                &name("rejected"),
                "Unusable inputs, by reason",
                Family::<Reason, Counter>::default(),
            ),
            withheld: metrics.register(
                &name("dead_letters_withheld"),
                "Unusable inputs that became no dead letter, since there were too many, by reason",
                Family::<Reason, Counter>::default(),
            ),
            reject_alarm: metrics.register(
                &name("reject_alarm"),
                "1 while so much of the input is unusable that this release should be checked",
                Gauge::default(),
            ),
            batch_seconds: metrics.register(
                &name("batch_seconds"),
                "Time to apply one batch of a partition and pass its outputs to the producer",
                Histogram::new(batches),
            ),
            restore_seconds: metrics.register(
                &name("restore_seconds"),
                "Time to restore a partition from its checkpoints",
                Histogram::new(restores),
            ),
        }
    }

    pub(crate) fn rejected(&self, reason: &'static str, is_written: bool) {
        self.rejects.get_or_create(&Reason { reason }).inc();
        if !is_written {
            self.withheld.get_or_create(&Reason { reason }).inc();
        }
    }
}

/// Further metrics of the group on the raw topic.
#[derive(Debug, Clone)]
pub struct RawMetrics {
    frames: Family<Outcome, Counter>,
    observations: Counter,
    private_observations: Counter,
    receptions: Counter,
    states: Family<KindLabel, Counter>,
    devices: Family<Partition, Gauge>,
    kept_devices: Family<Partition, Gauge>,
    privacy_changes: Counter,
    evicted_devices: Family<Shown, Counter>,
    evicted_receivers: Counter,
    leaps: Family<Direction, Counter>,
    troubles: Family<Trouble, Counter>,
    zone_events: Counter,
}

impl RawMetrics {
    /// Registers them.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            frames: metrics.register(
                "processor_frames",
                "Frames of receivers, by outcome: a public observation, a hidden one, a copy of what another receiver heard, rejected, or none of these",
                Family::<Outcome, Counter>::default(),
            ),
            observations: metrics.register("processor_observations", "Public observations", Counter::default()),
            private_observations: metrics.register(
                "processor_private_observations",
                "Observations of hidden devices",
                Counter::default(),
            ),
            receptions: metrics.register("processor_receptions", "Receptions, including copies", Counter::default()),
            states: metrics.register(
                "processor_states",
                "Changed states and tombstones, by kind of object",
                Family::<KindLabel, Counter>::default(),
            ),
            devices: metrics.register(
                "processor_devices",
                "Devices known, by raw partition",
                Family::<Partition, Gauge>::default(),
            ),
            kept_devices: metrics.register(
                "processor_kept_devices",
                "Silent devices that are kept only for their privacy, by raw partition",
                Family::<Partition, Gauge>::default(),
            ),
            privacy_changes: metrics.register(
                "processor_privacy_changes",
                "Changes of devices' public past: hidden, or public again from a time on",
                Counter::default(),
            ),
            zone_events: metrics.register(
                "processor_zone_events",
                "Public aircraft that entered or left a zone",
                Counter::default(),
            ),
            evicted_devices: metrics.register(
                "processor_devices_evicted",
                "Devices removed before they expired, since there were too many, by whether they were shown",
                Family::<Shown, Counter>::default(),
            ),
            evicted_receivers: metrics.register(
                "processor_receivers_evicted",
                "Receivers whose clock and unusable frames a partition removed, since there were too many",
                Counter::default(),
            ),
            leaps: metrics.register(
                "processor_clock_leaps",
                "Leaps of partitions' clocks, by direction: bridges were silent, or their clocks were set",
                Family::<Direction, Counter>::default(),
            ),
            troubles: metrics.register(
                "processor_receiver_clock_troubles",
                "Detected troubles of receivers' clocks, by trouble; each partition counts separately",
                Family::<Trouble, Counter>::default(),
            ),
        }
    }

    pub(crate) fn count(&self, out: &Outputs) {
        let private = out.observations.iter().filter(|observation| observation.private).count();
        self.private_observations.inc_by(private as u64);
        self.observations.inc_by((out.observations.len() - private) as u64);
        self.privacy_changes.inc_by(out.privacy.len() as u64);
        self.receptions.inc_by(out.receptions.len() as u64);
        self.zone_events.inc_by(out.zone_events.len() as u64);
        self.evicted_receivers.inc_by(out.evicted_receivers as u64);
        for evicted in &out.evicted {
            self.evicted_devices
                .get_or_create(&Shown { shown: if evicted.was_published { "yes" } else { "no" } })
                .inc();
        }
        for StateChange { kind, .. } in &out.states {
            self.states.get_or_create(&KindLabel { kind: kind.as_str() }).inc();
        }
        if let Some(leap) = out.leap {
            let direction = if leap.by_us < 0 { "back" } else { "forward" };
            self.leaps.get_or_create(&Direction { direction }).inc();
        }
        for (_, trouble) in TROUBLES.into_iter().filter(|(kind, _)| Some(*kind) == out.clock_trouble) {
            self.troubles.get_or_create(&Trouble { trouble }).inc();
        }
    }

    /// Counts a frame by what the core made of it.
    pub(crate) fn count_frame(&self, out: &Outputs) {
        let outcome = match out.observations.first() {
            _ if out.reject.is_some() => "rejected",
            Some(observation) if observation.private => "hidden",
            Some(_) => "public",
            None if !out.receptions.is_empty() => "copy",
            None => "other",
        };
        self.frames.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn devices(&self, partition: u16, count: usize, kept: usize) {
        self.devices.get_or_create(&Partition { partition }).set(count as i64);
        self.kept_devices.get_or_create(&Partition { partition }).set(kept as i64);
    }
}

/// Further metrics of the receivers' group.
#[derive(Debug, Clone)]
pub struct ReceiverMetrics {
    pub(crate) evicted: Counter,
    troubled: Family<PartitionTrouble, Gauge>,
}

impl ReceiverMetrics {
    /// Registers them.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            evicted: metrics.register(
                "receivers_evicted",
                "Receivers removed before they expired, since there were too many",
                Counter::default(),
            ),
            troubled: metrics.register(
                "receivers_clock_troubles",
                "Receivers with a trouble of their clock, by trouble and by partition of their group",
                Family::<PartitionTrouble, Gauge>::default(),
            ),
        }
    }

    pub(crate) fn clock_troubles(&self, partition: u32, counts: &BTreeMap<ReceiverClockTrouble, usize>) {
        for (kind, trouble) in TROUBLES {
            let count = counts.get(&kind).copied().unwrap_or_default();
            self.troubled.get_or_create(&PartitionTrouble { partition, trouble }).set(count as i64);
        }
    }
}

/// Metrics of writing to Redis.
#[derive(Debug, Clone)]
pub struct RedisMetrics {
    pub(crate) written: Family<KindLabel, Counter>,
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
                "States written to Redis after coalescing, by kind",
                Family::<KindLabel, Counter>::default(),
            ),
            failures: metrics.register(&name("failures"), "Calls to Redis that failed", Counter::default()),
            refills: metrics.register(
                &name("refills"),
                "Times that all states of a partition were written",
                Counter::default(),
            ),
            swept: metrics.register(&name("swept"), "Expired members that the sweep removed", Counter::default()),
            call_seconds: metrics.register(&name("call_seconds"), "Time of one call to Redis", Histogram::new(calls)),
            connected: metrics.register(&name("connected"), "1 while Redis answers", Gauge::default()),
        }
    }

    pub(crate) fn wrote(&self, kind: &'static str, count: usize) {
        self.written.get_or_create(&KindLabel { kind }).inc_by(count as u64);
    }
}
