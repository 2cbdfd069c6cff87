//! What the WebSocket protocol packs or names by convention. The map page's copy is generated from the constants here.

use crate::v1::AircraftState;

/// The subprotocol of binary Protobuf messages.
pub const SUBPROTOCOL_PROTO: &str = "updraft.v1.proto";
/// The subprotocol of the same messages as JSON.
pub const SUBPROTOCOL_JSON: &str = "updraft.v1.json";
/// Before an access token or API key that a browser offers beside the real subprotocol. The server never answers with it.
pub const SUBPROTOCOL_BEARER_PREFIX: &str = "updraft.bearer.";

/// In `AircraftUpdate.kind_and_phase` the flight phase begins at this bit.
pub const PHASE_SHIFT: u32 = 5;
/// In `AircraftUpdate.kind_and_phase` the alert kind begins at this bit.
pub const ALERT_SHIFT: u32 = 10;

const MASK: u32 = (1 << PHASE_SHIFT) - 1;

/// What `AircraftUpdate.kind_and_phase` holds: numbers of the enumerations, each below 32 but the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindAndPhase {
    /// AircraftKind.
    pub kind: u32,
    /// FlightPhase.
    pub phase: u32,
    /// AlertKind; 0: no alert.
    pub alert: u32,
}

impl KindAndPhase {
    /// Those of a state.
    pub fn of(state: &AircraftState) -> Self {
        let number = |value: i32| u32::try_from(value).unwrap_or_default();
        Self {
            kind: number(state.aircraft_kind),
            phase: number(state.flight_phase),
            alert: number(state.alert_kind.unwrap_or_default()),
        }
    }

    /// As one number; what does not fit its bits is cut off.
    pub fn pack(self) -> u32 {
        (self.kind & MASK) | (self.phase & MASK) << PHASE_SHIFT | self.alert << ALERT_SHIFT
    }

    /// Back from the number.
    pub fn unpack(packed: u32) -> Self {
        Self { kind: packed & MASK, phase: (packed >> PHASE_SHIFT) & MASK, alert: packed >> ALERT_SHIFT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_round_trip() {
        for kind in 0..32 {
            for phase in 0..32 {
                for alert in [0, 9, 16, 1_000] {
                    let numbers = KindAndPhase { kind, phase, alert };
                    assert_eq!(KindAndPhase::unpack(numbers.pack()), numbers);
                }
            }
        }
    }

    #[test]
    fn the_packed_form_stays_as_published() {
        assert_eq!(KindAndPhase { kind: 2, phase: 3, alert: 15 }.pack(), 2 + 32 * 3 + 1024 * 15);
    }
}
