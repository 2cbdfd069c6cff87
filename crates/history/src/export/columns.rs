//! Which columns each table has.

use schemas::v1::{AircraftKind, SourceKind};
use schemas::{DeviceAddress, RecordId};

use super::ColumnKind::{Flag, Integer, Number, Text, Time};
use super::{Cells, Column, Value};
use crate::{PositionRow, ReceptionRow, ThermalRow, WeatherRow, flag};

/// A row that can leave as a row of a table.
pub trait Exported {
    /// The table's columns.
    const COLUMNS: &'static [Column];
    /// Adds the row's cells, one for each column.
    fn cells(&self, into: &mut Cells);
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

impl Exported for PositionRow {
    const COLUMNS: &'static [Column] = &[
        DEVICE,
        EVENT_AT,
        OBSERVATION,
        LATITUDE,
        LONGITUDE,
        ALTITUDE,
        column("speed_kmh", Number, "km/h"),
        column("climb_mps", Number, "m/s, up is positive"),
        column("course_deg", Number, "degrees true"),
        column("turn_rate_dps", Number, "degrees per second, clockwise"),
        column("aircraft_kind", Text, ""),
        column("plausible", Flag, ""),
        column("delayed", Flag, ""),
        column("relayed", Flag, ""),
        column("source", Text, ""),
    ];

    fn cells(&self, into: &mut Cells) {
        into.extend([
            device(self.device),
            Value::Time(self.event_at_ms),
            id(self.observation_id),
            self.latitude_deg().into(),
            self.longitude_deg().into(),
            self.altitude_m.map(f64::from).into(),
            self.speed_kmh().into(),
            self.climb_mps().into(),
            self.course_deg().into(),
            self.turn_rate_dps().into(),
            aircraft_kind(self.aircraft_kind),
            Value::Flag(self.is_plausible()),
            Value::Flag(self.flags & flag::DELAYED != 0),
            Value::Flag(self.flags & flag::RELAYED != 0),
            source(self.source),
        ]);
    }
}

impl Exported for ThermalRow {
    const COLUMNS: &'static [Column] = &[
        column("thermal_id", Text, ""),
        column("first_seen_at_utc", Time, "UTC"),
        column("last_seen_at_utc", Time, "UTC"),
        LATITUDE,
        LONGITUDE,
        ALTITUDE,
        column("radius_m", Number, "metres"),
        column("base_altitude_m", Number, "metres above mean sea level"),
        column("top_altitude_m", Number, "metres above mean sea level"),
        column("mean_climb_mps", Number, "m/s"),
        column("max_climb_mps", Number, "m/s"),
        WIND_FROM,
        WIND_SPEED,
        column("pilots", Integer, ""),
        column("reports", Integer, ""),
        column("confidence_pct", Number, "percent"),
    ];

    fn cells(&self, into: &mut Cells) {
        into.extend([
            id(self.thermal_id),
            Value::Time(self.first_seen_at_ms),
            Value::Time(self.last_seen_at_ms),
            self.latitude_deg().into(),
            self.longitude_deg().into(),
            single(self.altitude_m),
            single(Some(self.radius_m)),
            single(Some(self.base_altitude_m)),
            single(Some(self.top_altitude_m)),
            single(Some(self.mean_climb_mps)),
            single(Some(self.max_climb_mps)),
            single(self.wind_from_deg),
            single(self.wind_speed_kmh),
            Value::Integer(self.pilots.into()),
            Value::Integer(self.reports.into()),
            single(Some(self.confidence_pct)),
        ]);
    }
}

impl Exported for WeatherRow {
    const COLUMNS: &'static [Column] = &[
        DEVICE,
        EVENT_AT,
        OBSERVATION,
        LATITUDE,
        LONGITUDE,
        ALTITUDE,
        column("temperature_c", Number, "degrees Celsius"),
        WIND_FROM,
        WIND_SPEED,
        column("wind_gust_kmh", Number, "km/h"),
        column("humidity_pct", Number, "percent"),
        column("pressure_hpa", Number, "hPa at sea level"),
        column("state_of_charge_pct", Number, "percent"),
    ];

    fn cells(&self, into: &mut Cells) {
        into.extend([
            device(self.device),
            Value::Time(self.event_at_ms),
            id(self.observation_id),
            self.latitude_deg().into(),
            self.longitude_deg().into(),
            self.altitude_m.map(f64::from).into(),
            single(self.temperature_c),
            single(self.wind_from_deg),
            single(self.wind_speed_kmh),
            single(self.wind_gust_kmh),
            single(self.humidity_pct),
            single(self.pressure_hpa),
            single(self.state_of_charge_pct),
        ]);
    }
}

impl Exported for ReceptionRow {
    const COLUMNS: &'static [Column] = &[
        column("receiver_id", Text, ""),
        column("ingested_at_utc", Time, "UTC"),
        column("reception_id", Text, ""),
        OBSERVATION,
        column("rssi_dbm", Integer, "dBm"),
        column("snr_db", Integer, "dB"),
        column("relayed", Flag, ""),
        column("packet_type", Integer, ""),
        LATITUDE,
        LONGITUDE,
        ALTITUDE,
    ];

    fn cells(&self, into: &mut Cells) {
        into.extend([
            Value::Text(self.receiver_id.clone()),
            Value::Time(self.ingested_at_ms),
            id(self.reception_id),
            self.observation_id.map_or(Value::Absent, id),
            Value::Integer(self.rssi_dbm.into()),
            Value::Integer(self.snr_db.into()),
            Value::Flag(self.relayed),
            self.packet_type.map(i64::from).into(),
            self.latitude_deg().into(),
            self.longitude_deg().into(),
            self.altitude_m.map(f64::from).into(),
        ]);
    }
}

fn device(address: u32) -> Value {
    Value::Text(DeviceAddress(address).to_string())
}

fn id(record: u64) -> Value {
    Value::Text(RecordId(record).to_string())
}

/// A single-precision number as it is written in decimal: 0.1 stays 0.1.
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
    Value::Word(word)
}

fn source(number: u8) -> Value {
    match SourceKind::try_from(i32::from(number)).unwrap_or_default() {
        SourceKind::Unspecified => Value::Absent,
        SourceKind::Radio => Value::Word("radio"),
        SourceKind::App => Value::Word("app"),
        SourceKind::Feed => Value::Word("feed"),
    }
}
