//! Circling: a circle whose centre moves with the air and is shifted towards its thermal.

use super::super::plane::{Point, Velocity};
use super::air::Air;
use super::craft::Craft;

/// Time in which a pilot brings the circle two thirds of the way to where it should be.
const CENTRING_S: f64 = 25.0;
/// Time constant of the average lift, seconds.
const LIFT_AVERAGE_S: f64 = 20.0;

/// A circle in flight.
#[derive(Debug, Clone)]
pub(crate) struct Circle {
    /// The thermal it is flown in; `None` for a descent over a fixed point.
    pub(crate) thermal: Option<u64>,
    pub(crate) centre: Point,
    /// Seconds since the start of the run.
    pub(crate) since_s: f64,
    /// Mean lift of the air over the last turns, m/s.
    pub(crate) lift_mps: f64,
    /// Azimuth of the craft as seen from the centre, degrees.
    azimuth_deg: f64,
    /// 1 clockwise, -1 the other way.
    sense: f64,
    /// How far off the pilot centres.
    miss: Point,
}

impl Circle {
    /// Begins a circle from straight flight.
    pub(crate) fn begin(craft: &mut Craft, thermal: Option<u64>, lift_mps: f64, now_s: f64) -> Self {
        let sense = if craft.dice.chance(0.5) { 1.0 } else { -1.0 };
        let azimuth_deg = craft.heading_deg - 90.0 * sense;
        let outward = Point::polar(craft.performance.circle_radius_m, azimuth_deg);
        let centre =
            Point { east_m: craft.point.east_m - outward.east_m, north_m: craft.point.north_m - outward.north_m };
        let miss = Point::polar(craft.dice.between(0.0, 25.0), craft.dice.between(0.0, 360.0));
        Self { thermal, centre, since_s: now_s, lift_mps, azimuth_deg, sense, miss }
    }

    /// Flies on for one step around `about`, which itself drifts with `drift`; `climb_mps` is over ground.
    pub(crate) fn fly(&mut self, craft: &mut Craft, about: Point, drift: Velocity, climb_mps: f64, air: &Air<'_>) {
        let radius_m = craft.performance.circle_radius_m;
        let turn_dps = self.sense * (craft.performance.trim_mps / radius_m).to_degrees();
        let carried = self.centre.moved(drift, air.step_s);
        let centre = carried.towards(about.plus(self.miss), 1.0 - (-air.step_s / CENTRING_S).exp());
        let shift = Velocity {
            east_mps: (centre.east_m - self.centre.east_m) / air.step_s,
            north_mps: (centre.north_m - self.centre.north_m) / air.step_s,
        };
        self.centre = centre;
        self.azimuth_deg = (self.azimuth_deg + turn_dps * air.step_s).rem_euclid(360.0);
        craft.turn_dps = turn_dps;
        craft.heading_deg = (self.azimuth_deg + 90.0 * self.sense).rem_euclid(360.0);
        craft.velocity = Velocity::polar(craft.performance.trim_mps, craft.heading_deg).plus(shift);
        craft.climb_mps = climb_mps;
        craft.point = centre.plus(Point::polar(radius_m, self.azimuth_deg));
        craft.altitude_m += climb_mps * air.step_s;
    }

    /// Adds the lift of a step to the average.
    pub(crate) fn feel(&mut self, lift_mps: f64, step_s: f64) {
        self.lift_mps += (lift_mps - self.lift_mps) * (1.0 - (-step_s / LIFT_AVERAGE_S).exp());
    }
}
