//! CSV: RFC 4180, UTF-8, ISO 8601 in UTC; absent is empty, and no text starts a formula in a spreadsheet.

use std::io::Write as _;

use csv::{Terminator, WriterBuilder};

use super::{Column, ExportError, TableWriter, Value};
use crate::track::format::text::{csv_cell, rfc3339};

/// Writes a table as CSV.
#[derive(Debug)]
pub struct CsvTable {
    columns: &'static [Column],
}

impl CsvTable {
    /// A table with these columns.
    pub fn new(columns: &'static [Column]) -> Self {
        Self { columns }
    }
}

impl TableWriter for CsvTable {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        writer.write_record(self.columns.iter().map(|column| column.name)).map_err(std::io::Error::from)?;
        Ok(writer.flush()?)
    }

    fn rows(&mut self, cells: &[Value], out: &mut Vec<u8>) -> Result<(), ExportError> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        let mut digits = Vec::with_capacity(32);
        for row in cells.chunks_exact(self.columns.len()) {
            for cell in row {
                digits.clear();
                let written = match cell {
                    Value::Absent => writer.write_field(""),
                    Value::Text(text) => writer.write_field(csv_cell(text).as_bytes()),
                    Value::Word(word) => writer.write_field(word),
                    Value::Flag(yes) => writer.write_field(if *yes { "true" } else { "false" }),
                    Value::Integer(number) => {
                        write!(digits, "{number}")?;
                        writer.write_field(&digits)
                    }
                    Value::Number(number) => {
                        write!(digits, "{number}")?;
                        writer.write_field(&digits)
                    }
                    Value::Time(at_ms) => {
                        writer.write_field(rfc3339(u64::try_from(*at_ms).unwrap_or_default().saturating_mul(1_000)))
                    }
                };
                written.map_err(std::io::Error::from)?;
            }
            writer.write_record(None::<&[u8]>).map_err(std::io::Error::from)?;
        }
        Ok(writer.flush()?)
    }

    fn end(&mut self, _out: &mut Vec<u8>) -> Result<(), ExportError> {
        Ok(())
    }
}
