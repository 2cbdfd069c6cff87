//! Device addresses: a manufacturer and an id.

use core::fmt;
use core::str::FromStr;

use crate::names;

/// The address of a device: manufacturer (8 bits) and id (16 bits).
///
/// Wire: manufacturer u8, id u16 little-endian. Shown as six upper-case hex digits, manufacturer
/// first: the bytes `11 90 0B` are `110B90`. Orders and hashes as `manufacturer << 16 | id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(u32);

impl Address {
    /// An address from its two parts.
    #[must_use]
    pub const fn new(manufacturer: u8, id: u16) -> Self {
        Self((manufacturer as u32) << 16 | id as u32)
    }

    /// An address from `manufacturer << 16 | id`; `None` above 24 bits.
    #[must_use]
    pub const fn from_u32(value: u32) -> Option<Self> {
        if value >> 24 == 0 { Some(Self(value)) } else { None }
    }

    /// `manufacturer << 16 | id`.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The manufacturer's registered number.
    #[must_use]
    pub const fn manufacturer(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// The device's number within its manufacturer.
    #[must_use]
    pub const fn id(self) -> u16 {
        self.0 as u16
    }

    /// The manufacturer's name, where it is registered; number FA is shared out by id.
    #[must_use]
    pub const fn manufacturer_name(self) -> Option<&'static str> {
        match (self.manufacturer(), self.id()) {
            (0xFA, 0x0001..=0x00FF) => Some("GetroniX"),
            (manufacturer, _) => names::manufacturer(manufacturer),
        }
    }

    /// Whether this address is reserved and no sender may use it: manufacturer 00 or FF, id 0000 or FFFF.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.manufacturer(), 0x00 | 0xFF) || matches!(self.id(), 0x0000 | 0xFFFF)
    }

    /// Whether this is a group: manufacturer FE, a destination and never a source.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.manufacturer() == 0xFE
    }

    /// Whether the device gave itself a random id: manufacturer FC or FD.
    #[must_use]
    pub const fn is_unregistered(self) -> bool {
        matches!(self.manufacturer(), 0xFC | 0xFD)
    }

    pub(crate) const fn from_wire(bytes: [u8; 3]) -> Self {
        Self::new(bytes[0], u16::from_le_bytes([bytes[1], bytes[2]]))
    }

    pub(crate) const fn to_wire(self) -> [u8; 3] {
        let id = self.id().to_le_bytes();
        [self.manufacturer(), id[0], id[1]]
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06X}", self.0)
    }
}

/// The text is not six hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressParseError;

impl fmt::Display for AddressParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address is six hex digits, such as 110B90")
    }
}

impl core::error::Error for AddressParseError {}

impl FromStr for Address {
    type Err = AddressParseError;

    fn from_str(text: &str) -> Result<Self, AddressParseError> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(AddressParseError);
        }
        u32::from_str_radix(text, 16).map(Self).map_err(|_| AddressParseError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn wire_and_text_agree() {
        let address = Address::from_wire([0x11, 0x90, 0x0B]);
        assert_eq!((address.manufacturer(), address.id()), (0x11, 0x0B90));
        assert_eq!(address.to_string(), "110B90");
        assert_eq!("110b90".parse(), Ok(address));
        assert_eq!(address.to_wire(), [0x11, 0x90, 0x0B]);
    }

    #[test]
    fn text_that_is_not_six_hex_digits_is_refused() {
        for text in ["", "110B9", "110B900", "+10B90", "11 B90", "ÄB90"] {
            assert_eq!(text.parse::<Address>(), Err(AddressParseError), "{text}");
        }
    }

    #[test]
    fn reserved_and_special_numbers() {
        assert!(Address::new(0x00, 5).is_reserved() && Address::new(0xFF, 5).is_reserved());
        assert!(Address::new(0x11, 0).is_reserved() && Address::new(0x11, 0xFFFF).is_reserved());
        assert!(!Address::new(0x11, 0x0B90).is_reserved());
        assert!(Address::new(0xFE, 7).is_multicast() && Address::new(0xFC, 7).is_unregistered());
        assert_eq!(Address::from_u32(0x0100_0000), None);
    }
}
