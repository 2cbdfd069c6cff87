//! Type 1, tracking: position of an aircraft in the air.
//!
//! | byte | bits | field | encoding | range |
//! |---|---|---|---|---|
//! | 0-5 | | position | i24 * 2 | |
//! | 6-7 | 15 | online tracking | flag | |
//! | | 12-14 | aircraft type | number | 0..7 |
//! | | 0-11 | altitude | A11, 1 m or 4 m | 0..8188 m |
//! | 8 | | speed | U7, 0.5 or 2.5 km/h | 0..317.5 km/h |
//! | 9 | | climb | S7, 0.1 or 0.5 m/s | -32.0..+31.5 m/s |
//! | 10 | | heading | u8, 360/256 deg | 0..358.59 deg |
//! | 11 | | turn rate, optional | S7, 0.25 or 1 deg/s | -64..+63 deg/s |
//! | 12 | | QNE offset, optional | S7, 1 or 4 m | -256..+252 m |
//!
//! The QNE offset is the pressure altitude minus the GPS altitude. The pressure altitude (QNE) is what an altimeter set
//! to the standard pressure of 1013.25 hPa shows. Bytes after these are trailing.
//!
//! Source: FANET protocol text, payload type 1.
//!
//! Seen on the air, decoded as the frame says: common encoders let a saturated count run into its
//! sign or flag bit. Altitudes from 8190 m then arrive as 0 m, turn rates from +63.4 deg/s as -64,
//! an offset of +254 m as -256, and sink beyond -6.4 m/s from some as strong climb. The frames
//! before and after show it.

use crate::error::{DecodeError, EncodeError};
use crate::field::plain::{decode_heading, encode_heading};
use crate::field::position::{Position, Unchecked};
use crate::field::scaled::{decode_a11, decode_s7, decode_u7, encode_a11, encode_s7, encode_u7};
use crate::reader::Reader;
use crate::writer::{Writer, finite};

/// Position of an aircraft in the air.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracking {
    /// Where it is.
    pub position: Position,
    /// The pilot agrees to be shown on the internet.
    pub online_tracking: bool,
    /// The kind of aircraft.
    pub aircraft_type: AircraftType,
    /// Altitude above sea level (GPS), metres, 0 to 8188.
    pub altitude_m: i32,
    /// Speed over ground, km/h, 0 to 317.5.
    pub speed_kmh: f64,
    /// Vertical speed, m/s, up positive, -32.0 to +31.5.
    pub climb_mps: f64,
    /// Direction over ground, degrees true, 0 to 358.59.
    pub heading_deg: f64,
    /// Turn rate, degrees per second, clockwise positive; `None` when the sender left it out.
    pub turn_rate_dps: Option<f64>,
    /// Pressure altitude (QNE, by the standard pressure of 1013.25 hPa) minus GPS altitude, metres, -256 to +252;
    /// `None` when the sender left it out.
    ///
    /// It follows the turn rate on the air, so a sender without one sends a turn rate of 0.
    pub qne_offset_m: Option<i32>,
}

impl Tracking {
    #[inline]
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unchecked = Unchecked::take(reader)?;
        let word = u16::from_le_bytes(reader.take("altitude_m")?);
        Ok(Self {
            online_tracking: word & 0x8000 != 0,
            aircraft_type: AircraftType::from_code((word >> 12) as u8),
            altitude_m: decode_a11(word, 4),
            speed_kmh: f64::from(decode_u7(reader.u8("speed_kmh")?, 5)) * 0.5,
            climb_mps: f64::from(decode_s7(reader.u8("climb_mps")?, 5)) / 10.0,
            heading_deg: decode_heading(reader.u8("heading_deg")?),
            turn_rate_dps: reader.optional_u8().map(|byte| f64::from(decode_s7(byte, 4)) * 0.25),
            qne_offset_m: reader.optional_u8().map(|byte| decode_s7(byte, 4)),
            position: unchecked.check()?,
        })
    }

    #[inline]
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.position.encode(writer)?;
        let word = u16::from(self.online_tracking) << 15
            | u16::from(self.aircraft_type.code()) << 12
            | encode_a11(f64::from(self.altitude_m), 4.0);
        let [low, high] = word.to_le_bytes();
        writer.bytes(&[
            low,
            high,
            encode_u7(finite("speed_kmh", self.speed_kmh)? * 2.0, 5.0),
            encode_s7(finite("climb_mps", self.climb_mps)? * 10.0, 5.0),
            encode_heading(finite("heading_deg", self.heading_deg)?),
        ]);
        let turn_rate = self.turn_rate_dps.filter(|rate| rate.is_finite());
        let turn_rate = turn_rate.or(self.qne_offset_m.map(|_| 0.0));
        if let Some(rate) = turn_rate {
            writer.u8(encode_s7(rate * 4.0, 4.0));
        }
        if let Some(offset) = self.qne_offset_m {
            writer.u8(encode_s7(f64::from(offset), 4.0));
        }
        Ok(())
    }
}

/// What kind of aircraft it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AircraftType {
    /// 0: other.
    Other = 0,
    /// 1: paraglider.
    Paraglider = 1,
    /// 2: hang glider.
    Hangglider = 2,
    /// 3: balloon.
    Balloon = 3,
    /// 4: glider.
    Glider = 4,
    /// 5: powered aircraft.
    Powered = 5,
    /// 6: helicopter.
    Helicopter = 6,
    /// 7: unmanned.
    Uav = 7,
}

impl AircraftType {
    /// The type of a code, of which the lower three bits count; all eight are assigned.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code & 0x07 {
            0 => Self::Other,
            1 => Self::Paraglider,
            2 => Self::Hangglider,
            3 => Self::Balloon,
            4 => Self::Glider,
            5 => Self::Powered,
            6 => Self::Helicopter,
            _ => Self::Uav,
        }
    }

    /// The code, 0 to 7.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// A lower-case name, fit for labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Paraglider => "paraglider",
            Self::Hangglider => "hangglider",
            Self::Balloon => "balloon",
            Self::Glider => "glider",
            Self::Powered => "powered",
            Self::Helicopter => "helicopter",
            Self::Uav => "uav",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::packet::Packet;
    use crate::testing::{assert_cuts, broadcast, packet, refusal, sent};

    const COMPLETE: [u8; 13] = [0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xBF, 0xFF, 0xC0, 0xBF];

    fn decoded(payload: &[u8]) -> Tracking {
        match packet(&broadcast(1, payload)) {
            Packet::Tracking(tracking) => tracking,
            other => panic!("{other:?}"),
        }
    }

    fn still() -> Tracking {
        Tracking { turn_rate_dps: None, qne_offset_m: None, ..decoded(&[0; 11]) }
    }

    #[test]
    fn every_field_at_its_limit() {
        let most = decoded(&COMPLETE);
        assert_eq!((most.online_tracking, most.aircraft_type, most.altitude_m), (true, AircraftType::Uav, 8188));
        assert_eq!((most.speed_kmh, most.climb_mps, most.heading_deg), (317.5, 31.5, 358.59375));
        assert_eq!((most.turn_rate_dps, most.qne_offset_m), (Some(-64.0), Some(252)));
        let least = decoded(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0xBF, 0xC0]);
        assert_eq!((least.altitude_m, least.speed_kmh, least.climb_mps), (0, 0.0, -32.0));
        assert_eq!((least.turn_rate_dps, least.qne_offset_m), (Some(63.0), Some(-256)));
    }

    #[test]
    fn optional_fields_are_absent_not_zero() {
        assert_eq!((decoded(&COMPLETE[..11]).turn_rate_dps, decoded(&COMPLETE[..11]).qne_offset_m), (None, None));
        assert_eq!(
            (decoded(&COMPLETE[..12]).turn_rate_dps, decoded(&COMPLETE[..12]).qne_offset_m),
            (Some(-64.0), None)
        );
    }

    #[test]
    fn each_cut_names_the_field_that_is_missing() {
        let position = ["latitude_deg"; 6];
        let rest = ["altitude_m", "altitude_m", "speed_kmh", "climb_mps", "heading_deg"];
        assert_cuts(1, &COMPLETE, &[&position[..], &rest[..]].concat());
    }

    #[test]
    fn cut_short_and_off_the_earth_is_cut_short() {
        let off = [0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(refusal(&broadcast(1, &off)), ("latitude_out_of_range", "latitude_deg", 4));
        assert_eq!(refusal(&broadcast(1, &off[..10])), ("truncated_payload", "heading_deg", 14));
    }

    #[test]
    fn bytes_after_the_last_field_are_kept() {
        let bytes = broadcast(1, &[&COMPLETE[..], &[7, 8]].concat());
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!(frame.trailing, [7, 8]);
        assert_eq!(frame.encode().unwrap(), bytes);
        let without = Frame { packet: Packet::Tracking(still()), ..frame };
        assert_eq!(without.encode(), Err(EncodeError::TrailingNotAllowed));
    }

    #[test]
    fn limits_saturate() {
        let over = Tracking {
            altitude_m: 8190,
            speed_kmh: 400.0,
            climb_mps: -99.0,
            heading_deg: 359.5,
            turn_rate_dps: Some(63.5),
            qne_offset_m: Some(254),
            ..still()
        };
        let sent = sent(Packet::Tracking(over)).unwrap();
        assert_eq!(sent[6..], [0xFF, 0x0F, 0xFF, 0xC0, 0x00, 0xBF, 0xBF]);
    }

    #[test]
    fn an_offset_without_a_turn_rate_sends_none() {
        let sent = sent(Packet::Tracking(Tracking { qne_offset_m: Some(10), ..still() })).unwrap();
        assert_eq!(sent[11..], [0, 10]);
    }

    #[test]
    fn what_is_not_a_number_is_refused_or_left_out() {
        for field in ["latitude_deg", "longitude_deg", "speed_kmh", "climb_mps", "heading_deg"] {
            let mut tracking = still();
            match field {
                "latitude_deg" => tracking.position.latitude_deg = f64::NAN,
                "longitude_deg" => tracking.position.longitude_deg = f64::INFINITY,
                "speed_kmh" => tracking.speed_kmh = f64::INFINITY,
                "climb_mps" => tracking.climb_mps = f64::NAN,
                _ => tracking.heading_deg = f64::NAN,
            }
            assert_eq!(sent(Packet::Tracking(tracking)), Err(EncodeError::NotFinite { field }));
        }
        let sent = sent(Packet::Tracking(Tracking { turn_rate_dps: Some(f64::NAN), ..still() })).unwrap();
        assert_eq!(sent.len(), 11);
    }
}
