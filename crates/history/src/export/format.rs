//! The file formats of a table.

#[cfg(feature = "parquet")]
use super::ParquetTable;
use super::{Column, CsvTable, ExportError, TableWriter};
use crate::csv_line::CsvForm;

/// A file format of a table.
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
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Xlsx, Self::Parquet];

    /// The text in a URL, which is also the file name's extension.
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    /// The format of a text in a URL.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Whether this build can write it.
    pub fn is_built(self) -> bool {
        self != Self::Parquet || cfg!(feature = "parquet")
    }

    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// A streaming writer; `None` for XLSX, which needs a file first ([`super::XlsxTable`]). `csv` is the form of CSV.
    ///
    /// # Errors
    /// The library refuses the columns, or this build is without it.
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
