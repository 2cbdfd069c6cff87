//! Probes the history, so that requests fail at once while it does not answer, and `/ready` reports it.
//!
//! The map works without a history: the part stays ready and is reported as degraded.

use std::sync::Arc;
use std::time::Duration;

use history::HistoryReader;
use runtime::retry::with_causes;
use runtime::{Clock, Context, Part, Shutdown};

/// Time between two probes.
const INTERVAL: Duration = Duration::from_secs(2);
/// A probe without an answer fails after this time.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The task that probes.
pub(crate) struct HistoryMonitor {
    store: Arc<dyn HistoryReader>,
    part: Part,
    clock: Clock,
}

impl HistoryMonitor {
    pub(crate) fn new(store: Arc<dyn HistoryReader>, context: &Context) -> Self {
        Self { store, part: context.readiness.part("history-reader"), clock: context.clock.clone() }
    }

    /// Probes until stopped.
    ///
    /// # Errors
    /// None: a store that does not answer is probed again.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut degraded = None;
        loop {
            let Some(failure) = stop.or(self.probe()).await else { return Ok(()) };
            match &failure {
                Some(reason) if degraded.is_none() => {
                    tracing::warn!(reason, "the history does not answer: tracks, flights and exports get 503");
                }
                None if degraded.is_some() => tracing::info!("the history answers again"),
                _ => {}
            }
            match &failure {
                Some(reason) => self.part.degraded(reason),
                None => self.part.ready(),
            }
            degraded = failure;
            if stop.or(self.clock.sleep(INTERVAL)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Why the history cannot be read.
    async fn probe(&self) -> Option<String> {
        let outcome = tokio::select! {
            outcome = self.store.check() => Some(outcome),
            () = self.clock.sleep(TIMEOUT) => None,
        };
        let answers = match &outcome {
            Some(Err(error)) => !matches!(error.reason(), "unavailable" | "timeout"),
            Some(Ok(())) => true,
            None => false,
        };
        self.store.report(answers);
        match outcome {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(format!("the history cannot be read: {}", with_causes(&error))),
            None => Some(format!("the history has not answered for {} s", TIMEOUT.as_secs())),
        }
    }
}
