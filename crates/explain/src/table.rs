//! A layout as a table: offset, bytes, bits, field, meaning.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::layout::{Kind, Layout, Span};

/// Bytes per row.
const ROW: usize = 8;

/// Prints layouts, in colour or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    colour: bool,
}

impl Table {
    pub(super) const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// The title, a row per field, and an empty line.
    pub(super) fn print(&self, title: &str, layout: &Layout<'_>) -> String {
        let mut out = String::new();
        self.cell(&mut out, title, Style::new().bold());
        out.push('\n');
        for span in &layout.spans {
            self.span(&mut out, span, layout.bytes);
        }
        out.push('\n');
        out
    }

    fn span(&self, out: &mut String, span: &Span, bytes: &[u8]) {
        let bytes = &bytes[span.start..span.start + span.length];
        let mut rows = bytes.chunks(ROW);
        let first = rows.next().unwrap_or_default();
        let starts_row = span.length > 0 || span.kind == Kind::Error;
        let offset = if starts_row { span.start.to_string() } else { String::new() };
        self.cell(out, &format!("{offset:>5}  "), Style::new().dimmed());
        self.cell(out, &format!("{:<25}", hex(first)), colour(span.kind));
        self.cell(out, &format!("{:<5} ", span.bits), Style::new().dimmed());
        self.cell(out, &format!("{:<20} ", span.field), colour(span.kind));
        out.push_str(&span.meaning);
        finish_line(out);
        for row in rows {
            out.push_str("       ");
            self.cell(out, &hex(row), colour(span.kind));
            finish_line(out);
        }
    }

    fn cell(&self, out: &mut String, text: &str, style: Style) {
        if self.colour {
            let _ = write!(out, "{}", text.style(style));
        } else {
            out.push_str(text);
        }
    }
}

fn finish_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

fn colour(kind: Kind) -> Style {
    match kind {
        Kind::Wrapper => Style::new().magenta(),
        Kind::Header => Style::new().cyan(),
        Kind::Payload => Style::new().green(),
        Kind::Trailing => Style::new().yellow(),
        Kind::Error => Style::new().red().bold(),
    }
}
