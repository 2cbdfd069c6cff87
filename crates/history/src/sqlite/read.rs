//! Questions.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;

use super::{Inner, Sqlite, connect, errors};
use crate::dialect::{self, Dialect};
use crate::model::Stored;
use crate::{
    AlertRow, ExportKind, ExportQuery, FlightQuery, FlightRow, HistoryError, HistoryReader, Period, PositionRow,
    ReceptionRow, Rows, ThermalRow, TrackQuery, WeatherRow,
};

/// Rows in a block.
const BLOCK_ROWS: usize = 2_048;
/// Blocks read ahead of the caller; then reading waits.
const BLOCKS_AHEAD: usize = 2;

/// SQLite's SQL.
struct Sql;

impl Dialect for Sql {
    const FLIGHTS: &'static str = "flights";
    // A bare column beside max() is that of the row with the maximum.
    const LAST_NAME: &'static str = "name, max(event_at)";

    fn once(table: &str) -> String {
        table.to_owned()
    }

    fn time(ms: i64) -> String {
        ms.to_string()
    }
}

type Blocks<T> = mpsc::Sender<Result<Vec<T>, HistoryError>>;

impl Sqlite {
    fn rows<T: Stored>(&self, sql: String, attempted: &'static str) -> Rows<T> {
        self.each(sql, attempted, T::of_sqlite)
    }

    fn each<T: Send + 'static>(
        &self,
        sql: String,
        attempted: &'static str,
        row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Rows<T> {
        let inner = self.0.clone();
        let begun = stream::once(async move {
            let turn = inner.readers.clone().acquire_owned().await.expect("never closed");
            let (blocks, received) = mpsc::channel(BLOCKS_AHEAD);
            tokio::task::spawn_blocking(move || {
                if let Err(error) = inner.query(&sql, &blocks, row) {
                    // Who asked may be gone.
                    let _ = blocks.blocking_send(Err(errors::error(attempted, error)));
                }
                drop(turn);
            });
            received
        });
        let next = |mut received: mpsc::Receiver<_>| async move { Some((received.recv().await?, received)) };
        begun.flat_map(move |received| stream::unfold(received, next)).boxed()
    }

    async fn all<T: Send + 'static>(
        &self,
        sql: String,
        attempted: &'static str,
        row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        let mut rows = self.each(sql, attempted, row);
        let mut all = Vec::new();
        while let Some(block) = rows.next().await {
            all.append(&mut block?);
        }
        Ok(all)
    }
}

impl Inner {
    fn query<T>(
        self: &Arc<Self>,
        sql: &str,
        blocks: &Blocks<T>,
        row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<()> {
        let connection = match self.idle_readers.lock().pop() {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::default())?,
        };
        let read = read(&connection, sql, blocks, row);
        self.idle_readers.lock().push(connection);
        read
    }
}

fn read<T>(
    connection: &Connection,
    sql: &str,
    blocks: &Blocks<T>,
    row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut block = Vec::new();
    while let Some(next) = rows.next()? {
        block.push(row(next)?);
        if block.len() == BLOCK_ROWS && blocks.blocking_send(Ok(std::mem::take(&mut block))).is_err() {
            return Ok(());
        }
    }
    if !block.is_empty() {
        // Who asked may be gone.
        let _ = blocks.blocking_send(Ok(block));
    }
    Ok(())
}

#[async_trait]
impl HistoryReader for Sqlite {
    async fn check(&self) -> Result<(), HistoryError> {
        self.all("SELECT 1".to_owned(), "ask the history", |row| row.get::<_, i64>(0)).await.map(|_| ())
    }

    fn track(&self, query: TrackQuery) -> Rows<PositionRow> {
        self.rows(dialect::track::<Sql>(&query, self.now_ms()), "read a track")
    }

    fn weather(&self, device: u32, period: Period, limit: u64) -> Rows<WeatherRow> {
        self.rows(dialect::weather::<Sql>(device, period, limit), "read a station's weather")
    }

    async fn flights(&self, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError> {
        self.all(dialect::flights::<Sql>(&query), "read flights", FlightRow::of_sqlite).await
    }

    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError> {
        let counts =
            self.all(dialect::count::<Sql>(kind, &query), "count an export's rows", |row| row.get::<_, i64>(0));
        Ok(counts.await?.first().map_or(0, |count| count.unsigned_abs()))
    }

    fn positions(&self, query: ExportQuery) -> Rows<PositionRow> {
        self.rows(dialect::export::<Sql>(ExportKind::Positions, &query), "export positions")
    }

    fn thermals(&self, query: ExportQuery) -> Rows<ThermalRow> {
        self.rows(dialect::export::<Sql>(ExportKind::Thermals, &query), "export thermals")
    }

    fn weather_in(&self, query: ExportQuery) -> Rows<WeatherRow> {
        self.rows(dialect::export::<Sql>(ExportKind::Weather, &query), "export weather")
    }

    fn receptions(&self, query: ExportQuery) -> Rows<ReceptionRow> {
        self.rows(dialect::export::<Sql>(ExportKind::Receptions, &query), "export receptions")
    }

    async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, HistoryError> {
        let name = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?));
        Ok(self.all(dialect::names_at::<Sql>(devices, at_ms), "read names", name).await?.into_iter().collect())
    }

    async fn alerts(&self, device: Option<u32>, period: Period, limit: u64) -> Result<Vec<AlertRow>, HistoryError> {
        self.all(dialect::alerts::<Sql>(device, period, limit), "read alerts", AlertRow::of_sqlite).await
    }
}
