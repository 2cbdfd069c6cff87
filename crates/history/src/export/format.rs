//! The forms of a table.

#[cfg(feature = "parquet")]
use super::ParquetTable;
use super::{Column, CsvTable, ExportError, TableWriter};
use crate::csv_line::CsvForm;

/// A form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableFormat {
    /// RFC 4180, UTF-8, times in ISO 8601.
    #[default]
    Csv,
    /// Office Open XML, for spreadsheets.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl TableFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Xlsx, Self::Parquet];

    /// As it is written in a query, and the ending of a file's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    /// The form of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Whether this build can write it.
    pub fn is_built(self) -> bool {
        self != Self::Parquet || cfg!(feature = "parquet")
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// A writer that streams; `None` for XLSX, which is a file first ([`super::XlsxTable`]). `csv` says for whom CSV is.
    ///
    /// # Errors
    /// The library refuses the columns, or was left out of this build.
    pub fn writer(self, columns: &'static [Column], csv: CsvForm) -> Result<Option<Box<dyn TableWriter>>, ExportError> {
        Ok(match self {
            Self::Csv => Some(Box::new(CsvTable::new(columns, csv))),
            #[cfg(feature = "parquet")]
            Self::Parquet => Some(Box::new(ParquetTable::new(columns)?)),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => return Err(ExportError::NotBuilt),
            Self::Xlsx => None,
        })
    }
}
