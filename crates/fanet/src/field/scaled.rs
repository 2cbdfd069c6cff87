//! Values with a fine and a coarse step, chosen by one flag bit.
//!
//! | kind | flag | count | range |
//! |---|---|---|---|
//! | U7 | bit 7 | bits 0-6 | 0..127 |
//! | S7 | bit 7 | bits 0-6, two's complement | -64..63 |
//! | A11 | bit 11 of a word | bits 0-10 | 0..2047 |
//!
//! value = count * unit * (flag ? k : 1). Here values are in *steps*, multiples of the fine unit,
//! so that decoding is exact and the division by the unit happens once, at the caller.

use crate::math::round;

/// Steps of a U7 byte.
#[inline]
pub(crate) const fn decode_u7(byte: u8, k: i32) -> i32 {
    (byte & 0x7F) as i32 * factor(byte & 0x80 != 0, k)
}

/// Steps of an S7 byte.
#[inline]
pub(crate) const fn decode_s7(byte: u8, k: i32) -> i32 {
    // Bit 6 is the sign: shift it to the top and back.
    ((byte << 1) as i8 >> 1) as i32 * factor(byte & 0x80 != 0, k)
}

/// Steps of an A11 word; the upper four bits belong to others.
#[inline]
pub(crate) const fn decode_a11(word: u16, k: i32) -> i32 {
    (word & 0x7FF) as i32 * factor(word & 0x800 != 0, k)
}

#[inline]
const fn factor(coarse: bool, k: i32) -> i32 {
    if coarse { k } else { 1 }
}

/// The U7 byte nearest to `steps`; negative values are 0.
#[inline]
pub(crate) fn encode_u7(steps: f64, k: f64) -> u8 {
    let (count, coarse) = encode(steps.max(0.0), k, 0, 127);
    count as u8 | u8::from(coarse) << 7
}

/// The S7 byte nearest to `steps`.
#[inline]
pub(crate) fn encode_s7(steps: f64, k: f64) -> u8 {
    let (count, coarse) = encode(steps, k, -64, 63);
    (count as u8 & 0x7F) | u8::from(coarse) << 7
}

/// The A11 bits nearest to `steps`; negative values are 0.
#[inline]
pub(crate) fn encode_a11(steps: f64, k: f64) -> u16 {
    let (count, coarse) = encode(steps.max(0.0), k, 0, 2047);
    count as u16 | u16::from(coarse) << 11
}

/// The count and the flag: fine where it fits, else coarse from the value itself (not from the
/// rounded fine count) and limited *after* rounding, so that it never runs into the flag.
#[inline]
fn encode(steps: f64, k: f64, least: i32, most: i32) -> (i32, bool) {
    let fine = round(steps);
    if (least..=most).contains(&fine) {
        return (fine, false);
    }
    (round(steps / k).clamp(least, most), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climb_bytes_of_the_protocol_text() {
        let table =
            [(0x3F, 63), (0x40, -64), (0x7F, -1), (0x8D, 65), (0xBF, 315), (0xC0, -320), (0xF2, -70), (0xFF, -5)];
        for (byte, steps) in table {
            assert_eq!(decode_s7(byte, 5), steps, "{byte:02X}");
        }
    }

    #[test]
    fn every_decoded_value_encodes_to_the_same_value() {
        for byte in 0..=u8::MAX {
            for k in [4, 5, 8] {
                let signed = decode_s7(byte, k);
                assert_eq!(decode_s7(encode_s7(f64::from(signed), f64::from(k)), k), signed);
                let unsigned = decode_u7(byte, k);
                assert_eq!(decode_u7(encode_u7(f64::from(unsigned), f64::from(k)), k), unsigned);
            }
        }
        for word in 0..=0xFFF {
            let steps = decode_a11(word, 4);
            assert_eq!(decode_a11(encode_a11(f64::from(steps), 4.0), 4), steps);
        }
    }

    #[test]
    fn limits_saturate_and_never_touch_the_flag() {
        assert_eq!(encode_a11(8190.0, 4.0), 0x800 | 2047);
        assert_eq!(encode_a11(1e9, 4.0), 0x800 | 2047);
        assert_eq!(encode_a11(-5.0, 4.0), 0);
        assert_eq!(encode_s7(63.5 * 4.0, 4.0), 0xBF);
        assert_eq!(encode_s7(254.0, 4.0), 0xBF);
        assert_eq!(encode_s7(-1e9, 5.0), 0xC0);
        assert_eq!(encode_u7(1e9, 5.0), 0xFF);
        assert_eq!(encode_u7(-0.4, 5.0), 0);
    }

    #[test]
    fn the_coarse_count_comes_from_the_value_itself() {
        // 67.4 steps: 67.4 / 5 = 13.48 is 13; the rounded fine count plays no part.
        assert_eq!(encode_s7(67.4, 5.0), 0x80 | 13);
        assert_eq!(encode_s7(67.5, 5.0), 0x80 | 14);
    }
}
