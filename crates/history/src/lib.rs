#![doc = include_str!("../README.md")]

mod error;
pub mod export;
mod model;
mod port;
pub mod track;

pub use error::HistoryError;
pub use model::{
    AlertRow, Cell, FlightRow, GroundPositionRow, NameRow, PositionRow, ReceptionRow, Stored, ThermalRow, WeatherRow,
    flag,
};
pub use port::{
    Block, BlockRows, ExportKind, ExportQuery, FlightQuery, HistoryReader, HistoryWriter, Period, Rows, TrackQuery,
    Visibility,
};
