//! `GET /api/v1/validation`: devices whose positions are in doubt, and addresses that two devices use. For operators.

mod in_doubt;

use std::collections::HashMap;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::DeviceAddress;
use schemas::redis::{Set, set_key, validation_key};
use schemas::v1::ValidationList;

use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::validation::{no_scores, unreadable, validation};
use crate::app::App;
use crate::redis::Redis;
use crate::scores::is_in_doubt;
use crate::time::rfc3339;
use in_doubt::InDoubt;
pub(crate) use in_doubt::Suspects;

/// Scores in Redis that one reading looks at, those of the devices that were heard last.
const MAX_READ: usize = 20_000;
/// Of them in one request to Redis.
const BATCH: usize = 500;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/validation",
    summary: "The devices whose positions are in doubt, and the addresses that two devices use, with both positions and \
              receivers. At most some seconds old. For operators.",
    path_parameters: &[],
    parameters: &[],
    message: "ValidationList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let found = app.suspects.get(|| read(&app)).await?;
    let list = ValidationList {
        server_time: rfc3339(app.context.clock.now_us()),
        devices: found.devices.clone(),
        truncated: found.is_cut,
    };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

async fn read(app: &App) -> Result<InDoubt, Problem> {
    match (&app.scores, &app.redis) {
        (Some(scores), _) => Ok(InDoubt::new(scores.matching(is_in_doubt), false)),
        (None, Some(redis)) => read_redis(redis).await,
        (None, None) => Err(no_scores()),
    }
}

async fn read_redis(redis: &Redis) -> Result<InDoubt, Problem> {
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
    Ok(InDoubt::new(devices, members.len() > MAX_READ))
}
