//! `GET /api/v1/validation/{address}`: how far a device is believed, as the processor keeps it in Redis or beside this
//! pusher, and
//! `POST /api/v1/validation/{address}/reset`: an order to begin anew. Until there are accounts, orders are taken only
//! where `--open-operator` says so.

use std::collections::HashMap;

use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::DeviceAddress;
use schemas::redis::validation_key;
use schemas::v1::command::{Action, ResetScore};
use schemas::v1::{self, Command, raw_record};

use super::answer::{body, wants_protobuf};
use super::endpoint::{Endpoint, Parameter};
use super::measure::RequestSpan;
use super::problem::Problem;
use super::query::Query;
use super::time::rfc3339;
use crate::app::App;
use crate::redis::Redis;

pub(super) const RESET_PATH: &str = "/api/v1/validation/{address}/reset";
pub(super) const RESET_SUMMARY: &str = "Orders that the score of a device begins anew. For operators.";

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/validation/{address}",
    summary: "How far a device is believed: its score, and why it last lost some. For operators.",
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
    let now = rfc3339(app.context.clock.now_us());
    let known = match (&app.scores, &app.redis) {
        (Some(scores), _) => scores.score(device.0).map(|known| v1::ValidationView { server_time: now, ..known }),
        (None, Some(redis)) => in_redis(redis, device, now).await?,
        (None, None) => {
            let detail = "scores are in Redis, and there is none here (--redis-url)".to_owned();
            return Err(Problem::busy("no_redis", detail));
        }
    };
    let known = known.ok_or_else(|| Problem::not_found("unknown_device", format!("nothing is known of {device}")))?;
    Ok(body(&known, wants_protobuf(&headers)))
}

async fn in_redis(
    redis: &Redis,
    device: DeviceAddress,
    server_time: String,
) -> Result<Option<v1::ValidationView>, Problem> {
    let mut ask = ::redis::cmd("HGETALL");
    ask.arg(validation_key(&device.to_string()));
    let fields: Result<HashMap<String, String>, _> = ask.query_async(&mut redis.connection()).await;
    let fields = fields.map_err(|error| {
        tracing::warn!(%error, "no score from {}", redis.name());
        // Its address is the operator's business.
        Problem::busy("redis_unavailable", "the scores cannot be read now".to_owned())
    })?;
    Ok(validation(device, &fields, server_time))
}

pub(super) async fn reset(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    span: Option<Extension<RequestSpan>>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let device = device(&address)?;
    if !app.options.open_operator {
        let detail = "nobody may give orders here: there are no accounts yet, and --open-operator is not set";
        return Err(Problem::forbidden("no_operator", detail));
    }
    let clock = &app.context.clock;
    let now_us = clock.now_us();
    let command = Command {
        // Orders of the same microsecond are one.
        command_id: format!("reset-{device}-{now_us}"),
        device: device.0,
        issued_by: "open-operator".to_owned(),
        issued_at_us: now_us,
        action: Some(Action::ResetScore(ResetScore {})),
    };
    let cause = span.map(|Extension(RequestSpan(cause))| cause);
    match app.raw_writer.write(device, raw_record::Input::Command(command), cause, clock).await {
        Ok(id) => {
            tracing::info!(%device, record = %id, "the score is to begin anew");
            let id = HeaderValue::from_str(&id.to_string()).expect("digits");
            Ok((StatusCode::ACCEPTED, [("x-observation-id", id)]).into_response())
        }
        Err(error) => {
            tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "an order was not taken");
            Err(Problem::busy("log_unavailable", "the order could not be written: give it again".to_owned()))
        }
    }
}

fn device(address: &str) -> Result<DeviceAddress, Problem> {
    address.parse().map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string()))
}

/// `None`: there is none, or it has gone.
fn validation(
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

    fn fields(told: &[(&str, &str)]) -> HashMap<String, String> {
        told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_score_as_the_processor_writes_it() {
        let told = [
            ("device", "110B90"),
            ("version", "7"),
            ("score", "65"),
            ("published", "false"),
            ("plausible_frames", "1"),
            ("implausible_frames", "2"),
            ("last_reason", "speed"),
        ];
        let known = validation(DeviceAddress(0x11_0B90), &fields(&told), String::new()).expect("known");
        assert_eq!((known.score, known.published), (65, false));
        assert_eq!((known.plausible_frames, known.implausible_frames), (1, 2));
        assert_eq!(known.last_reason.as_deref(), Some("speed"));
    }

    #[test]
    fn what_is_not_there_or_has_gone_is_unknown() {
        for told in [&[][..], &[("version", "7"), ("gone", "1")]] {
            assert_eq!(validation(DeviceAddress(1), &fields(told), String::new()), None);
        }
    }
}
