//! Calls for help: open, acknowledged, resolved. The core is their only writer.
//!
//! Forged frames can raise a false alert, never resolve a true one: an alert of a device without trust is marked
//! unverified; a device that opened `MAX_ALERTS_PER_HOUR` alerts within an hour cannot close them by frames any more,
//! so that the map does not flicker and an operator has to check.

use schemas::alert::is_distress;
use schemas::v1::{AlertKind, AlertMemory, AlertResolution, AlertState, AlertStatus, Audience, GroundKind, Position};

use crate::core::settings::{HOUR_US, SECOND_US};

/// After this number of alerts of a device within an hour, its frames no longer resolve them.
const MAX_ALERTS_PER_HOUR: usize = 3;
/// Two normal frames resolve an alert when the second comes at least this long after the first, microseconds.
const NORMAL_US: u64 = 10 * SECOND_US;

/// The alert that a ground kind calls for.
pub fn kind_of(ground: GroundKind) -> Option<AlertKind> {
    match ground {
        GroundKind::NeedRide => Some(AlertKind::NeedRide),
        GroundKind::NeedTechnicalSupport => Some(AlertKind::NeedTechnicalSupport),
        GroundKind::NeedMedicalHelp => Some(AlertKind::NeedMedicalHelp),
        GroundKind::Distress => Some(AlertKind::Distress),
        GroundKind::AutomaticDistress => Some(AlertKind::AutomaticDistress),
        _ => None,
    }
}

/// A device's alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The published state, without the name.
    pub state: AlertState,
    normal_since_us: u64,
    /// When it was resolved, by the partition's clock; 0: it is not.
    pub resolved_us: u64,
}

/// A frame that calls for help.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The observation.
    pub observation_id: u64,
    /// When.
    pub event_at_us: u64,
    /// For what.
    pub kind: AlertKind,
    /// Where, if it was sent.
    pub position: Option<Position>,
    /// The device has not earned trust, or the position is not plausible.
    pub unverified: bool,
}

impl Alert {
    /// Opens an alert.
    pub fn open(device: u32, call: &Call) -> Self {
        let state = AlertState {
            alert_id: call.observation_id,
            device,
            alert_kind: call.kind.into(),
            status: AlertStatus::Open.into(),
            opened_at_us: call.event_at_us,
            refreshed_at_us: call.event_at_us,
            position: call.position,
            unverified: call.unverified,
            ..AlertState::default()
        };
        Self { state, normal_since_us: 0, resolved_us: 0 }
    }

    /// Open or acknowledged.
    pub fn is_standing(&self) -> bool {
        self.state.status() != AlertStatus::Resolved
    }

    /// Stands, and is shown to all.
    pub fn is_standing_distress(&self) -> bool {
        self.is_standing() && is_distress(self.state.alert_kind())
    }

    /// Takes a repeated call. A call of a more severe kind has to be acknowledged again.
    pub fn refresh(&mut self, call: &Call) {
        let is_newer = call.event_at_us >= self.state.refreshed_at_us;
        if is_newer {
            self.normal_since_us = 0;
            self.state.refreshed_at_us = call.event_at_us;
        }
        if is_newer && (self.state.unverified || !call.unverified) {
            // Forged frames must not lead the helpers away.
            self.state.position = call.position.or(self.state.position);
        }
        self.state.unverified &= call.unverified;
        if i32::from(call.kind) > self.state.alert_kind {
            self.state.alert_kind = call.kind.into();
            self.state.status = AlertStatus::Open.into();
            (self.state.acknowledged_at_us, self.state.acknowledged_by) = (None, None);
        }
    }

    /// Takes a normal frame; true: it is the second, and late enough.
    pub fn note_normal_frame(&mut self, event_at_us: u64) -> bool {
        if event_at_us <= self.state.refreshed_at_us {
            return false;
        }
        if self.normal_since_us == 0 {
            self.normal_since_us = event_at_us;
        }
        event_at_us >= self.normal_since_us + NORMAL_US
    }

    /// An operator has acknowledged it.
    pub fn acknowledge(&mut self, at_us: u64, by: &str) {
        self.state.status = AlertStatus::Acknowledged.into();
        self.state.acknowledged_at_us = Some(at_us);
        self.state.acknowledged_by = Some(by.to_owned());
    }

    /// Resolves it.
    pub fn resolve(&mut self, at_us: u64, resolution: AlertResolution, clock_us: u64) {
        self.state.status = AlertStatus::Resolved.into();
        self.state.resolved_at_us = Some(at_us);
        self.state.set_resolution(resolution);
        self.resolved_us = clock_us.max(1);
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_checkpoint(&self, audience: Audience) -> AlertMemory {
        AlertMemory {
            state: Some(self.state.clone()),
            audience: audience.into(),
            normal_since_us: self.normal_since_us,
            resolved_us: self.resolved_us,
        }
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &AlertMemory) -> Self {
        Self {
            state: checkpoint.state.clone().unwrap_or_default(),
            normal_since_us: checkpoint.normal_since_us,
            resolved_us: checkpoint.resolved_us,
        }
    }
}

/// When a device raised alerts lately.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raised(pub Vec<u64>);

impl Raised {
    /// Counts one.
    pub fn count(&mut self, event_at_us: u64) {
        self.0.retain(|at_us| at_us + HOUR_US > event_at_us);
        self.0.push(event_at_us);
        let over = self.0.len().saturating_sub(MAX_ALERTS_PER_HOUR);
        self.0.drain(..over);
    }

    /// Whether frames may still resolve.
    pub fn may_resolve(&self, event_at_us: u64) -> bool {
        self.0.iter().filter(|at_us| **at_us + HOUR_US > event_at_us).count() < MAX_ALERTS_PER_HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(second: u64, kind: AlertKind) -> Call {
        Call { observation_id: second, event_at_us: second * SECOND_US, kind, position: None, unverified: true }
    }

    #[test]
    fn two_normal_frames_ten_seconds_apart_end_it() {
        let mut alert = Alert::open(1, &call(100, AlertKind::Distress));
        assert!(!alert.note_normal_frame(99 * SECOND_US), "older than the call");
        assert!(!alert.note_normal_frame(105 * SECOND_US));
        assert!(!alert.note_normal_frame(114 * SECOND_US));
        alert.refresh(&call(115, AlertKind::Distress));
        assert!(!alert.note_normal_frame(120 * SECOND_US), "a new call starts the count again");
        assert!(alert.note_normal_frame(130 * SECOND_US));
    }

    #[test]
    fn what_gets_worse_is_open_again() {
        let mut alert = Alert::open(1, &call(100, AlertKind::NeedRide));
        alert.acknowledge(1, "operator");
        alert.refresh(&call(101, AlertKind::NeedRide));
        assert_eq!(alert.state.status(), AlertStatus::Acknowledged);
        alert.refresh(&Call { unverified: false, ..call(102, AlertKind::Distress) });
        assert_eq!(alert.state.status(), AlertStatus::Open);
        assert_eq!((alert.state.alert_id, alert.state.unverified), (100, false));
        alert.refresh(&call(103, AlertKind::NeedRide));
        assert_eq!(alert.state.alert_kind(), AlertKind::Distress);
    }

    #[test]
    fn a_false_call_does_not_move_a_true_one() {
        let at = |latitude_deg| Some(Position { latitude_deg, longitude_deg: 13.0, altitude_m: None });
        let mut alert =
            Alert::open(1, &Call { position: at(46.0), unverified: false, ..call(100, AlertKind::Distress) });
        alert.refresh(&Call { position: at(10.0), ..call(110, AlertKind::Distress) });
        assert_eq!((alert.state.position, alert.state.unverified), (at(46.0), false));
        alert.refresh(&Call { position: at(46.1), unverified: false, ..call(120, AlertKind::Distress) });
        alert.refresh(&Call { position: None, unverified: false, ..call(130, AlertKind::Distress) });
        assert_eq!(alert.state.position, at(46.1));
    }

    #[test]
    fn flicker_is_latched_for_an_hour() {
        let mut raised = Raised::default();
        for minute in 0..3 {
            assert!(raised.may_resolve(minute * 60 * SECOND_US));
            raised.count(minute * 60 * SECOND_US);
        }
        assert!(!raised.may_resolve(180 * SECOND_US));
        assert!(raised.may_resolve(HOUR_US + SECOND_US));
    }
}
