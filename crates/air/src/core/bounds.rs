//! Eviction, so that made-up addresses and receiver ids cannot fill the core's memory.
//!
//! The least recently plausible device is evicted first: hidden devices before shown ones, of equals the one whose
//! newest plausible position is oldest. An evicted device ends as if it had expired: with tombstones for its shown
//! states, and blank until its checkpoint says so. The rule depends on the records only, so a restart from a complete
//! checkpoint evicts the same devices. After an interrupted checkpoint other devices may be evicted: they return with
//! their next frames.

use crate::core::Core;
use crate::core::device::{ApplyContext, Device};
use crate::core::evict::{lowest, surplus};
use crate::core::outputs::{Evicted, Outputs};
use crate::core::shown::Changed;

impl Core {
    pub(super) fn keep_bounds(&mut self, offset: u64, out: &mut Outputs) {
        let receivers = self.settings.bounds.receivers;
        out.evicted_receivers += self.receivers.evict(receivers) + self.rejects.evict(receivers);
        let surplus = surplus(self.evictable, self.settings.bounds.devices);
        if surplus == 0 {
            return;
        }
        let seen = self.devices.values().filter(|device| device.is_evictable() && device.next_offset <= offset + 1);
        let (clock_us, clock_sent_us) = (self.clock.now_us(), self.clock_sent_us);
        let context =
            ApplyContext { settings: &self.settings, offset, clock_us, clock_sent_us, zones: self.zones.index() };
        for (was_published, _, _, address) in lowest(seen.map(|device| rank(device)), surplus) {
            let Some(device) = self.devices.get_mut(&address) else { continue };
            device.evict(&context, out);
            self.evictable -= 1;
            if !std::mem::replace(&mut device.is_changed, true) {
                self.changed.push(address);
            }
            out.evicted.push(Evicted { device: address, was_published });
        }
        // Evicted devices must not leave their entries behind.
        let devices = &self.devices;
        self.deadlines.retain(|entry| devices.get(&entry.0.1).is_some_and(|device| device.wake_us == entry.0.0));
    }
}

/// The lowest rank is evicted first. The address makes the order total.
fn rank(device: &Device) -> (bool, u64, u64, u32) {
    (device.score.is_published(), device.score.newest_us(), device.last_seen_us, device.address)
}

impl Device {
    /// Whether it may be evicted: it holds data, has no open alert and no operator's restriction.
    pub(super) fn is_evictable(&self) -> bool {
        let calls = self.alert.as_ref().is_some_and(|alert| alert.is_standing());
        !calls && !self.consent.is_restricted() && (self.has_live() || self.is_remembered())
    }

    /// Ends its live objects and forgets its data.
    fn evict(&mut self, context: &ApplyContext<'_>, out: &mut Outputs) {
        self.end_objects();
        self.publish(Changed::default(), context, out);
        self.forget();
        self.wake_us = u64::MAX;
    }
}
