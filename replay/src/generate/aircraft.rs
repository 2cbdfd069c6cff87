//! One aircraft and its pilot's day: parked, flying in its own way, landing, on the ground, driven back, parked again.
//!
//! Each way of being is a [`Phase`] with a function that takes it, moves the craft by one step and says what comes next.

mod balloon;
mod circle;
mod craft;
mod grounded;
mod homing;
mod route;
mod soaring;

use serde::Serialize;

use super::area::{Area, RADIUS_M};
use super::dice::{Dice, Part};
use super::plane::{Point, Velocity};
use super::report::GroundState;
use balloon::Balloon;
use circle::Circle;
pub(crate) use craft::Craft;
use grounded::Stages;
use homing::Homing;
use route::Route;
use soaring::{Soaring, Task};

/// What flies, in the protocol's order (0 to 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AircraftKind {
    /// Anything else; here a paramotor.
    Other,
    /// Soars.
    Paraglider,
    /// Soars, faster.
    HangGlider,
    /// Drifts with the wind.
    Balloon,
    /// Soars, faster still, in wide circles.
    Glider,
    /// Flies a round trip.
    Powered,
    /// Flies a round trip.
    Helicopter,
    /// Flies a small round trip, low.
    Uav,
}

/// The mixture at a launch, repeated over the devices.
const KINDS: [AircraftKind; 20] = {
    use AircraftKind::{Balloon, Glider, HangGlider, Helicopter, Other, Paraglider, Powered, Uav};
    [
        Paraglider, Paraglider, HangGlider, Paraglider, Paraglider, Paraglider, Glider, Paraglider, Paraglider,
        Powered, Paraglider, HangGlider, Paraglider, Balloon, Paraglider, Paraglider, Helicopter, Paraglider, Uav,
        Other,
    ]
};

/// The air around an aircraft for one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Air<'a> {
    pub(crate) area: &'a Area,
    /// Seconds since the start of the run, at the end of the step.
    pub(crate) now_s: f64,
    pub(crate) step_s: f64,
}

/// What an aircraft is doing.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Parked { until_s: f64 },
    Soaring(Soaring),
    Routing(Route),
    Drifting(Balloon),
    Homing(Homing),
    Landed(Stages),
    Carried,
}

/// One aircraft.
#[derive(Debug, Clone)]
pub(crate) struct Aircraft {
    pub(crate) kind: AircraftKind,
    pub(crate) craft: Craft,
    phase: Phase,
}

impl Aircraft {
    /// The aircraft of a number, somewhere in its day, so that a run starts with a full sky.
    pub(crate) fn new(seed: u64, index: usize, area: &Area) -> Self {
        let kind = KINDS[index % KINDS.len()];
        let mut dice = Dice::new(seed, Part::Aircraft, index as u64);
        let soars = kind.soars();
        let (base, base_m) = if soars { (Point::default(), area.launch_m) } else { (area.field, area.floor_m) };
        let base = base.plus(Point::polar(dice.between(5.0, 60.0), dice.between(0.0, 360.0)));
        let mut craft = Craft::new(kind, dice, base, base_m);
        let phase = match index {
            // The first minutes show a call for help and a call for a ride, then what the dice bring.
            5 => Phase::Landed(Stages::calling(&mut craft, area, GroundState::Distress)),
            14 => Phase::Landed(Stages::calling(&mut craft, area, GroundState::NeedRide)),
            _ if index % 8 == 3 => Phase::Parked { until_s: craft.dice.between(10.0, 90.0) },
            _ if index % 8 == 6 => Phase::Landed(Stages::landed(&mut craft, area, 0.0)),
            _ => in_the_air(kind, &mut craft, area),
        };
        Self { kind, craft, phase }
    }

    /// Lives on for one step.
    pub(crate) fn step(&mut self, air: &Air<'_>) {
        let craft = &mut self.craft;
        let phase = std::mem::replace(&mut self.phase, Phase::Carried);
        self.phase = match phase {
            Phase::Parked { until_s } if air.now_s < until_s => Phase::Parked { until_s },
            Phase::Parked { .. } => take_off(self.kind, craft, air.area, air.now_s),
            Phase::Soaring(soaring) => soaring.step(craft, air),
            Phase::Routing(route) => route.step(craft, air),
            Phase::Drifting(balloon) => balloon.step(craft, air),
            Phase::Homing(homing) => homing.step(craft, air),
            Phase::Landed(stages) => stages.step(craft, air),
            Phase::Carried => grounded::carry(craft, air),
        };
    }

    /// What the pilot's device says of itself on the ground; `None` while it flies.
    pub(crate) fn on_ground(&self, now_s: f64) -> Option<GroundState> {
        match &self.phase {
            Phase::Parked { .. } => Some(GroundState::Walking),
            Phase::Landed(stages) => Some(stages.state(now_s)),
            Phase::Carried => Some(GroundState::Vehicle),
            Phase::Soaring(_) | Phase::Routing(_) | Phase::Drifting(_) | Phase::Homing(_) => None,
        }
    }

    /// True at the launch, waiting.
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.phase, Phase::Parked { .. })
    }

    /// The circle in lift that the pilot flies at this moment.
    pub(crate) fn circle(&self) -> Option<&Circle> {
        match &self.phase {
            Phase::Soaring(Soaring { task: Task::Circle(circle), .. }) => Some(circle),
            _ => None,
        }
    }
}

impl AircraftKind {
    /// True for those that live on thermals.
    pub(crate) fn soars(self) -> bool {
        matches!(self, Self::Paraglider | Self::HangGlider | Self::Glider)
    }
}

fn take_off(kind: AircraftKind, craft: &mut Craft, area: &Area, now_s: f64) -> Phase {
    craft.heading_deg = craft.dice.between(0.0, 360.0);
    match kind {
        _ if kind.soars() => Phase::Soaring(Soaring::begin(craft, area, now_s)),
        AircraftKind::Balloon => Phase::Drifting(Balloon::begin(craft, area, now_s)),
        _ => Phase::Routing(Route::begin(kind, craft, area)),
    }
}

fn in_the_air(kind: AircraftKind, craft: &mut Craft, area: &Area) -> Phase {
    craft.point = Point::polar(craft.dice.between(300.0, RADIUS_M * 0.5), craft.dice.between(0.0, 360.0));
    craft.altitude_m = match kind {
        AircraftKind::Uav => area.floor_m + craft.dice.between(60.0, 110.0),
        AircraftKind::Balloon => area.floor_m + craft.dice.between(200.0, 900.0),
        _ => area.launch_m + craft.dice.between(50.0, 700.0),
    };
    craft.velocity = Velocity::default();
    take_off(kind, craft, area, 0.0)
}

#[cfg(test)]
mod tests;
