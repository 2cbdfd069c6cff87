//! Where a craft is and how it moves: shared by all phases.

use super::super::dice::Dice;
use super::super::kind::AircraftKind;
use super::super::plane::{Point, Velocity, turn_deg};
use super::air::Air;

/// How a kind of aircraft flies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Performance {
    /// Speed through the air.
    pub(crate) trim_mps: f64,
    /// Own sinking in straight flight, positive.
    pub(crate) sink_mps: f64,
    /// Own sinking in a turn, positive.
    pub(crate) circling_sink_mps: f64,
    pub(crate) circle_radius_m: f64,
}

/// An aircraft as a moving body.
#[derive(Debug, Clone)]
pub(crate) struct Craft {
    pub(crate) performance: Performance,
    pub(crate) dice: Dice,
    /// Where its day begins, and the altitude there.
    pub(crate) base: Point,
    pub(crate) base_m: f64,
    pub(crate) point: Point,
    pub(crate) altitude_m: f64,
    /// Through the air, degrees true.
    pub(crate) heading_deg: f64,
    /// Over ground.
    pub(crate) velocity: Velocity,
    pub(crate) climb_mps: f64,
    /// Clockwise is positive.
    pub(crate) turn_dps: f64,
}

/// Straight flight is corrected at this rate.
const STEERING_DPS: f64 = 12.0;

impl Craft {
    /// A craft at rest at its base.
    pub(crate) fn new(kind: AircraftKind, dice: Dice, base: Point, base_m: f64) -> Self {
        Self {
            performance: performance(kind),
            dice,
            base,
            base_m,
            point: base,
            altitude_m: base_m,
            heading_deg: 0.0,
            velocity: Velocity::default(),
            climb_mps: 0.0,
            turn_dps: 0.0,
        }
    }

    /// Flies towards a point for one step; `climb_mps` is over ground.
    pub(crate) fn fly_to(&mut self, goal: Point, climb_mps: f64, air: &Air<'_>) {
        let wanted_deg = turn_deg(self.heading_deg, self.point.course_to_deg(goal));
        self.turn_dps = (wanted_deg / air.step_s).clamp(-STEERING_DPS, STEERING_DPS);
        self.heading_deg = (self.heading_deg + self.turn_dps * air.step_s).rem_euclid(360.0);
        let through_air = Velocity::polar(self.performance.trim_mps, self.heading_deg);
        self.move_by(through_air.plus(air.area.wind_at(self.altitude_m)), climb_mps, air.step_s);
    }

    /// Moves for one step with a velocity over ground.
    pub(crate) fn move_by(&mut self, velocity: Velocity, climb_mps: f64, step_s: f64) {
        self.velocity = velocity;
        self.climb_mps = climb_mps;
        self.point = self.point.moved(velocity, step_s);
        self.altitude_m += climb_mps * step_s;
    }

    /// Stands still.
    pub(crate) fn rest(&mut self) {
        self.velocity = Velocity::default();
        self.climb_mps = 0.0;
        self.turn_dps = 0.0;
    }

    /// Metres above the valley floor.
    pub(crate) fn height_m(&self, air: &Air<'_>) -> f64 {
        self.altitude_m - air.area.floor_m
    }

    /// The lift of the air here, m/s.
    pub(crate) fn lift_mps(&self, air: &Air<'_>) -> f64 {
        air.area.lift_mps(self.point, self.altitude_m, air.now_s)
    }
}

fn performance(kind: AircraftKind) -> Performance {
    let (trim_mps, sink_mps, circling_sink_mps, circle_radius_m) = match kind {
        AircraftKind::Paraglider => (10.0, 1.1, 1.25, 26.0),
        AircraftKind::HangGlider => (13.0, 1.0, 1.2, 36.0),
        AircraftKind::Glider => (27.0, 0.75, 1.0, 105.0),
        AircraftKind::Balloon => (0.0, 2.0, 2.0, 20.0),
        AircraftKind::Powered => (45.0, 3.0, 3.0, 350.0),
        AircraftKind::Helicopter => (50.0, 3.0, 3.0, 250.0),
        AircraftKind::Uav => (14.0, 2.0, 2.0, 40.0),
        AircraftKind::Other => (12.0, 2.0, 2.0, 40.0),
    };
    Performance { trim_mps, sink_mps, circling_sink_mps, circle_radius_m }
}
