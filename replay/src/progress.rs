//! Progress on standard error: records, rate and remaining time.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use runtime::Clock;

use crate::time::text_of_ms;

/// How often it is written where standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// And on a terminal.
const REDRAW_EVERY: Duration = Duration::from_millis(200);

/// Counts records, and prints the progress: at most once per interval, and only at every 64th record, so that a slow source prints
/// rarely.
pub(crate) struct Progress {
    clock: Clock,
    began: Duration,
    reported_at: Duration,
    is_terminal: bool,
    total: Option<u64>,
    done: u64,
}

impl Progress {
    /// `total`: how many there are, where that is known.
    pub(crate) fn new(clock: &Clock, total: Option<u64>) -> Self {
        let began = clock.monotonic();
        let is_terminal = std::io::stderr().is_terminal();
        Self { clock: clock.clone(), began, reported_at: began, is_terminal, total, done: 0 }
    }

    /// One more, of this time.
    pub(crate) fn add(&mut self, timestamp_ms: i64) {
        self.done += 1;
        // The clock is read only sometimes: it costs more than a record.
        if self.done.is_multiple_of(64) {
            self.print_when_due(timestamp_ms);
        }
    }

    fn print_when_due(&mut self, timestamp_ms: i64) {
        let now = self.clock.monotonic();
        let every = if self.is_terminal { REDRAW_EVERY } else { LINE_EVERY };
        if now.saturating_sub(self.reported_at) >= every {
            self.reported_at = now;
            let elapsed = now.saturating_sub(self.began);
            let line = line(self.done, self.total, elapsed, timestamp_ms);
            // A closed standard error is no reason to stop.
            let _ = match self.is_terminal {
                true => write!(std::io::stderr(), "\r{line}\x1b[K"),
                false => writeln!(std::io::stderr(), "{line}"),
            };
        }
    }

    /// Ends the line on a terminal. Returns how many there were.
    pub(crate) fn finish(self) -> u64 {
        if self.is_terminal && self.reported_at > self.began {
            let _ = writeln!(std::io::stderr());
        }
        self.done
    }
}

fn line(done: u64, total: Option<u64>, elapsed: Duration, timestamp_ms: i64) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let rate = done as f64 / seconds;
    let at = text_of_ms(timestamp_ms);
    match total.filter(|total| *total > 0) {
        Some(total) => {
            let left = total.saturating_sub(done) as f64 / rate.max(1e-3);
            let percent = 100.0 * done as f64 / total as f64;
            format!("{percent:5.1} %  {done} of {total} records, {rate:.0}/s, at {at}, {left:.0} s left")
        }
        None => format!("{done} records, {rate:.0}/s, at {at}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_far_how_fast_and_how_long() {
        let at_ms = 1_784_034_000_000;
        assert_eq!(
            line(500, Some(2_000), Duration::from_secs(5), at_ms),
            " 25.0 %  500 of 2000 records, 100/s, at 2026-07-14T13:00:00.000Z, 15 s left"
        );
        assert_eq!(line(500, None, Duration::from_secs(5), at_ms), "500 records, 100/s, at 2026-07-14T13:00:00.000Z");
    }
}
