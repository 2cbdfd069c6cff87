//! Audience of a device's states: the one place where states leave the core, so the one place that enforces privacy.

use schemas::alert::is_distress;
use schemas::object::{Kind, State};
use schemas::v1::{AlertKind, Audience};

use crate::core::device::{ApplyContext, Device};
use crate::core::outputs::{Outputs, PrivacyChange, StateChange};
use crate::core::settings::Settings;
use crate::core::shown::{Changed, Shown};
use crate::core::text::Text;

impl Device {
    /// Emits changed states to the audiences that may see them, and tombstones to those that may no longer.
    pub fn publish(&mut self, changed: Changed, context: &ApplyContext<'_>, out: &mut Outputs) {
        self.publish_public_past(context, out);
        self.publish_landmarks(changed.landmarks, context, out);
        let wanted = self.wanted(context.settings);
        if wanted == self.shown && changed == Changed::default() {
            self.end_hidden_stays(context.settings);
            return;
        }
        let before = std::mem::replace(&mut self.shown, wanted);
        self.end_hidden_stays(context.settings);
        self.withdraw(&before, context, out);
        for kind in Shown::KINDS {
            let audience = wanted.of(kind);
            let is_new = match kind {
                Kind::Aircraft => changed.aircraft,
                Kind::Ground => changed.ground,
                Kind::Station => changed.station,
                Kind::Alert => changed.alert,
                Kind::Thermal | Kind::Receiver | Kind::Landmark => false,
            };
            if audience != Audience::Unspecified && (is_new || before.of(kind) != audience) {
                self.set_version(kind, context.offset);
                out.states.extend(self.state(kind, context.settings));
                out.urgent |= changed.urgent && kind == Kind::Alert;
            }
        }
    }

    /// Publishes the public past, where it has changed.
    pub(super) fn publish_public_past(&mut self, context: &ApplyContext<'_>, out: &mut Outputs) {
        if self.consent.update_public_past(context.settings.privacy, context.offset) {
            let state = self.consent.state(self.address);
            out.privacy.extend(state.map(|state| PrivacyChange { at_us: context.clock_us, state }));
        }
    }

    /// The state of a kind as it was last published. `None`: it is not published.
    pub fn state(&self, kind: Kind, settings: &Settings) -> Option<StateChange> {
        let audience = self.shown.of(kind);
        if audience == Audience::Unspecified {
            return None;
        }
        let is_seen = audience == Audience::Private || !self.is_hidden(settings);
        let named = audience == Audience::Private || is_seen && !self.consent.hides_name();
        let name = self.name.as_deref().filter(|_| named).map(str::to_owned);
        let alert_kind = self.alert.as_ref().filter(|alert| alert.is_standing()).map(|alert| alert.state.alert_kind);
        let alert_kind = alert_kind.filter(|kind| is_seen || AlertKind::try_from(*kind).is_ok_and(is_distress));
        let unverified = !self.score.is_published();
        // What was sent while the device was hidden stays hidden.
        let may_be_shown = |text: &&Text| audience == Audience::Private || self.consent.public_past().shows(text.at_us);
        let text_at = |event_at_us: u64| self.text_at(event_at_us).filter(|_| named).filter(may_be_shown);
        let text_of = |text: &Text| text.text.to_string();
        let state = match kind {
            Kind::Aircraft => {
                let mut state = self.aircraft.as_ref()?.state(self.address);
                (state.name, state.received_by, state.unverified) = (name, self.received_by(), unverified);
                (state.alert_kind, state.address_conflict) = (alert_kind, self.has_conflict());
                let text = text_at(state.event_at_us);
                (state.text, state.text_at_us) = (text.map(text_of), text.map(|text| text.at_us));
                State::Aircraft(state)
            }
            Kind::Ground => {
                let mut state = self.ground.as_ref()?.state.clone();
                (state.name, state.received_by, state.unverified) = (name, self.received_by(), unverified);
                state.alert_kind = alert_kind;
                let text = text_at(state.event_at_us);
                (state.text, state.text_at_us) = (text.map(text_of), text.map(|text| text.at_us));
                State::Ground(state)
            }
            Kind::Station => {
                let mut state = self.station.as_ref()?.state.clone();
                (state.name, state.received_by) = (name, self.received_by());
                State::Station(state)
            }
            Kind::Alert => {
                let alert = self.alert.as_ref()?;
                let mut state = alert.state.clone();
                state.name = name;
                if !is_seen && !alert.is_standing() {
                    // The end of an alert is public; the position of a hidden device is public only while it calls for
                    // help.
                    state.position = None;
                }
                State::Alert(state)
            }
            Kind::Thermal | Kind::Receiver | Kind::Landmark => return None,
        };
        let at_us = match &state {
            State::Alert(alert) => alert.resolved_at_us.unwrap_or(alert.refreshed_at_us),
            state => state.event_at_us(),
        };
        let (device, number, version) = (self.address, self.address.into(), state.version());
        Some(StateChange { device, number, version, at_us, audience, kind, state: Some(state) })
    }

    /// All published states.
    pub fn states(&self, settings: &Settings) -> impl Iterator<Item = StateChange> {
        let of_device = Shown::KINDS.into_iter().filter_map(|kind| self.state(kind, settings));
        of_device.chain(self.landmark_states())
    }

    fn withdraw(&self, before: &Shown, context: &ApplyContext<'_>, out: &mut Outputs) {
        let mut withdraw = |kind: Kind, audience: Audience| {
            out.states.push(StateChange {
                device: self.address,
                number: self.address.into(),
                version: context.offset,
                at_us: context.clock_us,
                audience,
                kind,
                state: None,
            });
        };
        for kind in Shown::KINDS {
            if before.of(kind) == Audience::Public && self.shown.of(kind) != Audience::Public {
                withdraw(kind, Audience::Public);
            }
        }
        if let Some(kind) = before.private_object().filter(|_| self.shown.private_object().is_none()) {
            withdraw(kind, Audience::Private);
        }
        let alert = |shown: &Shown| shown.of(Kind::Alert);
        if alert(before) == Audience::Private && alert(&self.shown) != Audience::Private {
            withdraw(Kind::Alert, Audience::Private);
        }
    }

    fn wanted(&self, settings: &Settings) -> Shown {
        let hidden = self.is_hidden(settings);
        // Calls of a device on the deny list are ignored: it raises false alarms.
        let heeded = !self.consent.is_denied();
        let distress = heeded && self.alert.as_ref().is_some_and(|alert| alert.is_standing_distress());
        let trusted = self.score.is_published();
        let by_trust = |trusted: bool, hidden: bool| match (trusted, hidden) {
            (false, _) => Audience::Unspecified,
            (true, true) => Audience::Private,
            (true, false) => Audience::Public,
        };
        let mobile = by_trust(trusted || distress, hidden && !distress);
        let alert = self.alert.as_ref().map(|alert| {
            let for_all = heeded && is_distress(alert.state.alert_kind());
            by_trust(trusted || for_all, hidden && !for_all)
        });
        Shown::new(
            self.aircraft.as_ref().map_or(Audience::Unspecified, |_| mobile),
            self.ground.as_ref().map_or(Audience::Unspecified, |_| mobile),
            self.station.as_ref().map_or(Audience::Unspecified, |_| by_trust(trusted, hidden)),
            alert.unwrap_or(Audience::Unspecified),
        )
    }

    fn set_version(&mut self, kind: Kind, version: u64) {
        match kind {
            Kind::Aircraft => self.aircraft.as_mut().map(|aircraft| aircraft.version = version),
            Kind::Ground => self.ground.as_mut().map(|ground| ground.state.version = version),
            Kind::Station => self.station.as_mut().map(|station| station.state.version = version),
            Kind::Alert => self.alert.as_mut().map(|alert| alert.state.version = version),
            Kind::Thermal | Kind::Receiver | Kind::Landmark => None,
        };
    }
}
