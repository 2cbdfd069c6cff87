//! What programs ask of a history, whatever keeps it.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::stream::BoxStream;
use geo::Bounds;

use crate::{
    AlertRow, ConfirmationRow, ErasureRow, FlightRow, GroundPositionRow, HistoryError, NameRow, PositionRow,
    PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow, WeatherRow,
};

/// Rows in blocks of at most a few thousand; the next block is read when it is asked for, by a query of its own that goes on
/// behind the last row. Between two blocks nothing of the store is held: the reader may take its time. Ends after the first
/// error.
pub type Rows<T> = BoxStream<'static, Result<Vec<T>, HistoryError>>;

/// A span of event time: from (included) to (excluded), milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first millisecond that belongs to it.
    pub from_ms: i64,
    /// The first millisecond that does not any more.
    pub to_ms: i64,
}

/// Whose rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// What everybody may see.
    #[default]
    Public,
    /// Hidden devices' rows of the last 24 h too: for fleet and rescue scopes alone.
    WithPrivate,
}

/// The track of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackQuery {
    /// Device address.
    pub device: u32,
    /// By event time.
    pub period: Period,
    /// Whose rows.
    pub visibility: Visibility,
    /// Without the positions that are not part of the device's track: implausible ones, and those that nothing confirmed.
    pub plausible_only: bool,
    /// At most so many rows, the oldest ones.
    pub limit: u64,
}

/// Which flights. What is `None` is not asked about. Flights of hidden devices are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FlightQuery {
    /// Of this device.
    pub device: Option<u32>,
    /// With their take-off in here.
    pub bounds: Option<Bounds>,
    /// With their take-off at this time.
    pub period: Option<Period>,
    /// At most so many, the newest take-off first.
    pub limit: u64,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// [`HistoryReader::positions`].
    Positions,
    /// [`HistoryReader::thermals`].
    Thermals,
    /// [`HistoryReader::weather_in`].
    Weather,
    /// [`HistoryReader::receptions`].
    Receptions,
}

/// An export: public rows of a region and a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExportQuery {
    /// The region; rows without a place are in none.
    pub bounds: Bounds,
    /// By event time; receptions: by time of ingest; thermals: by the time of the last report.
    pub period: Period,
    /// At most so many rows.
    pub limit: u64,
}

/// Reads the history. Every call can fail with a transient error (`is_transient()`): the store is away, or has more questions
/// than it can take (`busy`).
#[async_trait]
pub trait HistoryReader: Send + Sync {
    /// Whether the store answers and has the tables that this program needs.
    ///
    /// # Errors
    /// Transient: it is away, or not migrated yet. Fatal: it is newer than this program.
    async fn check(&self) -> Result<(), HistoryError>;

    /// What a probe found: whether the store answers at all. While it does not, questions fail at once, those under way
    /// included, where each would wait for its time limit.
    fn report(&self, answers: bool) {
        // A store in this process needs no probe.
        let _ = answers;
    }

    /// A device's positions in the order of event time and id. Each observation comes once.
    fn track(&self, query: TrackQuery) -> Rows<PositionRow>;

    /// A station's readings in the order of time; at most `limit`, the oldest ones. Public ones only.
    fn weather(&self, device: u32, period: Period, limit: u64) -> Rows<WeatherRow>;

    /// Flights, the newest take-off first.
    ///
    /// # Errors
    /// Transient: the store is away.
    async fn flights(&self, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError>;

    /// How many rows an export would have; counting ends at the query's limit plus one.
    ///
    /// # Errors
    /// Transient: the store is away.
    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError>;

    /// Positions of a region and time, by device, then time.
    fn positions(&self, query: ExportQuery) -> Rows<PositionRow>;

    /// Thermals of a region and time, by id.
    fn thermals(&self, query: ExportQuery) -> Rows<ThermalRow>;

    /// Weather readings of a region and time, by station, then time.
    fn weather_in(&self, query: ExportQuery) -> Rows<WeatherRow>;

    /// Receptions of a region and time, by receiver, then time.
    fn receptions(&self, query: ExportQuery) -> Rows<ReceptionRow>;

    /// The public names that devices had at a time (the newest one told until then); devices without are left out.
    ///
    /// # Errors
    /// Transient: the store is away.
    async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, HistoryError>;

    /// Devices that are or were hidden, and what of their past is public, each as last written; in no order.
    fn privacy(&self) -> Rows<PrivacyRow>;

    /// An alert's or a device's history of alerts in a period (by time of raising), by alert, then version; at most
    /// `limit`.
    ///
    /// # Errors
    /// Transient: the store is away.
    async fn alerts(&self, device: Option<u32>, period: Period, limit: u64) -> Result<Vec<AlertRow>, HistoryError>;
}

/// The rows of one block, by table.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "the tables, under their names")]
pub struct BlockRows {
    pub positions: Vec<PositionRow>,
    pub confirmations: Vec<ConfirmationRow>,
    pub ground_positions: Vec<GroundPositionRow>,
    pub weather: Vec<WeatherRow>,
    pub names: Vec<NameRow>,
    pub receptions: Vec<ReceptionRow>,
    pub receivers: Vec<ReceiverRow>,
    pub thermals: Vec<ThermalRow>,
    pub alerts: Vec<AlertRow>,
    pub erasures: Vec<ErasureRow>,
    pub privacy: Vec<PrivacyRow>,
}

impl BlockRows {
    /// Rows of all tables.
    pub fn len(&self) -> usize {
        let observed = self.positions.len() + self.ground_positions.len() + self.weather.len() + self.names.len();
        let told = self.receptions.len() + self.receivers.len() + self.thermals.len() + self.alerts.len();
        observed + told + self.confirmations.len() + self.erasures.len() + self.privacy.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one range of offsets of one partition adds to the history: a pure function of that range.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `<topic>-<partition>-<first offset>-<last offset>`: a store that has taken a block of this token does not take it
    /// again.
    pub token: String,
    /// The rows.
    pub rows: BlockRows,
}

/// Writes the history.
#[async_trait]
pub trait HistoryWriter: Send + Sync {
    /// Whether the store answers and has the tables that this program needs.
    ///
    /// # Errors
    /// As [`HistoryReader::check`].
    async fn ready(&self) -> Result<(), HistoryError>;

    /// Forgets what has expired or was asked to be forgotten, and brings up to date what is made of rows, as far as the
    /// store does not do so by itself. To be called every minute or so, by one writer or several.
    ///
    /// # Errors
    /// Transient: the store is away.
    async fn maintain(&self) -> Result<(), HistoryError>;

    /// Adds a block. When it returns `Ok` the rows are there; after an error some may be. Doing it again, with the same or
    /// with other borders, changes nothing.
    ///
    /// # Errors
    /// Transient: the store is away. `RefusedRows`: some of these rows will never be taken.
    async fn write(&self, block: &Block) -> Result<(), HistoryError>;
}
