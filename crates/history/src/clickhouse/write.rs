//! Blocks of rows.

use std::time::Duration;

use async_trait::async_trait;
use clickhouse::{Row, RowWrite};

use super::{ClickHouse, errors};
use crate::model::Stored;
use crate::{Block, ErasureRow, HistoryError, HistoryWriter};

/// The server takes a chunk of a block within this, and has all of it within the next.
const SEND: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(30);
/// Deleting rewrites marks of parts.
pub(super) const DELETE: Duration = Duration::from_secs(120);

/// Views that count anew every ten minutes by themselves.
const REFRESHED: [&str; 2] = ["device_days_view", "receiver_days_view"];

impl ClickHouse {
    /// Brings the views and the flights up to date now, which they are every ten minutes by themselves.
    ///
    /// # Errors
    /// Transient: the server is away, or a view's query failed.
    pub async fn refresh(&self) -> Result<(), HistoryError> {
        for view in REFRESHED {
            self.execute(&format!("SYSTEM REFRESH VIEW {view}"), DELETE).await?;
            self.execute(&format!("SYSTEM WAIT VIEW {view}"), DELETE).await?;
        }
        self.refresh_flights().await
    }

    pub(super) async fn execute(&self, sql: &str, limit: Duration) -> Result<(), HistoryError> {
        match tokio::time::timeout(limit, self.client.query(sql).execute()).await {
            Ok(outcome) => outcome.map_err(|cause| errors::error(sql, cause)),
            Err(_) => Err(errors::timeout(sql)),
        }
    }

    /// One table's share of a block, as one insert.
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
            // Set one by one, since the server's defaults change from version to version: the insert is done when it
            // answers, its token decides what is a repeat, views included, and a block may span any number of days.
            let mut insert = self
                .client
                .insert::<T>(T::TABLE)
                .await?
                .with_timeouts(Some(SEND), Some(END))
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
        // The table's columns are asked for before the first insert, without a limit of its own.
        match tokio::time::timeout(SEND + END, insert).await {
            Ok(outcome) => outcome.map_err(|cause| errors::error(attempted(), cause)),
            Err(_) => Err(errors::timeout(attempted())),
        }
    }

    /// Deletes what the order is about. Receptions go first: they are found through the observations.
    async fn forget(&self, order: &ErasureRow) -> Result<(), HistoryError> {
        let ErasureRow { device, observation_id, erased_at_ms } = order;
        let partition = observation_id >> 48;
        let until = |id: &str| {
            format!("device = {device} AND {id} <= {observation_id} AND bitShiftRight({id}, 48) = {partition}")
        };
        let observed = until("observation_id");
        let heard = ["positions", "ground_positions", "weather", "names"];
        let ids: Vec<String> =
            heard.iter().map(|table| format!("SELECT observation_id FROM {table} WHERE {observed}")).collect();
        self.execute(&format!("DELETE FROM receptions WHERE observation_id IN ({})", ids.join(" UNION ALL ")), DELETE)
            .await?;
        for table in heard.into_iter().chain(["confirmations"]) {
            self.execute(&format!("DELETE FROM {table} WHERE {observed}"), DELETE).await?;
        }
        self.execute(&format!("DELETE FROM alerts WHERE {}", until("alert_id")), DELETE).await?;
        let at = format!("fromUnixTimestamp64Milli(toInt64({erased_at_ms}), 'UTC')");
        self.execute(&format!("DELETE FROM flights WHERE device = {device} AND take_off_at <= {at}"), DELETE).await?;
        self.execute(&format!("DELETE FROM device_days WHERE device = {device} AND day <= toDate({at})"), DELETE).await
    }

    /// Orders to forget whose devices have rows again: somebody replayed an hour from before.
    async fn disobeyed(&self) -> Result<Vec<ErasureRow>, HistoryError> {
        let sql = "SELECT e.device AS device, e.observation_id AS observation_id, e.erased_at AS erased_at \
             FROM erasures AS e INNER JOIN (SELECT device, observation_id FROM positions WHERE device IN (SELECT device FROM erasures)) AS p \
             ON p.device = e.device WHERE p.observation_id <= e.observation_id \
             AND bitShiftRight(p.observation_id, 48) = bitShiftRight(e.observation_id, 48) \
             GROUP BY device, observation_id, erased_at";
        let mut rows = self.rows::<ErasureRow>(sql, "look for rows of erased devices");
        let mut orders = Vec::new();
        while let Some(block) = futures::StreamExt::next(&mut rows).await {
            orders.append(&mut block?);
        }
        Ok(orders)
    }
}

#[async_trait]
impl HistoryWriter for ClickHouse {
    async fn ready(&self) -> Result<(), HistoryError> {
        self.check_version().await
    }

    async fn maintain(&self) -> Result<(), HistoryError> {
        for order in self.disobeyed().await? {
            self.forget(&order).await?;
        }
        self.refresh_flights_in_turn().await
    }

    async fn write(&self, block: &Block) -> Result<(), HistoryError> {
        let (token, rows) = (block.token.as_str(), &block.rows);
        // Before the positions: what touches their days is complete when flights are made.
        self.insert(token, &rows.confirmations).await?;
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
        for order in &rows.erasures {
            self.forget(order).await?;
        }
        Ok(())
    }
}
