//! Metrics of the MQTT front.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use runtime::Metrics;

/// A label with a reason from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

/// Handles; clones count together.
#[derive(Debug, Clone)]
pub(super) struct FrontMetrics {
    pub(super) connections: Gauge,
    pub(super) accepted: Counter,
    pub(super) ended: Family<Reason, Counter>,
    pub(super) other_topics: Counter,
    pub(super) other_receivers: Counter,
    pub(super) subscriptions_refused: Counter,
    pub(super) panics: Counter,
}

impl FrontMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            connections: metrics.register(
                "standalone_mqtt_connections",
                "MQTT connections of receivers now",
                Gauge::default(),
            ),
            accepted: metrics.register(
                "standalone_mqtt_accepted",
                "MQTT clients that were accepted",
                Counter::default(),
            ),
            ended: metrics.register(
                "standalone_mqtt_ended",
                "MQTT connections that ended or were refused, by reason",
                Family::default(),
            ),
            other_topics: metrics.register(
                "standalone_mqtt_other_topics",
                "MQTT messages under unknown topics, acknowledged and dropped",
                Counter::default(),
            ),
            other_receivers: metrics.register(
                "standalone_mqtt_other_receivers",
                "MQTT messages of a receiver under the topic of another one, acknowledged and dropped",
                Counter::default(),
            ),
            subscriptions_refused: metrics.register(
                "standalone_mqtt_subscriptions_refused",
                "Subscription filters of MQTT clients, all refused",
                Counter::default(),
            ),
            panics: metrics.register(
                "standalone_mqtt_panics",
                "MQTT connections whose task ended in a panic, which is a fault of this program",
                Counter::default(),
            ),
        }
    }
}
