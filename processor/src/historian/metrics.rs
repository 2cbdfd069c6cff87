//! Metrics of the historian.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use runtime::Metrics;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Table {
    table: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: &'static str,
}

/// Metrics of the historian; clones share them.
#[derive(Debug, Clone)]
pub struct HistorianMetrics {
    pub(crate) records: Counter,
    rows: Family<Table, Counter>,
    pub(crate) blocks: Counter,
    dead_letters: Family<Reason, Counter>,
    failures: Family<Reason, Counter>,
    pub(crate) insert_seconds: Histogram,
    pub(crate) waiting: Gauge,
    pub(crate) partitions: Gauge,
    pub(crate) lag: Gauge,
    pub(crate) lag_seconds: Gauge<f64, AtomicU64>,
    pub(crate) stalls: Counter,
    pub(crate) restarts: Counter,
}

impl HistorianMetrics {
    /// Registers them.
    pub fn register(metrics: &Metrics) -> Self {
        // 1 ms to 32 s.
        let seconds = exponential_buckets(0.001, 2.0, 16);
        Self {
            records: metrics.register("historian_records", "Records read", Counter::default()),
            rows: metrics.register(
                "historian_rows",
                "Rows written, including repeated ones, by table",
                Family::<Table, Counter>::default(),
            ),
            blocks: metrics.register("historian_blocks", "Blocks written, including repeated ones", Counter::default()),
            dead_letters: metrics.register(
                "historian_dead_letters",
                "Records that make no rows, by reason",
                Family::<Reason, Counter>::default(),
            ),
            failures: metrics.register(
                "historian_write_failures",
                "Failed attempts to write a block, by reason",
                Family::<Reason, Counter>::default(),
            ),
            insert_seconds: metrics.register(
                "historian_insert_seconds",
                "Time to write one block",
                Histogram::new(seconds),
            ),
            waiting: metrics.register(
                "historian_waiting_records",
                "Records read and not yet written",
                Gauge::default(),
            ),
            partitions: metrics.register("historian_partitions", "Partitions owned now", Gauge::default()),
            lag: metrics.register(
                "historian_lag_records",
                "Records in the log that are not in the history yet, over all partitions",
                Gauge::default(),
            ),
            lag_seconds: metrics.register(
                "historian_lag_seconds",
                "How long ago the records were written that this member reads now; 0 where it has read everything",
                Gauge::default(),
            ),
            stalls: metrics.register(
                "historian_stalls",
                "Times that the group made no progress although there were records to read",
                Counter::default(),
            ),
            restarts: metrics.register(
                "historian_restarts",
                "Times that the group joined again after a failure",
                Counter::default(),
            ),
        }
    }

    pub(crate) fn wrote(&self, rows: &history::BlockRows) {
        let tables = [
            ("positions", rows.positions.len()),
            ("confirmations", rows.confirmations.len()),
            ("decisions", rows.decisions.len()),
            ("ground_positions", rows.ground_positions.len()),
            ("weather", rows.weather.len()),
            ("names", rows.names.len()),
            ("receptions", rows.receptions.len()),
            ("receivers", rows.receivers.len()),
            ("thermals", rows.thermals.len()),
            ("alerts", rows.alerts.len()),
            ("erasures", rows.erasures.len()),
            ("privacy", rows.privacy.len()),
        ];
        for (table, count) in tables.into_iter().filter(|(_, count)| *count > 0) {
            self.rows.get_or_create(&Table { table }).inc_by(count as u64);
        }
        self.blocks.inc();
    }

    pub(crate) fn dead_letter(&self, reason: &'static str) {
        self.dead_letters.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn failed(&self, reason: &'static str) {
        self.failures.get_or_create(&Reason { reason }).inc();
    }
}
