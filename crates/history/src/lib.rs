#![doc = include_str!("../README.md")]

#[cfg(feature = "clickhouse")]
mod clickhouse;
#[cfg(feature = "testing")]
pub mod contract;
mod csv_line;
mod device_rows;
mod dialect;
mod error;
pub mod export;
mod flights;
mod migrations;
mod model;
mod pages;
mod port;
mod read_limiter;
mod retention;
mod slices;
mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod track;

#[cfg(feature = "clickhouse")]
pub use clickhouse::{ClickHouse, ClickHouseOptions};
pub use csv_line::{CsvForm, DecimalMark};
pub use error::HistoryError;
pub use migrations::{CLICKHOUSE, Migration, MigrationStatus, SQLITE};
pub use model::{
    AlertRow, Cell, ConfirmationRow, DecisionRow, DeviceRow, ErasureRow, FlightRow, GroundPositionRow, NameRow,
    ObservedRow, PositionKey, PositionRow, PrivacyRow, ReceiverRow, ReceptionRow, Stored, ThermalRow, WeatherRow, flag,
};
pub use port::{
    Block, BlockRows, ExportKind, ExportQuery, FlightQuery, HistoryReader, HistoryWriter, Period, RegionQuery, Rows,
    Since, TrackQuery, Visibility,
};
pub use retention::Retention;
/// A column's value as SQLite stores it.
pub use rusqlite::types::Value;
pub use sqlite::Sqlite;

/// A longer silence ends a flight, milliseconds.
pub const SILENCE_MS: i64 = (flight::progress::SILENCE_US / 1_000).cast_signed();
