//! `excel=true`: CSV that a spreadsheet program opens correctly by a double click, with the decimal mark that it
//! expects.

use axum::http::{HeaderMap, header};
use history::{CsvForm, DecimalMark};

use super::endpoint::Parameter;
use super::problem::Problem;
use super::query::Query;

pub(super) const EXCEL: Parameter = Parameter {
    name: "excel",
    kind: "boolean",
    about: "For CSV: true for spreadsheets (byte order mark, semicolons, addresses as text); false, the default, for \
            programs.",
};
pub(super) const DECIMAL: Parameter = Parameter {
    name: "decimal",
    kind: "string",
    about: "For excel=true: point or comma, the decimal mark of the spreadsheet's locale. The default is that of the first \
            language in the Accept-Language header.",
};

/// The form of CSV; `None` without `excel=true`.
///
/// # Errors
/// 400: an invalid value, or `decimal` without `excel=true`.
pub(super) fn form(query: &Query, headers: &HeaderMap) -> Result<Option<CsvForm>, Problem> {
    let is_excel = match query.get("excel") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Problem::invalid_parameter("excel", other, "true or false")),
    };
    let mark = match query.get("decimal") {
        None => None,
        Some(_) if !is_excel => {
            return Err(Problem::bad_request("bad_parameter", "decimal needs excel=true".to_owned()));
        }
        Some("point") => Some(DecimalMark::Point),
        Some("comma") => Some(DecimalMark::Comma),
        Some(other) => return Err(Problem::invalid_parameter("decimal", other, "point or comma")),
    };
    let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(is_excel.then(|| CsvForm::Spreadsheets(mark.unwrap_or_else(|| mark_of(language)))))
}

/// The decimal mark of the first language in an Accept-Language header, by Unicode's CLDR.
fn mark_of(accept_language: &str) -> DecimalMark {
    const WITH_COMMA: &[&str] = &[
        "be", "bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fr", "gl", "hr", "hu", "id", "is",
        "it", "ka", "kk", "lt", "lv", "mk", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr",
        "sv", "tr", "uk", "vi",
    ];
    /// Regions that write a point where others of their language write a comma.
    const WITH_POINT: &[&str] = &[
        "de-ch", "de-li", "it-ch", "es-mx", "es-us", "es-pr", "es-do", "es-gt", "es-hn", "es-ni", "es-pa", "es-pe",
        "es-sv",
    ];
    let tag = accept_language.split([',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
    let language = tag.split('-').next().unwrap_or_default();
    if WITH_COMMA.contains(&language) && !WITH_POINT.contains(&tag.as_str()) {
        DecimalMark::Comma
    } else {
        DecimalMark::Point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str, language: &'static str) -> Result<Option<CsvForm>, Problem> {
        let query = Query::parse(Some(query), &["excel", "decimal"]).expect("known parameters");
        form(&query, &HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, language.parse().expect("a value"))]))
    }

    #[test]
    fn the_locale_decides_the_decimal_mark() {
        for (query, language, expected) in [
            ("excel=true", "", DecimalMark::Point),
            ("excel=true", "*", DecimalMark::Point),
            ("excel=true", "en-GB,de;q=0.9", DecimalMark::Point),
            ("excel=true", "de", DecimalMark::Comma),
            ("excel=true", "de-AT,de;q=0.9,en;q=0.8", DecimalMark::Comma),
            ("excel=true", "DE-ch, de;q=0.5", DecimalMark::Point),
            ("excel=true", "fr-CH", DecimalMark::Comma),
            ("excel=true&decimal=point", "de", DecimalMark::Point),
            ("excel=true&decimal=comma", "en", DecimalMark::Comma),
        ] {
            assert_eq!(parsed(query, language), Ok(Some(CsvForm::Spreadsheets(expected))), "{query} {language}");
        }
        assert_eq!(parsed("", "de"), Ok(None));
        assert_eq!(parsed("excel=false", "de"), Ok(None));
    }

    #[test]
    fn other_values_are_refused() {
        for query in ["excel=yes", "excel=", "decimal=comma", "excel=true&decimal=dot"] {
            assert!(parsed(query, "de").is_err(), "{query}");
        }
    }
}
