//! Questions.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use clickhouse::{RowOwned, RowRead};
use futures::StreamExt as _;
use futures::stream;

use super::{ClickHouse, errors};
use crate::dialect::{self, Dialect};
use crate::model::Stored;
use crate::{
    AlertRow, ExportKind, ExportQuery, FlightQuery, FlightRow, HistoryError, HistoryReader, Period, PositionRow,
    ReceptionRow, Rows, ThermalRow, TrackQuery, WeatherRow,
};

/// An answer, or the next block of one, comes within this.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// Rows in a block.
const BLOCK_ROWS: usize = 4_096;

/// ClickHouse's SQL.
struct Sql;

impl Dialect for Sql {
    const FLIGHTS: &'static str = "flights_now";
    const LAST_NAME: &'static str = "argMax(name, (event_at, observation_id))";

    fn once(table: &str) -> String {
        format!("{table} FINAL")
    }

    fn time(ms: i64) -> String {
        format!("fromUnixTimestamp64Milli(toInt64({ms}), 'UTC')")
    }
}

impl ClickHouse {
    fn query(&self, sql: &str) -> clickhouse::query::Query {
        let query = self.client.query(sql).with_setting("max_execution_time", ANSWER.as_secs().to_string());
        // A row key lies in one partition, whatever it is: they need not be merged with each other.
        query.with_setting("do_not_merge_across_partitions_select_final", "1")
    }

    pub(super) fn rows<T: RowOwned + RowRead + Send + 'static>(&self, sql: &str, attempted: &'static str) -> Rows<T> {
        let breaker = self.breaker.clone();
        let asked = breaker.pass(attempted);
        let cursor = asked.and_then(|()| self.query(sql).fetch::<T>().map_err(|cause| errors::error(attempted, cause)));
        let begun = stream::once(async move { cursor });
        let blocks = begun.flat_map(move |cursor| match cursor {
            Ok(cursor) => {
                let breaker = breaker.clone();
                let next = move |cursor| {
                    let breaker = breaker.clone();
                    async move {
                        let (block, cursor) = block(cursor?, attempted).await?;
                        block.as_ref().err().inspect(|error| breaker.heed(error));
                        Some((block, cursor))
                    }
                };
                stream::unfold(Some(cursor), next).boxed()
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        });
        blocks.boxed()
    }

    /// All rows of a table (of a period, by event time), hidden ones too, each once: for comparing with the log.
    pub fn whole<T: Stored + RowOwned + RowRead + Send + 'static>(
        &self,
        period: Option<Period>,
        attempted: &'static str,
    ) -> Rows<T> {
        self.rows(&dialect::whole::<Sql, T>(period), attempted)
    }

    async fn all<T: RowOwned + RowRead + Send + 'static>(
        &self,
        sql: &str,
        attempted: &'static str,
    ) -> Result<Vec<T>, HistoryError> {
        let mut rows = self.rows(sql, attempted);
        let mut all = Vec::new();
        while let Some(block) = rows.next().await {
            all.append(&mut block?);
        }
        Ok(all)
    }
}

type Cursor<T> = clickhouse::query::RowCursor<T>;

async fn block<T: RowOwned + RowRead + Send>(
    mut cursor: Cursor<T>,
    attempted: &'static str,
) -> Option<(Result<Vec<T>, HistoryError>, Option<Cursor<T>>)> {
    let read = async {
        let mut rows = Vec::new();
        while rows.len() < BLOCK_ROWS {
            match cursor.next().await? {
                Some(row) => rows.push(row),
                None => return Ok((rows, true)),
            }
        }
        Ok((rows, false))
    };
    match tokio::time::timeout(ANSWER, read).await {
        Ok(Ok((rows, true))) if rows.is_empty() => None,
        Ok(Ok((rows, ended))) => Some((Ok(rows), (!ended).then_some(cursor))),
        Ok(Err(cause)) => Some((Err(errors::error(attempted, cause)), None)),
        Err(_) => Some((Err(errors::timeout(attempted)), None)),
    }
}

#[async_trait]
impl HistoryReader for ClickHouse {
    async fn check(&self) -> Result<(), HistoryError> {
        self.check_version().await
    }

    fn track(&self, query: TrackQuery) -> Rows<PositionRow> {
        // A few granules of each part: more threads would cost more than they read, and to read them in order took 18 ms
        // where reading and sorting took 13.
        let sql = dialect::track::<Sql>(&query, self.now_ms());
        self.rows(&format!("{sql} SETTINGS max_threads = 1, optimize_read_in_order = 0"), "read a track")
    }

    fn weather(&self, device: u32, period: Period, limit: u64) -> Rows<WeatherRow> {
        self.rows(&dialect::weather::<Sql>(device, period, limit), "read a station's weather")
    }

    async fn flights(&self, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError> {
        self.all(&dialect::flights::<Sql>(&query), "read flights").await
    }

    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError> {
        let counts: Vec<u64> = self.all(&dialect::count::<Sql>(kind, &query), "count an export's rows").await?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    fn positions(&self, query: ExportQuery) -> Rows<PositionRow> {
        self.rows(&dialect::export::<Sql>(ExportKind::Positions, &query), "export positions")
    }

    fn thermals(&self, query: ExportQuery) -> Rows<ThermalRow> {
        self.rows(&dialect::export::<Sql>(ExportKind::Thermals, &query), "export thermals")
    }

    fn weather_in(&self, query: ExportQuery) -> Rows<WeatherRow> {
        self.rows(&dialect::export::<Sql>(ExportKind::Weather, &query), "export weather")
    }

    fn receptions(&self, query: ExportQuery) -> Rows<ReceptionRow> {
        self.rows(&dialect::export::<Sql>(ExportKind::Receptions, &query), "export receptions")
    }

    async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, HistoryError> {
        if devices.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<(u32, String)> = self.all(&dialect::names_at::<Sql>(devices, at_ms), "read names").await?;
        Ok(names.into_iter().collect())
    }

    async fn alerts(&self, device: Option<u32>, period: Period, limit: u64) -> Result<Vec<AlertRow>, HistoryError> {
        self.all(&dialect::alerts::<Sql>(device, period, limit), "read alerts").await
    }
}
