//! XLSX: needs a file first, since the archive's directory is at its end. Rows are written to a temporary file
//! immediately, so that the memory is bounded.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

use super::{Column, ColumnKind, ExportError, Value};

/// A sheet has 1,048,576 rows, including the header.
pub const MAX_XLSX_ROWS: u64 = 1_048_575;
/// Days from 1899-12-30, the epoch of spreadsheets, to 1970-01-01.
const EPOCH_DAYS: f64 = 25_569.0;
const DAY_MS: f64 = 86_400_000.0;

/// Writes a table as XLSX.
pub struct XlsxTable {
    columns: &'static [Column],
    workbook: Workbook,
    time: Format,
    row: u32,
}

impl XlsxTable {
    /// A table with these columns, on a sheet of this name (at most 31 characters), in a file with the creation time
    /// `created_at_s`, seconds since the epoch: the same table with the same time gives the same bytes.
    ///
    /// # Errors
    /// The library refuses.
    pub fn new(columns: &'static [Column], sheet: &str, created_at_s: i64) -> Result<Self, ExportError> {
        let mut workbook = Workbook::new();
        let created = ExcelDateTime::from_timestamp(created_at_s)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let bold = Format::new().set_bold();
        let worksheet = workbook.add_worksheet_with_constant_memory()?;
        worksheet.set_name(sheet)?.set_freeze_panes(1, 0)?;
        for (at, column) in (0_u16..).zip(columns) {
            let width = if column.kind == ColumnKind::Time { 24.0 } else { 16.0 };
            worksheet.set_column_width(at, width)?;
        }
        for (at, column) in (0_u16..).zip(columns) {
            worksheet.write_string_with_format(0, at, column.name, &bold)?;
        }
        Ok(Self { columns, workbook, time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss.000"), row: 0 })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The library refuses: the sheet is full, or the disk is.
    pub fn rows(&mut self, cells: &[Value]) -> Result<(), ExportError> {
        let worksheet = self.workbook.worksheet_from_index(0)?;
        for row in cells.chunks_exact(self.columns.len()) {
            self.row += 1;
            for (at, cell) in (0_u16..).zip(row) {
                write_cell(worksheet, self.row, at, cell, &self.time)?;
            }
        }
        Ok(())
    }

    /// The file, positioned at its start, and its size in bytes. It is deleted when it is closed.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self) -> Result<(File, u64), ExportError> {
        let mut file = tempfile::tempfile()?;
        self.workbook.save_to_writer(&mut file)?;
        let size = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        Ok((file, size))
    }
}

/// Writes text always as text, so that no cell becomes a formula.
fn write_cell(
    worksheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Value,
    time: &Format,
) -> Result<(), ExportError> {
    match cell {
        Value::Absent => return Ok(()),
        Value::Text(text) => worksheet.write_string(row, column, text)?,
        Value::Identifier(word) => worksheet.write_string(row, column, *word)?,
        Value::Integer(number) => worksheet.write_number(row, column, *number as f64)?,
        Value::Number(number) => worksheet.write_number(row, column, *number)?,
        Value::Flag(yes) => worksheet.write_boolean(row, column, *yes)?,
        Value::Time(at_ms) => {
            worksheet.write_number_with_format(row, column, *at_ms as f64 / DAY_MS + EPOCH_DAYS, time)?
        }
    };
    Ok(())
}
