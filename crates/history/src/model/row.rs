//! One declaration per table: the struct, its columns, and how both stores read and write it.

use rusqlite::types::Value;

/// A row of one table.
pub trait Stored: Sized + Send + Sync + 'static {
    /// The table's name.
    const TABLE: &'static str;
    /// Its columns, in the order of the fields.
    const COLUMNS: &'static [&'static str];
    /// The values as SQLite stores them, in the order of the columns.
    fn values(&self) -> Vec<Value>;
    /// Reads a row of a query that selects all columns in order.
    ///
    /// # Errors
    /// A column has a value of another type.
    fn of_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

/// Reads the value of a column.
///
/// # Errors
/// The value has another type.
pub(super) fn load<T: super::Cell>(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<T> {
    let value = row.get_ref(index)?;
    let kind = value.data_type();
    T::load(value).ok_or_else(|| {
        let name = row.as_ref().column_name(index).unwrap_or_default().to_owned();
        rusqlite::Error::InvalidColumnType(index, name, kind)
    })
}

macro_rules! stored {
    (
        $(#[$about:meta])*
        $name:ident in $table:literal {
            $( $(#[$doc:meta])* $column:literal $field:ident: $kind:ty, )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "clickhouse", derive(clickhouse::Row))]
        pub struct $name {
            $( $(#[$doc])* #[serde(rename = $column)] pub $field: $kind, )*
        }

        impl $crate::model::Stored for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$($column),*];

            fn values(&self) -> Vec<rusqlite::types::Value> {
                vec![$($crate::model::Cell::store(&self.$field)),*]
            }

            fn of_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                let mut index = 0..;
                let mut next = || index.next().expect("counts on");
                Ok(Self { $($field: $crate::model::row::load(row, next())?),* })
            }
        }
    };
}

pub(super) use stored;
