//! What Redis is told: one call per kind and micro-batch.

use redis::Cmd;
use schemas::id::{DeviceAddress, RecordId};
use schemas::redis::{PUT_FUNCTION, SWEEP_FUNCTION, Set, object_key, set_key};
use serde_json::Value;
use streams::partitioner::partition_of;

use crate::sinks::live::{LiveKind, LiveState, LiveUpdate};
use air::core::ScoreChange;

/// The functions, loaded at connect.
pub(crate) const LIBRARY: &str = include_str!("live.lua");
/// For so long a tombstone keeps a late older write from reviving an object, seconds.
const GONE_S: u32 = 600;
/// Most members that one sweep removes.
pub(crate) const SWEEP: usize = 1_000;

fn member(kind: LiveKind, id: u64) -> String {
    match kind {
        LiveKind::Thermal => RecordId(id).to_string(),
        _ => DeviceAddress(id as u32).to_string(),
    }
}

/// The id of a member, if it belongs to a partition of so many.
pub(crate) fn id_in_partition(kind: LiveKind, member: &str, partition: u32, of_partitions: u32) -> Option<u64> {
    if kind == LiveKind::Thermal {
        // All thermals are in one.
        return member.parse().ok().map(|RecordId(id)| id);
    }
    let DeviceAddress(device) = member.parse().ok()?;
    (partition_of(member.as_bytes(), of_partitions) == partition).then_some(device.into())
}

/// The call that writes updates of one kind. `lifetime_s`: how long a state stays without a newer one.
pub(crate) fn put(kind: LiveKind, updates: &[LiveUpdate], clock_us: u64, lifetime_s: u64) -> Cmd {
    let mut command = redis::cmd("FCALL");
    command
        .arg(PUT_FUNCTION)
        .arg(updates.len() + 2)
        .arg(set_key(kind.as_str(), Set::Geo))
        .arg(set_key(kind.as_str(), Set::Seen));
    let members: Vec<String> = updates.iter().map(|update| member(kind, update.id)).collect();
    for member in &members {
        command.arg(object_key(kind.as_str(), member));
    }
    command.arg(GONE_S);
    for (update, member) in updates.iter().zip(members) {
        command.arg(member).arg(update.version).arg(clock_us / 1_000);
        let Some(state) = &update.state else {
            command.arg(0).arg("").arg("").arg(0);
            continue;
        };
        let fields = fields(state, update.version);
        let place = place(state);
        command.arg(lifetime_s.max(1));
        command.arg(place.map_or(String::new(), |(longitude_deg, _)| longitude_deg.to_string()));
        command.arg(place.map_or(String::new(), |(_, latitude_deg)| latitude_deg.to_string()));
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

fn place(state: &LiveState) -> Option<(f64, f64)> {
    let position = match state {
        LiveState::Aircraft(state) => state.position,
        LiveState::Ground(state) => state.position,
        LiveState::Station(state) => state.position,
        LiveState::Thermal(state) => state.position,
        LiveState::Validation(_) => None,
    };
    position.map(|at| (at.longitude_deg, at.latitude_deg))
}

/// A state's fields under their schema names; what is nested is flat (a position) or JSON (lists).
fn fields(state: &LiveState, version: u64) -> Vec<(String, String)> {
    let json = match state {
        LiveState::Aircraft(state) => serde_json::to_value(state),
        LiveState::Ground(state) => serde_json::to_value(state),
        LiveState::Station(state) => serde_json::to_value(state),
        LiveState::Thermal(state) => serde_json::to_value(state),
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
    use schemas::v1::{AircraftState, Position, ReceivedBy};

    #[test]
    fn fields_have_their_schema_names_and_positions_are_flat() {
        let state = AircraftState {
            device: 0x11_0B90,
            version: 7,
            position: Some(Position { latitude_deg: 46.5, longitude_deg: 13.25, altitude_m: Some(900.0) }),
            received_by: vec![ReceivedBy { receiver_id: "r".into(), rssi_dbm: -90, snr_db: 5 }],
            ..AircraftState::default()
        };
        let fields = fields(&LiveState::Aircraft(state), 7);
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((value("device"), value("version")), (Some("110B90"), Some("7")));
        assert_eq!((value("latitude_deg"), value("altitude_m")), (Some("46.5"), Some("900.0")));
        assert_eq!(value("flight_phase"), Some("unspecified"));
        assert_eq!(value("name"), None, "what is not known is absent");
        assert!(value("received_by").is_some_and(|json| json.contains("\"receiver_id\":\"r\"")));
    }

    #[test]
    fn a_call_names_all_keys_in_one_slot() {
        let gone = LiveUpdate { kind: LiveKind::Ground, id: 0x11_0B90, version: 5, state: None };
        let packed =
            String::from_utf8_lossy(&put(LiveKind::Ground, &[gone], 1_000, 60).get_packed_command()).into_owned();
        for key in ["fanet:{ground}:geo", "fanet:{ground}:seen", "fanet:{ground}:110B90"] {
            assert!(packed.contains(key), "{packed}");
        }
    }
}
