//! The port: how programs read and write a history, independent of the store.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::stream::BoxStream;
use geo::Bounds;

use crate::{
    AlertRow, ConfirmationRow, DecisionRow, DeviceRow, ErasureRow, FlightRow, GroundPositionRow, HistoryError, NameRow,
    PositionKey, PositionRow, PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow, WeatherRow,
};

/// Rows in blocks of at most a few thousand. Each block is read on demand, by a query of its own that begins after the
/// last row. Between two blocks no resource of the store is held, however slow the reader is. Ends after the first
/// error.
pub type Rows<T> = BoxStream<'static, Result<Vec<T>, HistoryError>>;

/// A span of event time: from (included) to (excluded), milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first millisecond of the period.
    pub from_ms: i64,
    /// The first millisecond after the period.
    pub to_ms: i64,
}

/// Which devices' rows a query returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Public rows only.
    #[default]
    Public,
    /// Also rows of hidden devices of the last 24 h: only for fleet and rescue scopes.
    WithPrivate,
}

/// The track of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackQuery {
    /// Device address.
    pub device: u32,
    /// By event time.
    pub period: Period,
    /// Which devices' rows.
    pub visibility: Visibility,
    /// Leaves out positions that are not part of the device's track: implausible and unconfirmed ones.
    pub plausible_only: bool,
    /// The maximum number of rows; the oldest ones are returned.
    pub limit: u64,
}

/// A query for flights. A field that is `None` does not restrict the result. Flights of hidden devices are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FlightQuery {
    /// The device.
    pub device: Option<u32>,
    /// The region of the take-off.
    pub bounds: Option<Bounds>,
    /// The time of the take-off.
    pub period: Option<Period>,
    /// The maximum number of flights; those with the newest take-off are returned.
    pub limit: u64,
}

/// A query for what was observed in a region, public rows only, thinned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionQuery {
    /// The region.
    pub bounds: Bounds,
    /// By event time.
    pub period: Period,
    /// Of each device the first row in each step of this length, milliseconds; at least 1. Steps begin at multiples of it
    /// since the epoch, so that all pages of a response have the same steps.
    pub step_ms: i64,
    /// Begins after this row. `None`: at the beginning.
    pub after: Option<PositionKey>,
    /// The maximum number of rows.
    pub limit: u64,
}

/// A device from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Device address.
    pub device: u32,
    /// The first millisecond, since the Unix epoch.
    pub from_ms: i64,
}

/// The tables that can be exported.
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

/// An export: public rows of a region and a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExportQuery {
    /// The region; rows without a position are in no region.
    pub bounds: Bounds,
    /// By event time; receptions: by ingestion time; thermals: by the time of the last report.
    pub period: Period,
    /// The maximum number of rows.
    pub limit: u64,
}

/// Reads the history. Every call can fail with a transient error (`is_transient()`): the store is unavailable, or has
/// too many queries (`busy`).
#[async_trait]
pub trait HistoryReader: Send + Sync {
    /// Checks that the store answers and has the tables that this program needs.
    ///
    /// # Errors
    /// Transient: it is unavailable, or not migrated yet. Fatal: it is newer than this program.
    async fn check(&self) -> Result<(), HistoryError>;

    /// Reports the result of a probe: whether the store answers. While it does not, all queries fail immediately, also
    /// those in progress, which would otherwise wait for their time limits.
    fn report(&self, answers: bool) {
        // An embedded store needs no probe.
        let _ = answers;
    }

    /// A device's positions in the order of event time and id, each observation once.
    fn track(&self, query: TrackQuery) -> Rows<PositionRow>;

    /// A device's positions as a ground object, as those of [`track`](Self::track).
    fn ground_track(&self, query: TrackQuery) -> Rows<GroundPositionRow>;

    /// A station's public readings in the order of time; at most `limit`, the oldest ones.
    fn weather(&self, device: u32, period: Period, limit: u64) -> Rows<WeatherRow>;

    /// Flights, the newest take-off first.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn flights(&self, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError>;

    /// The number of rows of an export; counting ends at the query's limit plus one.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn count(&self, kind: ExportKind, query: ExportQuery) -> Result<u64, HistoryError>;

    /// Positions of a region and time, by device, then time.
    fn positions(&self, query: ExportQuery) -> Rows<PositionRow>;

    /// Positions of a region by time, then device: those that are part of their device's track, at most one per device and
    /// step. Read in slices of at most an hour, so that each query reads no more than that; times without positions are skipped.
    fn positions_by_time(&self, query: RegionQuery) -> Rows<PositionRow>;

    /// Positions of ground objects in a region, as those of [`positions_by_time`](Self::positions_by_time); at most one per
    /// device, ground type and step, so that thinning hides no change of it.
    fn ground_by_time(&self, query: RegionQuery) -> Rows<GroundPositionRow>;

    /// Readings of stations in a region, as the positions of [`positions_by_time`](Self::positions_by_time); those without a
    /// position are left out.
    fn weather_by_time(&self, query: RegionQuery) -> Rows<WeatherRow>;

    /// Thermals of a region and time, by id.
    fn thermals(&self, query: ExportQuery) -> Rows<ThermalRow>;

    /// Weather readings of a region and time, by station, then time.
    fn weather_in(&self, query: ExportQuery) -> Rows<WeatherRow>;

    /// Receptions of a region and time, by receiver, then time.
    fn receptions(&self, query: ExportQuery) -> Rows<ReceptionRow>;

    /// The public names of devices at a time: the newest one that was sent until then. Devices without a name are left
    /// out.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, HistoryError>;

    /// The privacy of all devices that are or were hidden, each as last written; in no order.
    fn privacy(&self) -> Rows<PrivacyRow>;

    /// Of each device the first public positions of its track from its time on, at most three, in their order.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn first_since(&self, since: &[Since]) -> Result<Vec<PositionRow>, HistoryError>;

    /// Of each device its newest public ground position from its time on; devices without one are left out.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn ground_since(&self, since: &[Since]) -> Result<Vec<GroundPositionRow>, HistoryError>;

    /// The receptions of these positions, in no order; those of unknown receivers may be missing.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn receptions_of(&self, positions: &[PositionRow]) -> Result<Vec<ReceptionRow>, HistoryError>;

    /// The versions of a device's (or all) alerts that were raised in a period, by alert, then version; at most
    /// `limit`.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn alerts(&self, device: Option<u32>, period: Period, limit: u64) -> Result<Vec<AlertRow>, HistoryError>;

    /// Everything about a device, also what is hidden, in the stored form: table by table, in the order of their keys;
    /// receptions behind their observations. Only for those who may manage the device.
    fn of_device(&self, device: u32) -> Rows<DeviceRow>;
}

/// The rows of one block, by table.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "the tables, by their names")]
pub struct BlockRows {
    pub positions: Vec<PositionRow>,
    pub confirmations: Vec<ConfirmationRow>,
    pub decisions: Vec<DecisionRow>,
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
    /// The number of rows of all tables.
    pub fn len(&self) -> usize {
        let observed = self.positions.len() + self.ground_positions.len() + self.weather.len() + self.names.len();
        let states = self.receptions.len() + self.receivers.len() + self.thermals.len() + self.alerts.len();
        let judged = self.confirmations.len() + self.decisions.len();
        observed + states + judged + self.erasures.len() + self.privacy.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows of one range of offsets of one partition: a pure function of that range.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `<topic>-<partition>-<first offset>-<last offset>`: a store ignores a block whose token it has stored already.
    pub token: String,
    /// The rows.
    pub rows: BlockRows,
}

/// Writes the history.
#[async_trait]
pub trait HistoryWriter: Send + Sync {
    /// Checks that the store answers and has the tables that this program needs.
    ///
    /// # Errors
    /// As for [`HistoryReader::check`].
    async fn ready(&self) -> Result<(), HistoryError>;

    /// Deletes expired and erased rows, and updates the tables that are computed from rows, as far as the store does
    /// not do that by itself. Call it about every minute, from one writer or several.
    ///
    /// # Errors
    /// Transient: the store is unavailable.
    async fn maintain(&self) -> Result<(), HistoryError>;

    /// Writes a block. After `Ok` all its rows are stored; after an error some may be. Writing the same rows again, in
    /// a block with the same or another range, changes nothing.
    ///
    /// # Errors
    /// Transient: the store is unavailable. `RefusedRows`: the store refuses some of these rows.
    async fn write(&self, block: &Block) -> Result<(), HistoryError>;
}
