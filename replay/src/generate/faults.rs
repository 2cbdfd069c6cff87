//! Simulated faults: corrupted messages, frames at the limits of their length, faulty clocks, shared addresses.

use serde::Serialize;
use thiserror::Error;

use super::dice::{Dice, Part};
use super::radio::Reception;

/// The maximum number of bytes that are appended to a message.
const MAX_EXTRA_BYTES: f64 = 1_000.0;

/// The amount of faults; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Faults {
    /// Share of the messages that are corrupted, 0 to 1.
    pub corrupted_share: f64,
    /// Share of the frames after which the sender sends a frame of the protocol's minimum or maximum length, 0 to 1.
    pub limit_share: f64,
    /// Share of the receivers with a [`ClockFault`](super::ClockFault), 0 to 1.
    pub clock_share: f64,
    /// Pairs of pilots whose devices have the same address.
    pub shared_addresses: usize,
}

/// A setting out of its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FaultError {
    /// A share outside of 0 to 1.
    #[error("{what} is {share}: expected a share of 0 to 1")]
    Share {
        /// The setting.
        what: &'static str,
        /// The given value.
        share: f64,
    },
    /// More pairs than pilots.
    #[error("{pairs} shared addresses with {pilots} pilots: expected at least {} pilots", .pairs * 2)]
    TooManyPairs {
        /// The given value.
        pairs: usize,
        /// The given value.
        pilots: usize,
    },
}

impl Faults {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FaultError`].
    pub fn check(&self, pilots: usize) -> Result<(), FaultError> {
        let shares = [
            ("the share of corrupted messages", self.corrupted_share),
            ("the share of frames at their limits", self.limit_share),
            ("the share of faulty clocks", self.clock_share),
        ];
        if let Some((what, share)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(FaultError::Share { what, share });
        }
        let pairs = self.shared_addresses;
        if pairs > pilots / 2 { Err(FaultError::TooManyPairs { pairs, pilots }) } else { Ok(()) }
    }
}

/// The number of corrupted messages, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CorruptedTruth {
    /// One to three bits flipped. The result can be a valid frame of another device.
    pub flipped: u64,
    /// Truncated at any byte.
    pub cut_off: u64,
    /// No bytes at all.
    pub empty: u64,
    /// More bytes after the frame.
    pub overlong: u64,
    /// Replaced by random bytes of the same length.
    pub random: u64,
}

/// Corrupts a share of the messages.
#[derive(Debug)]
pub(crate) struct Corruption {
    share: f64,
    dice: Dice,
    truth: CorruptedTruth,
}

impl Corruption {
    pub(crate) fn new(seed: u64, share: f64) -> Self {
        Self { share, dice: Dice::new(seed, Part::Fault, 0), truth: CorruptedTruth::default() }
    }

    pub(crate) fn truth(&self) -> CorruptedTruth {
        self.truth
    }

    /// Corrupts the message with the given probability.
    pub(crate) fn pass(&mut self, reception: &mut Reception) {
        // A share of 0 must not advance the random numbers.
        if self.share <= 0.0 || !self.dice.chance(self.share) {
            return;
        }
        let payload = &mut reception.payload;
        let below = |dice: &mut Dice, length: usize| (dice.unit() * length as f64) as usize;
        match below(&mut self.dice, 5) {
            0 if !payload.is_empty() => {
                for _ in 0..=below(&mut self.dice, 3) {
                    let bit = below(&mut self.dice, payload.len() * 8);
                    payload[bit / 8] ^= 1 << (bit % 8);
                }
                self.truth.flipped += 1;
            }
            1 => {
                payload.truncate(below(&mut self.dice, payload.len()));
                self.truth.cut_off += 1;
            }
            2 => {
                payload.clear();
                self.truth.empty += 1;
            }
            3 => {
                let extra = 1 + self.dice.between(0.0, MAX_EXTRA_BYTES) as usize;
                payload.extend((0..extra).map(|_| (self.dice.unit() * 256.0) as u8));
                self.truth.overlong += 1;
            }
            _ => {
                payload.iter_mut().for_each(|byte| *byte = (self.dice.unit() * 256.0) as u8);
                self.truth.random += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_pairs_have_their_ranges() {
        let good = Faults { corrupted_share: 1.0, limit_share: 0.0, clock_share: 0.5, shared_addresses: 2 };
        assert_eq!(good.check(4), Ok(()));
        assert!(matches!(good.check(3), Err(FaultError::TooManyPairs { pairs: 2, pilots: 3 })));
        for share in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(Faults { limit_share: share, ..good }.check(4), Err(FaultError::Share { .. })), "{share}");
        }
    }

    #[test]
    fn messages_are_corrupted_in_every_way() {
        let original =
            Reception { at_us: 1, receiver_id: 2, topic: "fb/b/2/f/1".to_owned(), payload: (0..40).collect() };
        let mut corruption = Corruption::new(1, 0.5);
        let mut changed = 0;
        for _ in 0..10_000 {
            let mut reception = original.clone();
            corruption.pass(&mut reception);
            changed += u64::from(reception != original);
        }
        let CorruptedTruth { flipped, cut_off, empty, overlong, random } = corruption.truth();
        let all = [flipped, cut_off, empty, overlong, random];
        assert!(all.iter().all(|count| (800..1_200).contains(count)), "{all:?}");
        // Two flips of the same bit change nothing.
        let broken: u64 = all.iter().sum();
        assert!(changed <= broken && changed > broken - 20, "{changed} of {broken}");
        let mut untouched = original.clone();
        Corruption::new(1, 0.0).pass(&mut untouched);
        assert_eq!(untouched, original);
    }
}
