//! One frame on the air, with its true sender and position, which receivers do not know.

use super::plane::Position3d;

/// One frame on the air.
#[derive(Debug, Clone, PartialEq)]
pub struct Transmission {
    /// Microseconds since the Unix epoch.
    pub sent_at_us: u64,
    /// The sender's address, `manufacturer << 16 | id`.
    pub device: u32,
    /// The frame as radioed.
    pub frame: Vec<u8>,
    /// Where the sender really is.
    pub position: Position3d,
    /// True in the air, from where it is heard further.
    pub is_airborne: bool,
    /// The radio cell of the sender: which receivers can hear it at all.
    pub(crate) cell: usize,
}

impl Transmission {
    /// The frame's packet type, 0 to 63.
    pub fn packet_type(&self) -> u8 {
        self.frame.first().map_or(0, |header| header & 0x3F)
    }
}
