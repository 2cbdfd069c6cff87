//! The commands that are sent to Redis: one call per kind and batch.

use redis::Cmd;
use schemas::id::DeviceAddress;
use schemas::object::Kind;
use schemas::redis::{PUT_FUNCTION, SWEEP_FUNCTION, Set, object_key, set_key};
use serde_json::Value;
use streams::partitioner::partition_of;

use crate::sinks::live::{LiveKind, LiveState, LiveUpdate};
use air::core::ScoreChange;

/// The Lua functions, loaded after connecting.
pub(crate) const LIBRARY: &str = include_str!("live.lua");
/// How long a tombstone stays, so that a late older write does not restore an object, seconds.
const TOMBSTONE_S: u32 = 600;
/// The largest number of members that one sweep removes.
pub(crate) const SWEEP: usize = 1_000;

/// The member of an id. `None`: the kind has no ids, and Redis does not hold it.
fn member(kind: LiveKind, id: u64) -> Option<String> {
    match kind {
        LiveKind::Object(kind) => kind.key(id),
        LiveKind::Validation => u32::try_from(id).ok().map(|device| DeviceAddress(device).to_string()),
    }
}

/// The id of a member. `None`: it belongs to another of so many partitions.
pub(crate) fn id_in_partition(kind: LiveKind, member: &str, partition: u32, of_partitions: u32) -> Option<u64> {
    let (id, is_spread) = match kind {
        // All thermals are in one partition.
        LiveKind::Object(kind) => (kind.parse_key(member)?, kind != Kind::Thermal),
        LiveKind::Validation => (member.parse::<DeviceAddress>().ok()?.0.into(), true),
    };
    (!is_spread || partition_of(member.as_bytes(), of_partitions) == partition).then_some(id)
}

/// The call that writes updates of one kind. `lifetime_s`: how long a state stays without a newer one.
pub(crate) fn put(kind: LiveKind, updates: &[LiveUpdate], clock_us: u64, lifetime_s: u64) -> Cmd {
    let members: Vec<(String, &LiveUpdate)> =
        updates.iter().filter_map(|update| Some((member(kind, update.id)?, update))).collect();
    let mut command = redis::cmd("FCALL");
    command
        .arg(PUT_FUNCTION)
        .arg(members.len() + 2)
        .arg(set_key(kind.as_str(), Set::Geo))
        .arg(set_key(kind.as_str(), Set::Seen));
    for (member, _) in &members {
        command.arg(object_key(kind.as_str(), member));
    }
    command.arg(TOMBSTONE_S);
    for (member, update) in members {
        command.arg(member).arg(update.version).arg(clock_us / 1_000);
        let Some(state) = &update.state else {
            command.arg(0).arg("").arg("").arg(0);
            continue;
        };
        let fields = fields(state, update.version);
        let position = position(state);
        command.arg(lifetime_s.max(1));
        command.arg(position.map_or(String::new(), |(longitude_deg, _)| longitude_deg.to_string()));
        command.arg(position.map_or(String::new(), |(_, latitude_deg)| latitude_deg.to_string()));
        command.arg(fields.len());
        for (name, value) in fields {
            command.arg(name).arg(value);
        }
    }
    command
}

/// The call that removes members last seen before a time.
pub(crate) fn sweep(kind: LiveKind, before_us: u64) -> Cmd {
    let mut command = redis::cmd("FCALL");
    command.arg(SWEEP_FUNCTION).arg(2).arg(set_key(kind.as_str(), Set::Geo)).arg(set_key(kind.as_str(), Set::Seen));
    command.arg(before_us / 1_000).arg(SWEEP);
    command
}

/// Longitude and latitude, degrees.
fn position(state: &LiveState) -> Option<(f64, f64)> {
    let position = match state {
        LiveState::Object(state) => state.position(),
        LiveState::Validation(_) => None,
    };
    position.map(|at| (at.longitude_deg, at.latitude_deg))
}

/// A state's fields under their schema names: those of nested messages (a position) flat, lists as JSON.
fn fields(state: &LiveState, version: u64) -> Vec<(String, String)> {
    let json = match state {
        LiveState::Object(state) => serde_json::to_value(state),
        LiveState::Validation(score) => return score_fields(score, version),
    };
    let mut fields = Vec::with_capacity(24);
    if let Ok(Value::Object(object)) = json {
        flatten(object, &mut fields);
    }
    fields
}

fn flatten(object: serde_json::Map<String, Value>, fields: &mut Vec<(String, String)>) {
    for (name, value) in object {
        match value {
            Value::Object(inner) => flatten(inner, fields),
            Value::String(text) => fields.push((name, text)),
            other => fields.push((name, other.to_string())),
        }
    }
}

fn score_fields(score: &ScoreChange, version: u64) -> Vec<(String, String)> {
    let mut fields = vec![
        ("device".to_owned(), DeviceAddress(score.device).to_string()),
        ("version".to_owned(), version.to_string()),
        ("score".to_owned(), score.score.to_string()),
        ("published".to_owned(), score.published.to_string()),
        ("plausible_frames".to_owned(), score.plausible_frames.to_string()),
        ("implausible_frames".to_owned(), score.implausible_frames.to_string()),
    ];
    if let Some(reason) = score.last_reason {
        fields.push(("last_reason".to_owned(), reason.as_str().to_owned()));
    }
    let conflict = score.address_conflict.as_ref().and_then(|conflict| serde_json::to_string(conflict).ok());
    fields.extend(conflict.map(|json| ("address_conflict".to_owned(), json)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::object::State;
    use schemas::v1::{AircraftState, Position, ReceivedBy};

    #[test]
    fn fields_have_schema_names_and_flat_positions() {
        let state = AircraftState {
            device: 0x11_0B90,
            version: 7,
            position: Some(Position { latitude_deg: 46.5, longitude_deg: 13.25, altitude_m: Some(900.0) }),
            received_by: vec![ReceivedBy { receiver_id: "r".into(), rssi_dbm: -90, snr_db: 5 }],
            ..AircraftState::default()
        };
        let fields = fields(&LiveState::Object(State::Aircraft(state)), 7);
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((value("device"), value("version")), (Some("110B90"), Some("7")));
        assert_eq!((value("latitude_deg"), value("altitude_m")), (Some("46.5"), Some("900.0")));
        assert_eq!(value("flight_phase"), Some("unspecified"));
        assert_eq!(value("name"), None, "unknown fields are absent");
        assert!(value("received_by").is_some_and(|json| json.contains("\"receiver_id\":\"r\"")));
    }

    #[test]
    fn all_keys_of_a_call_are_in_one_slot() {
        let ended = LiveUpdate::of_object(Kind::Ground, 0x11_0B90, 5, None);
        let command = put(LiveKind::Object(Kind::Ground), &[ended], 1_000, 60);
        let packed = String::from_utf8_lossy(&command.get_packed_command()).into_owned();
        for key in ["fanet:{ground}:geo", "fanet:{ground}:seen", "fanet:{ground}:110B90"] {
            assert!(packed.contains(key), "{packed}");
        }
    }
}
