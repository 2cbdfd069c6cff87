//! Type 9, thermal: where rising air was found.
//!
//! | byte | bits | field | encoding | range |
//! |---|---|---|---|---|
//! | 0-5 | | position of the thermal | i24 * 2 | |
//! | 6-7 | 15 | reserved | | |
//! | | 12-14 | confidence | number, 100/7 % | 0..7 |
//! | | 0-11 | altitude | A11, 1 m or 4 m | 0..8188 m |
//! | 8 | | climb of the air | S7, 0.1 or 0.5 m/s | -32.0..+31.5 m/s |
//! | 9 | | wind speed | U7, 0.5 or 2.5 km/h | 0..317.5 km/h |
//! | 10 | | wind heading: where the wind comes from | u8, 360/256 deg | 0..358.59 deg |
//!
//! Source: FANET protocol text, payload type 9. Bytes after the eleventh are trailing.

use crate::error::{DecodeError, EncodeError};
use crate::field::plain::{decode_confidence, decode_heading, encode_confidence, encode_heading};
use crate::field::position::{Position, Unchecked};
use crate::field::scaled::{decode_a11, decode_s7, decode_u7, encode_a11, encode_s7, encode_u7};
use crate::reader::Reader;
use crate::writer::{Writer, finite};

/// Rising air.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermal {
    /// Where it is.
    pub position: Position,
    /// How sure the sender is, 0 to 7.
    pub confidence: u8,
    /// Altitude at which it was found, metres, 0 to 8188.
    pub altitude_m: i32,
    /// Vertical speed of the air, not of the glider, m/s.
    pub climb_mps: f64,
    /// Wind speed at the thermal, km/h, 0 to 317.5.
    pub wind_speed_kmh: f64,
    /// Where that wind comes from, degrees true, 0 to 358.59: "wind heading" in the protocol and in errors.
    pub wind_from_deg: f64,
}

impl Thermal {
    /// Confidence in percent.
    #[must_use]
    pub fn confidence_pct(&self) -> f64 {
        decode_confidence(self.confidence)
    }

    /// The confidence nearest to so many percent.
    #[must_use]
    pub fn confidence_of(percent: f64) -> u8 {
        encode_confidence(percent)
    }

    #[inline]
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unchecked = Unchecked::take(reader)?;
        let word = u16::from_le_bytes(reader.take("altitude_m")?);
        Ok(Self {
            confidence: (word >> 12 & 0x07) as u8,
            altitude_m: decode_a11(word, 4),
            climb_mps: f64::from(decode_s7(reader.u8("climb_mps")?, 5)) / 10.0,
            wind_speed_kmh: f64::from(decode_u7(reader.u8("wind_speed_kmh")?, 5)) * 0.5,
            wind_from_deg: decode_heading(reader.u8("wind_heading_deg")?),
            position: unchecked.check()?,
        })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.position.encode(writer)?;
        let word = u16::from(self.confidence.min(7)) << 12 | encode_a11(f64::from(self.altitude_m), 4.0);
        let [low, high] = word.to_le_bytes();
        writer.bytes(&[
            low,
            high,
            encode_s7(finite("climb_mps", self.climb_mps)? * 10.0, 5.0),
            encode_u7(finite("wind_speed_kmh", self.wind_speed_kmh)? * 2.0, 5.0),
            encode_heading(finite("wind_heading_deg", self.wind_from_deg)?),
        ]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::Frame;
    use crate::packet::Packet;
    use crate::testing::{assert_cuts, broadcast, packet, sent};

    #[test]
    fn fields_at_limits_pass_and_reserved_bit_is_ignored() {
        let frame = broadcast(9, &[0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xC0, 0xFF, 0xFF]);
        let Packet::Thermal(thermal) = packet(&frame) else { panic!("another packet") };
        assert_eq!((thermal.confidence, thermal.confidence_pct(), thermal.altitude_m), (7, 100.0, 8188));
        assert_eq!((thermal.climb_mps, thermal.wind_speed_kmh, thermal.wind_from_deg), (-32.0, 317.5, 358.59375));
        assert_eq!(sent(Packet::Thermal(thermal)).unwrap()[6..], [0xFF, 0x7F, 0xC0, 0xFF, 0xFF]);
    }

    #[test]
    fn each_cut_names_the_field_that_is_missing() {
        let rest = ["altitude_m", "altitude_m", "climb_mps", "wind_speed_kmh", "wind_heading_deg"];
        assert_cuts(9, &[0; 11], &[&["latitude_deg"; 6][..], &rest].concat());
        assert_eq!(Frame::decode(&broadcast(9, &[0; 12])).unwrap().trailing, [0]);
    }
}
