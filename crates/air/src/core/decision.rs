//! A person's decision about one position of a device: it was wrong, and perhaps another one is known to be right; or it was
//! right, and an earlier decision was not.
//!
//! The history applies it by the observation that comes of it. Live it changes what still rests on that position.

use geo::Position;
use schemas::v1::command::{Action, RejectPosition};
use schemas::v1::observation::Body;
use schemas::v1::{self, AircraftPosition, Command, Decision, GroundPosition, Observation, SourceKind};

use crate::core::device::Device;
use crate::core::shown::Changed;
use crate::core::{Core, RawInput};
use crate::record;

impl Core {
    /// The observation of a command about a position. `None`: the command is about something else.
    pub(super) fn decided(&self, input: &RawInput<'_>, command: &Command) -> Option<Observation> {
        let (observation_id, event_at_us) = match command.action.as_ref()? {
            Action::RejectPosition(rejected) => (rejected.observation_id, rejected.event_at_us),
            Action::AcceptPosition(accepted) => (accepted.observation_id, accepted.event_at_us),
            _ => return None,
        };
        let consent = self.consent_of(command.device)?;
        let private = consent.hides(self.settings.privacy) || !consent.public_past().shows(event_at_us);
        let observation = Observation {
            source: SourceKind::Person.into(),
            private,
            ..self.observation(input, command.device, event_at_us)
        };
        let decision = || Body::Decision(Decision { command_id: command.command_id.clone() });
        Some(match &command.action {
            Some(Action::RejectPosition(rejected)) => {
                let body = right_body(rejected, consent.online_tracking().unwrap_or(true)).unwrap_or_else(decision);
                Observation { rejects: vec![observation_id], body: Some(body), ..observation }
            }
            _ => Observation { confirms: vec![observation_id], body: Some(decision()), ..observation },
        })
    }
}

/// The right position as what the device should have sent. `None`: it is not known.
fn right_body(rejected: &RejectPosition, online_tracking: bool) -> Option<Body> {
    let position = Some(right_position(rejected)?);
    Some(match rejected.ground_kind {
        Some(ground_kind) => Body::GroundPosition(GroundPosition {
            position,
            online_tracking,
            ground_kind,
            ground_type: record::ground_type(ground_kind),
        }),
        None => Body::Position(AircraftPosition {
            position,
            online_tracking,
            aircraft_kind: rejected.aircraft_kind.unwrap_or_default(),
            speed_kmh: rejected.speed_kmh.unwrap_or_default(),
            climb_mps: rejected.climb_mps.unwrap_or_default(),
            course_deg: rejected.course_deg,
            ..AircraftPosition::default()
        }),
    })
}

fn right_position(rejected: &RejectPosition) -> Option<v1::Position> {
    rejected.position.filter(|at| Position::new(at.latitude_deg, at.longitude_deg).is_on_earth())
}

impl Device {
    /// Takes a wrong position out of what is live: the right one takes its place, or the one before it, or none.
    pub(super) fn reject_position(&mut self, rejected: &RejectPosition, changed: &mut Changed) {
        let right = right_position(rejected);
        // The history, from which the time comes, has milliseconds.
        let is_of = |event_at_us: u64| event_at_us / 1_000 == rejected.event_at_us / 1_000;
        let to_position = |sent: v1::Position| Position::new(sent.latitude_deg, sent.longitude_deg);
        let mut before = right.map(|at| (rejected.event_at_us, to_position(at)));
        if let Some(aircraft) = self.aircraft.as_mut().filter(|aircraft| is_of(aircraft.event_at_us)) {
            match right {
                Some(at) => aircraft.move_to(at),
                None => before = aircraft.step_back(),
            }
            if before.is_none() {
                self.aircraft = None;
            }
            changed.aircraft = true;
        }
        if let Some(ground) = self.ground.as_mut().filter(|ground| is_of(ground.state.event_at_us)) {
            ground.state.position = right;
            if right.is_none() {
                self.ground = None;
            }
            changed.ground = true;
        }
        if let Some(alert) = self.alert.as_mut().filter(|alert| is_of(alert.state.refreshed_at_us)) {
            alert.state.position = right;
            changed.alert = true;
        }
        self.score.replace(is_of, before);
    }
}
