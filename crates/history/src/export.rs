//! Tables for analysts: rows of the history as CSV, XLSX or Parquet, in bounded memory.
//!
//! A [`Column`] has the same name in all formats, with its unit at the end, and a type that XLSX and Parquet keep.

mod columns;
mod csv;
mod format;
#[cfg(feature = "parquet")]
mod parquet;
mod table;
#[cfg(test)]
mod tests;
mod xlsx;

pub use columns::Exported;
pub use csv::CsvTable;
pub use format::TableFormat;
#[cfg(feature = "parquet")]
pub use parquet::ParquetTable;
pub use table::{Cells, Column, ColumnKind, ExportError, TableWriter, Value};
pub use xlsx::{MAX_XLSX_ROWS, XlsxTable};
