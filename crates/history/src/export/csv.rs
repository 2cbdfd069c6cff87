//! CSV: RFC 4180, UTF-8, ISO 8601 in UTC; absent values are empty, and no text starts a formula in a spreadsheet.

use super::{Column, ExportError, TableWriter, Value};
use crate::csv_line::CsvForm;

/// Writes a table as CSV.
#[derive(Debug)]
pub struct CsvTable {
    columns: &'static [Column],
    form: CsvForm,
}

impl CsvTable {
    /// A table with these columns.
    pub fn new(columns: &'static [Column], form: CsvForm) -> Self {
        Self { columns, form }
    }
}

impl TableWriter for CsvTable {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError> {
        self.form.begin(out);
        let mut header = self.form.line(out);
        self.columns.iter().for_each(|column| header.identifier(column.name));
        header.end();
        Ok(())
    }

    fn rows(&mut self, cells: &[Value], out: &mut Vec<u8>) -> Result<(), ExportError> {
        for row in cells.chunks_exact(self.columns.len()) {
            let mut line = self.form.line(out);
            for cell in row {
                match cell {
                    Value::Absent => line.absent(),
                    Value::Text(text) => line.text(text),
                    Value::Identifier(word) => line.identifier(word),
                    Value::Flag(yes) => line.identifier(if *yes { "true" } else { "false" }),
                    Value::Integer(number) => line.integer(*number),
                    Value::Number(number) => line.number(*number),
                    Value::Time(at_ms) => line.time(u64::try_from(*at_ms).unwrap_or_default().saturating_mul(1_000)),
                }
            }
            line.end();
        }
        Ok(())
    }

    fn end(&mut self, _out: &mut Vec<u8>) -> Result<(), ExportError> {
        Ok(())
    }
}
