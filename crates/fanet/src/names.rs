//! The registers of manufacturers and device types.

/// The name registered for a manufacturer number; `None` where none is.
#[must_use]
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

/// The name of a device type, which means something only together with its manufacturer;
/// `None` for pairs that no register lists.
#[must_use]
pub const fn device_type(manufacturer: u8, device_type: u8) -> Option<&'static str> {
    Some(match (manufacturer, device_type) {
        (0x01, 0x01) => "Wind station",
        (0x06, 0x01) => "Wi-Fi base station",
        (0xFB, 0x01) => "Skytraxx Wi-Fi base station",
        (0x11, 0x01) => "Skytraxx 3.0",
        (0x11, 0x02) => "Skytraxx 2.1",
        (0x11, 0x03) => "Skytraxx Beacon",
        (0x11, 0x04) => "Skytraxx 4.0",
        (0x11, 0x05) => "Skytraxx 5",
        (0x11, 0x06) => "Skytraxx 5mini",
        (0x11, 0x10) => "Naviter Oudie 5",
        (0x11, 0x11) => "Naviter Blade",
        (0x11, 0x12) => "Naviter Oudie N",
        (0x11, 0x20) => "Skybean Strato",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_pairs_have_names_and_others_none() {
        assert_eq!(manufacturer(0x11), Some("FANET+"));
        assert_eq!(manufacturer(0x00), None);
        assert_eq!(device_type(0x11, 0x06), Some("Skytraxx 5mini"));
        assert_eq!(device_type(0x0A, 0x12), None);
    }
}
