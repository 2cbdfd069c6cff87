//! Writes blocks of rows.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use super::{Sqlite, expire, flights};
use crate::dialect::{ERASED_BY_OBSERVATION, LATE_MINUTES};
use crate::model::Stored;
use crate::{AlertRow, Block, BlockRows, ErasureRow, HistoryError, HistoryWriter};

const DAY_MS: i64 = 86_400_000;

#[async_trait]
impl HistoryWriter for Sqlite {
    async fn ready(&self) -> Result<(), HistoryError> {
        crate::HistoryReader::check(self).await
    }

    async fn maintain(&self) -> Result<(), HistoryError> {
        self.writing("apply erasures", apply_erasures).await?;
        self.expire().await?;
        self.refresh().await
    }

    async fn write(&self, block: &Block) -> Result<(), HistoryError> {
        let rows = block.rows.clone();
        self.writing("write a block", move |connection| write(connection, &rows)).await
    }
}

impl Sqlite {
    /// Computes the flights of devices whose positions have changed, device by device.
    ///
    /// # Errors
    /// Transient: the file is busy.
    pub async fn refresh(&self) -> Result<(), HistoryError> {
        while self.writing("compute flights", flights::refresh_one).await? {}
        Ok(())
    }

    async fn expire(&self) -> Result<(), HistoryError> {
        for expiry in expire::delete_statements(&self.0.retention, self.now_ms()) {
            loop {
                let expiry = expiry.clone();
                if self
                    .writing("delete expired rows", move |connection| expire::delete_chunk(connection, &expiry))
                    .await?
                    == 0
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
    mark_days(&block, rows)?;
    add(&block, &rows.confirmations)?;
    replace(&block, "device, observation_id", &rows.decisions)?;
    add(&block, &rows.ground_positions)?;
    add(&block, &rows.weather)?;
    add(&block, &rows.names)?;
    add(&block, &rows.receptions)?;
    add(&block, &rows.alerts)?;
    replace(&block, "receiver_id", &rows.receivers)?;
    replace(&block, "thermal_id", &rows.thermals)?;
    replace(&block, "device", &rows.privacy)?;
    add(&block, &rows.erasures)?;
    for erasure in &rows.erasures {
        erase(&block, erasure)?;
    }
    block.commit()
}

fn insert<T: Stored>(instead: &str) -> String {
    let parameters = vec!["?"; T::COLUMNS.len()].join(", ");
    format!("INSERT {instead} INTO {} ({}) VALUES ({parameters})", T::TABLE, T::COLUMNS.join(", "))
}

/// Inserts rows; an existing row is kept.
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

/// Inserts rows; of each key the highest version is kept.
fn replace<T: Stored>(block: &Transaction<'_>, key: &str, rows: &[T]) -> rusqlite::Result<()> {
    let set: Vec<String> = T::COLUMNS.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let newer = format!("ON CONFLICT ({key}) DO UPDATE SET {} WHERE excluded.version > version", set.join(", "));
    for row in rows {
        let mut statement = block.prepare_cached(&format!("{} {newer}", insert::<T>("")))?;
        statement.execute(params_from_iter(row.values()))?;
    }
    Ok(())
}

/// Marks the days whose flights must be computed again.
fn mark_days(block: &Transaction<'_>, rows: &BlockRows) -> rusqlite::Result<()> {
    let flown = rows.positions.iter().filter(|row| !row.private).map(|row| (row.device, row.event_at_ms));
    let decided = rows.decisions.iter().map(|row| (row.device, row.event_at_ms));
    let day = |(device, event_at_ms): (u32, i64)| (device, event_at_ms.div_euclid(DAY_MS));
    let days: BTreeSet<_> = flown.chain(decided).map(day).collect();
    for (device, day) in days {
        let mut statement = block.prepare_cached("INSERT OR IGNORE INTO touched (device, day) VALUES (?, ?)")?;
        statement.execute(params![device, day])?;
    }
    Ok(())
}

/// Deletes the rows of an erasure. Receptions first, since those before the column `device` are found by their observations.
fn erase(block: &Transaction<'_>, erasure: &ErasureRow) -> rusqlite::Result<()> {
    let (device, last) = (erasure.device, erasure.observation_id.cast_signed());
    let first = last >> 48 << 48;
    for table in ERASED_BY_OBSERVATION {
        let of = format!("FROM {table} WHERE device = ?1 AND observation_id BETWEEN ?2 AND ?3");
        let receptions = format!("DELETE FROM receptions WHERE observation_id IN (SELECT observation_id {of})");
        block.execute(&receptions, params![device, first, last])?;
        block.execute(&format!("DELETE {of}"), params![device, first, last])?;
    }
    block.execute(
        "DELETE FROM receptions WHERE device = ?1 AND reception_id BETWEEN ?2 AND ?3",
        params![device, first, last],
    )?;
    block
        .execute("DELETE FROM alerts WHERE device = ?1 AND alert_id BETWEEN ?2 AND ?3", params![device, first, last])?;
    block.execute(
        "DELETE FROM flights WHERE device = ?1 AND take_off_at <= ?2",
        params![device, erasure.erased_at_ms],
    )?;
    Ok(())
}

/// Applies all erasures again, since an older hour may have been replayed, and blocks of other topics may come later.
/// Usually finds no rows.
fn apply_erasures(connection: &mut Connection) -> rusqlite::Result<()> {
    let block = connection.transaction()?;
    let erasures: Vec<ErasureRow> = {
        let mut statement = block.prepare_cached("SELECT device, observation_id, erased_at FROM erasures")?;
        let rows = statement.query_map([], ErasureRow::of_sqlite)?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let of = |table: &str, id: &str| format!("SELECT 1 FROM {table} WHERE device = ?1 AND {id} BETWEEN ?2 AND ?3");
    let mut tables = ERASED_BY_OBSERVATION.map(|table| of(table, "observation_id")).to_vec();
    tables.push(of(AlertRow::TABLE, "alert_id"));
    // Late receptions are not searched for: new erasures are applied again.
    let is_new = format!("?4 > (unixepoch() - 60 * {LATE_MINUTES}) * 1000");
    let exists = format!("SELECT {is_new} OR EXISTS ({})", tables.join(" UNION ALL "));
    for erasure in &erasures {
        let (last, first) = (erasure.observation_id.cast_signed(), erasure.observation_id.cast_signed() >> 48 << 48);
        if block.query_row(&exists, params![erasure.device, first, last, erasure.erased_at_ms], |row| {
            row.get::<_, bool>(0)
        })? {
            erase(&block, erasure)?;
        }
    }
    block.commit()
}
