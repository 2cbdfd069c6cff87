//! Seeded chance. Every part of the world has dice of its own, so that adding a pilot never changes another one's day.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// The purpose of a random sequence: parts never share one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Wind = 1,
    Thermal,
    Area,
    Aircraft,
    Station,
    Vehicle,
    Receiver,
    Radio,
    Schedule,
    Fault,
    Clock,
    Limit,
}

/// A reproducible sequence of throws.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Pcg32);

impl Dice {
    /// The dice of one part: the same arguments give the same throws, others give unrelated ones.
    pub(crate) fn new(seed: u64, part: Part, index: u64) -> Self {
        let state = scatter(scatter(seed ^ ((part as u64) << 56)) ^ index);
        Self(Pcg32::new(state, scatter(state)))
    }

    /// Evenly from 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }

    /// Evenly between two values.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Bell-shaped around zero, never further than three spreads.
    pub(crate) fn spread(&mut self, spread: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit() - 0.5).sum();
        sum * 1.5 * spread
    }

    /// True with a probability of 0 to 1.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): neighbouring numbers become unrelated ones.
pub(crate) fn scatter(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arguments_alone_give_the_same_throws() {
        let throws = |seed, part, index| {
            let mut dice = Dice::new(seed, part, index);
            [dice.unit(), dice.unit(), dice.unit()]
        };
        assert_eq!(throws(1, Part::Wind, 2), throws(1, Part::Wind, 2));
        assert_ne!(throws(1, Part::Wind, 2), throws(2, Part::Wind, 2));
        assert_ne!(throws(1, Part::Wind, 2), throws(1, Part::Thermal, 2));
        assert_ne!(throws(1, Part::Wind, 2), throws(1, Part::Wind, 3));
    }

    #[test]
    fn throws_stay_within_their_limits_and_fill_them() {
        let mut dice = Dice::new(7, Part::Area, 0);
        let mut seen = [0; 5];
        for _ in 0..5_000 {
            let value = dice.between(-2.0, 3.0);
            assert!((-2.0..3.0).contains(&value));
            seen[(value + 2.0) as usize] += 1;
            assert!(dice.spread(1.0).abs() <= 3.0);
        }
        assert!(seen.iter().all(|&count| count > 800), "{seen:?}");
    }
}
