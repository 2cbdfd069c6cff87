//! Identities as they are written: device addresses and record ids.

use std::fmt;
use std::str::FromStr;

/// A device's address: 24 bit, `manufacturer << 16 | id`, written as six upper-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct DeviceAddress(pub u32);

impl DeviceAddress {
    /// The largest address, `FFFFFF`.
    pub const MAX: u32 = 0x00FF_FFFF;

    /// The manufacturer, by the public register; `None` for a number that is not in it.
    pub fn manufacturer(self) -> Option<&'static str> {
        crate::manufacturer::manufacturer((self.0 >> 16) as u8)
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06X}", self.0)
    }
}

impl FromStr for DeviceAddress {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex_digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok().filter(|_| hex_digits);
        value.map(Self).ok_or_else(|| ParseIdError::Address(text.chars().take(32).collect()))
    }
}

/// The id of a raw record and of its observation, reception or alert: raw partition << 48 | raw offset, written
/// `17-123456`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct RecordId(pub u64);

impl RecordId {
    const OFFSET_BITS: u32 = 48;
    const OFFSET_MASK: u64 = (1 << Self::OFFSET_BITS) - 1;

    /// Joins a partition (up to 65,535) and an offset (up to 2^48 - 1; higher bits are cut off).
    pub fn new(partition: u16, offset: u64) -> Self {
        Self(u64::from(partition) << Self::OFFSET_BITS | (offset & Self::OFFSET_MASK))
    }

    /// The raw partition.
    pub fn partition(self) -> u16 {
        (self.0 >> Self::OFFSET_BITS) as u16
    }

    /// The offset in the raw partition.
    pub fn offset(self) -> u64 {
        self.0 & Self::OFFSET_MASK
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.partition(), self.offset())
    }
}

impl FromStr for RecordId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseIdError::Record(text.chars().take(32).collect());
        let (partition, offset) = text.split_once('-').ok_or_else(refuse)?;
        let partition: u16 = partition.parse().map_err(|_| refuse())?;
        let offset: u64 = offset.parse().map_err(|_| refuse())?;
        if offset > Self::OFFSET_MASK {
            return Err(refuse());
        }
        Ok(Self::new(partition, offset))
    }
}

/// Text that is not a device address or a record id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// Not six hex digits.
    #[error("invalid device address {0:?}: expected six hex digits, for example 110B90")]
    Address(String),
    /// Not `partition-offset`.
    #[error("invalid record id {0:?}: expected partition and offset, for example 17-123456")]
    Record(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_six_upper_case_hex_digits() {
        assert_eq!(DeviceAddress(0x11_0B90).to_string(), "110B90");
        assert_eq!(DeviceAddress(0x00_0001).to_string(), "000001");
        assert_eq!("110b90".parse(), Ok(DeviceAddress(0x11_0B90)));
        for bad in ["", "110B9", "110B900", "+10B90", "11 B90", "ZZZZZZ", "é0B90"] {
            assert!(bad.parse::<DeviceAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn record_ids_are_partition_and_offset() {
        let id = RecordId::new(17, 123_456);
        assert_eq!(id.to_string(), "17-123456");
        assert_eq!("17-123456".parse(), Ok(id));
        assert_eq!((id.partition(), id.offset()), (17, 123_456));
        assert_eq!(RecordId::new(u16::MAX, u64::MAX >> 16).0, u64::MAX);
        for bad in ["", "17", "17-", "-1", "70000-1", "1-281474976710656", "1-2-3"] {
            assert!(bad.parse::<RecordId>().is_err(), "{bad:?}");
        }
    }
}
