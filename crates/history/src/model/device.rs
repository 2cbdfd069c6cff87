//! Rows about one device, of any table.

use serde::Serialize;

use super::{
    AlertRow, ConfirmationRow, DecisionRow, ErasureRow, FlightRow, GroundPositionRow, NameRow, PositionRow, PrivacyRow,
    ReceptionRow, WeatherRow,
};

/// A row about a device, with the name of its table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "table", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the tables, by their names")]
pub enum DeviceRow {
    Positions(PositionRow),
    GroundPositions(GroundPositionRow),
    Weather(WeatherRow),
    Names(NameRow),
    Confirmations(ConfirmationRow),
    Decisions(DecisionRow),
    Receptions(ReceptionRow),
    Alerts(AlertRow),
    Flights(FlightRow),
    Erasures(ErasureRow),
    Privacy(PrivacyRow),
}

impl DeviceRow {
    /// The observation whose receptions belong to the row. Names have no ingestion time: theirs is at most that of the
    /// event where they came without a delay.
    pub(crate) fn heard(&self) -> Option<Heard> {
        let heard = |observation_id, event_at_ms: i64, delay_ms: i32| Heard {
            observation_id,
            ingested_at_ms: event_at_ms + i64::from(delay_ms),
        };
        match self {
            Self::Positions(row) => Some(row.into()),
            Self::GroundPositions(row) => Some(heard(row.observation_id, row.event_at_ms, row.ingest_delay_ms)),
            Self::Weather(row) => Some(heard(row.observation_id, row.event_at_ms, row.ingest_delay_ms)),
            Self::Names(row) => Some(heard(row.observation_id, row.event_at_ms, 0)),
            _ => None,
        }
    }
}

/// An observation whose receptions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) observation_id: u64,
    /// Ingestion time, milliseconds since the epoch.
    pub(crate) ingested_at_ms: i64,
}

impl From<&PositionRow> for Heard {
    fn from(row: &PositionRow) -> Self {
        Self { observation_id: row.observation_id, ingested_at_ms: row.ingested_at_ms() }
    }
}
