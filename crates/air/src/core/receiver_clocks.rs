//! The clocks of all receivers that a partition has heard from.

use rustc_hash::FxHashMap;
use schemas::v1::{self, ReceiverClockTrouble as Trouble};

use crate::core::evict::{lowest, surplus};
use crate::core::outputs::ReceiverHealth;
use crate::core::partition_clock::Arrival;
use crate::core::receiver_clock::{ClockReport, ReceiverClock};
use crate::core::receiver_name::{ReceiverName, ReceiverNames};
use crate::core::settings::HOUR_US;
use crate::core::time::EventTime;

/// A receiver that was silent for so long is forgotten, microseconds.
const FORGET_US: u64 = 24 * HOUR_US;
/// A receiver that has sent this many readable frames counts as real.
const KNOWN_FROM_FRAMES: u32 = 5;

/// A frame's event time by the clock of its receiver.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The receiver's shared name.
    pub receiver: ReceiverName,
    /// When the frame happened.
    pub time: EventTime,
    /// The trouble that the clock is in.
    pub clock: Option<ClockReport>,
    /// The trouble that this frame reveals.
    pub found: Option<Trouble>,
}

/// The clocks by receiver.
#[derive(Debug, Default)]
pub struct ReceiverClocks {
    by_id: FxHashMap<ReceiverName, Known>,
    swept_us: u64,
}

#[derive(Debug)]
struct Known {
    name: ReceiverName,
    clock: ReceiverClock,
    last_seen_us: u64,
    /// Readable frames since it was first heard.
    frames: u32,
    /// Since health was last taken. Not kept in checkpoints.
    readable: u32,
    /// As `readable`.
    unreadable: u32,
}

impl Known {
    fn new(name: ReceiverName, clock: ReceiverClock, last_seen_us: u64, frames: u32) -> Self {
        Self { name, clock, last_seen_us, frames, readable: 0, unreadable: 0 }
    }

    fn is_known(&self) -> bool {
        self.frames >= KNOWN_FROM_FRAMES
    }

    fn judge(&mut self, arrival: Arrival, stamp_s: u32, clock_us: u64) -> Judged {
        if clock_us >= self.last_seen_us + FORGET_US {
            (self.clock, self.frames) = (ReceiverClock::default(), 0);
        }
        self.last_seen_us = clock_us;
        self.frames = self.frames.saturating_add(1);
        self.readable = self.readable.saturating_add(1);
        let (time, found) = match arrival {
            Arrival::Exact(arrived_at_us) => self.clock.observe(arrived_at_us, stamp_s),
            Arrival::About(_) | Arrival::HeldBack(..) => (arrival.event_time(), None),
        };
        Judged { receiver: self.name.clone(), time, clock: self.clock.report(), found }
    }
}

impl ReceiverClocks {
    /// Judges a frame. Where its arrival is not known exactly its stamp is not looked at. `clock_us` is the partition's
    /// clock.
    pub fn judge(&mut self, receiver: &str, arrival: Arrival, stamp_s: u32, clock_us: u64) -> Judged {
        self.forget_silent(clock_us);
        // One look-up for a receiver that is known.
        if let Some(known) = self.by_id.get_mut(receiver) {
            return known.judge(arrival, stamp_s, clock_us);
        }
        let name = ReceiverName::new(receiver);
        let known = Known::new(name.clone(), ReceiverClock::default(), clock_us, 0);
        self.by_id.entry(name).or_insert(known).judge(arrival, stamp_s, clock_us)
    }

    /// Counts a frame that a good receiver sent and this release cannot read.
    pub fn note_unreadable(&mut self, receiver: &str) {
        if let Some(known) = self.by_id.get_mut(receiver) {
            known.unreadable = known.unreadable.saturating_add(1);
        }
    }

    /// How readable good receivers were since the last call: those that have sent enough readable frames, before or since.
    pub fn take_health(&mut self, into: &mut Vec<ReceiverHealth>) {
        for (receiver, known) in &mut self.by_id {
            let (readable, unreadable) = (std::mem::take(&mut known.readable), std::mem::take(&mut known.unreadable));
            if readable + unreadable > 0 && known.is_known() {
                into.push(ReceiverHealth { receiver: receiver.clone(), readable, unreadable });
            }
        }
    }

    /// Forgets receivers where there are more than `most`: first those that have sent too little to be known, of them those
    /// that were silent for longest. Returns how many.
    pub fn evict(&mut self, most: usize) -> usize {
        let surplus = surplus(self.by_id.len(), most);
        if surplus == 0 {
            return 0;
        }
        let rank =
            |(receiver, known): (&ReceiverName, &Known)| (known.is_known(), known.last_seen_us, receiver.clone());
        let victims = lowest(self.by_id.iter().map(rank), surplus);
        victims.iter().for_each(|(_, _, receiver)| _ = self.by_id.remove(receiver));
        victims.len()
    }

    fn forget_silent(&mut self, clock_us: u64) {
        if clock_us < self.swept_us + HOUR_US {
            return;
        }
        // Expiry is checked again at each use, so the time of the sweep changes only the memory used.
        self.swept_us = clock_us;
        self.by_id.retain(|_, known| clock_us < known.last_seen_us + FORGET_US);
    }

    /// Takes part in the correction of the partition's clock, which was ahead.
    pub fn set_back(&mut self, clock_us: u64) {
        self.swept_us = self.swept_us.min(clock_us);
        for known in self.by_id.values_mut() {
            known.last_seen_us = known.last_seen_us.min(clock_us);
            known.clock.set_back(clock_us);
        }
    }

    /// All names, shared.
    pub fn names(&self) -> ReceiverNames {
        self.by_id.keys().cloned().collect()
    }

    /// As the checkpoint keeps them, by name.
    pub fn to_checkpoint(&self) -> Vec<v1::ReceiverClock> {
        let clock = |(name, known): (&ReceiverName, &Known)| v1::ReceiverClock {
            frames: known.frames,
            ..known.clock.to_checkpoint(name, known.last_seen_us)
        };
        let mut clocks: Vec<_> = self.by_id.iter().map(clock).collect();
        clocks.sort_unstable_by(|a, b| a.receiver_id.cmp(&b.receiver_id));
        clocks
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &[v1::ReceiverClock], names: &mut ReceiverNames) -> Self {
        let known = |clock: &v1::ReceiverClock| {
            let name = names.shared(&clock.receiver_id);
            let known =
                Known::new(name.clone(), ReceiverClock::from_checkpoint(clock), clock.last_seen_us, clock.frames);
            (name, known)
        };
        Self { by_id: checkpoint.iter().map(known).collect(), swept_us: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::settings::SECOND_US;

    const START_S: u64 = 1_750_000_000;

    fn heard(clocks: &mut ReceiverClocks, receiver: &str, second: u64) -> EventTime {
        let (at_us, stamp_s) = ((START_S + second) * SECOND_US, (START_S + second) as u32);
        clocks.judge(receiver, Arrival::Exact(at_us), stamp_s, at_us).time
    }

    #[test]
    fn unknown_receivers_are_evicted_first() {
        let mut clocks = ReceiverClocks::default();
        (0..5).for_each(|second| _ = heard(&mut clocks, "good", second));
        (0..40).for_each(|at| _ = heard(&mut clocks, &format!("made-up-{at:02}"), 10 + at));
        assert_eq!((clocks.evict(41), clocks.evict(32)), (0, 11));
        let left: Vec<_> = clocks.to_checkpoint().into_iter().map(|clock| clock.receiver_id).collect();
        assert_eq!((left.len(), left[0].as_str(), left[1].as_str()), (30, "good", "made-up-11"));
    }

    #[test]
    fn health_is_that_of_known_receivers() {
        let mut clocks = ReceiverClocks::default();
        (0..6).for_each(|second| _ = heard(&mut clocks, "r", second));
        clocks.note_unreadable("r");
        clocks.note_unreadable("stranger");
        heard(&mut clocks, "new", 0);
        let mut health = Vec::new();
        clocks.take_health(&mut health);
        let reported: Vec<_> = health.iter().map(|of| (&*of.receiver, of.readable, of.unreadable)).collect();
        assert_eq!(reported, [("r", 6, 1)]);
        health.clear();
        clocks.take_health(&mut health);
        assert_eq!(health, []);
    }

    #[test]
    fn what_is_evicted_survives_a_checkpoint() {
        let mut clocks = ReceiverClocks::default();
        (0..4).for_each(|second| _ = heard(&mut clocks, "good", second));
        let mut restored = ReceiverClocks::from_checkpoint(&clocks.to_checkpoint(), &mut ReceiverNames::default());
        for clocks in [&mut clocks, &mut restored] {
            heard(clocks, "good", 4);
            heard(clocks, "new", 60);
            assert_eq!(clocks.evict(1), 1);
        }
        assert_eq!(restored.to_checkpoint(), clocks.to_checkpoint());
        assert_eq!(restored.to_checkpoint()[0].receiver_id, "good");
    }
}
