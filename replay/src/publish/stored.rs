//! The wait for Kafka's acknowledgements.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use runtime::{Clock, Shutdown};
use streams::Flush;

/// How long acknowledgements may take after a request to stop.
const LAST_FLUSH: Duration = Duration::from_secs(10);

/// Waits until Kafka has stored all records of `flush`; after a request to stop, 10 s at most.
///
/// # Errors
/// Kafka refuses a record, or has not acknowledged all of them by then.
pub(crate) async fn stored(flush: &Flush, clock: &Clock, shutdown: &Shutdown) -> anyhow::Result<()> {
    let deadline = async {
        shutdown.requested().await;
        clock.sleep(LAST_FLUSH).await;
    };
    tokio::select! {
        biased;
        stored = flush.wait() => stored.context("Kafka did not store all records"),
        () = deadline => Err(anyhow!(
            "Kafka did not acknowledge {} records within {} s after the request to stop: check that it can be reached",
            flush.open(),
            LAST_FLUSH.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use streams::Delivered;

    use super::*;

    #[tokio::test]
    async fn after_a_request_to_stop_the_wait_has_an_end() {
        // The 10 s are a tenth of a second.
        let (clock, shutdown, flush) = (Clock::scaled(0, 100.0), Shutdown::new(), Flush::new());
        stored(&flush, &clock, &shutdown).await.expect("nothing is open");
        let (first, second) = (flush.receipt(), flush.receipt());
        first.answer(Ok(Delivered { partition: 0, offset: 7 }));
        let waited = tokio::time::timeout(Duration::from_millis(300), stored(&flush, &clock, &shutdown)).await;
        assert!(waited.is_err(), "without a request to stop it waits for Kafka");

        shutdown.request();
        let error = stored(&flush, &clock, &shutdown).await.expect_err("one is open").to_string();
        assert!(error.contains("did not acknowledge 1 records within 10 s"), "{error}");
        second.answer(Ok(Delivered { partition: 0, offset: 8 }));
        stored(&flush, &clock, &shutdown).await.expect("all are stored");
    }
}
