//! Waits: for a condition, for the next of a simulated sequence, for an outage to last. Only this module sleeps, and the
//! proxy, which delays what it forwards.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock::Stopwatch;

const POLL: Duration = Duration::from_millis(20);

/// Polls `condition` until it returns a value.
///
/// `what` completes the sentence "waited 10s for ...". For a condition without a value use `.then_some(())`.
///
/// # Errors
/// When `deadline` passes first.
///
/// ```
/// # async fn example() -> anyhow::Result<()> {
/// use std::time::Duration;
/// let five = harness::wait_until(Duration::from_secs(1), "the number five", async || Some(5)).await?;
/// assert_eq!(five, 5);
/// # Ok(())
/// # }
/// ```
pub async fn wait_until<T, F, Fut>(deadline: Duration, what: &str, mut condition: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let look = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    // Also limits a single call that never ends.
    tokio::time::timeout(deadline, look).await.map_err(|_| anyhow!("waited {deadline:?} for {what}"))
}

/// Lets time pass, where the time itself is what the test is about: an outage of that length, a client that sends slowly, a
/// silence. To wait for something to happen use [`wait_until`].
pub async fn let_pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The pace of a simulated sequence, such as the frames of a pilot.
#[derive(Debug)]
pub struct Pace(Interval);

impl Pace {
    /// One event in each of these intervals, the first immediately.
    pub fn every(length: Duration) -> Self {
        let mut interval = interval(length);
        // After a delay the events do not come faster: the sequence would be another one.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }

    /// Waits until the next event is due.
    pub async fn next(&mut self) {
        self.0.tick().await;
    }
}

/// The same for blocking code: polls until `look` breaks, and reports the last reason to continue.
pub(crate) fn wait_blocking<T>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> ControlFlow<Result<T>, Error>,
) -> Result<T> {
    let watch = Stopwatch::start();
    loop {
        let reason = match look() {
            ControlFlow::Break(outcome) => return outcome,
            ControlFlow::Continue(reason) => reason,
        };
        if watch.elapsed() >= deadline {
            return Err(reason.context(format!("waited {deadline:?} for {what}")));
        }
        std::thread::sleep(POLL);
    }
}
