//! The public register of manufacturers: the first byte of a device address.

/// The name registered for a manufacturer number; `None` where none is. The codec has its own copy, since it does not
/// depend on this crate: a test compares the two.
pub const fn manufacturer(number: u8) -> Option<&'static str> {
    Some(match number {
        0x01 => "Skytraxx",
        0x03 => "BitBroker.eu",
        0x04 => "AirWhere",
        0x05 => "Windline",
        0x06 => "Burnair.ch",
        0x07 => "SoftRF",
        0x08 => "GXAircom",
        0x09 => "Airtribune",
        0x0A => "FLARM",
        0x0B => "FlyBeeper",
        0x0C => "Leaf Vario",
        0x0D => "LYNKX",
        0x10 => "alfapilot",
        0x11 => "FANET+",
        0x20 => "XC Tracer",
        0xBA => "Burnair",
        0xCB => "Cloudbuddy",
        0xE0 => "OGN Tracker",
        0xE4 => "4aviation",
        0xFA => "Various",
        0xFB => "Espressif base station",
        0xFC | 0xFD => "Unregistered",
        0xFE => "Multicast",
        _ => return None,
    })
}
