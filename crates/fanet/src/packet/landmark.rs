//! Type 5, landmark: points, lines, areas, circles and texts for the map.
//!
//! | byte | bits | field | encoding |
//! |---|---|---|---|
//! | 0 | 7, 4-6 | lifetime | (bits 4-6 + 1) * 10 min, times 6 if bit 7: 10..80 or 60..480 |
//! | | 0-3 | subtype | see below |
//! | 1 | 5-7 | reserved | |
//! | | 4 | wind dependent | byte 2 is a wind mask |
//! | | 0-3 | layer | number |
//! | 2, if bit 4 | | wind sectors | one bit per sector |
//!
//! In the body, A is an absolute position (6 bytes) and C a compressed one (4 bytes):
//!
//! | subtype | name | body | fewest points |
//! |---|---|---|---|
//! | 0 | text | A, text | 1 |
//! | 1, 2 | line, arrow | A, C... | 2 |
//! | 3, 4 | area, filled area | A, C... | 3 |
//! | 5, 6 | circle, filled circle | A + radius, (C + radius)... | 1 |
//! | 7 | line in space | A + altitude, (C + altitude)... | 1, send 2 |
//! | 8 | area in space | bottom, top, A, C... | 1, send 3 |
//! | 9 | cylinder | A + radius, (C + radius)..., bottom, top | 1 |
//! | 10-15 | not assigned | | |
//!
//! A text exactly at the first position of another landmark is its label.
//!
//! Source: FANET protocol text, payload type 5.

use crate::error::{DecodeError, EncodeError};
use crate::field::elements::{AltitudePoint, Circle, Elements};
use crate::field::plain::{decode_coarse_altitude, encode_coarse_altitude};
use crate::field::position::{Position, Unchecked};
use crate::field::text::Text;
use crate::field::wind::WindSectors;
use crate::reader::Reader;
use crate::writer::Writer;

/// Something drawn on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmark<'a> {
    /// Lifetime after the last reception, minutes: 10 to 80 in steps of 10, to 480 in steps of 60.
    pub ttl_min: u16,
    /// The layer.
    pub layer: Layer,
    /// Bits 5-7 of byte 1: sent as 0.
    pub reserved: u8,
    /// The winds in which it is shown; `None` is always.
    pub wind_sectors: Option<WindSectors>,
    /// The shape.
    pub shape: Shape<'a>,
}

/// The shape of a landmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape<'a> {
    /// 0: a text at a point.
    Text {
        /// Its position.
        position: Position,
        /// The text.
        text: Text<'a>,
    },
    /// 1: a line, two points or more.
    Line(Elements<'a, Position>),
    /// 2: an arrow, two points or more.
    Arrow(Elements<'a, Position>),
    /// 3: an area, three points or more.
    Area(Elements<'a, Position>),
    /// 4: a filled area, three points or more.
    AreaFilled(Elements<'a, Position>),
    /// 5: circles.
    Circle(Elements<'a, Circle>),
    /// 6: filled circles.
    CircleFilled(Elements<'a, Circle>),
    /// 7: a line in space.
    Line3d(Elements<'a, AltitudePoint>),
    /// 8: an area in space; drawn filled if it starts at 0 m.
    Area3d {
        /// Lower limit, metres, -450 to 5900 in steps of 25.
        altitude_bottom_m: i32,
        /// Upper limit, metres, -450 to 5900 in steps of 25.
        altitude_top_m: i32,
        /// Its corners.
        points: Elements<'a, Position>,
    },
    /// 9: cylinders; drawn filled if they start at 0 m.
    Cylinder3d {
        /// Their ground plans.
        circles: Elements<'a, Circle>,
        /// Lower limit of all, metres, -450 to 5900 in steps of 25.
        altitude_bottom_m: i32,
        /// Upper limit of all, metres, -450 to 5900 in steps of 25.
        altitude_top_m: i32,
    },
    /// 10 to 15: not assigned.
    Unassigned {
        /// The number.
        subtype: u8,
        /// The bytes after it.
        body: &'a [u8],
    },
}

impl<'a> Landmark<'a> {
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let first = reader.u8("subtype")?;
        let second = reader.u8("layer")?;
        let wind_sectors = if second & 0x10 != 0 { Some(WindSectors(reader.u8("wind_sectors")?)) } else { None };
        Ok(Self {
            ttl_min: decode_ttl(first),
            layer: Layer::from_code(second),
            reserved: second >> 5,
            wind_sectors,
            shape: Shape::decode(first & 0x0F, reader)?,
        })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let wind = u8::from(self.wind_sectors.is_some()) << 4;
        writer.u8(encode_ttl(self.ttl_min) | self.shape.subtype() & 0x0F);
        writer.u8(writer.reserved(self.reserved << 5) | wind | self.layer.code());
        if let Some(sectors) = self.wind_sectors {
            writer.u8(sectors.0);
        }
        self.shape.encode(writer)
    }
}

impl<'a> Shape<'a> {
    /// The number of the shape, 0 to 15.
    #[must_use]
    pub const fn subtype(&self) -> u8 {
        match self {
            Self::Text { .. } => 0,
            Self::Line(_) => 1,
            Self::Arrow(_) => 2,
            Self::Area(_) => 3,
            Self::AreaFilled(_) => 4,
            Self::Circle(_) => 5,
            Self::CircleFilled(_) => 6,
            Self::Line3d(_) => 7,
            Self::Area3d { .. } => 8,
            Self::Cylinder3d { .. } => 9,
            Self::Unassigned { subtype, .. } => *subtype,
        }
    }

    /// The name of the shape, where one is assigned.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Text { .. } => "text",
            Self::Line(_) => "line",
            Self::Arrow(_) => "arrow",
            Self::Area(_) => "area",
            Self::AreaFilled(_) => "area_filled",
            Self::Circle(_) => "circle",
            Self::CircleFilled(_) => "circle_filled",
            Self::Line3d(_) => "line_3d",
            Self::Area3d { .. } => "area_3d",
            Self::Cylinder3d { .. } => "cylinder_3d",
            Self::Unassigned { .. } => return None,
        })
    }

    fn decode(subtype: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match subtype {
            0 => Self::Text { position: Unchecked::take(reader)?.check()?, text: Text::until_nul(reader.take_rest()) },
            1 => Self::Line(Elements::decode(reader, 0, 2)?),
            2 => Self::Arrow(Elements::decode(reader, 0, 2)?),
            3 => Self::Area(Elements::decode(reader, 0, 3)?),
            4 => Self::AreaFilled(Elements::decode(reader, 0, 3)?),
            5 => Self::Circle(Elements::decode(reader, 0, 1)?),
            6 => Self::CircleFilled(Elements::decode(reader, 0, 1)?),
            7 => Self::Line3d(Elements::decode(reader, 0, 1)?),
            8 => Self::Area3d {
                altitude_bottom_m: decode_coarse_altitude(reader.u8("altitude_bottom_m")?),
                altitude_top_m: decode_coarse_altitude(reader.u8("altitude_top_m")?),
                points: Elements::decode(reader, 0, 1)?,
            },
            9 => Self::Cylinder3d {
                circles: Elements::decode(reader, 2, 1)?,
                altitude_bottom_m: decode_coarse_altitude(reader.u8("altitude_bottom_m")?),
                altitude_top_m: decode_coarse_altitude(reader.u8("altitude_top_m")?),
            },
            _ => Self::Unassigned { subtype, body: reader.take_rest() },
        })
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Text { position, text } => {
                position.encode(writer)?;
                writer.text(text.as_bytes())
            }
            Self::Line(points) | Self::Arrow(points) => points.encode(writer, 2),
            Self::Area(points) | Self::AreaFilled(points) => points.encode(writer, 3),
            Self::Circle(circles) | Self::CircleFilled(circles) => circles.encode(writer, 1),
            Self::Line3d(points) => points.encode(writer, 1),
            Self::Area3d { altitude_bottom_m, altitude_top_m, points } => {
                encode_limits(*altitude_bottom_m, *altitude_top_m, writer);
                points.encode(writer, 1)
            }
            Self::Cylinder3d { circles, altitude_bottom_m, altitude_top_m } => {
                circles.encode(writer, 1)?;
                encode_limits(*altitude_bottom_m, *altitude_top_m, writer);
                Ok(())
            }
            Self::Unassigned { subtype: 10..=15, body } => {
                writer.bytes(body);
                Ok(())
            }
            Self::Unassigned { .. } => Err(EncodeError::CodeOutOfRange { field: "subtype" }),
        }
    }
}

fn encode_limits(bottom_m: i32, top_m: i32, writer: &mut Writer<'_>) {
    writer.u8(encode_coarse_altitude(bottom_m, writer.rules()));
    writer.u8(encode_coarse_altitude(top_m, writer.rules()));
}

/// The part of a landmark's payload that identifies it: without lifetime, layer and wind mask.
pub(crate) fn body(payload: &[u8]) -> Option<&[u8]> {
    let &[_, second, ref rest @ ..] = payload else { return None };
    if second & 0x10 == 0 { Some(rest) } else { rest.get(1..) }
}

const fn decode_ttl(byte: u8) -> u16 {
    let tens = ((byte >> 4 & 0x07) as u16 + 1) * 10;
    if byte & 0x80 == 0 { tens } else { tens * 6 }
}

/// The upper four bits for the lifetime nearest to `minutes`, the longer one of two.
fn encode_ttl(minutes: u16) -> u8 {
    // Above 80 min only multiples of an hour are left; 100 is as far from 80 as from 120.
    if minutes < 100 {
        let tens = (minutes.saturating_add(5) / 10).clamp(1, 8);
        return (tens as u8 - 1) << 4;
    }
    let hours = (minutes.saturating_add(30) / 60).clamp(2, 8);
    0x80 | (hours as u8 - 1) << 4
}

/// The layer of a landmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// 0: information.
    Info,
    /// 1: warning.
    Warning,
    /// 2: keep out.
    KeepOut,
    /// 3: touch down.
    TouchDown,
    /// 4: no airspace warning, not in use yet.
    NoAirspaceWarning,
    /// 15: none; also removes the landmark with the same body.
    DontCare,
    /// 5 to 14: not assigned.
    Unassigned(u8),
}

impl Layer {
    /// The layer of a code, of which the lower four bits count.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code & 0x0F {
            0 => Self::Info,
            1 => Self::Warning,
            2 => Self::KeepOut,
            3 => Self::TouchDown,
            4 => Self::NoAirspaceWarning,
            15 => Self::DontCare,
            other => Self::Unassigned(other),
        }
    }

    /// The code, 0 to 15.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Info => 0,
            Self::Warning => 1,
            Self::KeepOut => 2,
            Self::TouchDown => 3,
            Self::NoAirspaceWarning => 4,
            Self::DontCare => 15,
            Self::Unassigned(code) => code & 0x0F,
        }
    }

    /// A lower-case name, fit for labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::KeepOut => "keep_out",
            Self::TouchDown => "touch_down",
            Self::NoAirspaceWarning => "no_airspace_warning",
            Self::DontCare => "dont_care",
            Self::Unassigned(_) => "unassigned",
        }
    }
}

#[cfg(test)]
mod tests;
