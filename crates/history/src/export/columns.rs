//! The columns of each table.

use schemas::v1::{AircraftKind, SourceKind};
use schemas::{DeviceAddress, RecordId};

use super::ColumnKind::{Flag, Integer, Number, Text, Time};
use super::{Cells, Column, Value};
use crate::{PositionRow, ReceptionRow, ThermalRow, WeatherRow, flag};

/// A row of the history that can be exported.
pub trait Exported {
    /// The table's columns.
    const COLUMNS: &'static [Column];
    /// Adds the row's cells, one for each column.
    fn cells(&self, into: &mut Cells);
}

impl Exported for PositionRow {
    const COLUMNS: &'static [Column] = &columns(&POSITIONS);

    fn cells(&self, into: &mut Cells) {
        into.extend(POSITIONS.iter().map(|(_, value)| value(self)));
    }
}

impl Exported for ThermalRow {
    const COLUMNS: &'static [Column] = &columns(&THERMALS);

    fn cells(&self, into: &mut Cells) {
        into.extend(THERMALS.iter().map(|(_, value)| value(self)));
    }
}

impl Exported for WeatherRow {
    const COLUMNS: &'static [Column] = &columns(&WEATHER);

    fn cells(&self, into: &mut Cells) {
        into.extend(WEATHER.iter().map(|(_, value)| value(self)));
    }
}

impl Exported for ReceptionRow {
    const COLUMNS: &'static [Column] = &columns(&RECEPTIONS);

    fn cells(&self, into: &mut Cells) {
        into.extend(RECEPTIONS.iter().map(|(_, value)| value(self)));
    }
}

/// A table: each column, and the function that computes its cell.
type Table<R, const N: usize> = [(Column, fn(&R) -> Value); N];

const fn columns<R, const N: usize>(table: &Table<R, N>) -> [Column; N] {
    let mut columns = [table[0].0; N];
    let mut index = 1;
    while index < N {
        columns[index] = table[index].0;
        index += 1;
    }
    columns
}

const fn column(name: &'static str, kind: super::ColumnKind, unit: &'static str) -> Column {
    Column { name, kind, unit }
}

const DEVICE: Column = column("device", Text, "");
const EVENT_AT: Column = column("event_at_utc", Time, "UTC");
const OBSERVATION: Column = column("observation_id", Text, "");
const LATITUDE: Column = column("latitude_deg", Number, "degrees north");
const LONGITUDE: Column = column("longitude_deg", Number, "degrees east");
const ALTITUDE: Column = column("altitude_m", Number, "metres above mean sea level");
const WIND_FROM: Column = column("wind_from_deg", Number, "degrees the wind blows from");
const WIND_SPEED: Column = column("wind_speed_kmh", Number, "km/h");

const POSITIONS: Table<PositionRow, 15> = [
    (DEVICE, |row| device(row.device)),
    (EVENT_AT, |row| Value::Time(row.event_at_ms)),
    (OBSERVATION, |row| id(row.observation_id)),
    (LATITUDE, |row| row.latitude_deg().into()),
    (LONGITUDE, |row| row.longitude_deg().into()),
    (ALTITUDE, |row| row.altitude_m.map(f64::from).into()),
    (column("speed_kmh", Number, "km/h"), |row| row.speed_kmh().into()),
    (column("climb_mps", Number, "m/s, up is positive"), |row| row.climb_mps().into()),
    (column("course_deg", Number, "degrees true"), |row| row.course_deg().into()),
    (column("turn_rate_dps", Number, "degrees per second, clockwise"), |row| row.turn_rate_dps().into()),
    (column("aircraft_kind", Text, ""), |row| aircraft_kind(row.aircraft_kind)),
    (column("plausible", Flag, ""), |row| Value::Flag(row.is_plausible())),
    (column("delayed", Flag, ""), |row| Value::Flag(row.flags & flag::DELAYED != 0)),
    (column("relayed", Flag, ""), |row| Value::Flag(row.flags & flag::RELAYED != 0)),
    (column("source", Text, ""), |row| source(row.source)),
];

const THERMALS: Table<ThermalRow, 16> = [
    (column("thermal_id", Text, ""), |row| id(row.thermal_id)),
    (column("first_seen_at_utc", Time, "UTC"), |row| Value::Time(row.first_seen_at_ms)),
    (column("last_seen_at_utc", Time, "UTC"), |row| Value::Time(row.last_seen_at_ms)),
    (LATITUDE, |row| row.latitude_deg().into()),
    (LONGITUDE, |row| row.longitude_deg().into()),
    (ALTITUDE, |row| single(row.altitude_m)),
    (column("radius_m", Number, "metres"), |row| single(Some(row.radius_m))),
    (column("base_altitude_m", Number, "metres above mean sea level"), |row| single(Some(row.base_altitude_m))),
    (column("top_altitude_m", Number, "metres above mean sea level"), |row| single(Some(row.top_altitude_m))),
    (column("mean_climb_mps", Number, "m/s"), |row| single(Some(row.mean_climb_mps))),
    (column("max_climb_mps", Number, "m/s"), |row| single(Some(row.max_climb_mps))),
    (WIND_FROM, |row| single(row.wind_from_deg)),
    (WIND_SPEED, |row| single(row.wind_speed_kmh)),
    (column("pilots", Integer, ""), |row| Value::Integer(row.pilots.into())),
    (column("reports", Integer, ""), |row| Value::Integer(row.reports.into())),
    (column("confidence_pct", Number, "percent"), |row| single(Some(row.confidence_pct))),
];

const WEATHER: Table<WeatherRow, 13> = [
    (DEVICE, |row| device(row.device)),
    (EVENT_AT, |row| Value::Time(row.event_at_ms)),
    (OBSERVATION, |row| id(row.observation_id)),
    (LATITUDE, |row| row.latitude_deg().into()),
    (LONGITUDE, |row| row.longitude_deg().into()),
    (ALTITUDE, |row| row.altitude_m.map(f64::from).into()),
    (column("temperature_c", Number, "degrees Celsius"), |row| single(row.temperature_c)),
    (WIND_FROM, |row| single(row.wind_from_deg)),
    (WIND_SPEED, |row| single(row.wind_speed_kmh)),
    (column("wind_gust_kmh", Number, "km/h"), |row| single(row.wind_gust_kmh)),
    (column("humidity_pct", Number, "percent"), |row| single(row.humidity_pct)),
    (column("pressure_hpa", Number, "hPa at sea level"), |row| single(row.pressure_hpa)),
    (column("state_of_charge_pct", Number, "percent"), |row| single(row.state_of_charge_pct)),
];

const RECEPTIONS: Table<ReceptionRow, 11> = [
    (column("receiver_id", Text, ""), |row| Value::Text(row.receiver_id.clone())),
    (column("ingested_at_utc", Time, "UTC"), |row| Value::Time(row.ingested_at_ms)),
    (column("reception_id", Text, ""), |row| id(row.reception_id)),
    (OBSERVATION, |row| row.observation_id.map_or(Value::Absent, id)),
    (column("rssi_dbm", Integer, "dBm"), |row| Value::Integer(row.rssi_dbm.into())),
    (column("snr_db", Integer, "dB"), |row| Value::Integer(row.snr_db.into())),
    (column("relayed", Flag, ""), |row| Value::Flag(row.relayed)),
    (column("packet_type", Integer, ""), |row| row.packet_type.map(i64::from).into()),
    (LATITUDE, |row| row.latitude_deg().into()),
    (LONGITUDE, |row| row.longitude_deg().into()),
    (ALTITUDE, |row| row.altitude_m.map(f64::from).into()),
];

fn device(address: u32) -> Value {
    Value::Text(DeviceAddress(address).to_string())
}

fn id(record: u64) -> Value {
    Value::Text(RecordId(record).to_string())
}

/// A single-precision number by its decimal text: 0.1 stays 0.1.
fn single(value: Option<f32>) -> Value {
    let exact = |value: f32| (f64::from(value) * 1e4).round() / 1e4;
    value.map(exact).into()
}

fn aircraft_kind(number: u8) -> Value {
    let word = match AircraftKind::try_from(i32::from(number)).unwrap_or_default() {
        AircraftKind::Unspecified => return Value::Absent,
        AircraftKind::Other => "other",
        AircraftKind::Paraglider => "paraglider",
        AircraftKind::HangGlider => "hang_glider",
        AircraftKind::Balloon => "balloon",
        AircraftKind::Glider => "glider",
        AircraftKind::Powered => "powered",
        AircraftKind::Helicopter => "helicopter",
        AircraftKind::Uav => "uav",
    };
    Value::Identifier(word)
}

fn source(number: u8) -> Value {
    match SourceKind::try_from(i32::from(number)).unwrap_or_default() {
        SourceKind::Unspecified => Value::Absent,
        SourceKind::Radio => Value::Identifier("radio"),
        SourceKind::App => Value::Identifier("app"),
        SourceKind::Feed => Value::Identifier("feed"),
        SourceKind::Person => Value::Identifier("person"),
    }
}
