//! What a program needs from its process, handed down as one value.

use crate::{Clock, Metrics, Readiness, Shutdown};

/// Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time.
    pub clock: Clock,
    /// The wish to stop.
    pub shutdown: Shutdown,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// What `/ready` answers.
    pub readiness: Readiness,
}

impl Context {
    /// A context on the given clock, with nothing registered.
    pub fn new(clock: Clock) -> Self {
        let readiness = Readiness::new(clock.clone());
        Self { clock, shutdown: Shutdown::new(), metrics: Metrics::new(), readiness }
    }
}
