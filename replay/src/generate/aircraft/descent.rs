//! The descent: to the field, down in wide turns above it, straight in; or a landing where the height ends.

use super::super::plane::Velocity;
use super::air::{Air, Next};
use super::circle::Circle;
use super::craft::Craft;

/// Within this distance the field counts as reached.
const OVERHEAD_M: f64 = 300.0;
/// Turns end at this height.
const FINAL_M: f64 = 110.0;
/// Sink of a descent in turns, m/s.
const SPIRAL_MPS: f64 = 3.5;

/// A craft on its way down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Descent {
    spiral: Option<Circle>,
}

impl Descent {
    pub(crate) fn step(self, craft: &mut Craft, air: &Air<'_>) -> Next<Self> {
        let spiral = match self.spiral {
            Some(mut circle) => {
                circle.fly(craft, air.area.field, Velocity::default(), -SPIRAL_MPS, air);
                (craft.height_m(air) > FINAL_M).then_some(circle)
            }
            None => approach(craft, air),
        };
        if craft.height_m(air) <= 0.0 {
            return Next::Landed;
        }
        Next::Same(Self { spiral })
    }
}

fn approach(craft: &mut Craft, air: &Air<'_>) -> Option<Circle> {
    let distance_m = craft.point.distance_m(air.area.field);
    let height_m = craft.height_m(air);
    if distance_m < OVERHEAD_M && height_m > FINAL_M + 40.0 {
        return Some(Circle::begin(craft, None, 0.0, air.now_s));
    }
    // Aircraft with engines hold their height until the field is near; all others use the lift, and none close to the
    // ground.
    let holds_height = craft.performance.sink_mps >= 2.0 && distance_m > 12.0 * height_m;
    let lift_mps = if height_m > 300.0 { craft.lift_mps(air) } else { 0.0 };
    let climb_mps =
        if holds_height { 0.0 } else { lift_mps.min(craft.performance.sink_mps) - craft.performance.sink_mps - 0.3 };
    craft.fly_to(air.area.field, climb_mps, air);
    None
}
