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
    Scaled { started: Instant, start_us: u64, factor: f64 },
    Manual(Arc<watch::Sender<u64>>),
}

impl Clock {
    /// The operating system's clocks.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn system() -> Self {
        Self(Inner::System { started: Instant::now() })
    }

    /// A clock that starts at `start_us` and runs `factor` times (above 0) as fast as the operating system's, to replay
    /// an earlier period.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn scaled(start_us: u64, factor: f64) -> Self {
        Self(Inner::Scaled { started: Instant::now(), start_us, factor })
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
            Inner::Scaled { start_us, .. } => {
                start_us.saturating_add(u64::try_from(self.monotonic().as_micros()).unwrap_or(u64::MAX))
            }
            Inner::Manual(now) => *now.borrow(),
        }
    }

    /// Monotonic time since this clock was made (for a manual clock: since the epoch).
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Inner::System { started } => started.elapsed(),
            Inner::Scaled { started, factor, .. } => started.elapsed().mul_f64(*factor),
            Inner::Manual(now) => Duration::from_micros(*now.borrow()),
        }
    }

    /// Both times at once, in full resolution.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn timestamp(&self) -> Timestamp {
        let unix = match &self.0 {
            Inner::System { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Inner::Scaled { .. } | Inner::Manual(_) => Duration::from_micros(self.now_us()),
        };
        Timestamp::new(unix, self.monotonic())
    }

    /// Sleeps; on a manual clock, until it has been moved that far.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Inner::System { .. } => tokio::time::sleep(duration).await,
            Inner::Scaled { factor, .. } => {
                let real = Duration::try_from_secs_f64(duration.as_secs_f64() / factor);
                tokio::time::sleep(real.unwrap_or(Duration::MAX)).await;
            }
            Inner::Manual(now) => {
                let until = self.now_us().saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
                // `self` keeps the sender, so waiting can only end by reaching the time.
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

/// A time, by the wall clock and by the monotonic clock of the process.
///
/// All times of one trace in one process are measured from one of these by the monotonic clock, so that setting the
/// wall clock meanwhile does not change their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Since the Unix epoch.
    unix: Duration,
    monotonic: Duration,
}

impl Timestamp {
    /// The readings of both clocks at the same time.
    pub fn new(unix: Duration, monotonic: Duration) -> Self {
        Self { unix, monotonic }
    }

    /// The time at another reading of the monotonic clock, before or after.
    #[must_use]
    pub fn at(self, monotonic: Duration) -> Self {
        let later = monotonic.saturating_sub(self.monotonic);
        let earlier = self.monotonic.saturating_sub(monotonic);
        Self { unix: (self.unix + later).saturating_sub(earlier), monotonic }
    }

    /// The reading of the monotonic clock.
    pub fn monotonic(self) -> Duration {
        self.monotonic
    }

    /// The time by the wall clock.
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + self.unix
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
    async fn a_scaled_clock_starts_then_and_runs_faster() {
        let clock = Clock::scaled(1_000_000, 1e6);
        assert!(clock.now_us() >= 1_000_000);
        // 3.6 ms of real time.
        clock.sleep(Duration::from_secs(3600)).await;
        assert!(clock.monotonic() >= Duration::from_secs(3600) && clock.now_us() >= 3_601_000_000);
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
