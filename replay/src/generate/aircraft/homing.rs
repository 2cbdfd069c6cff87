//! The way to the ground: to the field, down in wide turns above it, straight in; or wherever the height ends.

use super::super::plane::Velocity;
use super::{Air, Circle, Craft, Phase, Stages};

/// Within this distance the field counts as reached.
const OVERHEAD_M: f64 = 300.0;
/// Turns end at this height.
const FINAL_M: f64 = 110.0;
/// Sink of a descent in turns, m/s.
const SPIRAL_MPS: f64 = 3.5;

/// A craft on its way down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Homing {
    spiral: Option<Circle>,
}

impl Homing {
    pub(crate) fn step(self, craft: &mut Craft, air: &Air<'_>) -> Phase {
        let spiral = match self.spiral {
            Some(mut circle) => {
                circle.fly(craft, air.area.field, Velocity::default(), -SPIRAL_MPS, air);
                (craft.height_m(air) > FINAL_M).then_some(circle)
            }
            None => approach(craft, air),
        };
        if craft.height_m(air) <= 0.0 {
            return Phase::Landed(Stages::landed(craft, air.area, air.now_s));
        }
        Phase::Homing(Self { spiral })
    }
}

fn approach(craft: &mut Craft, air: &Air<'_>) -> Option<Circle> {
    let distance_m = craft.point.distance_m(air.area.field);
    let height_m = craft.height_m(air);
    if distance_m < OVERHEAD_M && height_m > FINAL_M + 40.0 {
        return Some(Circle::begin(craft, None, 0.0, air.now_s));
    }
    // Engines hold their height until the field is near; all others take what the air gives, and none close to the ground.
    let holds_height = craft.performance.sink_mps >= 2.0 && distance_m > 12.0 * height_m;
    let lift_mps = if height_m > 300.0 { craft.lift_mps(air) } else { 0.0 };
    let climb_mps =
        if holds_height { 0.0 } else { lift_mps.min(craft.performance.sink_mps) - craft.performance.sink_mps - 0.3 };
    craft.fly_to(air.area.field, climb_mps, air);
    None
}
