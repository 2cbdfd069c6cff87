//! Repeats the sets of zones in the raw topic: when the program starts, and every hour (see [`crate::zone_writer`]).

use std::time::Duration;

use runtime::Shutdown;

use crate::app::App;

/// Time between two repeats.
const REPEAT_INTERVAL: Duration = Duration::from_secs(3_600);
/// Time until a repeat that failed is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);
/// Time between two looks whether the sets are read.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Repeats them until stopped.
///
/// # Errors
/// None: a failed repeat is tried again.
pub(crate) async fn run(app: App, stop: Shutdown) -> anyhow::Result<()> {
    let clock = app.context.clock.clone();
    loop {
        let pause = match app.live.get() {
            None => LOOK_INTERVAL,
            Some(live) => match app.zone_writer.repeat(&live.zones, &clock).await {
                Ok(()) => REPEAT_INTERVAL,
                Err(error) => {
                    let error = format!("{:#}", anyhow::anyhow!(error));
                    tracing::warn!(error, "cannot repeat the zones in the raw topic: trying again");
                    RETRY_INTERVAL
                }
            },
        };
        if stop.or(clock.sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}
