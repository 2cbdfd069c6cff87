//! The queries, written once for both stores.
//!
//! Everything that goes into the text is a number, so there is nothing to escape.

use std::fmt::Write as _;

use geo::Bounds;

use crate::model::Stored;
use crate::{
    AlertRow, ExportKind, ExportQuery, FlightQuery, FlightRow, Period, PositionRow, ReceptionRow, ThermalRow,
    TrackQuery, Visibility, WeatherRow, flag,
};

/// How long rows of hidden devices are shown to whoever may see them, milliseconds.
pub(crate) const PRIVATE_MS: i64 = 24 * 3_600_000;

/// How one store writes what the two do not write alike.
pub(crate) trait Dialect {
    /// A table whose repeated rows are one.
    fn once(table: &str) -> String;
    /// A time, milliseconds since the epoch.
    fn time(ms: i64) -> String;
    /// Where flights are.
    const FLIGHTS: &'static str;
    /// The name that was told last, of a group.
    const LAST_NAME: &'static str;
}

fn columns<T: Stored>() -> String {
    T::COLUMNS.join(", ")
}

fn within<D: Dialect>(column: &str, period: Period) -> String {
    format!("{column} >= {} AND {column} < {}", D::time(period.from_ms), D::time(period.to_ms))
}

fn e7(degrees: f64) -> i64 {
    (degrees * 1e7).round() as i64
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

pub(crate) fn track<D: Dialect>(query: &TrackQuery, now_ms: i64) -> String {
    let TrackQuery { device, period, visibility, plausible_only, limit } = query;
    // Without bit operators, which the two write differently.
    let (bit, next) = (flag::IMPLAUSIBLE, u16::from(flag::IMPLAUSIBLE) * 2);
    let plausible = if *plausible_only { format!(" AND flags % {next} < {bit}") } else { String::new() };
    format!(
        "SELECT {} FROM {} WHERE device = {device} AND {} AND {}{plausible} ORDER BY event_at, observation_id LIMIT {limit}",
        columns::<PositionRow>(),
        D::once(PositionRow::TABLE),
        within::<D>("event_at", *period),
        visible::<D>(*visibility, now_ms),
    )
}

pub(crate) fn weather<D: Dialect>(device: u32, period: Period, limit: u64) -> String {
    format!(
        "SELECT {} FROM {} WHERE device = {device} AND {} AND NOT private ORDER BY event_at, observation_id LIMIT {limit}",
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

/// All rows of a table, of a period by event time.
pub(crate) fn whole<D: Dialect, T: Stored>(period: Option<Period>) -> String {
    let when = period.map_or(String::new(), |period| format!(" WHERE {}", within::<D>("event_at", period)));
    format!("SELECT {} FROM {}{when}", columns::<T>(), D::once(T::TABLE))
}

/// The rows of an export, all columns, in order.
pub(crate) fn export<D: Dialect>(kind: ExportKind, query: &ExportQuery) -> String {
    let (names, order) = match kind {
        ExportKind::Positions => (columns::<PositionRow>(), "device, event_at, observation_id"),
        ExportKind::Weather => (columns::<WeatherRow>(), "device, event_at, observation_id"),
        ExportKind::Thermals => (columns::<ThermalRow>(), "thermal_id"),
        ExportKind::Receptions => (columns::<ReceptionRow>(), "receiver_id, ingested_at, reception_id"),
    };
    format!("SELECT {names} {} ORDER BY {order} LIMIT {}", chosen::<D>(kind, query), query.limit)
}

/// How many rows an export has, at most one more than its limit.
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
    let (when, place) = (within::<D>(time, query.period), inside("", &query.bounds));
    format!("FROM {} WHERE {when} AND {place}{public}", D::once(table))
}
