//! Retrieve drivers: from the landing field to a random point, a wait, and on to the next point.

use super::area::Area;
use super::dice::{Dice, Part};
use super::plane::{Point, Velocity};

/// A car on the valley floor.
#[derive(Debug, Clone)]
pub(crate) struct Vehicle {
    pub(crate) point: Point,
    pub(crate) velocity: Velocity,
    goal: Point,
    speed_mps: f64,
    waits_until_s: f64,
    dice: Dice,
}

impl Vehicle {
    /// The vehicle of a number, about to leave the landing field.
    pub(crate) fn new(seed: u64, index: usize, area: &Area) -> Self {
        let mut dice = Dice::new(seed, Part::Vehicle, index as u64);
        let waits_until_s = dice.between(0.0, 30.0);
        let goal = Point::polar(dice.between(1_000.0, 6_000.0), dice.between(0.0, 360.0));
        let speed_mps = dice.between(8.0, 20.0);
        Self { point: area.field, velocity: Velocity::default(), goal, speed_mps, waits_until_s, dice }
    }

    /// Drives on for one step.
    pub(crate) fn step(&mut self, area: &Area, now_s: f64, step_s: f64) {
        self.velocity = Velocity::default();
        if now_s < self.waits_until_s {
            return;
        }
        if self.point.distance_m(self.goal) <= self.speed_mps * step_s {
            self.waits_until_s = now_s + self.dice.between(30.0, 240.0);
            self.speed_mps = self.dice.between(8.0, 20.0);
            let offset = Point::polar(self.dice.between(200.0, 6_000.0), self.dice.between(0.0, 360.0));
            self.goal = if self.dice.chance(0.4) { area.field } else { offset };
            return;
        }
        self.velocity = Velocity::polar(self.speed_mps, self.point.course_to_deg(self.goal));
        self.point = self.point.moved(self.velocity, step_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vehicle_stays_in_its_area_at_road_speed() {
        let area = Area::new(1, 0, None);
        let mut vehicle = Vehicle::new(1, 0, &area);
        let mut driven_m = 0.0;
        for second in 1..7_200 {
            let before = vehicle.point;
            vehicle.step(&area, f64::from(second), 1.0);
            let step_m = vehicle.point.distance_m(before);
            assert!(step_m <= 20.0);
            assert!(vehicle.point.distance_m(Point::default()) < 7_000.0);
            driven_m += step_m;
        }
        assert!(driven_m > 10_000.0, "{driven_m}");
    }
}
