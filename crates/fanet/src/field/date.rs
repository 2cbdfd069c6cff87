//! The build date of a device's firmware, in two bytes.

use crate::error::EncodeError;

/// When a firmware was built.
///
/// Wire: u16 little-endian; bit 15 experimental, bits 9-14 year - 2019, bits 5-8 month, bits 0-4
/// day. Decoding does not check the calendar: month 0 and day 31 of any month pass through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BuildDate {
    /// Not a release.
    pub experimental: bool,
    /// 2019 to 2082.
    pub year: u16,
    /// As sent, 0 to 15.
    pub month: u8,
    /// As sent, 0 to 31.
    pub day: u8,
}

impl BuildDate {
    pub(crate) const fn from_wire(bytes: [u8; 2]) -> Self {
        let word = u16::from_le_bytes(bytes);
        Self {
            experimental: word & 0x8000 != 0,
            year: 2019 + (word >> 9 & 0x3F),
            month: (word >> 5 & 0x0F) as u8,
            day: (word & 0x1F) as u8,
        }
    }

    pub(crate) fn to_wire(self) -> Result<[u8; 2], EncodeError> {
        if !(2019..=2082).contains(&self.year) || self.month > 0x0F || self.day > 0x1F {
            return Err(EncodeError::DateOutOfRange);
        }
        let word = u16::from(self.experimental) << 15
            | (self.year - 2019) << 9
            | u16::from(self.month) << 5
            | u16::from(self.day);
        Ok(word.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_date() {
        let date = BuildDate { experimental: false, year: 2022, month: 6, day: 30 };
        assert_eq!(BuildDate::from_wire([0xDE, 0x06]), date);
        assert_eq!(date.to_wire(), Ok([0xDE, 0x06]));
    }

    #[test]
    fn every_word_comes_back() {
        for word in 0..=u16::MAX {
            let wire = word.to_le_bytes();
            assert_eq!(BuildDate::from_wire(wire).to_wire(), Ok(wire));
        }
    }

    #[test]
    fn years_beyond_the_bits_are_refused() {
        for year in [2018, 2083] {
            let date = BuildDate { experimental: false, year, month: 1, day: 1 };
            assert_eq!(date.to_wire(), Err(EncodeError::DateOutOfRange));
        }
    }
}
