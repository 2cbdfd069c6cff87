//! Expired devices of which only the privacy is kept, in a small form, since it never expires.
//!
//! The bound is the number of addresses: 2^24, shared by all partitions; an entry takes less than 100 bytes. None is
//! dropped: that would show hidden data.

use rustc_hash::FxHashMap;

use crate::core::device::Device;
use crate::core::privacy::Consent;

/// The data that is kept of an expired device.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    next_offset: u64,
    last_seen_us: u64,
    consent: Consent,
}

/// Silent devices, by address.
#[derive(Debug, Default)]
pub(super) struct KeptDevices(FxHashMap<u32, Kept>);

impl KeptDevices {
    /// Takes a device that is blank.
    pub(super) fn keep(&mut self, device: Device) {
        let Device { address, next_offset, last_seen_us, consent, .. } = device;
        self.0.insert(address, Kept { next_offset, last_seen_us, consent });
    }

    /// Takes a device out, because a frame of it arrived.
    pub(super) fn take(&mut self, address: u32) -> Option<Device> {
        let Kept { next_offset, last_seen_us, consent } = self.0.remove(&address)?;
        Some(Device { next_offset, last_seen_us, consent, ..Device::new(address) })
    }

    /// The consent of a device.
    pub(super) fn consent(&self, address: u32) -> Option<&Consent> {
        self.0.get(&address).map(|kept| &kept.consent)
    }

    /// Addresses of those that meet a condition, ascending.
    pub(super) fn addresses(&self, wanted: impl Fn(&Consent) -> bool) -> Vec<u32> {
        let found = self.0.iter().filter(|(_, kept)| wanted(&kept.consent));
        let mut addresses: Vec<u32> = found.map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        addresses
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
