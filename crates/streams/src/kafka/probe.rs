//! Checks with a regular request whether the cluster answers. An open connection is no proof: it stays open to a frozen
//! broker.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The time between two requests.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long an answer may take. Together with the interval, a frozen cluster is detected within 7 s.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends requests until it is dropped.
pub(super) struct Probe(Arc<Stop>);

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Probe {
    /// `request` blocks, and returns `None` to end the probe. When no thread can be started, only the errors of the
    /// cluster's clients report its health.
    pub(super) fn start(request: impl Fn() -> Option<()> + Send + 'static) -> Self {
        let stop = Arc::new(Stop::default());
        let ended = stop.clone();
        // Not joined: a request may be in progress when the probe is dropped. The thread ends by itself.
        let thread = std::thread::Builder::new().name("kafka-probe".into()).spawn(move || {
            while request().is_some() {
                if !ended.pause() {
                    return;
                }
            }
        });
        if let Err(cause) = thread {
            tracing::error!(%cause, "cannot start the thread that probes kafka: its health stays unknown");
        }
        Self(stop)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        *self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_one();
    }
}

impl Stop {
    fn pause(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, INTERVAL, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
