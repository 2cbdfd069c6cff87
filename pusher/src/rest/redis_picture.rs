//! The air picture in Redis, until the view has caught up with the log.
//!
//! The first request loads all of it, and the requests of the next seconds share it. It is a view, so that the
//! endpoints use it like the live one. Redis has aircraft, ground objects, stations and thermals, but no receivers and
//! alerts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prost_types::field_descriptor_proto::{Label, Type};
use redis::RedisError;
use runtime::Clock;
use schemas::json_schema::{Types, short_name};
use schemas::redis::{Set, holds, object_key, set_key};
use schemas::v1;
use serde_json::{Map, Value};

use crate::redis::Redis;
use fanout::view::{Input, Kind, Origin, State, View};

/// The newest objects of a kind that are loaded.
const MAX_OBJECTS: isize = 50_000;
/// Objects in one pipeline of commands.
const PIPELINE_OBJECTS: usize = 500;
/// How long a picture, or the failure to load it, is shared; at least as long as the load took.
const MAX_AGE: Duration = Duration::from_secs(2);

/// Loads and shares pictures.
pub(crate) struct RedisPicture {
    redis: Redis,
    clock: Clock,
    last: tokio::sync::Mutex<Option<Loaded>>,
}

struct Loaded {
    view: Option<Arc<View>>,
    expires_at: Duration,
}

impl RedisPicture {
    /// Without a picture.
    pub(crate) fn new(redis: Redis, clock: Clock) -> Self {
        Self { redis, clock, last: tokio::sync::Mutex::default() }
    }

    /// The picture, up to a few seconds old; `None` where Redis does not answer.
    pub(crate) async fn view(&self) -> Option<Arc<View>> {
        // The first request loads it, the others wait.
        let mut last = self.last.lock().await;
        let began = self.clock.monotonic();
        if let Some(last) = last.as_ref().filter(|last| began < last.expires_at) {
            return last.view.clone();
        }
        let view = match self.load().await {
            Ok(view) => Some(Arc::new(view)),
            Err(error) => {
                tracing::warn!(%error, "cannot load the air picture from {}", self.redis.name());
                None
            }
        };
        let now = self.clock.monotonic();
        let expires_at = now + MAX_AGE.max(now.saturating_sub(began));
        *last = Some(Loaded { view: view.clone(), expires_at });
        view
    }

    /// Releases the memory.
    pub(crate) fn clear(&self) {
        if let Ok(mut last) = self.last.try_lock() {
            *last = None;
        }
    }

    async fn load(&self) -> Result<View, RedisError> {
        let (mut connection, types) = (self.redis.connection(), Types::get());
        let (mut view, now_us, mut changes) = (View::new(0), self.clock.now_us(), Vec::new());
        for kind in Kind::ALL.into_iter().filter(|kind| holds(*kind)) {
            let seen = set_key(kind.as_str(), Set::Seen);
            let mut newest = redis::cmd("ZREVRANGE");
            let members: Vec<String> =
                newest.arg(seen).arg(0).arg(MAX_OBJECTS - 1).query_async(&mut connection).await?;
            for chunk in members.chunks(PIPELINE_OBJECTS) {
                let mut pipe = redis::pipe();
                for member in chunk {
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

/// The state of a hash; `None` where the state has ended or the hash is invalid.
fn state(types: &Types, kind: Kind, hash: &HashMap<String, String>) -> Option<State> {
    if hash.is_empty() || hash.contains_key("gone") {
        return None;
    }
    let json = |message| object(types, message, hash);
    match kind {
        Kind::Aircraft => serde_json::from_value::<v1::AircraftState>(json("AircraftState")).map(State::Aircraft).ok(),
        Kind::Ground => serde_json::from_value::<v1::GroundState>(json("GroundState")).map(State::Ground).ok(),
        Kind::Station => serde_json::from_value::<v1::StationState>(json("StationState")).map(State::Station).ok(),
        Kind::Thermal => serde_json::from_value::<v1::ThermalState>(json("ThermalState")).map(State::Thermal).ok(),
        Kind::Receiver | Kind::Alert | Kind::Landmark => None,
    }
}

/// The JSON form of a message from the flat text fields of a hash, which has the fields of nested messages on the same
/// level.
fn object(types: &Types, message: &str, hash: &HashMap<String, String>) -> Value {
    let mut object = Map::new();
    for field in types.message(message).into_iter().flat_map(|message| &message.field) {
        let repeated = field.label() == Label::Repeated;
        if field.r#type() == Type::Message && !repeated {
            let inner = short_name(field);
            if types.message(inner).is_some_and(|inner| inner.field.iter().any(|field| hash.contains_key(field.name())))
            {
                object.insert(field.name().to_owned(), self::object(types, inner, hash));
            }
            continue;
        }
        let Some(text) = hash.get(field.name()) else { continue };
        let parsed = if types.is_text(message, field) { None } else { serde_json::from_str(text).ok() };
        // Names of enums have no quotes and are not valid JSON.
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
    fn a_hash_becomes_the_state_of_the_processor() {
        // As the processor writes them.
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
        let Some(State::Aircraft(state)) = state(Types::get(), Kind::Aircraft, &hash(&fields)) else {
            panic!("no state")
        };
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
    fn an_ended_or_invalid_hash_has_no_state() {
        for fields in [&[][..], &[("version", "9"), ("gone", "1")], &[("device", "110690"), ("version", "many")]] {
            assert_eq!(state(Types::get(), Kind::Ground, &hash(fields)), None, "{fields:?}");
        }
    }
}
