//! Who sees what of a device: the one place where states leave the core, so the one place that keeps secrets.

use schemas::v1::{AlertKind, Audience, ObjectKind};

use crate::core::alert::is_distress;
use crate::core::device::{Device, Moment};
use crate::core::outputs::{Content, Outputs, StateChange};
use crate::core::settings::Settings;

/// Which states of a device have new content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The aircraft.
    pub aircraft: bool,
    /// The ground object.
    pub ground: bool,
    /// The weather station.
    pub station: bool,
    /// The alert.
    pub alert: bool,
    /// Somebody calls for help in this very record.
    pub urgent: bool,
}

impl Changed {
    /// All that there is.
    pub fn all() -> Self {
        Self { aircraft: true, ground: true, station: true, alert: true, urgent: false }
    }

    /// A call for help: told by the alert and by the object that calls.
    pub fn call(&mut self) {
        (self.aircraft, self.ground, self.alert, self.urgent) = (true, true, true, true);
    }
}

/// Where the states of a device are shown; a byte each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    aircraft: u8,
    ground: u8,
    station: u8,
    alert: u8,
}

impl Shown {
    const KINDS: [ObjectKind; 4] = [ObjectKind::Aircraft, ObjectKind::Ground, ObjectKind::Station, ObjectKind::Alert];

    /// Where each is shown.
    pub fn new(aircraft: Audience, ground: Audience, station: Audience, alert: Audience) -> Self {
        let [aircraft, ground, station, alert] = [aircraft, ground, station, alert].map(|audience| audience as u8);
        Self { aircraft, ground, station, alert }
    }

    /// Where one of them is shown.
    pub fn of(&self, kind: ObjectKind) -> Audience {
        let number = match kind {
            ObjectKind::Aircraft => self.aircraft,
            ObjectKind::Ground => self.ground,
            ObjectKind::Station => self.station,
            ObjectKind::Alert => self.alert,
            _ => 0,
        };
        Audience::try_from(i32::from(number)).unwrap_or_default()
    }

    /// The private topic holds one object per device beside its alert.
    fn private_object(&self) -> Option<ObjectKind> {
        Self::KINDS[..3].iter().copied().find(|kind| self.of(*kind) == Audience::Private)
    }
}

impl Device {
    /// Gives out what has changed, to those who may see it, and tombstones for those who may not any more.
    pub fn publish(&mut self, changed: Changed, at: &Moment<'_>, out: &mut Outputs) {
        let wanted = self.wanted(at.settings);
        if wanted == self.shown && changed == Changed::default() {
            return;
        }
        let before = std::mem::replace(&mut self.shown, wanted);
        self.withdraw(&before, at, out);
        for kind in Shown::KINDS {
            let audience = wanted.of(kind);
            let is_new = match kind {
                ObjectKind::Aircraft => changed.aircraft,
                ObjectKind::Ground => changed.ground,
                ObjectKind::Station => changed.station,
                _ => changed.alert,
            };
            if audience != Audience::Unspecified && (is_new || before.of(kind) != audience) {
                self.set_version(kind, at.offset);
                out.states.extend(self.state(kind, at.settings));
                out.urgent |= changed.urgent && kind == ObjectKind::Alert;
            }
        }
    }

    /// The state of a kind as it was last given out. `None`: nobody may see it.
    pub fn state(&self, kind: ObjectKind, settings: &Settings) -> Option<StateChange> {
        let audience = self.shown.of(kind);
        if audience == Audience::Unspecified {
            return None;
        }
        let named = audience == Audience::Private || !self.is_hidden(settings);
        let name = self.name.as_deref().filter(|_| named).map(str::to_owned);
        let alert_kind = self.alert.as_ref().filter(|alert| alert.is_standing()).map(|alert| alert.state.alert_kind);
        let alert_kind = alert_kind.filter(|kind| named || AlertKind::try_from(*kind).is_ok_and(is_distress));
        let unverified = !self.score.is_published();
        let (content, version, at_us) = match kind {
            ObjectKind::Aircraft => {
                let mut state = self.aircraft.as_ref()?.state(self.address);
                (state.name, state.received_by, state.unverified) = (name, self.received_by(), unverified);
                state.alert_kind = alert_kind;
                let told = (state.version, state.event_at_us);
                (Content::Aircraft(state), told.0, told.1)
            }
            ObjectKind::Ground => {
                let mut state = self.ground.as_ref()?.state.clone();
                (state.name, state.received_by, state.unverified) = (name, self.received_by(), unverified);
                state.alert_kind = alert_kind;
                let told = (state.version, state.event_at_us);
                (Content::Ground(state), told.0, told.1)
            }
            ObjectKind::Station => {
                let mut state = self.station.as_ref()?.state.clone();
                (state.name, state.received_by) = (name, self.received_by());
                let told = (state.version, state.event_at_us);
                (Content::Station(state), told.0, told.1)
            }
            ObjectKind::Alert => {
                let alert = self.alert.as_ref()?;
                let mut state = alert.state.clone();
                state.name = name;
                if !named && !alert.is_standing() {
                    // That it is over may be known; where a hidden device is, only while it calls for help.
                    state.position = None;
                }
                let told = (state.version, state.resolved_at_us.unwrap_or(state.refreshed_at_us));
                (Content::Alert(state), told.0, told.1)
            }
            _ => return None,
        };
        Some(StateChange { device: self.address, version, at_us, audience, content })
    }

    /// All states that somebody may see.
    pub fn states(&self, settings: &Settings) -> impl Iterator<Item = StateChange> {
        Shown::KINDS.into_iter().filter_map(|kind| self.state(kind, settings))
    }

    fn withdraw(&self, before: &Shown, at: &Moment<'_>, out: &mut Outputs) {
        let mut gone = |kind: ObjectKind, audience: Audience| {
            out.states.push(StateChange {
                device: self.address,
                version: at.offset,
                at_us: at.clock_us,
                audience,
                content: Content::Gone(kind),
            });
        };
        for kind in Shown::KINDS {
            if before.of(kind) == Audience::Public && self.shown.of(kind) != Audience::Public {
                gone(kind, Audience::Public);
            }
        }
        if let Some(kind) = before.private_object().filter(|_| self.shown.private_object().is_none()) {
            gone(kind, Audience::Private);
        }
        let alert = |shown: &Shown| shown.of(ObjectKind::Alert);
        if alert(before) == Audience::Private && alert(&self.shown) != Audience::Private {
            gone(ObjectKind::Alert, Audience::Private);
        }
    }

    fn wanted(&self, settings: &Settings) -> Shown {
        let hidden = self.is_hidden(settings);
        // Who is on the deny list cries wolf.
        let heeded = !self.consent.denied;
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

    fn set_version(&mut self, kind: ObjectKind, version: u64) {
        match kind {
            ObjectKind::Aircraft => self.aircraft.as_mut().map(|aircraft| aircraft.version = version),
            ObjectKind::Ground => self.ground.as_mut().map(|ground| ground.state.version = version),
            ObjectKind::Station => self.station.as_mut().map(|station| station.state.version = version),
            _ => self.alert.as_mut().map(|alert| alert.state.version = version),
        };
    }
}
