//! Absolute positions (6 bytes) and positions relative to the one before (4 bytes).

use crate::error::{DecodeError, EncodeError, Reason};
use crate::math::{round, wrap_longitude};
use crate::reader::Reader;
use crate::writer::{Writer, finite};

/// Counts per degree of latitude in an absolute position.
pub(crate) const LATITUDE_DIVISOR: i32 = 93206;
/// Counts per degree of longitude in an absolute position.
pub(crate) const LONGITUDE_DIVISOR: i32 = 46603;
/// Counts per degree in a compressed position.
const COMPRESSED_DIVISOR: i32 = 32767;
/// The raw values of ±90 degrees of latitude and of ±180 degrees of longitude.
const RAW_LIMIT: i32 = 8_388_540;
/// How far a compressed position may be off the wanted one, in degrees.
const TOLERANCE_DEG: f64 = 2e-5;

/// A position on earth, WGS 84, degrees.
///
/// Wire, absolute: i24 little-endian latitude * 93206, then i24 little-endian longitude * 46603;
/// steps 1.2 m and (at the equator) 2.4 m.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Position {
    /// Latitude, degrees, north positive, ±90.
    pub latitude_deg: f64,
    /// Longitude, degrees, east positive, ±180.
    pub longitude_deg: f64,
}

impl Position {
    /// A position from degrees. Encoding refuses latitudes beyond ±90 and wraps longitudes.
    #[must_use]
    pub const fn new(latitude_deg: f64, longitude_deg: f64) -> Self {
        Self { latitude_deg, longitude_deg }
    }

    #[inline]
    pub(crate) fn encode(self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.bytes(&RawPosition::nearest(self)?.to_wire());
        Ok(())
    }
}

/// An absolute position as it came, which may be off the earth.
///
/// Checked after all other fields are there: a truncated frame is reported as truncated, independent of
/// its position.
#[derive(Clone, Copy)]
pub(crate) struct Unchecked {
    bytes: [u8; 6],
    offset: usize,
}

impl Unchecked {
    #[inline]
    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        Ok(Self { bytes: reader.take("latitude_deg")?, offset })
    }

    #[inline]
    pub(crate) fn check(self) -> Result<Position, DecodeError> {
        RawPosition::checked(self.bytes, self.offset).map(RawPosition::degrees)
    }
}

/// An absolute position in its own counts.
#[derive(Clone, Copy)]
pub(crate) struct RawPosition {
    latitude: i32,
    longitude: i32,
}

impl RawPosition {
    #[inline]
    pub(crate) const fn from_wire(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Self { latitude: i24([a, b, c]), longitude: i24([d, e, f]) }
    }

    /// The position in `bytes`, which stand at `offset`, if it is on earth.
    #[inline]
    pub(crate) fn checked(bytes: [u8; 6], offset: usize) -> Result<Self, DecodeError> {
        let raw = Self::from_wire(bytes);
        if raw.latitude.unsigned_abs() > RAW_LIMIT.unsigned_abs() {
            return Err(DecodeError::new(Reason::LatitudeOutOfRange, "latitude_deg", offset));
        }
        if raw.longitude.unsigned_abs() > RAW_LIMIT.unsigned_abs() {
            return Err(DecodeError::new(Reason::LongitudeOutOfRange, "longitude_deg", offset + 3));
        }
        Ok(raw)
    }

    #[inline]
    pub(crate) fn degrees(self) -> Position {
        Position {
            latitude_deg: f64::from(self.latitude) / f64::from(LATITUDE_DIVISOR),
            longitude_deg: f64::from(self.longitude) / f64::from(LONGITUDE_DIVISOR),
        }
    }

    #[inline]
    pub(crate) fn nearest(position: Position) -> Result<Self, EncodeError> {
        let latitude = checked_latitude(position.latitude_deg)?;
        let longitude = wrap_longitude(finite("longitude_deg", position.longitude_deg)?);
        Ok(Self {
            latitude: round(latitude * f64::from(LATITUDE_DIVISOR)),
            longitude: round(longitude * f64::from(LONGITUDE_DIVISOR)),
        })
    }

    #[inline]
    pub(crate) const fn to_wire(self) -> [u8; 6] {
        let [a, b, c, _] = self.latitude.to_le_bytes();
        let [d, e, f, _] = self.longitude.to_le_bytes();
        [a, b, c, d, e, f]
    }
}

/// Extends the sign from bit 23.
#[inline]
const fn i24(bytes: [u8; 3]) -> i32 {
    i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8
}

#[inline]
fn checked_latitude(degrees: f64) -> Result<f64, EncodeError> {
    let degrees = finite("latitude_deg", degrees)?;
    if degrees.abs() > 90.0 { Err(EncodeError::LatitudeOutOfRange) } else { Ok(degrees) }
}

/// What the next compressed position is relative to: the point before it, as decoded.
///
/// All in integers, so that decoding a chain adds up no rounding.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    latitude: Axis,
    longitude: Axis,
}

impl Reference {
    pub(crate) const fn absolute(raw: RawPosition) -> Self {
        Self {
            latitude: Axis::absolute(raw.latitude, LATITUDE_DIVISOR),
            longitude: Axis::absolute(raw.longitude, LONGITUDE_DIVISOR),
        }
    }

    /// Takes one step; the new reference is also the new point.
    #[inline]
    pub(crate) const fn step(self, words: [u8; 4]) -> Self {
        let [a, b, c, d] = words;
        Self {
            latitude: self.latitude.step(u16::from_le_bytes([a, b]), LATITUDE_DIVISOR),
            longitude: self.longitude.step(u16::from_le_bytes([c, d]), LONGITUDE_DIVISOR).wrapped(),
        }
    }

    /// Takes one step in latitude only, to check it.
    #[inline]
    pub(crate) const fn step_latitude(self, word: [u8; 2]) -> Self {
        let latitude = self.latitude.step(u16::from_le_bytes(word), LATITUDE_DIVISOR);
        Self { latitude, longitude: self.longitude }
    }

    /// Whether the latitude is within ±90 degrees.
    #[inline]
    pub(crate) const fn is_on_earth(self) -> bool {
        self.latitude.count().unsigned_abs() <= 90 * COMPRESSED_DIVISOR.unsigned_abs()
    }

    /// The point that a step led to; not for absolute positions, which have finer counts.
    #[inline]
    pub(crate) fn degrees(self) -> Position {
        Position {
            latitude_deg: f64::from(self.latitude.count()) / f64::from(COMPRESSED_DIVISOR),
            longitude_deg: f64::from(self.longitude.count()) / f64::from(COMPRESSED_DIVISOR),
        }
    }

    /// The four bytes of `target`, if a receiver with this reference finds it again.
    pub(crate) fn encode(self, target: Position) -> Result<Option<[u8; 4]>, EncodeError> {
        let latitude = checked_latitude(target.latitude_deg)?;
        let longitude = wrap_longitude(finite("longitude_deg", target.longitude_deg)?);
        let [a, b] = compressed_word(latitude).to_le_bytes();
        let [c, d] = compressed_word(longitude).to_le_bytes();
        let found = self.step([a, b, c, d]).degrees();
        let off_by = wrap_longitude(found.longitude_deg - longitude).abs().max((found.latitude_deg - latitude).abs());
        Ok((off_by <= TOLERANCE_DEG).then_some([a, b, c, d]))
    }
}

/// The word of one axis, which depends on the target only.
///
/// Bit 15 is the parity of the rounded degree, bits 0-14 the offset from it.
fn compressed_word(degrees: f64) -> u16 {
    let degree = round(degrees);
    let offset = round((degrees - f64::from(degree)) * f64::from(COMPRESSED_DIVISOR)).clamp(-16383, 16383);
    (offset as u16 & 0x7FFF) | (degree as u16 & 1) << 15
}

/// One coordinate: the nearest full degree and how far it is off.
#[derive(Clone, Copy)]
struct Axis {
    degree: i32,
    /// Offset from the degree, in compressed counts where the point was compressed.
    offset: i32,
    /// The same in `1 / (divisor * 32767)` degrees, in which absolute and compressed offsets
    /// compare exactly. At most 46603 * 32767, so it fits.
    scaled: i32,
}

impl Axis {
    const fn absolute(raw: i32, divisor: i32) -> Self {
        let half = if raw < 0 { -divisor / 2 } else { divisor / 2 };
        let degree = (raw + half) / divisor;
        let offset = raw - degree * divisor;
        Self { degree, offset: 0, scaled: offset * COMPRESSED_DIVISOR }
    }

    #[inline]
    const fn step(self, word: u16, divisor: i32) -> Self {
        let offset = ((word << 1) as i16 >> 1) as i32;
        let degree = if (self.degree ^ (word >> 15) as i32) & 1 == 0 {
            self.degree
        } else if offset * divisor > self.scaled {
            self.degree - 1
        } else {
            self.degree + 1
        };
        // The one offset beyond half a degree belongs to the next degree.
        if offset == -16384 {
            return Self { degree: degree - 1, offset: 16383, scaled: 16383 * divisor };
        }
        Self { degree, offset, scaled: offset * divisor }
    }

    #[inline]
    const fn count(self) -> i32 {
        self.degree * COMPRESSED_DIVISOR + self.offset
    }

    /// Brought into ±180 degrees; 360 is even, so parity continues.
    #[inline]
    const fn wrapped(self) -> Self {
        let limit = 180 * COMPRESSED_DIVISOR;
        let degree = match self.count() {
            count if count > limit => self.degree - 360,
            count if count < -limit => self.degree + 360,
            _ => self.degree,
        };
        Self { degree, ..self }
    }
}

#[cfg(test)]
mod tests;
