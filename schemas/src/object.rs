//! The kinds of objects in the air picture, the newest state of an object and its short form for clients. A new kind
//! begins here: the compiler names the places that have to handle it.

use serde::{Serialize, Serializer};

use crate::catalogue::topic;
use crate::id::{DeviceAddress, RecordId};
use crate::v1;
use crate::v1::private_state;

/// The kinds of objects, each from a topic of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Flying, or able to.
    Aircraft,
    /// On the ground, after a type 7 frame.
    Ground,
    /// Rising air.
    Thermal,
    /// Measures the weather.
    Station,
    /// Hears frames.
    Receiver,
    /// A call for help.
    Alert,
    /// A mark on the map that a device broadcasts.
    Landmark,
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Aircraft, Self::Ground, Self::Thermal, Self::Station, Self::Receiver, Self::Alert, Self::Landmark];

    /// From 0.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The same on the wire.
    pub fn wire(self) -> v1::ObjectKind {
        match self {
            Self::Aircraft => v1::ObjectKind::Aircraft,
            Self::Ground => v1::ObjectKind::Ground,
            Self::Thermal => v1::ObjectKind::Thermal,
            Self::Station => v1::ObjectKind::Station,
            Self::Receiver => v1::ObjectKind::Receiver,
            Self::Alert => v1::ObjectKind::Alert,
            Self::Landmark => v1::ObjectKind::Landmark,
        }
    }

    /// The kind of a number of the wire; `None`: unknown.
    pub fn from_wire(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.wire() as i32 == number)
    }

    /// Its name in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aircraft => "aircraft",
            Self::Ground => "ground",
            Self::Thermal => "thermal",
            Self::Station => "station",
            Self::Receiver => "receiver",
            Self::Alert => "alert",
            Self::Landmark => "landmark",
        }
    }

    /// The kind of a name in URLs. `None`: unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The topic whose records they are, without prefix.
    pub fn topic(self) -> &'static str {
        match self {
            Self::Aircraft => topic::AIRCRAFT,
            Self::Ground => topic::GROUND,
            Self::Thermal => topic::THERMAL,
            Self::Station => topic::STATION,
            Self::Receiver => topic::RECEIVER,
            Self::Alert => topic::ALERT,
            Self::Landmark => topic::LANDMARK,
        }
    }

    /// The record key of a numbered object: of a thermal or landmark by its record id, of other objects by the device's address.
    /// `None`: receivers have no number.
    pub fn key(self, number: u64) -> Option<String> {
        match self {
            Self::Aircraft | Self::Ground | Self::Station | Self::Alert => {
                u32::try_from(number).ok().map(|device| DeviceAddress(device).to_string())
            }
            Self::Thermal | Self::Landmark => Some(RecordId(number).to_string()),
            Self::Receiver => None,
        }
    }

    /// The number in a record key, see [`Kind::key`]. `None`: the text is not a key of this kind, or keys of this kind have
    /// no number.
    pub fn parse_key(self, key: &str) -> Option<u64> {
        match self {
            Self::Aircraft | Self::Ground | Self::Station | Self::Alert => {
                key.parse::<DeviceAddress>().ok().map(|device| device.0.into())
            }
            Self::Thermal | Self::Landmark => key.parse::<RecordId>().ok().map(|id| id.0),
            Self::Receiver => None,
        }
    }
}

/// Some of the kinds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct KindSet(u8);

impl KindSet {
    /// Every kind.
    pub const ALL: Self = Self((1 << Kind::COUNT) - 1);

    /// Whether the kind is among them.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind.index()) != 0
    }

    /// Those that are.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<T: IntoIterator<Item = Kind>>(kinds: T) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind.index()))
    }
}

/// The newest state of one object, as in the topics.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names of the kinds")]
pub enum State {
    Aircraft(v1::AircraftState),
    Ground(v1::GroundState),
    Thermal(v1::ThermalState),
    Station(v1::StationState),
    Receiver(v1::ReceiverState),
    Alert(v1::AlertState),
    Landmark(v1::LandmarkState),
}

impl State {
    /// What it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Aircraft(_) => Kind::Aircraft,
            Self::Ground(_) => Kind::Ground,
            Self::Thermal(_) => Kind::Thermal,
            Self::Station(_) => Kind::Station,
            Self::Receiver(_) => Kind::Receiver,
            Self::Alert(_) => Kind::Alert,
            Self::Landmark(_) => Kind::Landmark,
        }
    }

    /// The offset that made it.
    pub fn version(&self) -> u64 {
        match self {
            Self::Aircraft(state) => state.version,
            Self::Ground(state) => state.version,
            Self::Thermal(state) => state.version,
            Self::Station(state) => state.version,
            Self::Receiver(state) => state.version,
            Self::Alert(state) => state.version,
            Self::Landmark(state) => state.version,
        }
    }

    /// Where it is, if it is known.
    pub fn position(&self) -> Option<&v1::Position> {
        match self {
            Self::Aircraft(state) => state.position.as_ref(),
            Self::Ground(state) => state.position.as_ref(),
            Self::Thermal(state) => state.position.as_ref(),
            Self::Station(state) => state.position.as_ref(),
            Self::Receiver(state) => state.position.as_ref(),
            Self::Alert(state) => state.position.as_ref(),
            Self::Landmark(state) => state.points.first(),
        }
    }

    /// The device it is about; thermals and receivers are about none. Neither is a landmark: it stays where it is, and does not
    /// follow the device that broadcasts it.
    pub fn device(&self) -> Option<u32> {
        match self {
            Self::Aircraft(state) => Some(state.device),
            Self::Ground(state) => Some(state.device),
            Self::Station(state) => Some(state.device),
            Self::Alert(state) => Some(state.device),
            Self::Thermal(_) | Self::Receiver(_) | Self::Landmark(_) => None,
        }
    }

    /// Its name, where it has one and it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Aircraft(state) => state.name.as_deref(),
            Self::Ground(state) => state.name.as_deref(),
            Self::Station(state) => state.name.as_deref(),
            Self::Alert(state) => state.name.as_deref(),
            Self::Landmark(state) => state.name.as_deref(),
            Self::Thermal(_) | Self::Receiver(_) => None,
        }
    }

    /// The time of its newest position or value, microseconds since the epoch.
    pub fn event_at_us(&self) -> u64 {
        match self {
            Self::Aircraft(state) => state.event_at_us,
            Self::Ground(state) => state.event_at_us,
            Self::Thermal(state) => state.last_seen_at_us,
            Self::Station(state) => state.event_at_us,
            Self::Receiver(state) => state.last_seen_at_us,
            Self::Alert(state) => state.refreshed_at_us,
            Self::Landmark(state) => state.event_at_us,
        }
    }

    /// True for what no batch may hold back: a call for help that stands.
    pub fn is_urgent(&self) -> bool {
        let distress = |kind: Option<i32>| {
            [v1::AlertKind::Distress as i32, v1::AlertKind::AutomaticDistress as i32]
                .contains(&kind.unwrap_or_default())
        };
        match self {
            Self::Aircraft(state) => distress(state.alert_kind),
            Self::Ground(state) => distress(state.alert_kind),
            Self::Alert(state) => state.status == v1::AlertStatus::Open as i32,
            Self::Thermal(_) | Self::Station(_) | Self::Receiver(_) | Self::Landmark(_) => false,
        }
    }

    /// The record of a hidden device. `None`: thermals, receivers and landmarks have no private form.
    pub fn into_private(self) -> Option<v1::PrivateState> {
        let state = match self {
            Self::Aircraft(state) => private_state::State::Aircraft(state),
            Self::Ground(state) => private_state::State::Ground(state),
            Self::Station(state) => private_state::State::Station(state),
            Self::Alert(state) => private_state::State::Alert(state),
            Self::Thermal(_) | Self::Receiver(_) | Self::Landmark(_) => return None,
        };
        Some(v1::PrivateState { state: Some(state) })
    }
}

/// The JSON form of the message itself.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Aircraft(state) => state.serialize(serializer),
            Self::Ground(state) => state.serialize(serializer),
            Self::Thermal(state) => state.serialize(serializer),
            Self::Station(state) => state.serialize(serializer),
            Self::Receiver(state) => state.serialize(serializer),
            Self::Alert(state) => state.serialize(serializer),
            Self::Landmark(state) => state.serialize(serializer),
        }
    }
}

/// The short form of a state, as it travels over the WebSocket.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names of the kinds")]
pub enum Update {
    Aircraft(v1::AircraftUpdate),
    Ground(v1::GroundUpdate),
    Thermal(v1::ThermalUpdate),
    Station(v1::StationUpdate),
    Receiver(v1::ReceiverUpdate),
    Alert(v1::AlertUpdate),
    Landmark(v1::LandmarkUpdate),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_has_every_kind_at_its_index() {
        let wire_kinds = (1..).map_while(|number| v1::ObjectKind::try_from(number).ok());
        assert_eq!(wire_kinds.count(), Kind::COUNT);
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert_eq!(Kind::from_wire(kind.wire().into()), Some(kind));
            assert_eq!(Kind::from_name(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn keys_round_trip() {
        for kind in Kind::ALL {
            let key = kind.key(0x11_0B90);
            assert_eq!(key.as_deref().and_then(|key| kind.parse_key(key)), key.as_ref().map(|_| 0x11_0B90), "{kind:?}");
        }
        assert_eq!(Kind::Aircraft.key(0x11_0B90).as_deref(), Some("110B90"));
        assert_eq!(Kind::Receiver.key(7), None);
        assert_eq!(Kind::Thermal.parse_key("110B9"), None);
        assert_eq!(Kind::Aircraft.key(u64::MAX), None, "not an address");
    }
}
