//! Which states of a device have changed, and where each is shown.

use schemas::object::Kind;
use schemas::v1::Audience;

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
    /// All landmarks; one that is new is published without it.
    pub landmarks: bool,
    /// This record is a call for help.
    pub urgent: bool,
}

impl Changed {
    /// All that there is.
    pub fn all() -> Self {
        Self { aircraft: true, ground: true, station: true, alert: true, landmarks: true, urgent: false }
    }

    /// A call for help: changes the alert and the object that calls.
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
    /// The kinds that are states of a device.
    pub(super) const KINDS: [Kind; 4] = [Kind::Aircraft, Kind::Ground, Kind::Station, Kind::Alert];

    /// Where each is shown.
    pub fn new(aircraft: Audience, ground: Audience, station: Audience, alert: Audience) -> Self {
        let [aircraft, ground, station, alert] = [aircraft, ground, station, alert].map(|audience| audience as u8);
        Self { aircraft, ground, station, alert }
    }

    /// Where one of them is shown.
    pub fn of(&self, kind: Kind) -> Audience {
        let number = match kind {
            Kind::Aircraft => self.aircraft,
            Kind::Ground => self.ground,
            Kind::Station => self.station,
            Kind::Alert => self.alert,
            Kind::Thermal | Kind::Receiver | Kind::Landmark => 0,
        };
        Audience::try_from(i32::from(number)).unwrap_or_default()
    }

    /// The private topic holds one object per device beside its alert.
    pub(super) fn private_object(&self) -> Option<Kind> {
        Self::KINDS[..3].iter().copied().find(|kind| self.of(*kind) == Audience::Private)
    }
}
