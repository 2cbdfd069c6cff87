//! Ctrl-C.

use runtime::Shutdown;

use crate::input::block_on;

/// Runs until it is done or Ctrl-C.
pub(crate) fn until_stopped<T>(work: impl AsyncFnOnce(Shutdown) -> anyhow::Result<T>) -> anyhow::Result<T> {
    block_on(async {
        let shutdown = Shutdown::new();
        let working = work(shutdown.clone());
        tokio::pin!(working);
        tokio::select! {
            done = &mut working => done,
            caught = runtime::shutdown::signal() => {
                caught?;
                shutdown.request();
                working.await
            }
        }
    })
}
