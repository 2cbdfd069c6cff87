//! Times on the command line.

use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use schemas::RecordId;

const DAY_MS: i64 = 86_400_000;

/// Where a selection begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At a time.
    Time(Time),
    /// At a record of its partition.
    Record(RecordId),
}

impl Bound {
    pub(crate) fn time(self) -> Option<Time> {
        match self {
            Self::Time(time) => Some(time),
            Self::Record(_) => None,
        }
    }

    pub(crate) fn record(self) -> Option<RecordId> {
        match self {
            Self::Time(_) => None,
            Self::Record(id) => Some(id),
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.trim().parse() {
            return Ok(Self::Record(id));
        }
        text.parse().map(Self::Time).map_err(|error: String| format!("{error}; or a record, for example 17-123456"))
    }
}

/// A time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Milliseconds since the Unix epoch.
    At(i64),
    /// So long before now.
    Ago(Duration),
    /// A time of day in UTC, milliseconds since midnight: on the first day of what is read.
    OfDay(i64),
}

impl Time {
    /// Milliseconds since the epoch. `first_ms`: the first record's time, where there is one.
    pub fn resolve_ms(self, now_ms: i64, first_ms: Option<i64>) -> i64 {
        match self {
            Self::At(at_ms) => at_ms,
            Self::Ago(ago) => now_ms.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)),
            Self::OfDay(of_day_ms) => {
                let reference_ms = first_ms.unwrap_or(now_ms);
                let at_ms = reference_ms.saturating_sub(reference_ms.rem_euclid(DAY_MS)).saturating_add(of_day_ms);
                // A recording over midnight: 00:30 is the morning after.
                let is_after = first_ms.is_some_and(|first_ms| at_ms < first_ms.saturating_sub(DAY_MS / 2));
                if is_after { at_ms.saturating_add(DAY_MS) } else { at_ms }
            }
        }
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "now" {
            return Ok(Self::Ago(Duration::ZERO));
        }
        if let Some(ago) = text.strip_suffix("ago") {
            return humantime::parse_duration(ago.trim()).map(Self::Ago).map_err(|_| expected());
        }
        if let Some(of_day_ms) = time_of_day(text) {
            return Ok(Self::OfDay(of_day_ms));
        }
        let spaced = text.replacen('T', " ", 1);
        let plain = spaced.strip_suffix('Z').unwrap_or(&spaced);
        let complete = match plain.len() {
            10 => format!("{plain} 00:00:00"),
            13 => format!("{plain}:00:00"),
            16 => format!("{plain}:00"),
            _ => plain.to_owned(),
        };
        let at = humantime::parse_rfc3339_weak(&complete).map_err(|_| expected())?;
        let since = at.duration_since(UNIX_EPOCH).map_err(|_| expected())?;
        i64::try_from(since.as_millis()).map(Self::At).map_err(|_| expected())
    }
}

fn expected() -> String {
    "expected a time in UTC, for example 2026-07-14T13:40, 13:40, 2h ago or now".to_owned()
}

/// `13:40` or `13:40:05`.
fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut number = |most: i64| -> Option<i64> {
        let part = parts.next()?;
        let is_two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|number| is_two_digits && *number < most)
    };
    let (hours, minutes) = (number(24)?, number(60)?);
    let seconds = if text.len() > 5 { number(60)? } else { 0 };
    parts.next().is_none().then_some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

/// `2026-07-14T13:40:00.123Z`; later times become the end of the year 9999, times before 1970 its beginning.
pub(crate) fn text_of_ms(at_ms: i64) -> String {
    const LAST_MS: u64 = 253_402_300_799_999;
    let since = Duration::from_millis(u64::try_from(at_ms).unwrap_or_default().min(LAST_MS));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_time_or_a_record() {
        assert_eq!("17-123456".parse(), Ok(Bound::Record(RecordId::new(17, 123_456))));
        assert_eq!("2026-07-14".parse(), Ok(Bound::Time("2026-07-14".parse().expect("a day"))));
        let refused = "17-".parse::<Bound>().expect_err("neither");
        assert!(refused.contains("2h ago") && refused.contains("17-123456"), "{refused}");
    }

    #[test]
    fn any_time_of_a_record_has_a_text() {
        for (at_ms, text) in [
            (i64::MIN, "1970-01-01T00:00:00.000Z"),
            (0, "1970-01-01T00:00:00.000Z"),
            (1_784_034_000_123, "2026-07-14T13:00:00.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text_of_ms(at_ms), text, "{at_ms}");
        }
    }

    #[test]
    fn a_time_of_day_is_of_any_first_record() {
        for first_ms in [i64::MIN, -1, i64::MAX] {
            Time::OfDay(DAY_MS - 1_000).resolve_ms(0, Some(first_ms));
        }
    }

    #[test]
    fn times_are_read_in_all_their_forms() {
        let start_ms = 1_784_034_000_000; // 2026-07-14T13:00:00Z
        for (text, expected_ms) in [
            ("2026-07-14T13:00:00Z", start_ms),
            ("2026-07-14 13:00", start_ms),
            ("2026-07-14T13", start_ms),
            ("2026-07-14", start_ms - 13 * 3_600_000),
            ("13:40", start_ms + 40 * 60_000),
            ("13:40:05", start_ms + 40 * 60_000 + 5_000),
            ("2h ago", start_ms + 1_000 - 2 * 3_600_000),
            ("now", start_ms + 1_000),
        ] {
            let time: Time = text.parse().expect(text);
            assert_eq!(time.resolve_ms(start_ms + 1_000, Some(start_ms)), expected_ms, "{text}");
        }
        for bad in ["", "yesterday", "13", "13:60", "25:00", "2026-13-01", "1:2", "ago", "-2h ago"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }
}
