//! Aircraft with engines: a round trip over a few points at one altitude.

use super::super::area::{Area, RADIUS_M};
use super::super::kind::AircraftKind;
use super::super::plane::Point;
use super::air::{Air, Next};
use super::craft::Craft;

const LEGS: usize = 5;

/// A round trip.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    legs: [Point; LEGS],
    next: usize,
    cruise_m: f64,
    climb_mps: f64,
}

impl Route {
    pub(crate) fn begin(kind: AircraftKind, craft: &mut Craft, area: &Area) -> Self {
        let dice = &mut craft.dice;
        let (reach_m, cruise_m, climb_mps) = match kind {
            AircraftKind::Uav => (1_200.0, area.floor_m + dice.between(70.0, 115.0), 2.5),
            AircraftKind::Other => (0.6 * RADIUS_M, area.floor_m + dice.between(250.0, 700.0), 1.8),
            _ => (1.5 * RADIUS_M, area.launch_m + dice.between(300.0, 1_200.0), 4.0),
        };
        let mut leg = || {
            let offset = Point::polar(dice.between(0.3 * reach_m, reach_m), dice.between(0.0, 360.0));
            area.field.plus(offset)
        };
        Self { legs: [leg(), leg(), leg(), leg(), leg()], next: 0, cruise_m, climb_mps }
    }

    pub(crate) fn step(mut self, craft: &mut Craft, air: &Air<'_>) -> Next<Self> {
        let Some(&goal) = self.legs.get(self.next) else {
            return Next::Descent;
        };
        let climb_mps = ((self.cruise_m - craft.altitude_m) / 5.0).clamp(-2.0, self.climb_mps);
        craft.fly_to(goal, climb_mps, air);
        if craft.point.distance_m(goal) < 10.0 * craft.performance.trim_mps {
            self.next += 1;
        }
        Next::Same(self)
    }
}
