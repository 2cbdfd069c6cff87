//! The process's metrics: one registry, written out in the Prometheus text form.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Metric, Registry};

/// Sets gauges to what is measured at that time.
type Measure = Arc<dyn Fn() + Send + Sync>;

/// Where a crate's `metrics.rs` registers its handles. Clones share one registry.
#[derive(Clone, Default)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    measures: Arc<Mutex<Vec<Measure>>>,
}

impl Metrics {
    /// Nothing registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a metric and hands it back. `name` without the `_total` that counters get when written out; units in it.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.register_as(format!("fanet_{name}"), help, metric)
    }

    /// Registers a metric that every process has, under Prometheus' standard name for it: `process_` and `name`.
    pub fn register_process<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.register_as(format!("process_{name}"), help, metric)
    }

    fn register_as<M: Metric + Clone>(&self, name: String, help: &str, metric: M) -> M {
        self.registry.lock().register(name, help.trim_end_matches('.'), metric.clone());
        metric
    }

    /// Calls `measure` before each export, for gauges that are measured and not counted. It should take milliseconds.
    pub fn before_export(&self, measure: impl Fn() + Send + Sync + 'static) {
        self.measures.lock().push(Arc::new(measure));
    }

    /// Everything, in the OpenMetrics text form that Prometheus reads.
    pub fn to_text(&self) -> String {
        let measures = self.measures.lock().clone();
        measures.iter().for_each(|measure| measure());
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry.lock());
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;

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

    #[test]
    fn a_gauge_is_measured_before_each_export() {
        let metrics = Metrics::new();
        let open: Gauge = metrics.register_process("open_fds", "Open files", Gauge::default());
        metrics.before_export(move || {
            open.inc();
        });
        assert!(metrics.to_text().contains("process_open_fds 1\n"));
        assert!(metrics.clone().to_text().contains("process_open_fds 2\n"));
    }
}
