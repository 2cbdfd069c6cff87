//! Services of the process for a program, as one value.

use crate::trace::Tracer;
use crate::{CertificateFiles, Clock, Metrics, Readiness, Shutdown};

/// Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time.
    pub clock: Clock,
    /// The request to stop.
    pub shutdown: Shutdown,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// The parts of `/ready`.
    pub readiness: Readiness,
    /// The certificates whose expiry is exported.
    pub certificates: CertificateFiles,
    /// Begins spans; records nothing where no OTLP endpoint is set.
    pub tracer: Tracer,
}

impl Context {
    /// A context on the given clock, with metrics of its own and nothing traced.
    pub fn new(clock: Clock) -> Self {
        Self::with_metrics(clock, Metrics::new())
    }

    /// The same with metrics that are there already: the parts of `/ready` and the certificates are among them.
    pub fn with_metrics(clock: Clock, metrics: Metrics) -> Self {
        let readiness = Readiness::new(clock.clone(), &metrics);
        let certificates = CertificateFiles::new(&metrics);
        Self { clock, shutdown: Shutdown::new(), metrics, readiness, certificates, tracer: Tracer::disabled() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_among_the_metrics_of_its_context() {
        let metrics = Metrics::new();
        let context = Context::with_metrics(Clock::manual(0), metrics.clone());
        context.readiness.part("kafka").ready();
        let text = metrics.to_text();
        assert!(text.contains("fanet_ready{part=\"kafka\"} 1\n"), "{text}");
        assert_eq!(text, context.metrics.to_text());
    }
}
