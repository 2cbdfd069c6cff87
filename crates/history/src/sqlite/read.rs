//! Queries.

use std::collections::HashMap;

use async_trait::async_trait;

use super::Sqlite;
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

/// Rows of one page.
const PAGE_ROWS: u64 = 2_048;
/// Devices of one query; a query of SQLite joins 500 at most.
const DEVICES: usize = 100;
/// What the indexes of observations by time are made of, milliseconds.
const MINUTE_MS: i64 = 60_000;

/// SQLite's SQL.
pub(super) struct Sql;

impl Dialect for Sql {
    const ALL_AT_ONCE: bool = false;
    const FLIGHTS: &'static str = "flights";
    // A bare column beside max() has the value of the row with the maximum.
    const LAST_NAME: &'static str = "name, max(event_at)";

    fn once(table: &str) -> String {
        table.to_owned()
    }

    fn time(ms: i64) -> String {
        ms.to_string()
    }

    fn byte(number: &str) -> String {
        number.to_owned()
    }

    // Stored with the same bits.
    fn id(id: u64) -> String {
        id.cast_signed().to_string()
    }

    fn text(text: &str) -> String {
        format!("CAST(X'{}' AS TEXT)", dialect::hex(text))
    }

    fn milliseconds(column: &str) -> String {
        column.to_owned()
    }

    // Each table of observations has an index of whole minutes, which no other query can use: those that want an order by
    // device would be slower with it.
    fn observed_in(table: &str, period: Period) -> (String, String) {
        let (first, last) = (period.from_ms / MINUTE_MS, period.to_ms / MINUTE_MS);
        let exact = dialect::within::<Self>("event_at", period);
        let minutes = format!("event_at / {MINUTE_MS} >= {first} AND event_at / {MINUTE_MS} <= {last}");
        (format!("{table} INDEXED BY {table}_by_minute"), format!("{minutes} AND {exact}"))
    }

    // The first entry of the index: its minute begins before the row.
    fn begin_of_observed(table: &str, period: Period) -> String {
        let (first, last) = (period.from_ms / MINUTE_MS, period.to_ms / MINUTE_MS);
        format!(
            "SELECT event_at / {MINUTE_MS} * {MINUTE_MS} FROM {table} INDEXED BY {table}_by_minute \
             WHERE event_at / {MINUTE_MS} >= {first} AND event_at / {MINUTE_MS} <= {last} \
             ORDER BY event_at / {MINUTE_MS} LIMIT 1"
        )
    }

    // Found by their key, one by one.
    fn confirmations_of(_: Period) -> String {
        String::new()
    }

    fn rejected(columns: &str, condition: Option<&str>) -> String {
        let also = condition.map_or(String::new(), |condition| format!(" AND {condition}"));
        format!("SELECT {columns} FROM decisions WHERE rejected{also}")
    }
}

impl Sqlite {
    /// The rows of an ordered query; no reader is held between two pages.
    fn pages<T: Keyed>(
        &self,
        limit: u64,
        attempted: &'static str,
        after: fn(&T) -> String,
        sql: impl Fn(&Page) -> String + Send + 'static,
    ) -> Rows<T> {
        let store = self.clone();
        pages(limit, PAGE_ROWS, after, move |page| {
            let (store, sql, is_first) = (store.clone(), sql(&page), page.is_first());
            async move { store.all(sql, attempted, is_first, T::of_sqlite).await }
        })
    }

    fn export<T: Keyed>(&self, kind: ExportKind, query: ExportQuery, attempted: &'static str) -> Rows<T> {
        self.pages(query.limit, attempted, dialect::after::<Sql, T>, move |page| {
            dialect::export::<Sql>(kind, &query, page)
        })
    }

    fn by_time<T: ByTime>(&self, query: RegionQuery) -> Rows<T> {
        const ATTEMPTED: &str = "read a region's past";
        let (store, searched) = (self.clone(), self.clone());
        let read = move |slice: Slice| {
            let (store, sql) = (store.clone(), dialect::by_time::<Sql, T>(&query, &slice));
            async move { store.all(sql, ATTEMPTED, slice.is_first, T::of_sqlite).await }
        };
        slices(query, PAGE_ROWS, read, move |period| {
            let (store, sql) = (searched.clone(), Sql::begin_of_observed(T::TABLE, period));
            async move {
                let found = store.all(sql, ATTEMPTED, false, |row| row.get::<_, i64>(0)).await;
                found.map(|found| found.first().copied())
            }
        })
    }

    /// All rows of a device in one table.
    fn table_of_device<T: OfDevice>(&self, device: u32) -> Rows<T> {
        let after = dialect::after_in_device::<Sql, T>;
        self.pages(u64::MAX, "read all about a device", after, move |page| dialect::of_device::<Sql, T>(device, page))
    }

    async fn receptions_of_heard(&self, observations: Vec<Heard>) -> Result<Vec<ReceptionRow>, HistoryError> {
        self.about(&observations, "read receptions", dialect::receptions_of::<Sql>).await
    }

    /// What `sql` asks about some of `subjects`, asked about all of them.
    async fn about<T: Stored, S>(
        &self,
        subjects: &[S],
        attempted: &'static str,
        sql: impl Fn(&[S]) -> String + Send,
    ) -> Result<Vec<T>, HistoryError> {
        let mut rows = Vec::new();
        let queries: Vec<String> = subjects.chunks(DEVICES).map(sql).collect();
        for (index, query) in queries.into_iter().enumerate() {
            rows.extend(self.all(query, attempted, index == 0, T::of_sqlite).await?);
        }
        Ok(rows)
    }

    /// All rows of a query.
    async fn all<T: Send + 'static>(
        &self,
        sql: String,
        attempted: &'static str,
        is_first: bool,
        row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        self.reading(attempted, is_first, move |connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([], row)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        })
        .await
    }
}

#[async_trait]
impl HistoryReader for Sqlite {
    async fn check(&self) -> Result<(), HistoryError> {
        self.all("SELECT 1".to_owned(), "check the history", true, |row| row.get::<_, i64>(0)).await.map(|_| ())
    }

    fn track(&self, query: TrackQuery) -> Rows<PositionRow> {
        let now_ms = self.now_ms();
        let sql = move |page: &Page| dialect::track::<Sql, PositionRow>(&query, page, now_ms);
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
        self.all(dialect::flights::<Sql>(&query), "read flights", true, FlightRow::of_sqlite).await
    }

    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError> {
        let counts =
            self.all(dialect::count::<Sql>(kind, &query), "count an export's rows", true, |row| row.get::<_, i64>(0));
        Ok(counts.await?.first().map_or(0, |count| count.unsigned_abs()))
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
        let name = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?));
        Ok(self.all(dialect::names_at::<Sql>(devices, at_ms), "read names", true, name).await?.into_iter().collect())
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
        self.all(dialect::alerts::<Sql>(device, period, limit), "read alerts", true, AlertRow::of_sqlite).await
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
