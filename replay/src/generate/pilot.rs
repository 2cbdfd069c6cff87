//! A pilot's device: its identity, its consent, and its frames.

use super::aircraft::{Air, Aircraft};
use super::area::Area;
use super::dice::{Dice, Part};
use super::identity::Identity;
use super::plane::Position3d;
use super::report::{Report, ThermalReport, Tracking};
use super::scenario::Scenario;
use super::schedule::{HARDWARE_US, NAME_US, Schedule, Slot, position_interval_us, thermal_interval_us};
use super::step::StepContext;
use super::transmission::Transmission;

/// A thermal is reported from this time of circling on, seconds.
const SURE_AFTER_S: f64 = 30.0;
/// Weaker climbs are not reported, m/s.
const LEAST_CLIMB_MPS: f64 = 0.5;

/// An aircraft with its pilot and device.
#[derive(Debug, Clone)]
pub(crate) struct Pilot {
    pub(crate) identity: Identity,
    pub(crate) area: usize,
    pub(crate) aircraft: Aircraft,
    /// The consent to be shown: it never changes in a run.
    pub(crate) is_online: bool,
    reports_thermals: bool,
    /// At the launch some devices already send type 1, standing.
    parks_as_aircraft: bool,
    schedule: Schedule,
    dice: Dice,
}

impl Pilot {
    pub(crate) fn new(scenario: &Scenario, index: usize, areas: &[Area]) -> Self {
        let area = index % areas.len();
        let mut dice = Dice::new(scenario.seed, Part::Schedule, index as u64);
        Self {
            identity: Identity::pilot(scenario.seed, index),
            area,
            aircraft: Aircraft::new(scenario.seed, index, &areas[area]),
            is_online: index % 9 != 4,
            reports_thermals: index.is_multiple_of(3),
            parks_as_aircraft: index % 5 == 3,
            schedule: Schedule::new(&mut dice),
            dice,
        }
    }

    /// Sends the frames that are due within the step that ends now.
    pub(crate) fn send(&mut self, air: &Air<'_>, step: &StepContext, sent: &mut Vec<Transmission>) {
        let ground = self.aircraft.on_ground(air.now_s);
        let is_airborne = ground.is_none();
        let device = self.identity.device;
        let mut push = |at_us, report: &Report<'_>, position, cell| {
            sent.push(step.transmission(at_us, device, report, position, is_airborne, cell));
        };
        let interval_us = position_interval_us(step.neighbours);
        if let Some(at_us) = self.schedule.take(Slot::Position, step.end_us, interval_us) {
            let position = self.position_at(air, step.seconds_from_end(at_us));
            let report = match ground {
                Some(state) if !(self.parks_as_aircraft && self.aircraft.is_parked()) => {
                    Report::Ground { position, state, is_online: self.is_online }
                }
                _ => Report::Tracking(self.tracking(position)),
            };
            push(at_us, &report, position, self.area);
        }
        if let Some(at_us) = self.schedule.take(Slot::Name, step.end_us, NAME_US) {
            let position = self.position_at(air, step.seconds_from_end(at_us));
            push(at_us, &Report::Name(&self.identity.name), position, self.area);
        }
        if let Some(at_us) = self.schedule.take(Slot::Hardware, step.end_us, HARDWARE_US) {
            let position = self.position_at(air, step.seconds_from_end(at_us));
            push(at_us, &step.hardware(at_us, self.identity.device_type), position, self.area);
        }
        if let Some(at_us) = self.schedule.take(Slot::Thermal, step.end_us, thermal_interval_us(step.neighbours))
            && let Some(thermal) = self.thermal(air)
        {
            let position = self.position_at(air, step.seconds_from_end(at_us));
            push(at_us, &Report::Thermal(thermal), position, self.area);
        }
    }

    /// Where the aircraft is, some seconds from now.
    fn position_at(&self, air: &Air<'_>, seconds: f64) -> Position3d {
        let craft = &self.aircraft.craft;
        let point = craft.point.moved(craft.velocity, seconds);
        air.area.plane.position(point, craft.altitude_m + craft.climb_mps * seconds)
    }

    fn tracking(&self, position: Position3d) -> Tracking {
        let craft = &self.aircraft.craft;
        Tracking {
            position,
            kind: self.aircraft.kind,
            is_online: self.is_online,
            speed_kmh: craft.velocity.speed_mps() * 3.6,
            climb_mps: craft.climb_mps,
            course_deg: craft.velocity.course_deg(),
            turn_dps: craft.turn_dps,
        }
    }

    /// The pilot's report of the thermal; the centre is that of the circle.
    fn thermal(&mut self, air: &Air<'_>) -> Option<ThermalReport> {
        if !self.reports_thermals {
            return None;
        }
        let craft = &self.aircraft.craft;
        let circle = self.aircraft.circle()?;
        let climb_mps = circle.lift_mps - craft.performance.circling_sink_mps;
        let circled_s = air.now_s - circle.since_s;
        if circled_s < SURE_AFTER_S || climb_mps < LEAST_CLIMB_MPS {
            return None;
        }
        let wind = air.area.wind_at(craft.altitude_m);
        Some(ThermalReport {
            position: air.area.plane.position(circle.centre, craft.altitude_m),
            confidence: (circled_s / 40.0).clamp(2.0, 7.0) as u8,
            climb_mps: circle.lift_mps,
            wind_from_deg: (wind.course_deg() + 180.0 + self.dice.spread(6.0)).rem_euclid(360.0),
            wind_speed_kmh: (wind.speed_mps() * 3.6 + self.dice.spread(1.0)).max(0.0),
        })
    }
}
