//! Asks the cluster all the time whether it answers. A connection alone says nothing: it stays open to a broker that stands
//! still.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Between two questions.
const PAUSE: Duration = Duration::from_secs(2);
/// A cluster that answers no later than this counts as there. With the pause before: what stands still is known to within
/// 7 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Asks until it is dropped.
pub(super) struct Probe(Arc<Stop>);

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Probe {
    /// `ask` blocks, and is `None` once there is nobody to ask for. Without a thread for it, the cluster's clients are left
    /// to tell.
    pub(super) fn start(ask: impl Fn() -> Option<()> + Send + 'static) -> Self {
        let stop = Arc::new(Stop::default());
        let ended = stop.clone();
        // Not joined: a question may be under way when nobody cares for its answer any more. It ends by itself.
        let thread = std::thread::Builder::new().name("kafka-probe".into()).spawn(move || {
            while ask().is_some() {
                if !ended.pause() {
                    return;
                }
            }
        });
        if let Err(cause) = thread {
            tracing::error!(%cause, "no thread to ask kafka with: whether it answers stays unknown");
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
        let waited = self.changed.wait_timeout_while(stopped, PAUSE, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
