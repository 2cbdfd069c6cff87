//! Lines of CSV (RFC 4180, UTF-8, CR LF), for programs or for spreadsheets.

use std::io::Write as _;

use crate::track::format::text::{csv_cell, rfc3339};

/// The reader of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CsvForm {
    /// Programs: commas, decimal points, times in ISO 8601 with milliseconds. Text is always quoted, so that a reader
    /// that respects quotes keeps the address `07E010` as text.
    #[default]
    Programs,
    /// Excel and LibreOffice, opened with a double click: a byte order mark (for non-ASCII text), semicolons, text as
    /// `="07E010"` (otherwise it becomes a number or a date), times as dates to the second.
    Spreadsheets(DecimalMark),
}

/// The decimal separator of the spreadsheet's locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `46.5`
    #[default]
    Point,
    /// `46,5`
    Comma,
}

/// The longest text in a formula of Excel, in UTF-16 units.
const MAX_FORMULA_TEXT: usize = 255;

/// Adds cells to lines.
#[derive(Debug)]
pub(crate) struct CsvLine<'a> {
    form: CsvForm,
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl CsvForm {
    /// Writes the start of the file, before the header.
    pub(crate) fn begin(self, out: &mut Vec<u8>) {
        if let Self::Spreadsheets(_) = self {
            out.extend_from_slice("\u{FEFF}".as_bytes());
        }
    }

    /// Begins a line.
    pub(crate) fn line(self, out: &mut Vec<u8>) -> CsvLine<'_> {
        CsvLine { form: self, out, is_first: true }
    }
}

impl CsvLine<'_> {
    /// A text from outside: a name, an address, an id.
    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        let as_formula = matches!(self.form, CsvForm::Spreadsheets(_)) && fits_a_formula(text);
        if as_formula {
            self.quoted(&format!("=\"{}\"", text.replace('"', "\"\"")));
        } else {
            self.quoted(&csv_cell(text));
        }
    }

    /// One of our identifiers, of letters, digits and underscores.
    pub(crate) fn identifier(&mut self, text: &str) {
        self.separate();
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A number, with as many digits as necessary.
    pub(crate) fn number(&mut self, number: f64) {
        self.separate();
        let begin = self.out.len();
        write!(self.out, "{number}").expect("into memory");
        if self.form == CsvForm::Spreadsheets(DecimalMark::Comma) {
            self.out[begin..].iter_mut().filter(|digit| **digit == b'.').for_each(|mark| *mark = b',');
        }
    }

    /// An integer.
    pub(crate) fn integer(&mut self, number: i64) {
        self.separate();
        write!(self.out, "{number}").expect("into memory");
    }

    /// A time, microseconds since the epoch.
    pub(crate) fn time(&mut self, at_us: u64) {
        let time = rfc3339(at_us);
        match self.form {
            CsvForm::Programs => self.identifier(&time),
            CsvForm::Spreadsheets(_) => self.identifier(&time[..19].replace('T', " ")),
        }
    }

    /// An unknown value.
    pub(crate) fn absent(&mut self) {
        self.separate();
    }

    /// Ends the line.
    pub(crate) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(if self.form == CsvForm::Programs { b',' } else { b';' });
        }
    }

    fn quoted(&mut self, text: &str) {
        write!(self.out, "\"{}\"", text.replace('"', "\"\"")).expect("into memory");
    }
}

/// A formula is one line of at most 255 UTF-16 units; other text is quoted without a formula.
fn fits_a_formula(text: &str) -> bool {
    !text.is_empty() && text.encode_utf16().count() <= MAX_FORMULA_TEXT && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(form: CsvForm, fill: impl Fn(&mut CsvLine<'_>)) -> String {
        let mut out = Vec::new();
        let mut line = form.line(&mut out);
        fill(&mut line);
        line.end();
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn text_is_quoted_and_numbers_are_not() {
        let fill = |line: &mut CsvLine<'_>| {
            line.text("07E010");
            line.number(-46.5);
            line.integer(7);
            line.time(1_784_030_400_250_000);
            line.absent();
            line.identifier("glider");
        };
        assert_eq!(line(CsvForm::Programs, fill), "\"07E010\",-46.5,7,2026-07-14T12:00:00.250Z,,glider\r\n");
        let point = "\"=\"\"07E010\"\"\";-46.5;7;2026-07-14 12:00:00;;glider\r\n";
        assert_eq!(line(CsvForm::Spreadsheets(DecimalMark::Point), fill), point);
        assert_eq!(line(CsvForm::Spreadsheets(DecimalMark::Comma), fill), point.replace("46.5", "46,5"));
    }

    #[test]
    fn no_text_breaks_out_of_its_formula() {
        let form = CsvForm::Spreadsheets(DecimalMark::Point);
        let one = |text: &str| line(form, |line| line.text(text));
        assert_eq!(one("a\"&cmd|' /C calc'!A0&\""), "\"=\"\"a\"\"\"\"&cmd|' /C calc'!A0&\"\"\"\"\"\"\"\r\n");
        assert_eq!(one(""), "\"\"\r\n");
        assert_eq!(one(&"=".repeat(256)), format!("\"'{}\"\r\n", "=".repeat(256)), "too long for a formula");
        assert_eq!(one("=1\n2"), "\"'=1\n2\"\r\n", "more than one line");
    }
}
