//! Orders by people, applied in their place among the frames.

use schemas::v1::command::Action;
use schemas::v1::{AlertResolution, Command};

use crate::core::device::{Device, Moment};
use crate::core::outputs::Outputs;
use crate::core::publish::Changed;

/// A repeat is recognised among so many.
const REMEMBERED: usize = 8;

impl Device {
    /// Applies an order; whether it was one, and new: a repeat changes nothing.
    pub fn obey(&mut self, command: &Command, at: &Moment<'_>, out: &mut Outputs) -> bool {
        let Some(action) = &command.action else { return false };
        if self.is_repeat(&command.command_id) {
            return false;
        }
        let mut changed = Changed::default();
        match action {
            Action::Hide(_) => self.consent.hidden_by_command = true,
            Action::Show(_) => self.consent.hidden_by_command = false,
            Action::Deny(_) => self.consent.denied = true,
            Action::Allow(_) => self.consent.denied = false,
            Action::Erase(_) => {
                (self.aircraft, self.ground, self.station, self.alert) = (None, None, None, None);
            }
            Action::ResetScore(_) => {
                self.score.reset();
                out.scores.push(self.score_change(at.offset));
            }
            Action::AcknowledgeAlert(told) => {
                self.acknowledge(told.alert_id, command, &mut changed);
            }
            Action::ResolveAlert(told) => {
                let clock_us = at.clock_us;
                let alert = self.alert.as_mut().filter(|alert| alert.state.alert_id == told.alert_id);
                if let Some(alert) = alert.filter(|alert| alert.is_standing()) {
                    alert.resolve(clock_us, AlertResolution::Operator, clock_us);
                    // A person has looked: frames may resolve again.
                    self.rare_mut().raised.0.clear();
                    changed = Changed::all();
                }
            }
        }
        self.publish(changed, at, out);
        if matches!(action, Action::Erase(_)) {
            self.forget();
        }
        self.remember(&command.command_id);
        self.last_seen_us = self.last_seen_us.max(at.clock_us);
        true
    }

    fn acknowledge(&mut self, alert_id: u64, command: &Command, changed: &mut Changed) {
        let Some(alert) = self.alert.as_mut().filter(|alert| alert.state.alert_id == alert_id) else { return };
        if alert.is_standing() {
            alert.acknowledge(command.issued_at_us, &command.issued_by);
            changed.alert = true;
        }
    }

    fn is_repeat(&self, command_id: &str) -> bool {
        !command_id.is_empty()
            && self.rare.as_ref().is_some_and(|rare| rare.command_ids.iter().any(|known| **known == *command_id))
    }

    fn remember(&mut self, command_id: &str) {
        let known = &mut self.rare_mut().command_ids;
        if known.len() == REMEMBERED {
            known.remove(0);
        }
        known.push(command_id.into());
    }
}
