//! `GET /api/v1/validation/{address}`: the trust in a device, from Redis or from the processor in the same process, and
//! `POST /api/v1/validation/{address}/reset`: the command to reset its score. Both are for operators.

use std::collections::HashMap;

use access::Scope;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::DeviceAddress;
use schemas::redis::validation_key;
use schemas::v1::command::{Action, ResetScore};
use schemas::v1::{self, CommandReceipt};

use super::command::{about, device, send};
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::Requester;
use crate::redis::Redis;
use crate::time::rfc3339;

pub(super) const RESET_PATH: &str = "/api/v1/validation/{address}/reset";
pub(super) const RESET_SUMMARY: &str = "Reset the score of a device. For operators.";

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/validation/{address}",
    summary: "The trust in a device: its score, and the reason of its last decrease. For operators.",
    path_parameters: &[&Parameter { name: "address", kind: "string", about: "Six hex digits, for example 110B90." }],
    parameters: &[],
    message: "ValidationView",
};

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let device = device(&address)?;
    if app.scores.is_none() && app.redis.is_none() {
        return Err(no_scores());
    }
    let view = score_of(&app, device).await?;
    let view = view.ok_or_else(|| Problem::not_found("unknown_device", format!("the device {device} has no score")))?;
    Ok(message_response(&view, accepts_protobuf(&headers)))
}

/// 503: this server knows no scores.
pub(super) fn no_scores() -> Problem {
    let detail = "scores are in Redis, which this server does not use: --redis-url is not set".to_owned();
    Problem::unavailable("no_redis", detail)
}

/// 503: Redis does not answer.
pub(super) fn unreadable(redis: &Redis, error: &::redis::RedisError) -> Problem {
    tracing::warn!(%error, "cannot read scores from {}", redis.name());
    // Without the address of Redis, which clients must not learn.
    Problem::unavailable("redis_unavailable", "the scores cannot be read: try again later".to_owned())
}

/// The trust in a device. `None`: it has no score, or this server does not know any.
pub(super) async fn score_of(app: &App, device: DeviceAddress) -> Result<Option<v1::ValidationView>, Problem> {
    let now = rfc3339(app.context.clock.now_us());
    match (&app.scores, &app.redis) {
        (Some(scores), _) => Ok(scores.score(device.0).map(|view| v1::ValidationView { server_time: now, ..view })),
        (None, Some(redis)) => read_redis(redis, device, now).await,
        (None, None) => Ok(None),
    }
}

async fn read_redis(
    redis: &Redis,
    device: DeviceAddress,
    server_time: String,
) -> Result<Option<v1::ValidationView>, Problem> {
    let mut command = ::redis::cmd("HGETALL");
    command.arg(validation_key(&device.to_string()));
    let fields: Result<HashMap<String, String>, _> = command.query_async(&mut redis.connection()).await;
    Ok(validation(device, &fields.map_err(|error| unreadable(redis, &error))?, server_time))
}

pub(super) async fn reset(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let device = device(&address)?;
    let act = about(device, "device.reset_score", Some(Scope::ValidationReset));
    let action = Action::ResetScore(ResetScore {});
    let protobuf = accepts_protobuf(&headers);
    Ok(send(&app, &requester, act, device, action, CommandReceipt::default(), protobuf).await)
}

/// The view of a hash; `None`: there is no score, or it has ended.
pub(super) fn validation(
    device: DeviceAddress,
    fields: &HashMap<String, String>,
    server_time: String,
) -> Option<v1::ValidationView> {
    Some(v1::ValidationView {
        server_time,
        device: device.0,
        score: number(fields, "score")?,
        published: fields.get("published").is_some_and(|published| published == "true"),
        plausible_frames: number(fields, "plausible_frames").unwrap_or_default(),
        implausible_frames: number(fields, "implausible_frames").unwrap_or_default(),
        last_reason: fields.get("last_reason").cloned(),
        address_conflict: fields.get("address_conflict").and_then(|json| serde_json::from_str(json).ok()),
    })
}

fn number<N: std::str::FromStr>(fields: &HashMap<String, String>, name: &str) -> Option<N> {
    fields.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(fields: &[(&str, &str)]) -> HashMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_score_is_read_as_the_processor_writes_it() {
        let fields = [
            ("device", "110B90"),
            ("version", "7"),
            ("score", "65"),
            ("published", "false"),
            ("plausible_frames", "1"),
            ("implausible_frames", "2"),
            ("last_reason", "speed"),
        ];
        let view = validation(DeviceAddress(0x11_0B90), &hash(&fields), String::new()).expect("a score");
        assert_eq!((view.score, view.published), (65, false));
        assert_eq!((view.plausible_frames, view.implausible_frames), (1, 2));
        assert_eq!(view.last_reason.as_deref(), Some("speed"));
    }

    #[test]
    fn a_missing_or_ended_score_is_unknown() {
        for fields in [&[][..], &[("version", "7"), ("gone", "1")]] {
            assert_eq!(validation(DeviceAddress(1), &hash(fields), String::new()), None);
        }
    }
}
