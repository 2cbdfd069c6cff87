//! Metrics of the bridge.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use runtime::Metrics;

/// A label with the reason of a rejection or failure, from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

type Seconds = Counter<f64, std::sync::atomic::AtomicU64>;

/// Handles; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct BridgeMetrics {
    pub(crate) received: Counter,
    pub(crate) forwarded: Counter,
    pub(crate) repeated: Counter,
    pub(crate) dead_lettered: Family<Reason, Counter>,
    pub(crate) dropped: Counter,
    pub(crate) limited: Counter,
    pub(crate) dead_letters_withheld: Family<Reason, Counter>,
    pub(crate) receivers: Gauge,
    pub(crate) receivers_evicted: Counter,
    pub(crate) in_flight: Gauge,
    pub(crate) window_full: Seconds,
    pub(crate) acknowledge: Histogram,
    pub(crate) window_size: Gauge,
    pub(crate) connections: Counter,
    pub(crate) reconnects: Counter,
    pub(crate) others: Counter,
    pub(crate) retained: Counter,
    pub(crate) broker_dropped: Gauge,
    pub(crate) broken_sinks: Counter,
    pub(crate) stalls: Counter,
    pub(crate) log_errors: Family<Reason, Counter>,
}

/// Borders of latencies in seconds; among them the objective (100 ms) and the thresholds of alerts.
const LATENCY_SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

impl BridgeMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let reasons = Family::<Reason, Counter>::default;
        let latencies = Histogram::new(LATENCY_SECONDS);
        Self {
            received: metrics.register("mqtt_messages_received", "MQTT messages taken in", Counter::default()),
            forwarded: metrics.register("bridge_forwarded", "Frames that Kafka acknowledged", Counter::default()),
            repeated: metrics.register(
                "bridge_repeated",
                "Messages that were redelivered while their first copy was in flight",
                Counter::default(),
            ),
            dead_lettered: metrics.register("bridge_dead_lettered", "Unusable messages, by reason", reasons()),
            dropped: metrics.register(
                "bridge_dropped",
                "QoS 0 messages beyond the window, which are lost",
                Counter::default(),
            ),
            limited: metrics.register(
                "bridge_limited",
                "Messages of receivers over their limit, which are dropped",
                Counter::default(),
            ),
            dead_letters_withheld: metrics.register(
                "bridge_dead_letters_withheld",
                "Unusable messages that became no dead letter, since there were too many, by reason",
                reasons(),
            ),
            receivers: metrics.register("bridge_receivers", "Receivers whose limits are remembered", Gauge::default()),
            receivers_evicted: metrics.register(
                "bridge_receivers_evicted",
                "Receivers whose limits were evicted, since there were too many",
                Counter::default(),
            ),
            in_flight: metrics.register(
                "bridge_in_flight",
                "Messages between receipt and acknowledgement",
                Gauge::default(),
            ),
            window_full: metrics.register(
                "bridge_window_full_seconds",
                "Time during which the window was full and the broker held back",
                Seconds::default(),
            ),
            acknowledge: metrics.register(
                "bridge_acknowledge_seconds",
                "From receipt over MQTT to the acknowledgement by Kafka",
                latencies,
            ),
            window_size: metrics.register("bridge_window", "Messages that the window holds", Gauge::default()),
            connections: metrics.register("bridge_mqtt_connections", "MQTT connections made", Counter::default()),
            reconnects: metrics.register(
                "bridge_mqtt_reconnects",
                "MQTT connections made after the first",
                Counter::default(),
            ),
            others: metrics.register(
                "bridge_other_shards",
                "Messages left to the bridges of other shards",
                Counter::default(),
            ),
            retained: metrics.register(
                "bridge_retained",
                "Retained messages of the broker: old, acknowledged and dropped",
                Counter::default(),
            ),
            broker_dropped: metrics.register(
                "bridge_broker_dropped_messages",
                "Messages that the MQTT broker reports as dropped for any of its clients since its start",
                Gauge::default(),
            ),
            broken_sinks: metrics.register(
                "bridge_writers_broken",
                "Sinks to the log that failed and were replaced",
                Counter::default(),
            ),
            stalls: metrics.register(
                "bridge_stalls",
                "Times the window did not move though frames waited and the log answered",
                Counter::default(),
            ),
            log_errors: metrics.register("bridge_log_errors", "Failures of the log, by reason", reasons()),
        }
    }
}
