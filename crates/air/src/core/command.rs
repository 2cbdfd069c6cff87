//! Commands of operators, pilots and rescuers, applied in order among the frames.

use schemas::v1::command::Action;
use schemas::v1::{AlertResolution, AlertStatus, Command};

use crate::core::device::{ApplyContext, Device};
use crate::core::outputs::Outputs;
use crate::core::shown::Changed;

/// A repeat is recognised among this many latest commands.
const REMEMBERED: usize = 8;

impl Device {
    /// Applies a command. Returns whether it was a new command with an action; a repeat changes nothing.
    pub fn apply_command(&mut self, command: &Command, context: &ApplyContext<'_>, out: &mut Outputs) -> bool {
        let Some(action) = &command.action else { return false };
        if self.is_repeat(&command.command_id) {
            return false;
        }
        let mut changed = Changed::default();
        match action {
            Action::Hide(_) => self.consent.hide_by_command(true, context.clock_us),
            Action::Show(_) => self.consent.hide_by_command(false, context.clock_us),
            Action::Deny(_) => self.consent.deny(true, context.clock_us),
            Action::Allow(_) => self.consent.deny(false, context.clock_us),
            Action::HideName(_) | Action::ShowName(_) => {
                self.consent.hide_name(matches!(action, Action::HideName(_)));
                changed = Changed::all();
            }
            Action::Erase(_) => {
                self.consent.erase(context.clock_us);
                self.end_objects();
            }
            Action::ResetScore(_) => {
                self.score.reset();
                out.scores.push(self.score_change(context.offset, context.settings));
            }
            Action::RejectPosition(rejected) => self.reject_position(rejected, &mut changed),
            // For the history: what is live rests on newer positions.
            Action::AcceptPosition(_) => {}
            Action::AcknowledgeAlert(target) => {
                self.acknowledge(target.alert_id, command, &mut changed);
            }
            Action::ResolveAlert(target) => {
                self.resolve_by_command(target.alert_id, command, context.clock_us, &mut changed);
            }
        }
        self.publish(changed, context, out);
        if matches!(action, Action::Erase(_)) {
            self.forget();
        }
        self.remember(&command.command_id);
        self.last_seen_us = self.last_seen_us.max(context.clock_us);
        true
    }

    fn acknowledge(&mut self, alert_id: u64, command: &Command, changed: &mut Changed) {
        let Some(alert) = self.alert.as_mut().filter(|alert| alert.state.alert_id == alert_id) else { return };
        // Of two that acknowledge it the first one stays.
        if alert.state.status() == AlertStatus::Open {
            alert.acknowledge(command.issued_at_us, &command.issued_by);
            changed.alert = true;
        }
    }

    fn resolve_by_command(&mut self, alert_id: u64, command: &Command, clock_us: u64, changed: &mut Changed) {
        let alert = self.alert.as_mut().filter(|alert| alert.state.alert_id == alert_id && alert.is_standing());
        let Some(alert) = alert else { return };
        alert.resolve(clock_us, AlertResolution::Operator, clock_us);
        alert.state.resolved_by = Some(command.issued_by.clone());
        // A person has checked: frames may resolve again.
        self.rare_mut().raised.0.clear();
        *changed = Changed::all();
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
