//! When each record is due.

use std::str::FromStr;
use std::time::Duration;

use runtime::{Clock, Shutdown};

/// How fast records are played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Seconds of the recording per second.
    Factor(f64),
    /// As fast as the target accepts them.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor > 0.0);
        factor.map(Self::Factor).ok_or_else(|| "expected a number above 0, or max".to_owned())
    }
}

/// Waits for each record's time.
pub(super) struct Pace {
    speed: Speed,
    clock: Clock,
    began: Duration,
    first_ms: Option<i64>,
}

impl Pace {
    pub(super) fn new(speed: Speed, clock: &Clock) -> Self {
        Self { speed, clock: clock.clone(), began: clock.monotonic(), first_ms: None }
    }

    /// Waits until a record of this time is due. False: it was asked to stop.
    pub(super) async fn wait_for(&mut self, timestamp_ms: i64, shutdown: &Shutdown) -> bool {
        let first_ms = *self.first_ms.get_or_insert(timestamp_ms);
        if let Some(due) = due(self.speed, timestamp_ms.saturating_sub(first_ms)) {
            let elapsed = self.clock.monotonic().saturating_sub(self.began);
            if let Some(pause) = due.checked_sub(elapsed).filter(|pause| !pause.is_zero()) {
                return shutdown.or(self.clock.sleep(pause)).await.is_some();
            }
        }
        !shutdown.is_requested()
    }
}

/// How long after the first record one is due that was so much later.
fn due(speed: Speed, later_ms: i64) -> Option<Duration> {
    let Speed::Factor(factor) = speed else { return None };
    Duration::try_from_secs_f64(later_ms.max(0) as f64 / 1000.0 / factor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_and_kept() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("10".parse(), Ok(Speed::Factor(10.0)));
        for bad in ["", "0", "-1", "fast", "inf", "NaN"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
        assert_eq!(due(Speed::Factor(10.0), 60_000), Some(Duration::from_secs(6)));
        assert_eq!(due(Speed::Factor(1.0), -5), Some(Duration::ZERO));
        assert_eq!(due(Speed::Max, 60_000), None);
    }
}
