//! Blocks of rows.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use super::{Sqlite, expire, flights};
use crate::model::Stored;
use crate::{Block, BlockRows, ErasureRow, HistoryError, HistoryWriter, PositionRow};

const DAY_MS: i64 = 86_400_000;

#[async_trait]
impl HistoryWriter for Sqlite {
    async fn ready(&self) -> Result<(), HistoryError> {
        crate::HistoryReader::check(self).await
    }

    async fn maintain(&self) -> Result<(), HistoryError> {
        self.writing("forget what was asked for", obey_all).await?;
        self.expire().await?;
        self.refresh().await
    }

    async fn write(&self, block: &Block) -> Result<(), HistoryError> {
        let rows = block.rows.clone();
        self.writing("write a block", move |connection| write(connection, &rows)).await
    }
}

impl Sqlite {
    /// Makes the flights of devices that moved anew, one device after the other.
    ///
    /// # Errors
    /// Transient: the file is busy.
    pub async fn refresh(&self) -> Result<(), HistoryError> {
        while self.writing("make flights", flights::refresh_one).await? {}
        Ok(())
    }

    async fn expire(&self) -> Result<(), HistoryError> {
        for order in expire::orders(&self.0.retention, self.now_ms()) {
            loop {
                let order = order.clone();
                if self.writing("delete expired rows", move |connection| expire::chunk(connection, &order)).await? == 0
                {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn write(connection: &mut Connection, rows: &BlockRows) -> rusqlite::Result<()> {
    let block = connection.transaction()?;
    add(&block, &rows.positions)?;
    touch(&block, &rows.positions)?;
    add(&block, &rows.confirmations)?;
    add(&block, &rows.ground_positions)?;
    add(&block, &rows.weather)?;
    add(&block, &rows.names)?;
    add(&block, &rows.receptions)?;
    add(&block, &rows.alerts)?;
    replace(&block, "receiver_id", &rows.receivers)?;
    replace(&block, "thermal_id", &rows.thermals)?;
    replace(&block, "device", &rows.privacy)?;
    add(&block, &rows.erasures)?;
    for order in &rows.erasures {
        forget(&block, order)?;
    }
    block.commit()
}

fn insert<T: Stored>(instead: &str) -> String {
    let places = vec!["?"; T::COLUMNS.len()].join(", ");
    format!("INSERT {instead} INTO {} ({}) VALUES ({places})", T::TABLE, T::COLUMNS.join(", "))
}

/// A row that is there stays as it is.
fn add<T: Stored>(block: &Transaction<'_>, rows: &[T]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = block.prepare_cached(&insert::<T>("OR IGNORE"))?;
    for row in rows {
        statement.execute(params_from_iter(row.values()))?;
    }
    Ok(())
}

/// The highest version of a key stays.
fn replace<T: Stored>(block: &Transaction<'_>, key: &str, rows: &[T]) -> rusqlite::Result<()> {
    let set: Vec<String> = T::COLUMNS.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let newer = format!("ON CONFLICT ({key}) DO UPDATE SET {} WHERE excluded.version > version", set.join(", "));
    for row in rows {
        let mut statement = block.prepare_cached(&format!("{} {newer}", insert::<T>("")))?;
        statement.execute(params_from_iter(row.values()))?;
    }
    Ok(())
}

/// Marks the days whose flights are to be made anew.
fn touch(block: &Transaction<'_>, positions: &[PositionRow]) -> rusqlite::Result<()> {
    let public = positions.iter().filter(|row| !row.private);
    let days: BTreeSet<_> = public.map(|row| (row.device, row.event_at_ms.div_euclid(DAY_MS))).collect();
    for (device, day) in days {
        let mut statement = block.prepare_cached("INSERT OR IGNORE INTO touched (device, day) VALUES (?, ?)")?;
        statement.execute(params![device, day])?;
    }
    Ok(())
}

/// Deletes what the order is about. Receptions go first: they are found through the observations.
fn forget(block: &Transaction<'_>, order: &ErasureRow) -> rusqlite::Result<()> {
    let (device, last) = (order.device, order.observation_id.cast_signed());
    let first = last >> 48 << 48;
    for table in ["positions", "ground_positions", "weather", "names", "confirmations"] {
        let of = format!("FROM {table} WHERE device = ?1 AND observation_id BETWEEN ?2 AND ?3");
        let heard = format!("DELETE FROM receptions WHERE observation_id IN (SELECT observation_id {of})");
        block.execute(&heard, params![device, first, last])?;
        block.execute(&format!("DELETE {of}"), params![device, first, last])?;
    }
    block
        .execute("DELETE FROM alerts WHERE device = ?1 AND alert_id BETWEEN ?2 AND ?3", params![device, first, last])?;
    block
        .execute("DELETE FROM flights WHERE device = ?1 AND take_off_at <= ?2", params![device, order.erased_at_ms])?;
    Ok(())
}

/// All orders again: somebody may have replayed an hour from before. Finds nothing in most cases.
fn obey_all(connection: &mut Connection) -> rusqlite::Result<()> {
    let block = connection.transaction()?;
    let orders: Vec<ErasureRow> = {
        let mut statement = block.prepare_cached("SELECT device, observation_id, erased_at FROM erasures")?;
        let rows = statement.query_map([], ErasureRow::of_sqlite)?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for order in &orders {
        let (last, first) = (order.observation_id.cast_signed(), order.observation_id.cast_signed() >> 48 << 48);
        let there = "SELECT EXISTS (SELECT 1 FROM positions WHERE device = ?1 AND observation_id BETWEEN ?2 AND ?3)";
        if block.query_row(there, params![order.device, first, last], |row| row.get::<_, bool>(0))? {
            forget(&block, order)?;
        }
    }
    block.commit()
}
