//! After the landing: the pilot's messages, the wait, the drive back to the launch.

use super::super::area::Area;
use super::super::plane::{Point, Velocity};
use super::super::report::GroundState;
use super::air::{Air, Next};
use super::craft::Craft;

/// Speed of the drive back, and how fast it may gain height.
const DRIVE_MPS: f64 = 11.5;
const UPHILL_MPS: f64 = 2.5;
const WALK_MPS: f64 = 1.2;

/// The ground states that a pilot sends, one after the other, each until a time.
#[derive(Debug, Clone)]
pub(crate) struct Stages {
    stages: [(GroundState, f64); 3],
    walking: Velocity,
}

impl Stages {
    /// A landing where the craft is: mostly an ordinary one.
    pub(crate) fn landed(craft: &mut Craft, area: &Area, now_s: f64) -> Self {
        craft.altitude_m = area.floor_m;
        craft.rest();
        let call = match craft.dice.unit() {
            ..0.02 => Some(GroundState::Distress),
            ..0.03 => Some(GroundState::NeedMedicalHelp),
            ..0.06 => Some(GroundState::NeedTechnicalSupport),
            ..0.16 => Some(GroundState::NeedRide),
            _ => None,
        };
        Self::with_stages(craft, call, now_s)
    }

    /// A craft that stands in the landing field at the start of a run and calls.
    pub(crate) fn calling(craft: &mut Craft, area: &Area, call: GroundState) -> Self {
        craft.point = area.field.plus(Point::polar(craft.dice.between(100.0, 900.0), craft.dice.between(0.0, 360.0)));
        craft.altitude_m = area.floor_m;
        craft.rest();
        Self::with_stages(craft, Some(call), 0.0)
    }

    fn with_stages(craft: &mut Craft, call: Option<GroundState>, now_s: f64) -> Self {
        let dice = &mut craft.dice;
        let called_s = now_s + if call.is_some() { dice.between(120.0, 300.0) } else { 0.0 };
        let well_s = called_s + dice.between(90.0, 240.0);
        let walked_s = well_s + dice.between(60.0, 300.0);
        let walking = Velocity::polar(WALK_MPS, dice.between(0.0, 360.0));
        let call = call.unwrap_or(GroundState::LandedWell);
        let stages = [(call, called_s), (GroundState::LandedWell, well_s), (GroundState::Walking, walked_s)];
        Self { stages, walking }
    }

    /// The state at a time.
    pub(crate) fn state(&self, now_s: f64) -> GroundState {
        let stage = self.stages.iter().find(|(_, until_s)| now_s < *until_s);
        stage.map_or(GroundState::Walking, |(state, _)| *state)
    }

    pub(crate) fn step(self, craft: &mut Craft, air: &Air<'_>) -> Next<Self> {
        if air.now_s >= self.stages[2].1 {
            return Next::Carried;
        }
        if self.state(air.now_s) == GroundState::Walking {
            craft.move_by(self.walking, 0.0, air.step_s);
        }
        Next::Same(self)
    }
}

/// One step of the drive back to the base.
pub(crate) fn carry(craft: &mut Craft, air: &Air<'_>) -> Next<()> {
    let left_m = craft.point.distance_m(craft.base);
    let rise_m = craft.base_m - craft.altitude_m;
    let left_s = (left_m / DRIVE_MPS).max(rise_m.abs() / UPHILL_MPS);
    if left_s <= air.step_s {
        craft.point = craft.base;
        craft.altitude_m = craft.base_m;
        craft.rest();
        return Next::Parked { until_s: air.now_s + craft.dice.between(120.0, 600.0) };
    }
    let velocity = Velocity::polar(left_m / left_s, craft.point.course_to_deg(craft.base));
    craft.move_by(velocity, rise_m / left_s, air.step_s);
    Next::Same(())
}
