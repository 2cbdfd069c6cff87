//! One hour, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

const HOUR_MS: i64 = 3_600_000;

/// An hour since the Unix epoch; written `2026-07-14T13`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a time, milliseconds since the epoch.
    pub fn of_ms(at_ms: i64) -> Self {
        Self(at_ms.div_euclid(HOUR_MS))
    }

    /// Its first millisecond.
    pub fn start_ms(self) -> i64 {
        self.0 * HOUR_MS
    }

    /// The first millisecond that is not in it any more.
    pub fn end_ms(self) -> i64 {
        (self.0 + 1) * HOUR_MS
    }

    /// The hour after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// `2026/07/14`: so that a day is one folder.
    pub(crate) fn folder(self) -> String {
        self.to_string()[..10].replace('-', "/")
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = Duration::from_millis(u64::try_from(self.start_ms()).unwrap_or_default());
        let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string();
        f.write_str(&text[..13])
    }
}

impl FromStr for Hour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("invalid hour {text:?}: expected date and hour, for example 2026-07-14T13");
        let parsed = humantime::parse_rfc3339(&format!("{text}:00:00Z")).map_err(|_| refuse())?;
        let since = parsed.duration_since(UNIX_EPOCH).map_err(|_| refuse())?;
        i64::try_from(since.as_millis()).map(Self::of_ms).map_err(|_| refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_written_and_read() {
        let hour = Hour::of_ms(1_784_034_000_000 + 3_599_999);
        assert_eq!((hour.to_string().as_str(), hour.folder().as_str()), ("2026-07-14T13", "2026/07/14"));
        assert_eq!("2026-07-14T13".parse(), Ok(hour));
        assert_eq!((hour.next().start_ms(), hour.start_ms()), (hour.end_ms(), 1_784_034_000_000));
        for bad in ["", "2026-07-14", "2026-07-14T25", "2026-07-14T13:00"] {
            assert!(bad.parse::<Hour>().is_err(), "{bad:?}");
        }
    }
}
