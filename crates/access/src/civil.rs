//! Dates as seconds since the epoch, and back, by the Gregorian calendar.

use toml::value::{Datetime, Offset};

const DAY_S: i64 = 86_400;

/// The day of a date since 1970-01-01. Years begin in March here, so that the leap day is the last of a year; 146,097
/// days make 400 years.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Seconds since the epoch of a date and time with its offset, or of a date, which is its beginning in UTC. `None`: it is
/// neither, or before the epoch.
pub(crate) fn seconds(time: &Datetime) -> Option<u64> {
    let date = time.date?;
    let of_day = match (&time.time, &time.offset) {
        (None, None) => 0,
        (Some(time), Some(offset)) => {
            let offset_s = match offset {
                Offset::Z => 0,
                Offset::Custom { minutes } => i64::from(*minutes) * 60,
            };
            i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or_default())
                - offset_s
        }
        _ => return None,
    };
    let days = days(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    u64::try_from(days * DAY_S + of_day).ok()
}

/// A time as TOML and RFC 3339 write it, in UTC.
pub(crate) fn text(at_s: u64) -> String {
    let (day, of_day) = (at_s / DAY_S as u64 + 719_468, at_s % DAY_S as u64);
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_date() {
        // Expected values from `date -u -d TIME +%s`.
        for (written, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2026-12-31T23:59:59Z", 1_798_761_599),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(seconds(&written.parse().unwrap()), Some(expected), "{written}");
            assert_eq!(text(expected), written);
        }
        assert_eq!(seconds(&"2027-03-01".parse().unwrap()), seconds(&"2027-03-01T00:00:00Z".parse().unwrap()));
        assert_eq!(
            seconds(&"2027-03-01T02:00:00+02:00".parse().unwrap()),
            seconds(&"2027-03-01T00:00:00Z".parse().unwrap())
        );
    }

    #[test]
    fn times_without_an_offset_are_none() {
        for ambiguous in ["2027-03-01T00:00:00", "12:00:00", "1969-12-31T23:59:59Z"] {
            assert_eq!(seconds(&ambiguous.parse().unwrap()), None, "{ambiguous}");
        }
    }
}
