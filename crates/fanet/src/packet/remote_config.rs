//! Type 6, remote configuration.
//!
//! | subtype | meaning | byte 1.. |
//! |---|---|---|
//! | 0 | acknowledge | u8: the subtype acknowledged |
//! | 1 | request | u8: the subtype asked for |
//! | 2 | position | position (6), coarse altitude i8, heading u8 |
//! | 4-8 | geofence | bottom i8, top i8 (coarse altitudes), position (6), then compressed positions (4 each) |
//! | 9-33 | broadcast reply | wind sectors u8, type and forward bit u8, payload to send |
//! | 3, 34-255 | not assigned | |
//!
//! Subtypes 2 and 4-33 with nothing after byte 0 remove that feature. Recommended: replies 9-20
//! survive a restart, the later ones do not, and 9 is the name. Bytes after the fields of
//! subtypes 0-2 are trailing.
//!
//! Source: FANET protocol text, payload type 6, unfinished according to its author. Sign it.

use crate::error::{DecodeError, EncodeError};
use crate::field::elements::Elements;
use crate::field::plain::{decode_coarse_altitude, decode_heading, encode_coarse_altitude, encode_heading};
use crate::field::position::{Position, Unchecked};
use crate::field::wind::WindSectors;
use crate::reader::Reader;
use crate::writer::{Writer, finite};

const ACKNOWLEDGE: u8 = 0;
const REQUEST: u8 = 1;
const POSITION: u8 = 2;

/// A request to change a station, or its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RemoteConfig<'a> {
    /// 0: a subtype was received and applied.
    Acknowledge {
        /// Which one.
        subtype: u8,
    },
    /// 1: asks for a subtype.
    Request {
        /// Which one.
        subtype: u8,
    },
    /// 2: the position of the station.
    Position {
        /// Its position.
        position: Position,
        /// Its altitude, metres, -450 to 5900 in steps of 25.
        altitude_m: i32,
        /// Its own north, degrees.
        heading_deg: f64,
    },
    /// 4 to 8: the area of operation of the station.
    Geofence {
        /// 4 to 8.
        subtype: u8,
        /// Lower limit, metres, -450 to 5900 in steps of 25.
        altitude_bottom_m: i32,
        /// Upper limit, metres, -450 to 5900 in steps of 25.
        altitude_top_m: i32,
        /// The corners. One decodes, receivers need three.
        points: Elements<'a, Position>,
    },
    /// 9 to 33: a frame that the station sends regularly.
    BroadcastReply {
        /// 9 to 33.
        subtype: u8,
        /// The winds in which it is sent.
        wind_sectors: WindSectors,
        /// The packet type to send, 0 to 63.
        reply_type: u8,
        /// The forward bit to send.
        reply_forward: bool,
        /// The payload to send.
        payload: &'a [u8],
    },
    /// 2 or 4 to 33 alone: removes that feature.
    Remove {
        /// Which one.
        subtype: u8,
    },
    /// 3 or 34 to 255: not assigned.
    Unassigned {
        /// The number.
        subtype: u8,
        /// What follows it.
        body: &'a [u8],
    },
}

impl<'a> RemoteConfig<'a> {
    /// Byte 0.
    #[must_use]
    pub const fn subtype(&self) -> u8 {
        match *self {
            Self::Acknowledge { .. } => ACKNOWLEDGE,
            Self::Request { .. } => REQUEST,
            Self::Position { .. } => POSITION,
            Self::Geofence { subtype, .. }
            | Self::BroadcastReply { subtype, .. }
            | Self::Remove { subtype }
            | Self::Unassigned { subtype, .. } => subtype,
        }
    }

    /// The name of the subtype; `None` for removals and where none is assigned.
    #[must_use]
    pub const fn subtype_name(&self) -> Option<&'static str> {
        match self {
            Self::Acknowledge { .. } => Some("acknowledge"),
            Self::Request { .. } => Some("request"),
            Self::Position { .. } => Some("position"),
            Self::Geofence { .. } => Some("geofence"),
            Self::BroadcastReply { .. } => Some("broadcast_reply"),
            Self::Remove { .. } | Self::Unassigned { .. } => None,
        }
    }

    pub(crate) const fn may_trail(&self) -> bool {
        matches!(self, Self::Acknowledge { .. } | Self::Request { .. } | Self::Position { .. })
    }

    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let subtype = reader.u8("subtype")?;
        Ok(match subtype {
            ACKNOWLEDGE => Self::Acknowledge { subtype: reader.u8("acknowledged_subtype")? },
            REQUEST => Self::Request { subtype: reader.u8("requested_subtype")? },
            POSITION | 4..=33 if reader.rest().is_empty() => Self::Remove { subtype },
            POSITION => {
                let unchecked = Unchecked::take(reader)?;
                let altitude_m = decode_coarse_altitude(reader.u8("altitude_m")?);
                let heading_deg = decode_heading(reader.u8("heading_deg")?);
                Self::Position { position: unchecked.check()?, altitude_m, heading_deg }
            }
            4..=8 => Self::Geofence {
                subtype,
                altitude_bottom_m: decode_coarse_altitude(reader.u8("altitude_bottom_m")?),
                altitude_top_m: decode_coarse_altitude(reader.u8("altitude_top_m")?),
                points: Elements::decode(reader, 0, 1)?,
            },
            9..=33 => {
                let wind_sectors = WindSectors(reader.u8("wind_sectors")?);
                let byte = reader.u8("reply_type")?;
                Self::BroadcastReply {
                    subtype,
                    wind_sectors,
                    reply_type: byte & 0x3F,
                    reply_forward: byte & 0x40 != 0,
                    payload: reader.take_rest(),
                }
            }
            _ => Self::Unassigned { subtype, body: reader.take_rest() },
        })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.check_subtype()?;
        writer.u8(self.subtype());
        match self {
            Self::Acknowledge { subtype } | Self::Request { subtype } => writer.u8(*subtype),
            Self::Position { position, altitude_m, heading_deg } => {
                position.encode(writer)?;
                writer.u8(encode_coarse_altitude(*altitude_m, writer.rules()));
                writer.u8(encode_heading(finite("heading_deg", *heading_deg)?));
            }
            Self::Geofence { altitude_bottom_m, altitude_top_m, points, .. } => {
                writer.u8(encode_coarse_altitude(*altitude_bottom_m, writer.rules()));
                writer.u8(encode_coarse_altitude(*altitude_top_m, writer.rules()));
                points.encode(writer, 1)?;
            }
            Self::BroadcastReply { wind_sectors, reply_type, reply_forward, payload, .. } => {
                writer.u8(wind_sectors.0);
                writer.u8(reply_type | u8::from(*reply_forward) << 6);
                writer.bytes(payload);
            }
            Self::Remove { .. } => {}
            Self::Unassigned { body, .. } => writer.bytes(body),
        }
        Ok(())
    }

    fn check_subtype(&self) -> Result<(), EncodeError> {
        let allowed = match *self {
            Self::Acknowledge { .. } | Self::Request { .. } | Self::Position { .. } => true,
            Self::Geofence { subtype, .. } => matches!(subtype, 4..=8),
            Self::BroadcastReply { subtype, reply_type, .. } => matches!(subtype, 9..=33) && reply_type < 64,
            Self::Remove { subtype } => matches!(subtype, 2 | 4..=33),
            Self::Unassigned { subtype, .. } => matches!(subtype, 3 | 34..),
        };
        if allowed { Ok(()) } else { Err(EncodeError::CodeOutOfRange { field: "subtype" }) }
    }
}

#[cfg(test)]
mod tests;
