//! What goes wrong on purpose: broken messages, frames at the limits of their length, faulty clocks, shared addresses.

use serde::Serialize;
use thiserror::Error;

use super::dice::{Dice, Part};
use super::radio::Reception;

/// The most bytes that are put behind a message.
const MOST_EXTRA_BYTES: f64 = 1_000.0;

/// How much of it; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Faults {
    /// Share of the messages that are broken on their way, 0 to 1.
    pub corrupted_share: f64,
    /// Share of the frames behind which the sender sends one of the shortest or longest that the protocol has, 0 to 1.
    pub limit_share: f64,
    /// Share of the receivers with a [`ClockFault`](super::ClockFault), 0 to 1.
    pub clock_share: f64,
    /// Pairs of pilots whose devices have one address.
    pub shared_addresses: usize,
}

/// A setting out of its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FaultError {
    /// No share.
    #[error("{what} is {share}: expected a share of 0 to 1")]
    Share {
        /// Which setting.
        what: &'static str,
        /// As given.
        share: f64,
    },
    /// More pairs than pilots.
    #[error("{pairs} shared addresses need {} pilots, there are {pilots}", .pairs * 2)]
    TooManyPairs {
        /// As given.
        pairs: usize,
        /// As given.
        pilots: usize,
    },
}

impl Faults {
    /// Refuses what is out of range.
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

/// How many messages were broken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CorruptedTruth {
    /// One to three bits flipped. What comes out may be a good frame of another device.
    pub flipped: u64,
    /// Cut off anywhere.
    pub cut_off: u64,
    /// No bytes at all.
    pub empty: u64,
    /// More bytes behind the frame.
    pub overlong: u64,
    /// Random bytes of the same number.
    pub random: u64,
}

/// Breaks a share of the messages.
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

    /// Breaks the message, or does not.
    pub(crate) fn pass(&mut self, reception: &mut Reception) {
        // Where nothing is asked for, no dice are thrown.
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
                let extra = 1 + self.dice.between(0.0, MOST_EXTRA_BYTES) as usize;
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
    fn a_share_of_the_messages_is_broken_in_every_way() {
        let whole = Reception { at_us: 1, receiver_id: 2, topic: "fb/b/2/f/1".to_owned(), payload: (0..40).collect() };
        let mut corruption = Corruption::new(1, 0.5);
        let mut changed = 0;
        for _ in 0..10_000 {
            let mut reception = whole.clone();
            corruption.pass(&mut reception);
            changed += u64::from(reception != whole);
        }
        let CorruptedTruth { flipped, cut_off, empty, overlong, random } = corruption.truth();
        let all = [flipped, cut_off, empty, overlong, random];
        assert!(all.iter().all(|count| (800..1_200).contains(count)), "{all:?}");
        // Two flips of one bit change nothing.
        let broken: u64 = all.iter().sum();
        assert!(changed <= broken && changed > broken - 20, "{changed} of {broken}");
        let mut untouched = whole.clone();
        Corruption::new(1, 0.0).pass(&mut untouched);
        assert_eq!(untouched, whole);
    }
}
