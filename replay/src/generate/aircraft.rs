//! One aircraft and its pilot's day: parked, flying in its own way, landing, on the ground, driven back, parked again.
//!
//! Each part of the day is a [`Phase`] with a function that moves the craft by one step and returns the next phase.

mod air;
mod balloon;
mod circle;
mod craft;
mod descent;
mod grounded;
mod route;
mod soaring;

use super::area::{Area, RADIUS_M};
use super::dice::{Dice, Part};
use super::kind::AircraftKind;
use super::plane::{Point, Velocity};
use super::report::GroundState;
pub(crate) use air::Air;
use air::Next;
use balloon::Balloon;
use circle::Circle;
pub(crate) use craft::Craft;
use descent::Descent;
use grounded::Stages;
use route::Route;
use soaring::{Soaring, Task};

/// The mixture at a launch, repeated over the devices.
const KINDS: [AircraftKind; 20] = {
    use AircraftKind::{Balloon, Glider, HangGlider, Helicopter, Other, Paraglider, Powered, Uav};
    [
        Paraglider, Paraglider, HangGlider, Paraglider, Paraglider, Paraglider, Glider, Paraglider, Paraglider,
        Powered, Paraglider, HangGlider, Paraglider, Balloon, Paraglider, Paraglider, Helicopter, Paraglider, Uav,
        Other,
    ]
};

/// The phase of an aircraft.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Parked { until_s: f64 },
    Soaring(Soaring),
    Routing(Route),
    Drifting(Balloon),
    Descent(Descent),
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
            // The first minutes have a call for help and a call for a ride, then calls are random.
            5 => Phase::Landed(Stages::calling(&mut craft, area, GroundState::Distress)),
            14 => Phase::Landed(Stages::calling(&mut craft, area, GroundState::NeedRide)),
            _ if index % 8 == 3 => Phase::Parked { until_s: craft.dice.between(10.0, 90.0) },
            _ if index % 8 == 6 => Phase::Landed(Stages::landed(&mut craft, area, 0.0)),
            _ => in_the_air(kind, &mut craft, area),
        };
        Self { kind, craft, phase }
    }

    /// Advances by one step.
    pub(crate) fn step(&mut self, air: &Air<'_>) {
        let craft = &mut self.craft;
        let phase = std::mem::replace(&mut self.phase, Phase::Carried);
        self.phase = match phase {
            Phase::Parked { until_s } if air.now_s < until_s => Phase::Parked { until_s },
            Phase::Parked { .. } => take_off(self.kind, craft, air.area, air.now_s),
            Phase::Soaring(soaring) => go_on(soaring.step(craft, air), Phase::Soaring, craft, air),
            Phase::Routing(route) => go_on(route.step(craft, air), Phase::Routing, craft, air),
            Phase::Drifting(balloon) => go_on(balloon.step(craft, air), Phase::Drifting, craft, air),
            Phase::Descent(descent) => go_on(descent.step(craft, air), Phase::Descent, craft, air),
            Phase::Landed(stages) => go_on(stages.step(craft, air), Phase::Landed, craft, air),
            Phase::Carried => go_on(grounded::carry(craft, air), |()| Phase::Carried, craft, air),
        };
    }

    /// The ground state that the pilot's device sends; `None` while it flies.
    pub(crate) fn on_ground(&self, now_s: f64) -> Option<GroundState> {
        match &self.phase {
            Phase::Parked { .. } => Some(GroundState::Walking),
            Phase::Landed(stages) => Some(stages.state(now_s)),
            Phase::Carried => Some(GroundState::Vehicle),
            Phase::Soaring(_) | Phase::Routing(_) | Phase::Drifting(_) | Phase::Descent(_) => None,
        }
    }

    /// True at the launch, waiting.
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.phase, Phase::Parked { .. })
    }

    /// The circle in lift that the pilot flies now.
    pub(crate) fn circle(&self) -> Option<&Circle> {
        match &self.phase {
            Phase::Soaring(Soaring { task: Task::Circle(circle), .. }) => Some(circle),
            _ => None,
        }
    }
}

fn go_on<T>(next: Next<T>, same: impl FnOnce(T) -> Phase, craft: &mut Craft, air: &Air<'_>) -> Phase {
    match next {
        Next::Same(phase) => same(phase),
        Next::Descent => Phase::Descent(Descent::default()),
        Next::Landed => Phase::Landed(Stages::landed(craft, air.area, air.now_s)),
        Next::Carried => Phase::Carried,
        Next::Parked { until_s } => Phase::Parked { until_s },
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
