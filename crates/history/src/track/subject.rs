//! The subject of a track: device, period and level.

use super::Level;

/// Device, period and level of a track, for the header of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The device address.
    pub device: u32,
    /// The name that the device sends. `None`: unknown.
    pub name: Option<String>,
    /// The start (included), microseconds since the epoch.
    pub from_us: u64,
    /// The end (excluded), microseconds since the epoch.
    pub to_us: u64,
    /// How the track was processed.
    pub level: Level,
}

impl Subject {
    /// The name, or else the address.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address())
    }

    /// The address as it is written.
    pub fn address(&self) -> String {
        schemas::DeviceAddress(self.device).to_string()
    }
}
