//! Closes the WebSockets of sessions that have ended.

use std::sync::Arc;

use runtime::Shutdown;

use crate::app::App;
use crate::sessions::Sessions;

/// Runs until stopped.
///
/// # Errors
/// None.
pub(crate) async fn run(app: App, sessions: Arc<Sessions>, stop: Shutdown) -> anyhow::Result<()> {
    while let Some(ended) = sessions.next_ended(&stop).await {
        // Before the picture is complete there are no WebSockets.
        let Some(live) = app.live.get() else { continue };
        for session in ended {
            live.shards.end_session(&session).await;
        }
    }
    Ok(())
}
