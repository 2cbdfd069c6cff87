//! Writes blocks of rows.

use std::time::Duration;

use async_trait::async_trait;
use clickhouse::{Row, RowWrite};

use super::{ClickHouse, errors};
use crate::dialect::{ERASED_BY_OBSERVATION, LATE_MINUTES};
use crate::model::Stored;
use crate::{AlertRow, Block, ErasureRow, HistoryError, HistoryWriter, PositionRow};

/// How long the server may take to receive a chunk of a block.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may take to store a block.
const END_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a deletion may take: it rewrites the masks of parts.
pub(super) const DELETE_TIMEOUT: Duration = Duration::from_secs(120);

/// Views that the server refreshes every ten minutes.
const REFRESHED: [&str; 2] = ["device_days_view", "receiver_days_view"];

impl ClickHouse {
    /// Refreshes the views and the flights now, instead of every ten minutes.
    ///
    /// # Errors
    /// Transient: the server is unavailable, or a view's query failed.
    pub async fn refresh(&self) -> Result<(), HistoryError> {
        for view in REFRESHED {
            self.execute(&format!("SYSTEM REFRESH VIEW {view}"), DELETE_TIMEOUT).await?;
            self.execute(&format!("SYSTEM WAIT VIEW {view}"), DELETE_TIMEOUT).await?;
        }
        self.refresh_flights().await
    }

    pub(super) async fn execute(&self, sql: &str, limit: Duration) -> Result<(), HistoryError> {
        match tokio::time::timeout(limit, self.client().query(sql).execute()).await {
            Ok(outcome) => outcome.map_err(|cause| errors::error(sql, cause)),
            Err(_) => Err(errors::timeout(sql)),
        }
    }

    /// Inserts one table's rows of a block, in one statement.
    async fn insert<T>(&self, token: &str, rows: &[T]) -> Result<(), HistoryError>
    where
        T: Stored + RowWrite + Row,
        for<'a> T: Row<Value<'a> = T>,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let attempted = || format!("insert {} rows into {}", rows.len(), T::TABLE);
        let insert = async {
            // Explicit, since the server's defaults change between versions: the insert is complete when it answers,
            // its token identifies a repeated block, also for views, and a block may span any number of days.
            let mut insert = self
                .client()
                .insert::<T>(T::TABLE)
                .await?
                .with_timeouts(Some(SEND_TIMEOUT), Some(END_TIMEOUT))
                .with_setting("async_insert", "0")
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", token)
                .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
                .with_setting("max_partitions_per_insert_block", "0");
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        // The client queries the table's columns before the first insert, without a limit of its own.
        match tokio::time::timeout(SEND_TIMEOUT + END_TIMEOUT, insert).await {
            Ok(outcome) => outcome.map_err(|cause| errors::error(attempted(), cause)),
            Err(_) => Err(errors::timeout(attempted())),
        }
    }

    /// Deletes the rows of an erasure. Receptions first, since those before the column `device` are found by their observations.
    async fn erase(&self, erasure: &ErasureRow) -> Result<(), HistoryError> {
        let ErasureRow { device, observation_id, erased_at_ms } = erasure;
        let partition = observation_id >> 48;
        let until = |id: &str| {
            format!("device = {device} AND {id} <= {observation_id} AND bitShiftRight({id}, 48) = {partition}")
        };
        let observed = until("observation_id");
        let tables = ["positions", "ground_positions", "weather", "names"];
        let ids: Vec<String> =
            tables.iter().map(|table| format!("SELECT observation_id FROM {table} WHERE {observed}")).collect();
        self.execute(
            &format!(
                "DELETE FROM receptions WHERE ({}) OR observation_id IN ({})",
                until("reception_id"),
                ids.join(" UNION ALL ")
            ),
            DELETE_TIMEOUT,
        )
        .await?;
        for table in ERASED_BY_OBSERVATION {
            let delete = match table {
                // Its order of time would go on to show rows that a lightweight deletion has marked.
                PositionRow::TABLE => {
                    format!("ALTER TABLE {table} DELETE WHERE {observed} SETTINGS mutations_sync = 1")
                }
                _ => format!("DELETE FROM {table} WHERE {observed}"),
            };
            self.execute(&delete, DELETE_TIMEOUT).await?;
        }
        self.execute(&format!("DELETE FROM alerts WHERE {}", until("alert_id")), DELETE_TIMEOUT).await?;
        let at = format!("fromUnixTimestamp64Milli(toInt64({erased_at_ms}), 'UTC')");
        self.execute(&format!("DELETE FROM flights WHERE device = {device} AND take_off_at <= {at}"), DELETE_TIMEOUT)
            .await?;
        self.execute(
            &format!("DELETE FROM device_days WHERE device = {device} AND day <= toDate({at})"),
            DELETE_TIMEOUT,
        )
        .await
    }

    /// Erasures whose devices have rows again: an older hour was replayed, or a block of another topic came later. New ones too,
    /// since late receptions are not searched for.
    async fn replayed_erasures(&self) -> Result<Vec<ErasureRow>, HistoryError> {
        let of_erased = |table: &str, id: &str| {
            format!("SELECT device, {id} AS observation_id FROM {table} WHERE device IN (SELECT device FROM erasures)")
        };
        let mut tables = ERASED_BY_OBSERVATION.map(|table| of_erased(table, "observation_id")).to_vec();
        tables.push(of_erased(AlertRow::TABLE, "alert_id"));
        let sql = format!(
            "SELECT e.device AS device, e.observation_id AS observation_id, e.erased_at AS erased_at \
             FROM erasures AS e INNER JOIN ({}) AS p \
             ON p.device = e.device WHERE p.observation_id <= e.observation_id \
             AND bitShiftRight(p.observation_id, 48) = bitShiftRight(e.observation_id, 48) \
             GROUP BY device, observation_id, erased_at \
             UNION DISTINCT SELECT device, observation_id, erased_at FROM erasures \
             WHERE erased_at > now64(3) - INTERVAL {LATE_MINUTES} MINUTE",
            tables.join(" UNION ALL ")
        );
        let mut rows = self.rows::<ErasureRow>(&sql, "find rows of erased devices");
        let mut erasures = Vec::new();
        while let Some(block) = futures::StreamExt::next(&mut rows).await {
            erasures.append(&mut block?);
        }
        Ok(erasures)
    }
}

#[async_trait]
impl HistoryWriter for ClickHouse {
    async fn ready(&self) -> Result<(), HistoryError> {
        self.check_version().await
    }

    async fn maintain(&self) -> Result<(), HistoryError> {
        for erasure in self.replayed_erasures().await? {
            self.erase(&erasure).await?;
        }
        self.refresh_flights_if_due().await
    }

    async fn write(&self, block: &Block) -> Result<(), HistoryError> {
        let (token, rows) = (block.token.as_str(), &block.rows);
        // Before the positions, so that these are stored when flights are computed.
        self.insert(token, &rows.confirmations).await?;
        self.insert(token, &rows.decisions).await?;
        self.insert(token, &rows.positions).await?;
        self.insert(token, &rows.ground_positions).await?;
        self.insert(token, &rows.weather).await?;
        self.insert(token, &rows.names).await?;
        self.insert(token, &rows.receptions).await?;
        self.insert(token, &rows.receivers).await?;
        self.insert(token, &rows.thermals).await?;
        self.insert(token, &rows.alerts).await?;
        self.insert(token, &rows.privacy).await?;
        self.insert(token, &rows.erasures).await?;
        for erasure in &rows.erasures {
            self.erase(erasure).await?;
        }
        Ok(())
    }
}
