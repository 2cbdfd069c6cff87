//! A table for export: its columns and rows.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use history::export::{Cells, Column, Exported};
use history::{HistoryError, Rows};

/// Columns, and the rows in blocks of cells.
pub(super) struct Table {
    pub(super) columns: &'static [Column],
    pub(super) blocks: BoxStream<'static, Result<Cells, HistoryError>>,
}

impl Table {
    /// The table of the rows for which `keep` is true.
    pub(super) fn new<R: Exported + Send + 'static>(rows: Rows<R>, keep: impl Fn(&R) -> bool + Send + 'static) -> Self {
        let cells = move |rows: Vec<R>| {
            let mut cells = Cells::with_capacity(rows.len() * R::COLUMNS.len());
            rows.iter().filter(|row| keep(row)).for_each(|row| row.cells(&mut cells));
            cells
        };
        Self { columns: R::COLUMNS, blocks: rows.map_ok(cells).boxed() }
    }
}
