//! Whether the history answers: asked all the time, so that clients are told at once and `/ready` says so.
//!
//! The map goes on without a history, so the part stays ready and says what it has to do without.

use std::sync::Arc;
use std::time::Duration;

use history::HistoryReader;
use runtime::retry::with_causes;
use runtime::{Clock, Context, Part, Shutdown};

/// Between two probes.
const INTERVAL: Duration = Duration::from_secs(2);
/// A store that has not answered a probe by then is taken for silent.
const SILENT: Duration = Duration::from_secs(3);

/// The task that asks.
pub(crate) struct PastWatch {
    store: Arc<dyn HistoryReader>,
    part: Part,
    clock: Clock,
}

impl PastWatch {
    pub(crate) fn new(store: Arc<dyn HistoryReader>, context: &Context) -> Self {
        Self { store, part: context.readiness.part("history-reader"), clock: context.clock.clone() }
    }

    /// Asks until stopped.
    ///
    /// # Errors
    /// Never: a store that is away is asked again.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut degraded = None;
        loop {
            let Some(found) = stop.or(self.probe()).await else { return Ok(()) };
            match &found {
                Some(why) if degraded.is_none() => {
                    tracing::warn!(why, "tracks, flights and exports answer 503");
                }
                None if degraded.is_some() => tracing::info!("the history answers again"),
                _ => {}
            }
            match &found {
                Some(why) => self.part.degraded(why),
                None => self.part.ready(),
            }
            degraded = found;
            if stop.or(self.clock.sleep(INTERVAL)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Why the history cannot be read.
    async fn probe(&self) -> Option<String> {
        let outcome = tokio::select! {
            outcome = self.store.check() => Some(outcome),
            () = self.clock.sleep(SILENT) => None,
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
            None => Some(format!("the history has not answered for {} s", SILENT.as_secs())),
        }
    }
}
