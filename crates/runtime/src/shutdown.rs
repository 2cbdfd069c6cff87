//! The request to stop, shared by the process.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// Clones share one state: once requested, always requested.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Not requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everything that holds a clone to stop.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether stopping was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until stopping is asked for.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Runs `work` until it ends (`Some`) or stopping is asked for (`None`; `work` is dropped).
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.run_until_cancelled(work).await
    }

    /// A request of its own that also ends with this one: for one task among several.
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

/// Waits for SIGTERM or Ctrl-C.
///
/// # Errors
/// The handlers cannot be installed.
pub async fn signal() -> std::io::Result<&'static str> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| "Ctrl-C"),
    }
}
