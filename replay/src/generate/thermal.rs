//! Thermals: rising columns of air that begin, drift with the wind and end.

use super::dice::{Dice, Part, scatter};
use super::plane::{Point, Velocity};
use super::wind::Wind;

/// Height over which a column gathers its strength above its base.
const GATHER_M: f64 = 200.0;
/// Height over which it loses it below its top.
const FADE_M: f64 = 350.0;
/// Share of its life in which a thermal grows.
const GROWTH: f64 = 0.12;
/// Share of its life in which it dies away.
const DECAY: f64 = 0.25;

/// One thermal, from birth to death; everything about it follows from these numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thermal {
    /// Unique in a run.
    pub(crate) id: u64,
    /// Where its centre is at birth.
    pub(crate) born_at: Point,
    /// Seconds since the start of the run, negative where it is older.
    pub(crate) born_s: f64,
    pub(crate) lifetime_s: f64,
    /// Its motion: the wind at half its height.
    pub(crate) drift: Velocity,
    /// Lift at the centre in its prime, m/s, of the air.
    pub(crate) core_mps: f64,
    /// Where the lift has fallen to zero.
    pub(crate) radius_m: f64,
    pub(crate) base_m: f64,
    pub(crate) top_m: f64,
}

impl Thermal {
    pub(crate) fn dies_s(&self) -> f64 {
        self.born_s + self.lifetime_s
    }

    pub(crate) fn centre(&self, now_s: f64) -> Point {
        self.born_at.moved(self.drift, now_s - self.born_s)
    }

    /// Share of the full strength at this time of its lifetime, 0 to 1.
    pub(crate) fn vigour(&self, now_s: f64) -> f64 {
        let age = (now_s - self.born_s) / self.lifetime_s;
        (age / GROWTH).min((1.0 - age) / DECAY).clamp(0.0, 1.0)
    }

    /// Vertical speed of the air, m/s, never negative: strongest at the centre, zero from the radius on.
    pub(crate) fn lift_mps(&self, distance_m: f64, altitude_m: f64, now_s: f64) -> f64 {
        let across = 1.0 - (distance_m / self.radius_m).powi(2);
        let along = ((altitude_m - self.base_m) / GATHER_M).min((self.top_m - altitude_m) / FADE_M).min(1.0);
        if across <= 0.0 || along <= 0.0 {
            return 0.0;
        }
        self.core_mps * across * along * self.vigour(now_s)
    }
}

/// A point on the ground that releases one thermal after the other.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    ground: Ground,
    generation: u64,
    thermal: Thermal,
    pause_s: f64,
}

/// The values that all thermals of one source share.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) seed: u64,
    pub(crate) point: Point,
    pub(crate) floor_m: f64,
    /// Where thermals end, more or less.
    pub(crate) ceiling_m: f64,
}

impl Source {
    /// A source whose first thermal lives at the start of the run.
    pub(crate) fn new(ground: Ground, wind: &Wind) -> Self {
        let mut dice = Dice::new(ground.seed, Part::Thermal, 0);
        let (mut thermal, pause_s) = ground.release(&mut dice, 0, wind);
        thermal.born_s = -dice.between(0.1, 0.6) * thermal.lifetime_s;
        Self { ground, generation: 0, thermal, pause_s }
    }

    /// The present thermal; between two, the next one, which has no lift yet.
    pub(crate) fn thermal(&self) -> &Thermal {
        &self.thermal
    }

    /// Replaces a thermal that has died by its successor; true where it did.
    pub(crate) fn advance(&mut self, now_s: f64, wind: &Wind) -> bool {
        let before = self.generation;
        while self.thermal.dies_s() < now_s {
            let born_s = self.thermal.dies_s() + self.pause_s;
            self.generation += 1;
            let mut dice = Dice::new(self.ground.seed, Part::Thermal, self.generation);
            (self.thermal, self.pause_s) = self.ground.release(&mut dice, self.generation, wind);
            self.thermal.born_s = born_s;
        }
        self.generation != before
    }
}

impl Ground {
    /// The thermal of a generation, and the pause after it in seconds.
    fn release(&self, dice: &mut Dice, generation: u64, wind: &Wind) -> (Thermal, f64) {
        let base_m = self.floor_m + dice.between(80.0, 250.0);
        let top_m = self.ceiling_m + dice.spread(120.0);
        let thermal = Thermal {
            id: scatter(self.seed ^ scatter(generation)),
            born_at: self.point.plus(Point::polar(dice.between(0.0, 200.0), dice.between(0.0, 360.0))),
            born_s: 0.0,
            lifetime_s: dice.between(900.0, 2_100.0),
            drift: wind.at(f64::midpoint(base_m, top_m)),
            core_mps: dice.between(2.4, 5.0),
            radius_m: dice.between(130.0, 260.0),
            base_m,
            top_m,
        };
        (thermal, dice.between(60.0, 300.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thermal() -> Thermal {
        Thermal {
            id: 1,
            born_at: Point::default(),
            born_s: 100.0,
            lifetime_s: 1_000.0,
            drift: Velocity { east_mps: 2.0, north_mps: -1.0 },
            core_mps: 4.0,
            radius_m: 200.0,
            base_m: 1_000.0,
            top_m: 3_000.0,
        }
    }

    #[test]
    fn lift_is_strongest_at_the_centre_and_zero_outside() {
        let thermal = thermal();
        for (distance_m, altitude_m, now_s, lift_mps) in [
            (0.0, 2_000.0, 500.0, 4.0),
            (100.0, 2_000.0, 500.0, 3.0),
            (200.0, 2_000.0, 500.0, 0.0),
            (900.0, 2_000.0, 500.0, 0.0),
            (0.0, 1_100.0, 500.0, 2.0),
            (0.0, 2_825.0, 500.0, 2.0),
            (0.0, 999.0, 500.0, 0.0),
            (0.0, 3_001.0, 500.0, 0.0),
            (0.0, 2_000.0, 160.0, 2.0),
            (0.0, 2_000.0, 975.0, 2.0),
            (0.0, 2_000.0, 99.0, 0.0),
            (0.0, 2_000.0, 1_101.0, 0.0),
        ] {
            let found = thermal.lift_mps(distance_m, altitude_m, now_s);
            assert!((found - lift_mps).abs() < 1e-9, "{distance_m} m, {altitude_m} m, {now_s} s: {found}");
        }
    }

    #[test]
    fn a_thermal_drifts_with_its_wind() {
        assert_eq!(thermal().centre(160.0), Point { east_m: 120.0, north_m: -60.0 });
    }

    #[test]
    fn a_source_never_skips_a_thermal_for_any_steps() {
        let wind = Wind::drawn(&mut Dice::new(1, Part::Wind, 0), 500.0);
        let ground = Ground { seed: 9, point: Point::default(), floor_m: 500.0, ceiling_m: 3_000.0 };
        let mut small = Source::new(ground, &wind);
        let mut large = small.clone();
        for second in 0..20_000 {
            small.advance(f64::from(second), &wind);
        }
        large.advance(19_999.0, &wind);
        assert_eq!(small.thermal(), large.thermal());
        assert!(small.generation > 5);
    }
}
