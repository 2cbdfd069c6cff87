//! The only place that asks the operating system for the time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Wall time, monotonic time and sleep. Tests move a [`Clock::manual`] by hand.
#[derive(Clone, Debug)]
pub struct Clock(Inner);

#[derive(Clone, Debug)]
enum Inner {
    System { started: Instant },
    Manual(Arc<watch::Sender<u64>>),
}

impl Clock {
    /// The operating system's clocks.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn system() -> Self {
        Self(Inner::System { started: Instant::now() })
    }

    /// A clock that stands at `now_us` until [`Clock::advance`] moves it.
    pub fn manual(now_us: u64) -> Self {
        Self(Inner::Manual(Arc::new(watch::Sender::new(now_us))))
    }

    /// Wall time, microseconds since the Unix epoch.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now_us(&self) -> u64 {
        match &self.0 {
            Inner::System { .. } => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
            }
            Inner::Manual(now) => *now.borrow(),
        }
    }

    /// Time that never goes back, since this clock was made (for a manual clock: since the epoch).
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Inner::System { started } => started.elapsed(),
            Inner::Manual(now) => Duration::from_micros(*now.borrow()),
        }
    }

    /// Sleeps; on a manual clock, until it has been moved that far.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Inner::System { .. } => tokio::time::sleep(duration).await,
            Inner::Manual(now) => {
                let until = self.now_us().saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
                // The sender lives in `self`, so waiting can only end by reaching the time.
                let _ = now.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }

    /// Moves a manual clock forward; does nothing to the system's.
    pub fn advance(&self, duration: Duration) {
        if let Inner::Manual(now) = &self.0 {
            now.send_modify(|now| *now = now.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(Clock::system().now_us() > 1_735_689_600_000_000);
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_moved() {
        let clock = Clock::manual(1_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.expect("woken");
        assert_eq!(clock.now_us(), 60_001_000);
    }
}
