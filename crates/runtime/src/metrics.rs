//! The process's metrics: one registry, written out in the Prometheus text form.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Metric, Registry};

/// Where a crate's `metrics.rs` registers its handles. Clones share one registry.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// Nothing registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a metric and hands it back. `name` without the `_total` that counters get when written out; units in it.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.0.lock().register(format!("fanet_{name}"), help.trim_end_matches('.'), metric.clone());
        metric
    }

    /// Everything, in the OpenMetrics text form that Prometheus reads.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.lock());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;

    #[test]
    fn a_registered_counter_is_written_out() {
        let metrics = Metrics::new();
        let frames: Counter =
            metrics.register("mqtt_messages_received", "Messages taken from MQTT.", Counter::default());
        frames.inc_by(3);
        let text = metrics.to_text();
        assert!(text.contains("fanet_mqtt_messages_received_total 3\n"), "{text}");
        assert!(text.contains("# HELP fanet_mqtt_messages_received Messages taken from MQTT.\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
