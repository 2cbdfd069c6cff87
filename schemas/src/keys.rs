//! Record keys that are more than a device address or an id: their forms, for writers and readers alike.

use crate::id::DeviceAddress;

/// The key of a partition's own part in the topics of checkpoints.
pub const PARTITION: &str = "#";

const ALERT_SUFFIX: &str = "/alert";

/// Which of a device's private states a record holds; compaction keeps one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrivatePart {
    /// The aircraft, ground object or station.
    Object,
    /// The alert.
    Alert,
}

/// A key of the topic of private states.
pub fn private(device: u32, part: PrivatePart) -> String {
    let address = DeviceAddress(device);
    match part {
        PrivatePart::Object => address.to_string(),
        PrivatePart::Alert => format!("{address}{ALERT_SUFFIX}"),
    }
}

/// Reads a key of the topic of private states. `None`: it is none.
pub fn parse_private(key: &str) -> Option<(u32, PrivatePart)> {
    let (address, part) = match key.strip_suffix(ALERT_SUFFIX) {
        Some(address) => (address, PrivatePart::Alert),
        None => (key, PrivatePart::Object),
    };
    Some((address.parse::<DeviceAddress>().ok()?.0, part))
}

/// The key of a raw partition's clock among thermal reports.
pub fn clock(raw_partition: u32) -> String {
    format!("clock-{raw_partition}")
}

/// The key of the wind in a cell and altitude band.
pub fn wind(cell: &str, base_altitude_m: i32) -> String {
    format!("{cell}/{base_altitude_m}")
}

/// Reads a key of the topic of winds: the cell and the lowest altitude of the band. `None`: it is none.
pub fn parse_wind(key: &str) -> Option<(&str, i32)> {
    let (cell, base_altitude_m) = key.split_once('/')?;
    Some((cell, base_altitude_m.parse().ok()?))
}

/// The key of a part of a set of zones.
pub fn zones(set: &str, version: u64, part: u32) -> String {
    format!("{set}/{version}/{part}")
}

/// The key of the same among the checkpoints of the stream core.
pub fn zones_checkpoint(set: &str, version: u64, part: u32) -> String {
    format!("{PARTITION}/zones/{}", zones(set, version, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_round_trip() {
        for part in [PrivatePart::Object, PrivatePart::Alert] {
            assert_eq!(parse_private(&private(0x11_0B90, part)), Some((0x11_0B90, part)));
        }
        for odd in ["", "/alert", "110B9", "110B90/alert/alert", "110B90/"] {
            assert_eq!(parse_private(odd), None, "{odd}");
        }
    }

    #[test]
    fn wind_keys_round_trip() {
        for base_altitude_m in [-500, 0, 1_500] {
            assert_eq!(parse_wind(&wind("u23k", base_altitude_m)), Some(("u23k", base_altitude_m)));
        }
        for odd in ["", "u23k", "u23k/", "u23k/high", "u23k/0/0"] {
            assert_eq!(parse_wind(odd), None, "{odd}");
        }
    }
}
