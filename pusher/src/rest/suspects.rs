//! `GET /api/v1/validation`: devices whose positions are in doubt, and addresses that two devices use. For operators.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use runtime::Clock;
use schemas::DeviceAddress;
use schemas::redis::{Set, set_key, validation_key};
use schemas::v1::{ValidationList, ValidationView};

use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::time::rfc3339;
use super::validation::{no_scores, unreadable, validation};
use crate::app::App;
use crate::redis::Redis;
use crate::scores::is_in_doubt;

/// Devices of one answer.
const MAX_DEVICES: usize = 1_000;
/// Scores in Redis that one reading looks at, those of the devices that were heard last.
const MAX_READ: usize = 20_000;
/// Of them in one request to Redis.
const BATCH: usize = 500;
/// For how long what was read is shared.
const FRESH: Duration = Duration::from_secs(5);

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/validation",
    summary: "The devices whose positions are in doubt, and the addresses that two devices use, with both positions and \
              receivers. At most some seconds old. For operators.",
    path_parameters: &[],
    parameters: &[],
    message: "ValidationList",
};

/// A cache of the devices in doubt, shared by all requests for a while. One request reads, the others wait for it. Clones
/// share it.
#[derive(Clone)]
pub(crate) struct Suspects(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Until when it is shared.
    last: tokio::sync::Mutex<Option<(Duration, Arc<Found>)>>,
}

/// Devices in doubt, as they are answered.
#[derive(Debug, Default, PartialEq)]
struct Found {
    devices: Vec<ValidationView>,
    is_cut: bool,
}

impl Suspects {
    /// Nothing is read yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, last: tokio::sync::Mutex::default() }))
    }

    async fn get(&self, app: &App) -> Result<Arc<Found>, Problem> {
        let mut last = self.0.last.lock().await;
        let now = self.0.clock.monotonic();
        if let Some((_, found)) = last.as_ref().filter(|(until, _)| now < *until) {
            return Ok(found.clone());
        }
        let found = Arc::new(match (&app.scores, &app.redis) {
            (Some(scores), _) => found(scores.matching(is_in_doubt), false),
            (None, Some(redis)) => read_redis(redis).await?,
            (None, None) => return Err(no_scores()),
        });
        *last = Some((now + FRESH, found.clone()));
        Ok(found)
    }
}

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let found = app.suspects.get(&app).await?;
    let list = ValidationList {
        server_time: rfc3339(app.context.clock.now_us()),
        devices: found.devices.clone(),
        truncated: found.is_cut,
    };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

/// Address conflicts first, then by score, the lowest first.
fn found(mut devices: Vec<ValidationView>, is_cut: bool) -> Found {
    devices.sort_unstable_by_key(|view| (Reverse(view.address_conflict.is_some()), view.score, view.device));
    let is_cut = is_cut || devices.len() > MAX_DEVICES;
    devices.truncate(MAX_DEVICES);
    Found { devices, is_cut }
}

async fn read_redis(redis: &Redis) -> Result<Found, Problem> {
    let unreadable = |error| unreadable(redis, &error);
    let mut connection = redis.connection();
    let mut range = ::redis::cmd("ZREVRANGE");
    range.arg(set_key("validation", Set::Seen)).arg(0).arg(MAX_READ);
    let members: Vec<String> = range.query_async(&mut connection).await.map_err(unreadable)?;
    let mut devices = Vec::new();
    for batch in members[..members.len().min(MAX_READ)].chunks(BATCH) {
        let mut pipeline = ::redis::pipe();
        for member in batch {
            pipeline.hgetall(validation_key(member));
        }
        let hashes: Vec<HashMap<String, String>> = pipeline.query_async(&mut connection).await.map_err(unreadable)?;
        let views = batch.iter().zip(&hashes).filter_map(|(member, hash)| {
            let device: DeviceAddress = member.parse().ok()?;
            validation(device, hash, String::new())
        });
        devices.extend(views.filter(is_in_doubt));
    }
    Ok(found(devices, members.len() > MAX_READ))
}

#[cfg(test)]
mod tests {
    use schemas::v1::AddressConflict;

    use super::*;

    #[test]
    fn conflicts_come_first_then_the_lowest_scores() {
        let view = |device, score, is_shared: bool| ValidationView {
            device,
            score,
            address_conflict: is_shared.then(AddressConflict::default),
            ..ValidationView::default()
        };
        let listed = found(vec![view(1, 40, false), view(2, 5, false), view(3, 100, true), view(4, 40, false)], false);
        assert_eq!(listed.devices.iter().map(|view| view.device).collect::<Vec<_>>(), [3, 2, 1, 4]);
        assert!(!listed.is_cut);
        let many = found((0..1_001).map(|device| view(device, 0, false)).collect(), false);
        assert_eq!((many.devices.len(), many.is_cut), (MAX_DEVICES, true));
    }
}
