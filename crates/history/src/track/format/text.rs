//! Escapes text for the formats, and formats times.

use std::time::{Duration, UNIX_EPOCH};

/// The altitude reference, for the description in the header of a file.
pub(super) const ALTITUDES: &str = "altitudes in metres above mean sea level, as the device sends them";

/// UTC with milliseconds, for example `2026-07-14T12:34:56.789Z`; later times become the end of the year 9999.
pub(crate) fn rfc3339(at_us: u64) -> String {
    const LAST_US: u64 = 253_402_300_799_999_000;
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_micros(at_us.min(LAST_US))).to_string()
}

/// Text for XML: escaped, and without the characters that XML 1.0 does not allow.
pub(crate) fn xml(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}');
    let text: String = text.chars().filter(allowed).collect();
    quick_xml::escape::escape(&text).into_owned()
}

/// Text for a cell of a CSV file that a spreadsheet may open: an apostrophe is put before text that would start a
/// formula.
pub(crate) fn csv_cell(text: &str) -> std::borrow::Cow<'_, str> {
    match text.trim_start_matches(' ').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => format!("'{text}").into(),
        _ => text.into(),
    }
}

/// Replaces characters that the IGC format does not allow with a full stop.
pub(super) fn igc(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '$' | '*' | '!' | '\\' | '^' | '~' | ',');
    let plain = |c: char| match c {
        'ä' | 'à' | 'á' | 'â' => 'a',
        'ö' | 'ó' | 'ô' | 'ø' => 'o',
        'ü' | 'ú' | 'û' => 'u',
        'Ä' => 'A',
        'Ö' => 'O',
        'Ü' => 'U',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'î' => 'i',
        'ç' | 'č' => 'c',
        'š' => 's',
        'ž' => 'z',
        other if allowed(other) => other,
        _ => '.',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_text_is_escaped() {
        assert_eq!(xml("<&>\"'\u{0}\u{8}\u{FFFF}ü"), "&lt;&amp;&gt;&quot;&apos;ü");
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1"] {
            assert!(csv_cell(bad).starts_with('\''), "{bad:?}");
        }
        for good in ["Ada", "", "1-2", "a=b"] {
            assert_eq!(csv_cell(good), good);
        }
    }

    #[test]
    fn igc_text_is_plain_and_one_line() {
        assert_eq!(igc("Jürg\r\nB!$日"), "Jurg..B...");
    }

    #[test]
    fn times_agree_with_date() {
        // Expected values from `date -u -d @… +%FT%T`.
        assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_798_761_599_999_999), "2026-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
