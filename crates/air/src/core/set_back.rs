//! Corrects all known times when a partition's clock was ahead and is set back.
//!
//! Times after the clock were recorded while it was ahead, and move back as far as the clock did: intervals stay the
//! same. Data that is kept modulo some time (track, climb) begins again. All states are published once more, so that
//! none remains in the topics with a time in the future.

use schemas::v1::{AircraftMemory, AlertMemory, DeviceMemory, GroundMemory, StationMemory};

use crate::core::device::Device;
use crate::core::outputs::Outputs;
use crate::core::receiver_name::ReceiverNames;
use crate::core::settings::SECOND_US;
use crate::core::shown::Changed;
use crate::core::{Core, schedule};

/// The clock stood since its last record, at most for about an interval between ticks: times move back so much farther,
/// microseconds. A little too old is harmless; too new holds up the next frame.
const STOOD_US: u64 = 5 * SECOND_US;

impl Core {
    /// The clock has gone back by `by_us`, by the record at `offset`.
    pub(super) fn set_back(&mut self, by_us: u64, offset: u64, out: &mut Outputs) {
        let clock_us = self.clock.now_us();
        let back = Back { clock_us, by_us: by_us.saturating_add(STOOD_US) };
        (self.clock_sent_us, self.health_taken_us) = (0, clock_us);
        self.receivers.set_back(clock_us);
        self.rejects.set_back(clock_us);
        let mut names = self.receivers.names();
        self.deadlines.clear();
        for address in self.kept.addresses(|consent| consent.is_ahead_of(clock_us)) {
            self.wake(address);
        }
        let mut addresses: Vec<u32> = self.devices.keys().copied().collect();
        addresses.sort_unstable();
        for address in addresses {
            let Some(device) = self.devices.get_mut(&address) else { continue };
            device.wake_us = u64::MAX;
            if offset >= device.next_offset {
                self.visit(address, offset, |device, context| {
                    device.set_back(&back, &mut names);
                    device.publish(Changed::all(), context, out);
                });
            } else {
                schedule(device, &self.settings.lifetimes, clock_us, &mut self.deadlines);
            }
        }
    }
}

struct Back {
    clock_us: u64,
    by_us: u64,
}

impl Back {
    fn shift(&self, at_us: &mut u64) {
        if *at_us > self.clock_us {
            *at_us = at_us.saturating_sub(self.by_us).min(self.clock_us);
        }
    }

    fn shift_all<'a>(&self, times: impl IntoIterator<Item = &'a mut u64>) {
        times.into_iter().for_each(|at_us| self.shift(at_us));
    }

    fn device(&self, checkpoint: &mut DeviceMemory) {
        self.shift_all([&mut checkpoint.last_seen_us, &mut checkpoint.text_at_us]);
        checkpoint.sender_clock = None;
        // Tracks that are not followed, and what is known of them, begin again.
        checkpoint.candidate_fixes.clear();
        checkpoint.address_conflict = None;
        if let Some(score) = &mut checkpoint.score {
            score.since_s = score.since_s.min((self.clock_us / SECOND_US) as u32);
        }
        self.shift_all(
            [&mut checkpoint.last_fix, &mut checkpoint.suspect_fix]
                .into_iter()
                .flatten()
                .map(|fix| &mut fix.event_at_us),
        );
        self.shift_all(checkpoint.heard_by.iter_mut().map(|heard| &mut heard.heard_at_us));
        self.shift_all(&mut checkpoint.alerts_raised_at_us);
        for heard in &mut checkpoint.heard {
            // Modulo 2^32: those of before the clock was ahead are older than a copy can be.
            heard.ingested_ms = heard.ingested_ms.wrapping_sub((self.by_us / 1_000) as u32);
        }
        checkpoint.aircraft.iter_mut().for_each(|aircraft| self.aircraft(aircraft));
        checkpoint.ground.iter_mut().for_each(|ground| self.ground(ground));
        checkpoint.station.iter_mut().for_each(|station| self.station(station));
        checkpoint.alert.iter_mut().for_each(|alert| self.alert(alert));
        for state in checkpoint.landmarks.iter_mut().filter_map(|landmark| landmark.state.as_mut()) {
            // Its end is ahead of the clock in any case, by its lifetime.
            self.shift(&mut state.event_at_us);
            state.expires_at_us = state.expires_at_us.saturating_sub(self.by_us).max(self.clock_us);
        }
    }

    fn aircraft(&self, checkpoint: &mut AircraftMemory) {
        self.shift_all([&mut checkpoint.seen_us, &mut checkpoint.doubt_since_us]);
        if let Some(state) = &mut checkpoint.state {
            self.shift_all([&mut state.event_at_us, &mut state.first_seen_at_us]);
            self.shift_all(state.take_off_at_us.iter_mut().chain(&mut state.landed_at_us));
        }
        *checkpoint = AircraftMemory {
            state: checkpoint.state.take(),
            seen_us: checkpoint.seen_us,
            audience: checkpoint.audience,
            doubt_since_us: checkpoint.doubt_since_us,
            doubt_frames: checkpoint.doubt_frames,
            doubt_altitude_m: checkpoint.doubt_altitude_m,
            ..AircraftMemory::default()
        };
    }

    fn ground(&self, checkpoint: &mut GroundMemory) {
        self.shift(&mut checkpoint.seen_us);
        let state = checkpoint.state.iter_mut();
        self.shift_all(state.flat_map(|state| [&mut state.event_at_us, &mut state.first_seen_at_us]));
    }

    fn station(&self, checkpoint: &mut StationMemory) {
        self.shift(&mut checkpoint.seen_us);
        let state = checkpoint.state.iter_mut();
        self.shift_all(state.flat_map(|state| [&mut state.event_at_us, &mut state.first_seen_at_us]));
    }

    fn alert(&self, checkpoint: &mut AlertMemory) {
        self.shift_all([&mut checkpoint.normal_since_us, &mut checkpoint.resolved_us]);
        if let Some(state) = &mut checkpoint.state {
            self.shift_all([&mut state.opened_at_us, &mut state.refreshed_at_us]);
            self.shift_all(state.acknowledged_at_us.iter_mut().chain(&mut state.resolved_at_us));
        }
    }
}

impl Device {
    /// Uses the checkpoint form, which names every time of the device.
    fn set_back(&mut self, back: &Back, names: &mut ReceiverNames) {
        let mut checkpoint = self.to_checkpoint();
        back.device(&mut checkpoint);
        *self = Self { is_changed: self.is_changed, ..Self::from_checkpoint(&checkpoint, names) };
        self.consent.set_back(|at_us| back.shift(at_us));
    }
}
