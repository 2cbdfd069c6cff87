//! Times as RFC 3339 text, and as the dates of HTTP.

/// UTC with milliseconds, for example `2026-07-14T12:34:56.789Z`.
pub(crate) fn rfc3339(at_us: u64) -> String {
    let (days, of_day_ms) = (at_us / 86_400_000_000, at_us % 86_400_000_000 / 1_000);
    let (year, month, day) = civil(days);
    let (hours, minutes) = (of_day_ms / 3_600_000, of_day_ms / 60_000 % 60);
    let (seconds, millis) = (of_day_ms / 1_000 % 60, of_day_ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}

/// UTC in full seconds, as RFC 9110 (section 5.6.7) writes it, for example `Tue, 14 Jul 2026 12:34:56 GMT`.
pub(crate) fn http_date(at_s: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, of_day_s) = (at_s / 86_400, at_s % 86_400);
    let (year, month, day) = civil(days);
    let name =
        |names: &[&'static str], index: u64| usize::try_from(index).ok().and_then(|index| names.get(index).copied());
    // The first day of the epoch was a Thursday.
    let weekday = name(&DAYS, days % 7).unwrap_or_default();
    let month = name(&MONTHS, month - 1).unwrap_or_default();
    let (hours, minutes, seconds) = (of_day_s / 3_600, of_day_s / 60 % 60, of_day_s % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hours:02}:{minutes:02}:{seconds:02} GMT")
}

/// The Gregorian date of a day since 1970-01-01. In the calculation years begin in March, so that the leap day is the
/// last day of a year; 400 years have 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_as_date_prints_them() {
        // Expected values from `date -u -d @… '+%a, %d %b %Y %T GMT'`.
        for (at_s, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(http_date(at_s), text);
        }
    }

    #[test]
    fn times_are_as_date_prints_them() {
        // Expected values from `date -u -d @… +%FT%T`.
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_798_761_599_999_999), "2026-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(4_107_542_400_000_000), "2100-03-01T00:00:00.000Z");
    }
}
