//! Times in UTC.

/// Microseconds since the epoch of `2026-05-01T08:00:00Z`; fractions of a second are not kept. `None`: another form.
pub(super) fn parse_time(text: &str) -> Option<u64> {
    let text = text.trim().strip_suffix(['Z', 'z'])?;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let is_valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_valid {
        return None;
    }
    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months: u64 = (1..month).map(|month| days_of(year, month)).sum();
    let days = years + months + day - 1;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000)
}

/// The text of a time, in full seconds.
pub(super) fn time_text(at_us: u64) -> String {
    let seconds = at_us / 1_000_000;
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let days_of_year = |year| if is_leap(year) { 366 } else { 365 };
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let is_digits = |part: &&str| (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Option<Vec<u64>> =
        text.split(separator).map(|part| Some(part).filter(is_digits)?.parse().ok()).collect();
    parts?.try_into().ok()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_by_table() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-05-01T00:00:00Z", 1_777_593_600),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199),
            ("2000-03-01T00:00:00z", 951_868_800),
        ] {
            assert_eq!(parse_time(text), Some(seconds * 1_000_000), "{text}");
            assert_eq!(parse_time(&time_text(seconds * 1_000_000)), Some(seconds * 1_000_000), "{text}");
        }
        assert_eq!(time_text(1_709_251_199_500_000), "2024-02-29T23:59:59Z");
        for text in [
            "",
            "2026-05-01",
            "2026-05-01T08:00:00+02:00",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "2026-05-01T24:00:00Z",
            "99999-05-01T00:00:00Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
