//! Values in the forms of columns. A value that does not fit its column is rejected with the column's name.

use flight::units::E7_PER_DEGREE;
use schemas::v1::Position;

use air::decode::Reject;

/// 2000-01-01 to 2100-01-01, milliseconds: the range of the stores' times, with room to add a retention.
const TIMES_MS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// A position as it is stored.
pub(super) struct StoredPosition {
    pub(super) latitude_e7: i32,
    pub(super) longitude_e7: i32,
    pub(super) altitude_m: Option<i16>,
}

/// A position that may be absent.
#[derive(Default)]
pub(super) struct OptionalPosition {
    pub(super) latitude_e7: Option<i32>,
    pub(super) longitude_e7: Option<i32>,
    pub(super) altitude_m: Option<i16>,
}

impl StoredPosition {
    pub(super) fn of(position: Option<&Position>) -> Result<Self, Reject> {
        let position = position.ok_or_else(|| Reject::new("no_position", "the position is missing"))?;
        let (latitude, longitude) = (position.latitude_deg, position.longitude_deg);
        if !geo::Position::new(latitude, longitude).is_on_earth() {
            let expected = "expected a latitude from -90 to 90 and a longitude from -180 to 180";
            return Err(Reject::new("out_of_range", format!("{latitude}, {longitude} is not on Earth: {expected}")));
        }
        Ok(Self {
            altitude_m: optional_scaled("altitude_m", position.altitude_m, 1.0)?,
            latitude_e7: scaled("latitude_deg", latitude, E7_PER_DEGREE)?,
            longitude_e7: scaled("longitude_deg", longitude, E7_PER_DEGREE)?,
        })
    }
}

impl OptionalPosition {
    pub(super) fn of(position: Option<&Position>) -> Result<Self, Reject> {
        if position.is_none() {
            return Ok(Self::default());
        }
        let StoredPosition { latitude_e7, longitude_e7, altitude_m } = StoredPosition::of(position)?;
        Ok(Self { latitude_e7: Some(latitude_e7), longitude_e7: Some(longitude_e7), altitude_m })
    }
}

fn out_of_range(name: &str, value: impl std::fmt::Display) -> Reject {
    Reject::new("out_of_range", format!("{name} {value} does not fit its column"))
}

/// Microseconds as milliseconds.
pub(super) fn time_ms(name: &str, at_us: u64) -> Result<i64, Reject> {
    let at_ms = i64::try_from(at_us / 1_000).ok().filter(|at_ms| TIMES_MS.contains(at_ms));
    at_ms.ok_or_else(|| out_of_range(name, at_us))
}

/// The nearest whole number of a scaled value; NaN is rejected.
pub(super) fn scaled<T: TryFrom<i64>>(name: &str, value: f64, scale: f64) -> Result<T, Reject> {
    let whole = (value * scale).round();
    let whole = (whole.abs() < 9e15).then_some(whole as i64).and_then(|whole| T::try_from(whole).ok());
    whole.ok_or_else(|| out_of_range(name, value))
}

/// The same of an optional value.
pub(super) fn optional_scaled<T: TryFrom<i64>>(
    name: &str,
    value: Option<f64>,
    scale: f64,
) -> Result<Option<T>, Reject> {
    value.map(|value| scaled(name, value, scale)).transpose()
}

/// A whole number in fewer bits.
pub(super) fn narrow<W: Copy + std::fmt::Display, T: TryFrom<W>>(name: &str, value: W) -> Result<T, Reject> {
    T::try_from(value).map_err(|_| out_of_range(name, value))
}

/// A device's address: 24 bit.
pub(super) fn address(device: u32) -> Result<u32, Reject> {
    if device <= 0x00FF_FFFF { Ok(device) } else { Err(out_of_range("device", device)) }
}

/// A record's id, or a version: 63 bit, since SQLite's integers are signed.
pub(super) fn id(name: &str, id: u64) -> Result<u64, Reject> {
    if id <= u64::MAX >> 1 { Ok(id) } else { Err(out_of_range(name, id)) }
}

/// In single precision.
pub(super) fn float(name: &str, value: f64) -> Result<f32, Reject> {
    let narrowed = value as f32;
    if narrowed.is_finite() { Ok(narrowed) } else { Err(out_of_range(name, value)) }
}

/// The same of an optional value.
pub(super) fn optional_float(name: &str, value: Option<f64>) -> Result<Option<f32>, Reject> {
    value.map(|value| float(name, value)).transpose()
}
