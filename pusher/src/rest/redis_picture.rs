//! The air picture out of Redis, for the time until the view has caught up with the log.
//!
//! It is loaded whole when somebody asks, shared by all who ask within seconds, and a view like the other: so the
//! endpoints need not know. Redis has aircraft, ground objects, stations and thermals; receivers and alerts come with the
//! log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prost_types::field_descriptor_proto::{Label, Type};
use redis::RedisError;
use runtime::Clock;
use schemas::json_schema::{Types, short_name};
use schemas::redis::{Set, object_key, set_key};
use schemas::v1;
use serde_json::{Map, Value};

use crate::redis::Redis;
use fanout::view::{Input, Kind, Origin, State, View};

/// The kinds that Redis has.
pub(super) const KINDS: [Kind; 4] = [Kind::Aircraft, Kind::Ground, Kind::Station, Kind::Thermal];
/// Objects of a kind, those that were heard last.
const MAX_OBJECTS: isize = 50_000;
/// Objects in one call.
const CALL_OBJECTS: usize = 500;
/// For how long a picture, or the failure to load one, is shared; at least as long as loading took.
const FRESH: Duration = Duration::from_secs(2);

/// Loads pictures.
pub(crate) struct RedisPicture {
    redis: Redis,
    clock: Clock,
    last: tokio::sync::Mutex<Option<Loaded>>,
}

struct Loaded {
    view: Option<Arc<View>>,
    until: Duration,
}

impl RedisPicture {
    /// Loads nothing yet.
    pub(crate) fn new(redis: Redis, clock: Clock) -> Self {
        Self { redis, clock, last: tokio::sync::Mutex::default() }
    }

    /// The picture as of a few seconds ago; `None` where Redis does not give one.
    pub(crate) async fn view(&self) -> Option<Arc<View>> {
        // One loads, the others wait for it.
        let mut last = self.last.lock().await;
        let began = self.clock.monotonic();
        if let Some(last) = last.as_ref().filter(|last| began < last.until) {
            return last.view.clone();
        }
        let view = match self.load().await {
            Ok(view) => Some(Arc::new(view)),
            Err(error) => {
                tracing::warn!(%error, "no air picture from {}", self.redis.name());
                None
            }
        };
        let now = self.clock.monotonic();
        *last = Some(Loaded { view: view.clone(), until: now + FRESH.max(now.saturating_sub(began)) });
        view
    }

    /// Gives the memory back.
    pub(crate) fn forget(&self) {
        if let Ok(mut last) = self.last.try_lock() {
            *last = None;
        }
    }

    async fn load(&self) -> Result<View, RedisError> {
        let (mut connection, types) = (self.redis.connection(), Types::get());
        let (mut view, now_us, mut changes) = (View::new(0), self.clock.now_us(), Vec::new());
        for kind in KINDS {
            let seen = set_key(kind.as_str(), Set::Seen);
            let mut newest = redis::cmd("ZREVRANGE");
            let members: Vec<String> =
                newest.arg(seen).arg(0).arg(MAX_OBJECTS - 1).query_async(&mut connection).await?;
            for some in members.chunks(CALL_OBJECTS) {
                let mut pipe = redis::pipe();
                for member in some {
                    pipe.hgetall(object_key(kind.as_str(), member));
                }
                let hashes: Vec<HashMap<String, String>> = pipe.query_async(&mut connection).await?;
                for hash in hashes {
                    if let Some(state) = state(types, kind, &hash) {
                        view.apply(Origin { partition: 0, offset: 0 }, now_us, Input::State(state), &mut changes);
                    }
                }
                changes.clear();
            }
        }
        Ok(view)
    }
}

/// A state from its hash; `None` for one that ended in the meantime, and for what cannot be read.
fn state(types: &Types, kind: Kind, hash: &HashMap<String, String>) -> Option<State> {
    if hash.is_empty() || hash.contains_key("gone") {
        return None;
    }
    let read = |message| object(types, message, hash);
    match kind {
        Kind::Aircraft => serde_json::from_value::<v1::AircraftState>(read("AircraftState")).map(State::Aircraft).ok(),
        Kind::Ground => serde_json::from_value::<v1::GroundState>(read("GroundState")).map(State::Ground).ok(),
        Kind::Station => serde_json::from_value::<v1::StationState>(read("StationState")).map(State::Station).ok(),
        Kind::Thermal => serde_json::from_value::<v1::ThermalState>(read("ThermalState")).map(State::Thermal).ok(),
        Kind::Receiver | Kind::Alert => None,
    }
}

/// The message's JSON form out of flat text fields: what is one level down in the message is on the same level here.
fn object(types: &Types, message: &str, hash: &HashMap<String, String>) -> Value {
    let mut object = Map::new();
    for field in types.message(message).into_iter().flat_map(|message| &message.field) {
        let repeated = field.label() == Label::Repeated;
        if field.r#type() == Type::Message && !repeated {
            let inner = short_name(field);
            if types.message(inner).is_some_and(|inner| inner.field.iter().any(|one| hash.contains_key(one.name()))) {
                object.insert(field.name().to_owned(), self::object(types, inner, hash));
            }
            continue;
        }
        let Some(text) = hash.get(field.name()) else { continue };
        let parsed = if types.is_text(message, field) { None } else { serde_json::from_str(text).ok() };
        // The names of enums are not JSON by themselves.
        object.insert(field.name().to_owned(), parsed.unwrap_or_else(|| Value::String(text.clone())));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(fields: &[(&str, &str)]) -> HashMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_hash_is_the_state_it_was_made_of() {
        // As the processor writes it.
        let fields = [
            ("device", "110690"),
            ("version", "7"),
            ("event_at_us", "1780000000000000"),
            ("latitude_deg", "46.5"),
            ("longitude_deg", "13.25"),
            ("altitude_m", "900.0"),
            ("aircraft_kind", "paraglider"),
            ("flight_phase", "37"),
            ("speed_kmh", "36.0"),
            ("name", "12"),
            ("received_by", r#"[{"receiver_id":"r","rssi_dbm":-90,"snr_db":5}]"#),
            ("unverified", "false"),
        ];
        let Some(State::Aircraft(state)) = state(Types::get(), Kind::Aircraft, &hash(&fields)) else { panic!("read") };
        let expected = v1::AircraftState {
            device: 0x11_0690,
            version: 7,
            event_at_us: 1_780_000_000_000_000,
            position: Some(v1::Position { latitude_deg: 46.5, longitude_deg: 13.25, altitude_m: Some(900.0) }),
            aircraft_kind: v1::AircraftKind::Paraglider.into(),
            flight_phase: 37,
            speed_kmh: Some(36.0),
            name: Some("12".into()),
            received_by: vec![v1::ReceivedBy { receiver_id: "r".into(), rssi_dbm: -90, snr_db: 5 }],
            ..Default::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn what_ended_or_cannot_be_read_is_nothing() {
        for fields in [&[][..], &[("version", "9"), ("gone", "1")], &[("device", "110690"), ("version", "many")]] {
            assert_eq!(state(Types::get(), Kind::Ground, &hash(fields)), None, "{fields:?}");
        }
    }
}
