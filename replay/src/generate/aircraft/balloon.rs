//! Balloons: controlled climb and descent, drift with the wind.

use super::super::area::Area;
use super::air::{Air, Next};
use super::craft::Craft;

/// A balloon in flight.
#[derive(Debug, Clone)]
pub(crate) struct Balloon {
    level_m: f64,
    level_until_s: f64,
    down_after_s: f64,
}

impl Balloon {
    pub(crate) fn begin(craft: &mut Craft, area: &Area, now_s: f64) -> Self {
        Self {
            level_m: area.floor_m + craft.dice.between(300.0, 1_200.0),
            level_until_s: now_s + craft.dice.between(300.0, 900.0),
            down_after_s: now_s + craft.dice.between(1_800.0, 4_200.0),
        }
    }

    pub(crate) fn step(mut self, craft: &mut Craft, air: &Air<'_>) -> Next<Self> {
        if air.now_s > self.down_after_s {
            self.level_m = air.area.floor_m - 50.0;
        } else if air.now_s > self.level_until_s {
            self.level_m = air.area.floor_m + craft.dice.between(200.0, 1_500.0);
            self.level_until_s = air.now_s + craft.dice.between(300.0, 900.0);
        }
        let climb_mps = ((self.level_m - craft.altitude_m) / 15.0).clamp(-2.2, 2.5);
        craft.turn_dps = 0.0;
        craft.move_by(air.area.wind_at(craft.altitude_m), climb_mps, air.step_s);
        if craft.height_m(air) <= 0.0 {
            return Next::Landed;
        }
        Next::Same(self)
    }
}
