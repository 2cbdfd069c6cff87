//! Type 7, ground tracking: position of a device that does not fly.
//!
//! | byte | bits | field | encoding |
//! |---|---|---|---|
//! | 0-5 | | position | i24 * 2 |
//! | 6 | 4-7 | ground type | number |
//! | | 1-3 | reserved | |
//! | | 0 | online tracking | flag |
//!
//! Source: FANET protocol text, payload type 7. There is no altitude, speed or heading. Bytes
//! after the seventh are trailing.

use crate::error::{DecodeError, EncodeError};
use crate::field::position::{Position, Unchecked};
use crate::reader::Reader;
use crate::writer::Writer;

/// Position of a device that does not fly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundTracking {
    /// Where it is.
    pub position: Position,
    /// Its activity or need.
    pub ground_type: GroundType,
    /// The owner agrees to be shown on the internet.
    pub online_tracking: bool,
}

impl GroundTracking {
    #[inline]
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unchecked = Unchecked::take(reader)?;
        let byte = reader.u8("ground_type")?;
        let ground_type = GroundType::from_code(byte >> 4);
        Ok(Self { position: unchecked.check()?, ground_type, online_tracking: byte & 1 != 0 })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.position.encode(writer)?;
        writer.u8(self.ground_type.code() << 4 | u8::from(self.online_tracking));
        Ok(())
    }
}

/// The activity of a device on the ground, or the need of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroundType {
    /// 0: other.
    Other,
    /// 1: walking.
    Walking,
    /// 2: in a vehicle.
    Vehicle,
    /// 3: on a bike.
    Bike,
    /// 4: in a boat.
    Boat,
    /// 8: needs a ride.
    NeedRide,
    /// 9: landed well.
    LandedWell,
    /// 12: needs technical support.
    NeedTechnicalSupport,
    /// 13: needs medical help.
    NeedMedicalHelp,
    /// 14: distress call.
    Distress,
    /// 15: distress call made by the device itself.
    DistressAutomatic,
    /// 5, 6, 7, 10, 11: not assigned.
    Unassigned(u8),
}

impl GroundType {
    /// The type of a code, of which the lower four bits count.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code & 0x0F {
            0 => Self::Other,
            1 => Self::Walking,
            2 => Self::Vehicle,
            3 => Self::Bike,
            4 => Self::Boat,
            8 => Self::NeedRide,
            9 => Self::LandedWell,
            12 => Self::NeedTechnicalSupport,
            13 => Self::NeedMedicalHelp,
            14 => Self::Distress,
            15 => Self::DistressAutomatic,
            other => Self::Unassigned(other),
        }
    }

    /// The code, 0 to 15.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::Walking => 1,
            Self::Vehicle => 2,
            Self::Bike => 3,
            Self::Boat => 4,
            Self::NeedRide => 8,
            Self::LandedWell => 9,
            Self::NeedTechnicalSupport => 12,
            Self::NeedMedicalHelp => 13,
            Self::Distress => 14,
            Self::DistressAutomatic => 15,
            Self::Unassigned(code) => code & 0x0F,
        }
    }

    /// A lower-case name, fit for labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Walking => "walking",
            Self::Vehicle => "vehicle",
            Self::Bike => "bike",
            Self::Boat => "boat",
            Self::NeedRide => "need_ride",
            Self::LandedWell => "landed_well",
            Self::NeedTechnicalSupport => "need_technical_support",
            Self::NeedMedicalHelp => "need_medical_help",
            Self::Distress => "distress",
            Self::DistressAutomatic => "distress_automatic",
            Self::Unassigned(_) => "unassigned",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::Frame;
    use crate::packet::Packet;
    use crate::testing::{assert_cuts, broadcast, packet, sent};

    #[test]
    fn each_ground_type_returns_but_not_reserved_bits() {
        for byte in 0..=u8::MAX {
            let frame = broadcast(7, &[0, 0, 0, 0, 0, 0, byte]);
            let Packet::GroundTracking(ground) = packet(&frame) else { panic!("another packet") };
            assert_eq!(ground.ground_type.code(), byte >> 4);
            assert_eq!(ground.online_tracking, byte & 1 == 1);
            assert_eq!(sent(Packet::GroundTracking(ground)).unwrap()[6], byte & 0xF1);
        }
    }

    #[test]
    fn each_cut_names_the_field_that_is_missing() {
        assert_cuts(7, &[0; 7], &[&["latitude_deg"; 6][..], &["ground_type"]].concat());
        assert_eq!(Frame::decode(&broadcast(7, &[0; 9])).unwrap().trailing, [0, 0]);
    }
}
