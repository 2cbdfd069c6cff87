#![doc = include_str!("../README.md")]

mod clickhouse;
mod dialect;
mod error;
pub mod export;
mod flights;
mod migrations;
mod model;
mod port;
mod retention;
mod sqlite;
pub mod track;

pub use clickhouse::{ClickHouse, ClickHouseOptions};
pub use error::HistoryError;
pub use migrations::{CLICKHOUSE, Migration, MigrationStatus, SQLITE};
pub use model::{
    AlertRow, Cell, ErasureRow, FlightRow, GroundPositionRow, NameRow, PositionRow, ReceiverRow, ReceptionRow, Stored,
    ThermalRow, WeatherRow, flag,
};
pub use port::{
    Block, BlockRows, ExportKind, ExportQuery, FlightQuery, HistoryReader, HistoryWriter, Period, Rows, TrackQuery,
    Visibility,
};
pub use retention::Retention;
/// A column's value as the embedded store holds it.
pub use rusqlite::types::Value;
pub use sqlite::Sqlite;
