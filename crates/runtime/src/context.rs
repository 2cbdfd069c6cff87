//! Services of the process for a program, as one value.

use crate::trace::Tracer;
use crate::{Clock, Metrics, Readiness, Shutdown};

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
    /// Begins spans; records nothing where no OTLP endpoint is set.
    pub tracer: Tracer,
}

impl Context {
    /// A context on the given clock, with nothing registered and nothing traced.
    pub fn new(clock: Clock) -> Self {
        let metrics = Metrics::new();
        let readiness = Readiness::new(clock.clone(), &metrics);
        Self { clock, shutdown: Shutdown::new(), metrics, readiness, tracer: Tracer::disabled() }
    }
}
