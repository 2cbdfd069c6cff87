//! Whose track it is.

use super::Level;

/// Whose track it is, and which part of it: what stands at the head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The device address.
    pub device: u32,
    /// The name that the device sends. `None`: none is known.
    pub name: Option<String>,
    /// From here on, microseconds since the epoch.
    pub from_us: u64,
    /// Up to here, without it.
    pub to_us: u64,
    /// Which positions are left out, and what was done to the others.
    pub level: Level,
}

impl Subject {
    /// The name, or the address where none is known.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address())
    }

    /// The address as it is written.
    pub fn address(&self) -> String {
        schemas::DeviceAddress(self.device).to_string()
    }
}
