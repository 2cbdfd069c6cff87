//! Values of one fixed step.
//!
//! | field | raw | value |
//! |---|---|---|
//! | heading | u8 | raw * 360/256 deg |
//! | temperature | i8 | raw * 0.5 °C |
//! | humidity | u8 | raw * 0.4 %, 102 is possible |
//! | pressure | u16 LE | 430 + raw/10 hPa |
//! | state of charge | low 4 bits | n * 100/15 % |
//! | coarse altitude | i8 | (raw + 109) * 25 m |
//! | confidence | 3 bits | n * 100/7 % |

use crate::math::round;
use crate::writer::Rules;

#[inline]
pub(crate) fn decode_heading(raw: u8) -> f64 {
    f64::from(raw) * (360.0 / 256.0)
}

/// Rounds and then wraps, so that 359.5 is 0.
#[inline]
pub(crate) fn encode_heading(degrees: f64) -> u8 {
    // The remainder is slow, and needed only where the count would not fit an integer.
    let degrees = if degrees.abs() < 1e6 { degrees } else { degrees % 360.0 };
    (round(degrees * (256.0 / 360.0)) & 0xFF) as u8
}

#[inline]
pub(crate) fn decode_temperature(raw: u8) -> f64 {
    f64::from(raw as i8) * 0.5
}

#[inline]
pub(crate) fn encode_temperature(celsius: f64) -> u8 {
    round(celsius * 2.0).clamp(-128, 127) as i8 as u8
}

#[inline]
pub(crate) fn decode_humidity(raw: u8) -> f64 {
    f64::from(u16::from(raw) * 2) / 5.0
}

/// A sender stops at 100 %; what was received may be as high as 102.
#[inline]
pub(crate) fn encode_humidity(percent: f64, rules: Rules) -> u8 {
    let most = if rules == Rules::Sender { 250 } else { 255 };
    round(percent * 2.5).clamp(0, most) as u8
}

#[inline]
pub(crate) fn decode_pressure(raw: [u8; 2]) -> f64 {
    f64::from(4300 + u32::from(u16::from_le_bytes(raw))) / 10.0
}

#[inline]
pub(crate) fn encode_pressure(hectopascal: f64) -> [u8; 2] {
    let raw = round((hectopascal - 430.0) * 10.0).clamp(0, i32::from(u16::MAX));
    (raw as u16).to_le_bytes()
}

#[inline]
pub(crate) fn decode_state_of_charge(raw: u8) -> f64 {
    f64::from(u16::from(raw & 0x0F) * 100) / 15.0
}

#[inline]
pub(crate) fn encode_state_of_charge(percent: f64) -> u8 {
    round(percent * 15.0 / 100.0).clamp(0, 15) as u8
}

#[inline]
pub(crate) fn decode_coarse_altitude(raw: u8) -> i32 {
    (i32::from(raw as i8) + 109) * 25
}

/// A sender stops at -127 (-450 m); -128 is not in the protocol text, but can be received.
#[inline]
pub(crate) fn encode_coarse_altitude(metres: i32, rules: Rules) -> u8 {
    let least = if rules == Rules::Sender { -127 } else { -128 };
    (round(f64::from(metres) / 25.0).saturating_sub(109)).clamp(least, 127) as i8 as u8
}

/// Percent of a confidence of 0..7.
#[inline]
pub(crate) fn decode_confidence(raw: u8) -> f64 {
    f64::from(u16::from(raw) * 100) / 7.0
}

/// The confidence of 0..7 nearest to so many percent.
#[inline]
pub(crate) fn encode_confidence(percent: f64) -> u8 {
    round(percent * 7.0 / 100.0).clamp(0, 7) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_raw_value_comes_back() {
        for raw in 0..=u8::MAX {
            assert_eq!(encode_heading(decode_heading(raw)), raw);
            assert_eq!(encode_temperature(decode_temperature(raw)), raw);
            assert_eq!(encode_humidity(decode_humidity(raw), Rules::Received), raw);
            assert_eq!(encode_coarse_altitude(decode_coarse_altitude(raw), Rules::Received), raw);
            assert_eq!(encode_state_of_charge(decode_state_of_charge(raw)), raw & 0x0F);
        }
        for raw in 0..8 {
            assert_eq!(encode_confidence(decode_confidence(raw)), raw);
        }
        for raw in 0..=u16::MAX {
            let wire = raw.to_le_bytes();
            assert_eq!(encode_pressure(decode_pressure(wire)), wire);
        }
    }

    #[test]
    fn headings_wrap_and_the_rest_saturates() {
        assert_eq!(encode_heading(359.5), 0);
        assert_eq!(encode_heading(-90.0), 192);
        assert_eq!(encode_heading(810.0), 64);
        assert_eq!(encode_heading(360e9 + 90.0), 64);
        assert_eq!(encode_heading(-360e9 - 90.0), 192);
        assert_eq!(encode_temperature(-100.0), 0x80);
        assert_eq!(encode_temperature(100.0), 0x7F);
        assert_eq!(encode_humidity(102.0, Rules::Sender), 250);
        assert_eq!(encode_pressure(10.0), [0, 0]);
        assert_eq!(encode_pressure(1e9), [0xFF, 0xFF]);
        assert_eq!(encode_state_of_charge(120.0), 15);
        assert_eq!(encode_coarse_altitude(-475, Rules::Sender), 0x81);
        assert_eq!(encode_coarse_altitude(i32::MAX, Rules::Sender), 0x7F);
    }

    #[test]
    fn limits_of_the_protocol_text() {
        assert_eq!(decode_coarse_altitude(0x81), -450);
        assert_eq!(decode_coarse_altitude(0x7F), 5900);
        assert_eq!(decode_coarse_altitude(0x80), -475);
        assert_eq!(decode_humidity(255), 102.0);
        assert_eq!(decode_temperature(0x80), -64.0);
        assert_eq!(decode_heading(255), 358.59375);
    }
}
