//! Soaring: glide to likely lift, circle while it climbs, glide on, return in the end.

use super::super::area::{Area, RADIUS_M};
use super::super::plane::Point;
use super::super::thermal::Thermal;
use super::air::{Air, Next};
use super::circle::Circle;
use super::craft::Craft;

/// Below this height a pilot looks for the landing field and no longer for lift.
const DECISION_M: f64 = 250.0;
/// A pilot leaves this much below the top of a thermal.
const TOP_MARGIN_M: f64 = 120.0;
/// Lift in excess of the own sink that makes a pilot turn.
const WORTH_MPS: f64 = 0.7;
/// Climb below which a pilot leaves a thermal, after [`LONGEST_WEAK_S`].
const WEAK_MPS: f64 = 0.3;
const LONGEST_WEAK_S: f64 = 25.0;

/// A soaring flight.
#[derive(Debug, Clone)]
pub(crate) struct Soaring {
    pub(crate) task: Task,
    home_after_s: f64,
    /// The thermal last left; it is not entered again at once.
    left: Option<u64>,
}

/// The pilot's present activity.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    Glide(Goal),
    Circle(Circle),
}

/// The target of a glide.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    Thermal(u64),
    Point(Point),
}

impl Soaring {
    pub(crate) fn begin(craft: &mut Craft, area: &Area, now_s: f64) -> Self {
        let home_after_s = now_s + craft.dice.between(1_500.0, 6_000.0);
        Self { task: Task::Glide(choose(craft, area, None, now_s)), home_after_s, left: None }
    }

    pub(crate) fn step(self, craft: &mut Craft, air: &Air<'_>) -> Next<Self> {
        if craft.height_m(air) < DECISION_M || air.now_s > self.home_after_s {
            return Next::Descent;
        }
        let Self { task, home_after_s, left } = self;
        let (task, left) = match task {
            Task::Glide(goal) => (glide(goal, left, craft, air), left),
            Task::Circle(circle) => climb(circle, left, craft, air),
        };
        Next::Same(Self { task, home_after_s, left })
    }
}

/// Circles on, or leaves; also which thermal was last left.
fn climb(mut circle: Circle, left: Option<u64>, craft: &mut Craft, air: &Air<'_>) -> (Task, Option<u64>) {
    let thermal = circle.thermal.and_then(|id| air.area.thermal(id));
    let (about, drift) = match thermal {
        Some(thermal) => (thermal.centre(air.now_s), thermal.drift),
        None => (circle.centre, air.area.wind_at(craft.altitude_m)),
    };
    let lift_mps = craft.lift_mps(air);
    circle.fly(craft, about, drift, lift_mps - craft.performance.circling_sink_mps, air);
    circle.feel(lift_mps, air.step_s);
    let at_top = thermal.is_some_and(|thermal| craft.altitude_m > thermal.top_m - TOP_MARGIN_M);
    let is_weak =
        circle.lift_mps - craft.performance.circling_sink_mps < WEAK_MPS && air.now_s - circle.since_s > LONGEST_WEAK_S;
    if at_top || is_weak || thermal.is_none() {
        let left = circle.thermal;
        let goal = choose(craft, air.area, left, air.now_s);
        return (Task::Glide(goal), left);
    }
    (Task::Circle(circle), left)
}

fn glide(goal: Goal, left: Option<u64>, craft: &mut Craft, air: &Air<'_>) -> Task {
    let target = match goal {
        Goal::Point(point) => Some(point),
        Goal::Thermal(id) => air.area.thermal(id).map(|thermal| thermal.centre(air.now_s)),
    };
    let Some(target) = target else {
        return Task::Glide(choose(craft, air.area, left, air.now_s));
    };
    let lift_mps = craft.lift_mps(air);
    craft.fly_to(target, lift_mps - craft.performance.sink_mps, air);
    if let Some(id) = worth_turning(left, craft, air) {
        return Task::Circle(Circle::begin(craft, Some(id), lift_mps, air.now_s));
    }
    // A thermal without lift is searched no longer than that.
    let near_s = if matches!(goal, Goal::Thermal(_)) { 5.0 } else { 8.0 };
    if craft.point.distance_m(target) < near_s * craft.performance.trim_mps {
        return Task::Glide(choose(craft, air.area, left, air.now_s));
    }
    Task::Glide(goal)
}

/// The thermal that the craft is well inside of, where it has lift.
fn worth_turning(left: Option<u64>, craft: &Craft, air: &Air<'_>) -> Option<u64> {
    let carries = |thermal: &&Thermal| {
        let distance_m = thermal.centre(air.now_s).distance_m(craft.point);
        let lift_mps = thermal.lift_mps(distance_m, craft.altitude_m, air.now_s);
        left != Some(thermal.id)
            && distance_m < 0.6 * thermal.radius_m
            && lift_mps > craft.performance.circling_sink_mps + WORTH_MPS
            && craft.altitude_m < thermal.top_m - 2.0 * TOP_MARGIN_M
    };
    air.area.thermals().find(carries).map(|thermal| thermal.id)
}

/// The next target: mostly a thermal that is near and strong, sometimes a random point.
fn choose(craft: &mut Craft, area: &Area, left: Option<u64>, now_s: f64) -> Goal {
    let height_m = craft.altitude_m - area.floor_m - DECISION_M;
    let reach_m = height_m * craft.performance.trim_mps / craft.performance.sink_mps;
    let mut best: Option<(f64, u64)> = None;
    for thermal in area.thermals().filter(|thermal| Some(thermal.id) != left) {
        let centre = thermal.centre(now_s);
        let distance_m = centre.distance_m(craft.point);
        let promise_m = 500.0 * thermal.core_mps * thermal.vigour(now_s) + craft.dice.between(0.0, 1_500.0);
        let is_open = thermal.vigour(now_s) > 0.2 && craft.altitude_m < thermal.top_m - 3.0 * TOP_MARGIN_M;
        let is_near = distance_m < reach_m && centre.distance_m(Point::default()) < RADIUS_M;
        let cost_m = distance_m - promise_m;
        if is_open && is_near && best.is_none_or(|(least_m, _)| cost_m < least_m) {
            best = Some((cost_m, thermal.id));
        }
    }
    match best {
        Some((_, id)) if craft.dice.chance(0.9) => Goal::Thermal(id),
        _ => Goal::Point(Point::polar(craft.dice.between(500.0, 0.6 * RADIUS_M), craft.dice.between(0.0, 360.0))),
    }
}
