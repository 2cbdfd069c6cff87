//! The queries, written once for both stores.
//!
//! Only numbers and hex digits are inserted into the text, so that nothing must be escaped.

mod by_time;

use std::fmt::Write as _;

use flight::units::e7;
use geo::Bounds;

use crate::model::{Heard, Stored};
use crate::pages::Page;
use crate::{
    AlertRow, ConfirmationRow, DecisionRow, ErasureRow, ExportKind, ExportQuery, FlightQuery, FlightRow,
    GroundPositionRow, NameRow, Period, PositionRow, PrivacyRow, ReceiverRow, ReceptionRow, Since, ThermalRow,
    TrackQuery, Visibility, WeatherRow, flag,
};

pub(crate) use self::by_time::{ByTime, by_time};

/// How long rows of hidden devices are visible for fleet and rescue scopes, milliseconds.
pub(crate) const PRIVATE_MS: i64 = 24 * 3_600_000;

/// The SQL in which the two stores differ.
pub(crate) trait Dialect {
    /// A table, with each repeated row once.
    fn once(table: &str) -> String;
    /// A time, milliseconds since the epoch.
    fn time(ms: i64) -> String;
    /// A number from 0 to 255, in the type of its column.
    fn byte(number: &str) -> String;
    /// An id.
    fn id(id: u64) -> String;
    /// A text, inserted into the query as hex digits.
    fn text(text: &str) -> String;
    /// A time column as milliseconds since the epoch.
    fn milliseconds(column: &str) -> String;
    /// A table of observations, and the condition by which the store finds those of a short period.
    fn observed_in(table: &str, period: Period) -> (String, String);
    /// The query for a time before which a table has no observations of a period, milliseconds; without rows where it has none.
    fn begin_of_observed(table: &str, period: Period) -> String;
    /// The condition that selects at least the confirmations of the positions of a period.
    fn confirmations_of(period: Period) -> String;
    /// The rejected positions, as far as a condition selects them, each once: a query for these columns.
    fn rejected(columns: &str, condition: Option<&str>) -> String;
    /// Whether the store reads many devices at once instead of one after the other.
    const ALL_AT_ONCE: bool;
    /// The table or view of flights.
    const FLIGHTS: &'static str;
    /// The newest name of a group.
    const LAST_NAME: &'static str;
}

/// A row of a table whose key begins with the device, and the order of a device's rows.
pub(crate) trait OfDevice: Keyed {
    /// The columns of the order, without the device.
    const ORDER: &'static str;
    /// The table or view that has them, each once.
    fn table<D: Dialect>() -> String {
        D::once(Self::TABLE)
    }
}

const BY_OBSERVATION: &str = "event_at, observation_id";

impl OfDevice for PositionRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for GroundPositionRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for WeatherRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for NameRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for ConfirmationRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for DecisionRow {
    const ORDER: &'static str = BY_OBSERVATION;
}

impl OfDevice for AlertRow {
    const ORDER: &'static str = "alert_id, version";
}

impl OfDevice for FlightRow {
    const ORDER: &'static str = "take_off_at";

    fn table<D: Dialect>() -> String {
        D::FLIGHTS.to_owned()
    }
}

impl OfDevice for ErasureRow {
    const ORDER: &'static str = "observation_id";
}

impl OfDevice for PrivacyRow {
    const ORDER: &'static str = "device";
}

/// A row of an ordered query.
pub(crate) trait Keyed: Stored {
    /// The columns of the order with this row's values, in the store's SQL.
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)>;
}

/// The condition that selects rows after a given one, for queries of one device.
pub(crate) fn after_in_device<D: Dialect, T: Keyed>(row: &T) -> String {
    let key = row.key::<D>();
    behind(key.get(1..).unwrap_or_default())
}

/// The condition that selects rows after a given one.
pub(crate) fn after<D: Dialect, T: Keyed>(row: &T) -> String {
    behind(&row.key::<D>())
}

/// Also compares the first column by itself: the stores use it to find the first row.
fn behind(key: &[(&'static str, String)]) -> String {
    let [(first, least), ..] = key else { return String::new() };
    let columns: Vec<_> = key.iter().map(|(column, _)| *column).collect();
    let values: Vec<_> = key.iter().map(|(_, value)| value.as_str()).collect();
    match key.len() {
        1 => format!(" AND {first} > {least}"),
        _ => format!(" AND {first} >= {least} AND ({}) > ({})", columns.join(", "), values.join(", ")),
    }
}

fn observed<D: Dialect>(device: u32, event_at_ms: i64, observation_id: u64) -> Vec<(&'static str, String)> {
    vec![("device", device.to_string()), ("event_at", D::time(event_at_ms)), ("observation_id", D::id(observation_id))]
}

/// Keys of rows that belong to one observation each.
macro_rules! keyed_by_observation {
    ($($row:ty),*) => {$(
        impl Keyed for $row {
            fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
                observed::<D>(self.device, self.event_at_ms, self.observation_id)
            }
        }
    )*};
}

keyed_by_observation!(PositionRow, GroundPositionRow, WeatherRow, NameRow, ConfirmationRow, DecisionRow);

impl Keyed for AlertRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![("device", self.device.to_string()), ("alert_id", D::id(self.alert_id)), ("version", D::id(self.version))]
    }
}

impl Keyed for FlightRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![("device", self.device.to_string()), ("take_off_at", D::time(self.take_off_at_ms))]
    }
}

impl Keyed for ErasureRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![("device", self.device.to_string()), ("observation_id", D::id(self.observation_id))]
    }
}

impl Keyed for ThermalRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![("thermal_id", D::id(self.thermal_id))]
    }
}

impl Keyed for ReceptionRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![
            ("receiver_id", D::text(&self.receiver_id)),
            ("ingested_at", D::time(self.ingested_at_ms)),
            ("reception_id", D::id(self.reception_id)),
        ]
    }
}

impl Keyed for PrivacyRow {
    fn key<D: Dialect>(&self) -> Vec<(&'static str, String)> {
        vec![("device", self.device.to_string())]
    }
}

/// A text as hex digits.
pub(crate) fn hex(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}

fn columns<T: Stored>() -> String {
    T::COLUMNS.join(", ")
}

pub(crate) fn within<D: Dialect>(column: &str, period: Period) -> String {
    format!("{column} >= {} AND {column} < {}", D::time(period.from_ms), D::time(period.to_ms))
}

fn inside(prefix: &str, bounds: &Bounds) -> String {
    let (south, north) = (e7(bounds.south_deg()), e7(bounds.north_deg()));
    let (west, east) = (e7(bounds.west_deg()), e7(bounds.east_deg()));
    let joint = if bounds.crosses_date_line() { "OR" } else { "AND" };
    format!(
        "{prefix}latitude_e7 >= {south} AND {prefix}latitude_e7 <= {north} \
         AND ({prefix}longitude_e7 >= {west} {joint} {prefix}longitude_e7 <= {east})"
    )
}

fn visible<D: Dialect>(visibility: Visibility, now_ms: i64) -> String {
    match visibility {
        Visibility::Public => "NOT private".to_owned(),
        Visibility::WithPrivate => format!("(NOT private OR event_at >= {})", D::time(now_ms - PRIVATE_MS)),
    }
}

/// One page of a device's positions in order: of an aircraft, or of a ground object.
pub(crate) fn track<D: Dialect, T: OfDevice>(query: &TrackQuery, page: &Page, now_ms: i64) -> String {
    let TrackQuery { device, period, visibility, plausible_only, limit: _ } = query;
    let Page { after, rows } = page;
    let of_track = if *plausible_only { format!(" WHERE NOT {}", is_excluded_from_track()) } else { String::new() };
    format!(
        "SELECT {} FROM (SELECT {} FROM {} WHERE device = {device} AND {} AND {}{after}){of_track} \
         ORDER BY event_at, observation_id LIMIT {rows}",
        columns::<T>(),
        judged_columns::<D, T>(Judged::Of(&format!("device = {device}"))),
        D::once(T::TABLE),
        within::<D>("event_at", *period),
        visible::<D>(*visibility, now_ms),
    )
}

/// The public positions of devices that are part of their tracks, by device, then time.
pub(crate) fn track_positions<D: Dialect>(devices: &[u32], period: Period) -> String {
    let devices: Vec<String> = devices.iter().map(u32::to_string).collect();
    let of_devices = format!("device IN ({})", devices.join(", "));
    format!(
        "SELECT {} FROM (SELECT {} FROM {} WHERE {of_devices} AND {} AND NOT private) WHERE NOT {} \
         ORDER BY device, event_at, observation_id",
        columns::<PositionRow>(),
        judged_columns::<D, PositionRow>(Judged::Of(&of_devices)),
        D::once(PositionRow::TABLE),
        within::<D>("event_at", period),
        is_excluded_from_track(),
    )
}

/// The condition that a row's flags exclude it from a track. Without bit operators, which differ between the stores.
fn is_excluded_from_track() -> String {
    let (bit, next) = (flag::IMPLAUSIBLE, u16::from(flag::IMPLAUSIBLE) * 2);
    format!("(flags % {next} >= {bit} OR flags >= {})", flag::UNCONFIRMED)
}

/// Which confirmations and rejections are used.
enum Judged<'a> {
    /// Those of devices: a condition.
    Of(&'a str),
    /// Those of the positions of a period.
    InPeriod(Period),
    /// All.
    All,
}

/// The columns of positions with the flags as they are judged since: rejected rows are implausible, and the flags of confirmed
/// rows are cleared. `which` selects the confirmations and rejections.
fn judged_columns<D: Dialect, T: Stored>(which: Judged<'_>) -> String {
    let (bit, next) = (flag::IMPLAUSIBLE, u16::from(flag::IMPLAUSIBLE) * 2);
    let cleared = format!("flags % {} - flags % {next} + flags % {bit}", flag::UNCONFIRMED);
    let set = format!("flags - flags % {next} + flags % {bit} + {bit}");
    let table = ConfirmationRow::TABLE;
    let among = |confirmed: &str, condition: Option<&str>| {
        let rejected = D::rejected("observation_id", condition);
        (format!("observation_id IN ({confirmed})"), format!("observation_id IN ({rejected})"))
    };
    let (confirmed, rejected) = match which {
        Judged::Of(devices) => among(&format!("SELECT observation_id FROM {table} WHERE {devices}"), Some(devices)),
        Judged::All => among(&format!("SELECT observation_id FROM {table}"), None),
        Judged::InPeriod(period) => {
            let key = "(device, observation_id)";
            let confirmed = format!("SELECT device, observation_id FROM {table}{}", D::confirmations_of(period));
            let rejected = D::rejected("device, observation_id", Some(&within::<D>("event_at", period)));
            (format!("{key} IN ({confirmed})"), format!("{key} IN ({rejected})"))
        }
    };
    let flags = D::byte(&format!(
        "CASE WHEN {rejected} THEN {set} WHEN {} AND {confirmed} THEN {cleared} ELSE flags END",
        is_excluded_from_track()
    ));
    let column = |name: &&'static str| if *name == "flags" { format!("{flags} AS flags") } else { (*name).to_owned() };
    T::COLUMNS.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// Of each device the first positions of its track, three at most.
pub(crate) fn first_since<D: Dialect>(since: &[Since]) -> String {
    let (names, table, excluded) = (columns::<PositionRow>(), D::once(PositionRow::TABLE), is_excluded_from_track());
    let devices: Vec<String> = since.iter().map(|since| since.device.to_string()).collect();
    let judged = judged_columns::<D, PositionRow>(Judged::Of(&format!("device IN ({})", devices.join(", "))));
    let rows = |which: &str| {
        format!("SELECT {names} FROM (SELECT {judged} FROM {table} WHERE {which} AND NOT private) WHERE NOT {excluded}")
    };
    of_each::<D>(since, rows, "event_at, observation_id", 3)
}

/// Of each device the newest ground position.
pub(crate) fn ground_since<D: Dialect>(since: &[Since]) -> String {
    let (names, table, excluded) =
        (columns::<GroundPositionRow>(), D::once(GroundPositionRow::TABLE), is_excluded_from_track());
    let devices: Vec<String> = since.iter().map(|since| since.device.to_string()).collect();
    let judged = judged_columns::<D, GroundPositionRow>(Judged::Of(&format!("device IN ({})", devices.join(", "))));
    let rows = |which: &str| {
        format!("SELECT {names} FROM (SELECT {judged} FROM {table} WHERE {which} AND NOT private) WHERE NOT {excluded}")
    };
    of_each::<D>(since, rows, "event_at DESC, observation_id DESC", 1)
}

/// Of each device so many rows from its time on. `rows` selects those that a condition chooses.
fn of_each<D: Dialect>(since: &[Since], rows: impl Fn(&str) -> String, order: &str, most: u32) -> String {
    let which = |since: &Since| format!("device = {} AND event_at >= {}", since.device, D::time(since.from_ms));
    if D::ALL_AT_ONCE {
        let any: Vec<String> = since.iter().map(|since| format!("({})", which(since))).collect();
        let earliest_ms = since.iter().map(|since| since.from_ms).min().unwrap_or_default();
        let chosen = format!("event_at >= {} AND ({})", D::time(earliest_ms), any.join(" OR "));
        return format!("{} ORDER BY device, {order} LIMIT {most} BY device", rows(&chosen));
    }
    let one = |since: &Since| format!("SELECT * FROM ({} ORDER BY {order} LIMIT {most})", rows(&which(since)));
    since.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Copies of an observation come within this time before and after its own ingestion time, milliseconds.
const COPIES_MS: i64 = 60_000;

/// The receptions of observations. Those of a time are found by their receivers.
pub(crate) fn receptions_of<D: Dialect>(observations: &[Heard]) -> String {
    let names = columns::<ReceptionRow>();
    let around = |first_ms: i64, last_ms: i64| {
        let period = Period { from_ms: first_ms - COPIES_MS, to_ms: last_ms + COPIES_MS };
        within::<D>("ingested_at", period)
    };
    if D::ALL_AT_ONCE {
        let ids: Vec<String> = observations.iter().map(|row| D::id(row.observation_id)).collect();
        let times = || observations.iter().map(|row| row.ingested_at_ms);
        let when = around(times().min().unwrap_or_default(), times().max().unwrap_or_default());
        let (table, ids) = (ReceptionRow::TABLE, ids.join(", "));
        return format!("SELECT DISTINCT {names} FROM {table} WHERE {when} AND observation_id IN ({ids})");
    }
    let one = |row: &Heard| {
        format!(
            "SELECT {names} FROM (SELECT receiver_id AS known FROM {}) CROSS JOIN {} \
             ON receiver_id = known AND {} WHERE observation_id = {}",
            ReceiverRow::TABLE,
            ReceptionRow::TABLE,
            around(row.ingested_at_ms, row.ingested_at_ms),
            D::id(row.observation_id),
        )
    };
    observations.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ")
}

/// One page of all rows of a device, hidden ones too, in order.
pub(crate) fn of_device<D: Dialect, T: OfDevice>(device: u32, page: &Page) -> String {
    let Page { after, rows } = page;
    let (names, table, order) = (columns::<T>(), T::table::<D>(), T::ORDER);
    format!("SELECT {names} FROM {table} WHERE device = {device}{after} ORDER BY {order} LIMIT {rows}")
}

/// The tables whose rows an erasure deletes by their observation; those of `alerts` and `flights` have other keys.
pub(crate) const ERASED_BY_OBSERVATION: [&str; 6] = [
    PositionRow::TABLE,
    GroundPositionRow::TABLE,
    WeatherRow::TABLE,
    NameRow::TABLE,
    ConfirmationRow::TABLE,
    DecisionRow::TABLE,
];

/// Rows of other topics than that of an erasure are written within this time behind it.
pub(crate) const LATE_MINUTES: u32 = 20;

pub(crate) fn weather<D: Dialect>(device: u32, period: Period, page: &Page) -> String {
    let Page { after, rows } = page;
    format!(
        "SELECT {} FROM {} WHERE device = {device} AND {} AND NOT private{after} \
         ORDER BY event_at, observation_id LIMIT {rows}",
        columns::<WeatherRow>(),
        D::once(WeatherRow::TABLE),
        within::<D>("event_at", period),
    )
}

pub(crate) fn flights<D: Dialect>(query: &FlightQuery) -> String {
    let mut sql = format!("SELECT {} FROM {} WHERE 1 = 1", columns::<FlightRow>(), D::FLIGHTS);
    // Writing to a String cannot fail.
    if let Some(device) = query.device {
        let _ = write!(sql, " AND device = {device}");
    }
    if let Some(bounds) = &query.bounds {
        let _ = write!(sql, " AND {}", inside("take_off_", bounds));
    }
    if let Some(period) = query.period {
        let _ = write!(sql, " AND {}", within::<D>("take_off_at", period));
    }
    let _ = write!(sql, " ORDER BY take_off_at DESC, device LIMIT {}", query.limit);
    sql
}

pub(crate) fn alerts<D: Dialect>(device: Option<u32>, period: Period, limit: u64) -> String {
    let of = device.map_or(String::new(), |device| format!(" AND device = {device}"));
    format!(
        "SELECT {} FROM {} WHERE {}{of} ORDER BY opened_at, alert_id, version LIMIT {limit}",
        columns::<AlertRow>(),
        D::once(AlertRow::TABLE),
        within::<D>("opened_at", period),
    )
}

pub(crate) fn names_at<D: Dialect>(devices: &[u32], at_ms: i64) -> String {
    let devices: Vec<String> = devices.iter().map(u32::to_string).collect();
    format!(
        "SELECT device, {} FROM names WHERE device IN ({}) AND event_at <= {} AND NOT private GROUP BY device",
        D::LAST_NAME,
        devices.join(", "),
        D::time(at_ms),
    )
}

/// The privacy of these devices, each once.
pub(crate) fn privacy<D: Dialect>(devices: &[u32]) -> String {
    let named: Vec<String> = devices.iter().map(u32::to_string).collect();
    let table = D::once(PrivacyRow::TABLE);
    format!("SELECT {} FROM {table} WHERE device IN ({})", columns::<PrivacyRow>(), named.join(", "))
}

/// The privacy of all devices, one page in order.
pub(crate) fn privacy_of_all<D: Dialect>(page: &Page) -> String {
    let Page { after, rows } = page;
    let (names, table) = (columns::<PrivacyRow>(), D::once(PrivacyRow::TABLE));
    format!("SELECT {names} FROM {table} WHERE device >= 0{after} ORDER BY device LIMIT {rows}")
}

/// All rows of a table, of a period by event time.
#[cfg(feature = "clickhouse")]
pub(crate) fn all_rows<D: Dialect, T: Stored>(period: Option<Period>) -> String {
    let when = period.map_or(String::new(), |period| format!(" WHERE {}", within::<D>("event_at", period)));
    format!("SELECT {} FROM {}{when}", columns::<T>(), D::once(T::TABLE))
}

/// The rows of an export, all columns, in order.
pub(crate) fn export<D: Dialect>(kind: ExportKind, query: &ExportQuery, page: &Page) -> String {
    let Page { after, rows } = page;
    let (names, order) = match kind {
        ExportKind::Positions => (judged_columns::<D, PositionRow>(Judged::All), "device, event_at, observation_id"),
        ExportKind::Weather => (columns::<WeatherRow>(), "device, event_at, observation_id"),
        ExportKind::Thermals => (columns::<ThermalRow>(), "thermal_id"),
        ExportKind::Receptions => (columns::<ReceptionRow>(), "receiver_id, ingested_at, reception_id"),
    };
    format!("SELECT {names} {}{after} ORDER BY {order} LIMIT {rows}", chosen::<D>(kind, query))
}

/// The number of rows of an export, at most one more than its limit.
pub(crate) fn count<D: Dialect>(kind: ExportKind, query: &ExportQuery) -> String {
    let enough = query.limit.saturating_add(1);
    format!("SELECT count(*) FROM (SELECT 1 {} LIMIT {enough})", chosen::<D>(kind, query))
}

fn chosen<D: Dialect>(kind: ExportKind, query: &ExportQuery) -> String {
    let (table, time, public) = match kind {
        ExportKind::Positions => (PositionRow::TABLE, "event_at", " AND NOT private"),
        ExportKind::Weather => (WeatherRow::TABLE, "event_at", " AND NOT private"),
        ExportKind::Thermals => (ThermalRow::TABLE, "last_seen_at", ""),
        ExportKind::Receptions => (ReceptionRow::TABLE, "ingested_at", ""),
    };
    let (when, position) = (within::<D>(time, query.period), inside("", &query.bounds));
    format!("FROM {} WHERE {when} AND {position}{public}", D::once(table))
}
