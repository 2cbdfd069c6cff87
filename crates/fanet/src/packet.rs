//! The packet types, one module each.

use crate::address::Address;
use crate::error::{DecodeError, EncodeError};
use crate::reader::Reader;
use crate::writer::Writer;

pub mod ack;
pub mod ground_tracking;
pub mod hw_info;
pub mod hw_info_deprecated;
pub mod landmark;
pub mod message;
pub mod name;
pub mod remote_config;
pub mod service;
pub mod thermal;
pub mod tracking;

pub use ack::Ack;
pub use ground_tracking::{GroundTracking, GroundType};
pub use hw_info::{Device, HwAnswer, HwInfo, HwRequest, RxRssi};
pub use hw_info_deprecated::HwInfoDeprecated;
pub use landmark::{Landmark, Layer, Shape};
pub use message::Message;
pub use name::Name;
pub use remote_config::RemoteConfig;
pub use service::{Service, Wind};
pub use thermal::Thermal;
pub use tracking::{AircraftType, Tracking};

/// The content of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packet<'a> {
    /// Type 0.
    Ack(Ack),
    /// Type 1.
    Tracking(Tracking),
    /// Type 2.
    Name(Name<'a>),
    /// Type 3.
    Message(Message<'a>),
    /// Type 4.
    Service(Service),
    /// Type 5.
    Landmark(Landmark<'a>),
    /// Type 6.
    RemoteConfig(RemoteConfig<'a>),
    /// Type 7.
    GroundTracking(GroundTracking),
    /// Type 8.
    HwInfoDeprecated(HwInfoDeprecated<'a>),
    /// Type 9.
    Thermal(Thermal),
    /// Type 10.
    HwInfo(HwInfo),
    /// Types 11 to 63, which are not assigned.
    Other {
        /// The packet type.
        code: u8,
        /// The payload as it came.
        payload: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    /// The packet type.
    #[must_use]
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Ack(_) => PacketType::Ack,
            Self::Tracking(_) => PacketType::Tracking,
            Self::Name(_) => PacketType::Name,
            Self::Message(_) => PacketType::Message,
            Self::Service(_) => PacketType::Service,
            Self::Landmark(_) => PacketType::Landmark,
            Self::RemoteConfig(_) => PacketType::RemoteConfig,
            Self::GroundTracking(_) => PacketType::GroundTracking,
            Self::HwInfoDeprecated(_) => PacketType::HwInfoDeprecated,
            Self::Thermal(_) => PacketType::Thermal,
            Self::HwInfo(_) => PacketType::HwInfo,
            Self::Other { code, .. } => PacketType::Other(*code),
        }
    }

    /// Decodes a payload that begins at `offset`; returns what is left of it too.
    #[inline]
    pub(crate) fn decode(
        packet_type: PacketType,
        destination: Option<Address>,
        payload: &'a [u8],
        offset: usize,
    ) -> Result<(Self, &'a [u8]), DecodeError> {
        let from = Reader::new(payload, offset);
        match packet_type {
            PacketType::Ack => read(from, |reader| Ack::decode(destination, reader).map(Self::Ack)),
            PacketType::Tracking => read(from, |reader| Tracking::decode(reader).map(Self::Tracking)),
            PacketType::Name => read(from, |reader| Ok(Self::Name(Name::decode(reader)))),
            PacketType::Message => read(from, |reader| Message::decode(reader).map(Self::Message)),
            PacketType::Service => read(from, |reader| Service::decode(reader).map(Self::Service)),
            PacketType::Landmark => read(from, |reader| Landmark::decode(reader).map(Self::Landmark)),
            PacketType::RemoteConfig => read(from, |reader| RemoteConfig::decode(reader).map(Self::RemoteConfig)),
            PacketType::GroundTracking => read(from, |reader| GroundTracking::decode(reader).map(Self::GroundTracking)),
            PacketType::HwInfoDeprecated => {
                read(from, |reader| HwInfoDeprecated::decode(destination, reader).map(Self::HwInfoDeprecated))
            }
            PacketType::Thermal => read(from, |reader| Thermal::decode(reader).map(Self::Thermal)),
            PacketType::HwInfo => read(from, |reader| HwInfo::decode(destination, reader).map(Self::HwInfo)),
            PacketType::Other(code) => Ok((Self::Other { code, payload }, &[])),
        }
    }

    #[inline]
    pub(crate) fn encode(&self, destination: Option<Address>, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Ack(packet) => packet.encode(destination),
            Self::Tracking(packet) => packet.encode(writer),
            Self::Name(packet) => packet.encode(writer),
            Self::Message(packet) => packet.encode(writer),
            Self::Service(packet) => packet.encode(writer),
            Self::Landmark(packet) => packet.encode(writer),
            Self::RemoteConfig(packet) => packet.encode(writer),
            Self::GroundTracking(packet) => packet.encode(writer),
            Self::HwInfoDeprecated(packet) => packet.encode(destination, writer),
            Self::Thermal(packet) => packet.encode(writer),
            Self::HwInfo(packet) => packet.encode(destination, writer),
            Self::Other { code: 11..=63, payload } => {
                writer.bytes(payload);
                Ok(())
            }
            Self::Other { .. } => Err(EncodeError::CodeOutOfRange { field: "type" }),
        }
    }

    /// Whether bytes after this packet are read as trailing, rather than as one of its fields.
    pub(crate) const fn may_trail(&self) -> bool {
        match self {
            Self::Ack(_) | Self::GroundTracking(_) | Self::Thermal(_) | Self::HwInfo(HwInfo::Answer(_)) => true,
            Self::Tracking(packet) => packet.qne_offset_m.is_some(),
            Self::Service(packet) => packet.position.is_some(),
            Self::RemoteConfig(packet) => packet.may_trail(),
            Self::Name(_)
            | Self::Message(_)
            | Self::Landmark(_)
            | Self::HwInfoDeprecated(_)
            | Self::HwInfo(HwInfo::Request(_))
            | Self::Other { .. } => false,
        }
    }
}

/// Reads a packet with a reader of its own; returns what is left too.
///
/// A shared reader for all types would have to be in memory, as some of them pass it on: writing it
/// there and reading it back takes as long as decoding a complete tracking packet.
#[inline]
fn read<'a>(
    from: Reader<'a>,
    decode: impl FnOnce(&mut Reader<'a>) -> Result<Packet<'a>, DecodeError>,
) -> Result<(Packet<'a>, &'a [u8]), DecodeError> {
    let mut reader = from;
    let packet = decode(&mut reader)?;
    Ok((packet, reader.rest()))
}

/// The six bits of the packet type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// 0: acknowledgement.
    Ack,
    /// 1: position of an aircraft.
    Tracking,
    /// 2: name of a device.
    Name,
    /// 3: text message.
    Message,
    /// 4: weather station or gateway.
    Service,
    /// 5: points, lines, areas, circles and texts on the map.
    Landmark,
    /// 6: remote configuration.
    RemoteConfig,
    /// 7: position of a device on the ground.
    GroundTracking,
    /// 8: hardware information, the old form.
    HwInfoDeprecated,
    /// 9: thermal.
    Thermal,
    /// 10: hardware information.
    HwInfo,
    /// 11 to 63: not assigned.
    Other(u8),
}

impl PacketType {
    /// The type of a code, of which the lower six bits count.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code & 0x3F {
            0 => Self::Ack,
            1 => Self::Tracking,
            2 => Self::Name,
            3 => Self::Message,
            4 => Self::Service,
            5 => Self::Landmark,
            6 => Self::RemoteConfig,
            7 => Self::GroundTracking,
            8 => Self::HwInfoDeprecated,
            9 => Self::Thermal,
            10 => Self::HwInfo,
            other => Self::Other(other),
        }
    }

    /// The code, 0 to 63.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ack => 0,
            Self::Tracking => 1,
            Self::Name => 2,
            Self::Message => 3,
            Self::Service => 4,
            Self::Landmark => 5,
            Self::RemoteConfig => 6,
            Self::GroundTracking => 7,
            Self::HwInfoDeprecated => 8,
            Self::Thermal => 9,
            Self::HwInfo => 10,
            Self::Other(code) => code & 0x3F,
        }
    }

    /// The name: a small closed set, fit for metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Tracking => "tracking",
            Self::Name => "name",
            Self::Message => "message",
            Self::Service => "service",
            Self::Landmark => "landmark",
            Self::RemoteConfig => "remote_config",
            Self::GroundTracking => "ground_tracking",
            Self::HwInfoDeprecated => "hw_info_deprecated",
            Self::Thermal => "thermal",
            Self::HwInfo => "hw_info",
            Self::Other(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests;
