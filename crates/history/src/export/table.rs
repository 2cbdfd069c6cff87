//! Columns, values and their writers.

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text: names, addresses, ids.
    Text,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A time in UTC with milliseconds.
    Time,
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name, with the unit at the end.
    pub name: &'static str,
    /// The type.
    pub kind: ColumnKind,
    /// The unit as text; empty without a unit.
    pub unit: &'static str,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not transmitted, or unknown.
    Absent,
    /// Of [`ColumnKind::Text`].
    Text(String),
    /// A text of a closed set.
    Identifier(&'static str),
    /// Of [`ColumnKind::Integer`].
    Integer(i64),
    /// Of [`ColumnKind::Number`].
    Number(f64),
    /// Of [`ColumnKind::Flag`].
    Flag(bool),
    /// Of [`ColumnKind::Time`]: milliseconds since the epoch.
    Time(i64),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

/// Rows, one cell after the other.
pub type Cells = Vec<Value>;

/// Writes a table as a stream of bytes. Every call appends to `out`.
pub trait TableWriter: Send {
    /// What comes before the rows.
    ///
    /// # Errors
    /// The library fails.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError>;
    /// Whole rows.
    ///
    /// # Errors
    /// The library fails.
    fn rows(&mut self, cells: &[Value], out: &mut Vec<u8>) -> Result<(), ExportError>;
    /// What comes after the rows.
    ///
    /// # Errors
    /// The library fails.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError>;
}

/// A table could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file could not be written: most often the disk of temporary files is full.
    #[error("cannot write the temporary file of an export")]
    File(#[from] std::io::Error),
    /// The Parquet library refuses.
    #[cfg(feature = "parquet")]
    #[error("cannot write Parquet")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// This build was made without Parquet.
    #[cfg(not(feature = "parquet"))]
    #[error(
        "this program was built without Parquet: choose csv or xlsx, or build it with `cargo build --release -p standalone --features full`"
    )]
    NotBuilt,
    /// The XLSX library refuses.
    #[error("cannot write XLSX")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// A cell is not of its column's type.
    #[error("a value of column {column} is not of its type")]
    WrongType {
        /// Its name.
        column: &'static str,
    },
}
