//! Queries.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use clickhouse::{RowOwned, RowRead};
use futures::StreamExt as _;
use futures::stream;

use super::{ClickHouse, errors};
use crate::device_rows::{in_turn, rows_of, with_receptions};
use crate::dialect::{self, ByTime, Dialect, Keyed, OfDevice};
use crate::model::{Heard, Stored};
use crate::pages::{Page, pages};
use crate::slices::{Slice, slices};
use crate::{
    AlertRow, DeviceRow, ExportKind, ExportQuery, FlightQuery, FlightRow, GroundPositionRow, HistoryError,
    HistoryReader, Period, PositionRow, PrivacyRow, ReceptionRow, RegionQuery, Rows, Since, ThermalRow, TrackQuery,
    WeatherRow,
};

/// How long an answer, or the next block of one, may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Rows in a block.
const BLOCK_ROWS: usize = 4_096;
/// Rows of one page.
const PAGE_ROWS: u64 = 4_096;
/// Devices of one query.
const DEVICES: usize = 200;
/// The observation that confirms a position happens within this time of it, milliseconds.
const CONFIRMED_WITHIN_MS: i64 = 24 * 3_600_000;

/// ClickHouse's SQL.
pub(super) struct Sql;

impl Dialect for Sql {
    const ALL_AT_ONCE: bool = true;
    const FLIGHTS: &'static str = "flights_now";
    const LAST_NAME: &'static str = "argMax(name, (event_at, observation_id))";

    fn once(table: &str) -> String {
        format!("{table} FINAL")
    }

    fn time(ms: i64) -> String {
        format!("fromUnixTimestamp64Milli(toInt64({ms}), 'UTC')")
    }

    fn byte(number: &str) -> String {
        format!("toUInt8({number})")
    }

    fn id(id: u64) -> String {
        id.to_string()
    }

    fn text(text: &str) -> String {
        format!("unhex('{}')", dialect::hex(text))
    }

    fn milliseconds(column: &str) -> String {
        format!("toUnixTimestamp64Milli({column})")
    }

    // Parts are of a day, those of weather of a month, and each knows its first and last time.
    // Positions are also kept in the order of these five minutes, which the server does not conclude from the time.
    fn observed_in(table: &str, period: Period) -> (String, String) {
        let five_minutes = |time: &str| format!("toStartOfFiveMinutes({time})");
        let (from, to) = (Self::time(period.from_ms), Self::time(period.to_ms));
        let (at, first, last) = (five_minutes("event_at"), five_minutes(&from), five_minutes(&to));
        let exact = dialect::within::<Self>("event_at", period);
        (table.to_owned(), format!("{at} >= {first} AND {at} <= {last} AND {exact}"))
    }

    // Reads one column, of the parts of the period.
    fn begin_of_observed(table: &str, period: Period) -> String {
        let (table, within) = Self::observed_in(table, period);
        format!("SELECT toUnixTimestamp64Milli(min(event_at)) FROM {table} WHERE {within} HAVING count() > 0")
    }

    fn confirmations_of(period: Period) -> String {
        let (from_ms, to_ms) = (period.from_ms - CONFIRMED_WITHIN_MS, period.to_ms + CONFIRMED_WITHIN_MS);
        format!(" WHERE {}", dialect::within::<Self>("event_at", Period { from_ms, to_ms }))
    }

    // By the newest decision about each position.
    fn rejected(columns: &str, condition: Option<&str>) -> String {
        let which = condition.map_or(String::new(), |condition| format!(" WHERE {condition}"));
        format!(
            "SELECT {columns} FROM decisions{which} GROUP BY device, observation_id HAVING argMax(rejected, version)"
        )
    }
}

impl ClickHouse {
    fn query(&self, sql: &str) -> clickhouse::query::Query {
        let query = self.client().query(sql).with_setting("max_execution_time", ANSWER_TIMEOUT.as_secs().to_string());
        // All versions of a row key are in one partition: FINAL need not merge partitions with each other.
        query.with_setting("do_not_merge_across_partitions_select_final", "1")
    }

    /// The rows of a query as the server sends them. It holds a connection until its end, so the caller must read fast.
    pub(super) fn rows<T: RowOwned + RowRead + Send + 'static>(&self, sql: &str, attempted: &'static str) -> Rows<T> {
        let breaker = self.breaker.clone();
        let asked = breaker.check(attempted);
        let cursor = asked.and_then(|()| self.query(sql).fetch::<T>().map_err(|cause| errors::error(attempted, cause)));
        let begun = stream::once(async move { cursor });
        let blocks = begun.flat_map(move |cursor| match cursor {
            Ok(cursor) => {
                let breaker = breaker.clone();
                let next = move |cursor| {
                    let breaker = breaker.clone();
                    async move {
                        let (block, cursor) = block(cursor?, attempted).await?;
                        block.as_ref().err().inspect(|error| breaker.record(error));
                        Some((block, cursor))
                    }
                };
                stream::unfold(Some(cursor), next).boxed()
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        });
        blocks.boxed()
    }

    /// All rows of a table (of a period, by event time), also hidden ones, each once: for a comparison with the log.
    pub fn whole<T: Stored + RowOwned + RowRead + Send + 'static>(
        &self,
        period: Option<Period>,
        attempted: &'static str,
    ) -> Rows<T> {
        self.rows(&dialect::all_rows::<Sql, T>(period), attempted)
    }

    /// The rows of an ordered query; no resource of the server is held between two pages.
    fn pages<T: Keyed + RowOwned + RowRead>(
        &self,
        limit: u64,
        attempted: &'static str,
        after: fn(&T) -> String,
        sql: impl Fn(&Page) -> String + Send + 'static,
    ) -> Rows<T> {
        let store = self.clone();
        pages(limit, PAGE_ROWS, after, move |page| {
            let (store, sql, is_first) = (store.clone(), sql(&page), page.is_first());
            async move { store.page(&sql, attempted, is_first).await }
        })
    }

    fn export<T: Keyed + RowOwned + RowRead>(
        &self,
        kind: ExportKind,
        query: ExportQuery,
        attempted: &'static str,
    ) -> Rows<T> {
        self.pages(query.limit, attempted, dialect::after::<Sql, T>, move |page| {
            dialect::export::<Sql>(kind, &query, page)
        })
    }

    async fn page<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        attempted: &'static str,
        is_first: bool,
    ) -> Result<Vec<T>, HistoryError> {
        // Checked first, so that no query waits for a permit while the server does not answer.
        self.breaker.check(attempted)?;
        let _permit = self.limiter.acquire(attempted, is_first).await?;
        self.breaker.answer(attempted, ANSWER_TIMEOUT, self.query(sql).fetch_all::<T>()).await
    }

    fn by_time<T: ByTime + RowOwned + RowRead>(&self, query: RegionQuery) -> Rows<T> {
        const ATTEMPTED: &str = "read a region's past";
        let (store, searched) = (self.clone(), self.clone());
        let read = move |slice: Slice| {
            let (store, sql) = (store.clone(), dialect::by_time::<Sql, T>(&query, &slice));
            async move { store.page(&sql, ATTEMPTED, slice.is_first).await }
        };
        slices(query, PAGE_ROWS, read, move |period| {
            let (store, sql) = (searched.clone(), Sql::begin_of_observed(T::TABLE, period));
            async move { store.page::<i64>(&sql, ATTEMPTED, false).await.map(|found| found.first().copied()) }
        })
    }

    /// All rows of a device in one table.
    fn table_of_device<T: OfDevice + RowOwned + RowRead>(&self, device: u32) -> Rows<T> {
        let after = dialect::after_in_device::<Sql, T>;
        self.pages(u64::MAX, "read all about a device", after, move |page| dialect::of_device::<Sql, T>(device, page))
    }

    async fn receptions_of_heard(&self, observations: Vec<Heard>) -> Result<Vec<ReceptionRow>, HistoryError> {
        self.about(&observations, "read receptions", dialect::receptions_of::<Sql>).await
    }

    /// What `sql` asks about some of `subjects`, asked about all of them.
    async fn about<T: RowOwned + RowRead, S>(
        &self,
        subjects: &[S],
        attempted: &'static str,
        sql: impl Fn(&[S]) -> String + Send,
    ) -> Result<Vec<T>, HistoryError> {
        let mut rows = Vec::new();
        let queries: Vec<String> = subjects.chunks(DEVICES).map(sql).collect();
        for (index, query) in queries.iter().enumerate() {
            rows.extend(self.page(query, attempted, index == 0).await?);
        }
        Ok(rows)
    }

    /// All rows of a query.
    pub(super) async fn all<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        attempted: &'static str,
    ) -> Result<Vec<T>, HistoryError> {
        self.page(sql, attempted, true).await
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
    match tokio::time::timeout(ANSWER_TIMEOUT, read).await {
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

    fn report(&self, answers: bool) {
        self.breaker.report(answers);
    }

    fn track(&self, query: TrackQuery) -> Rows<PositionRow> {
        // A few granules of each part: more threads cost more than they save, and reading in order took 18 ms where
        // reading and sorting took 13 ms.
        let now_ms = self.now_ms();
        let sql = move |page: &Page| {
            let sql = dialect::track::<Sql, PositionRow>(&query, page, now_ms);
            format!("{sql} SETTINGS max_threads = 1, optimize_read_in_order = 0")
        };
        self.pages(query.limit, "read a track", dialect::after_in_device::<Sql, PositionRow>, sql)
    }

    fn ground_track(&self, query: TrackQuery) -> Rows<GroundPositionRow> {
        let now_ms = self.now_ms();
        let sql = move |page: &Page| dialect::track::<Sql, GroundPositionRow>(&query, page, now_ms);
        let after = dialect::after_in_device::<Sql, GroundPositionRow>;
        self.pages(query.limit, "read the track of a ground object", after, sql)
    }

    fn weather(&self, device: u32, period: Period, limit: u64) -> Rows<WeatherRow> {
        let sql = move |page: &Page| dialect::weather::<Sql>(device, period, page);
        self.pages(limit, "read a station's weather", dialect::after_in_device::<Sql, WeatherRow>, sql)
    }

    async fn flights(&self, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError> {
        self.all(&dialect::flights::<Sql>(&query), "read flights").await
    }

    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError> {
        let counts: Vec<u64> = self.all(&dialect::count::<Sql>(kind, &query), "count an export's rows").await?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    fn positions(&self, query: ExportQuery) -> Rows<PositionRow> {
        self.export(ExportKind::Positions, query, "export positions")
    }

    fn positions_by_time(&self, query: RegionQuery) -> Rows<PositionRow> {
        self.by_time(query)
    }

    fn ground_by_time(&self, query: RegionQuery) -> Rows<GroundPositionRow> {
        self.by_time(query)
    }

    fn weather_by_time(&self, query: RegionQuery) -> Rows<WeatherRow> {
        self.by_time(query)
    }

    fn thermals(&self, query: ExportQuery) -> Rows<ThermalRow> {
        self.export(ExportKind::Thermals, query, "export thermals")
    }

    fn weather_in(&self, query: ExportQuery) -> Rows<WeatherRow> {
        self.export(ExportKind::Weather, query, "export weather")
    }

    fn receptions(&self, query: ExportQuery) -> Rows<ReceptionRow> {
        self.export(ExportKind::Receptions, query, "export receptions")
    }

    async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, HistoryError> {
        if devices.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<(u32, String)> = self.all(&dialect::names_at::<Sql>(devices, at_ms), "read names").await?;
        Ok(names.into_iter().collect())
    }

    fn privacy(&self) -> Rows<PrivacyRow> {
        let (attempted, after) = ("read whose past is public", dialect::after::<Sql, PrivacyRow>);
        self.pages(u64::MAX, attempted, after, dialect::privacy_of_all::<Sql>)
    }

    async fn first_since(&self, since: &[Since]) -> Result<Vec<PositionRow>, HistoryError> {
        self.about(since, "read first positions", dialect::first_since::<Sql>).await
    }

    async fn ground_since(&self, since: &[Since]) -> Result<Vec<GroundPositionRow>, HistoryError> {
        self.about(since, "read ground positions", dialect::ground_since::<Sql>).await
    }

    async fn receptions_of(&self, positions: &[PositionRow]) -> Result<Vec<ReceptionRow>, HistoryError> {
        self.receptions_of_heard(positions.iter().map(Heard::from).collect()).await
    }

    async fn alerts(&self, device: Option<u32>, period: Period, limit: u64) -> Result<Vec<AlertRow>, HistoryError> {
        self.all(&dialect::alerts::<Sql>(device, period, limit), "read alerts").await
    }

    fn of_device(&self, device: u32) -> Rows<DeviceRow> {
        let store = self.clone();
        let heard = move |rows| {
            let (store, read) = (store.clone(), rows);
            async move { store.receptions_of_heard(read).await }
        };
        let observed = in_turn(vec![
            rows_of(self.table_of_device(device), DeviceRow::Positions),
            rows_of(self.table_of_device(device), DeviceRow::GroundPositions),
            rows_of(self.table_of_device(device), DeviceRow::Weather),
            rows_of(self.table_of_device(device), DeviceRow::Names),
        ]);
        in_turn(vec![
            with_receptions(observed, heard),
            rows_of(self.table_of_device(device), DeviceRow::Confirmations),
            rows_of(self.table_of_device(device), DeviceRow::Decisions),
            rows_of(self.table_of_device(device), DeviceRow::Alerts),
            rows_of(self.table_of_device(device), DeviceRow::Flights),
            rows_of(self.table_of_device(device), DeviceRow::Erasures),
            rows_of(self.table_of_device(device), DeviceRow::Privacy),
        ])
    }
}
