//! Who owns a device: `POST /api/v1/devices/{address}/claim` gives a code that the device has to send by radio, and `PUT
//! /api/v1/devices/{address}/owner` is an operator's word.

use access::Scope;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use rand::TryRng as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::command::{about, device, not_done};
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::Requester;
use crate::auth::Denied;
use crate::claims::CLAIM_FOR;
use crate::ownership::MAX_DEVICES;
use crate::time::rfc3339;

pub(super) const CLAIM_PATH: &str = "/api/v1/devices/{address}/claim";
pub(super) const CLAIM_SUMMARY: &str = "A code that proves that a device is yours: set it as the name of the device within 15 \
                                        minutes. Once it is heard the device is one of your credentials'.";
pub(super) const OWNER_PATH: &str = "/api/v1/devices/{address}/owner";
pub(super) const OWNER_SUMMARY: &str = "Say who owns a device, or with null that nobody does: `user_id` as /api/v1/me has it. For \
                                        operators.";
const MAX_BODY_BYTES: usize = 1 << 10;
/// Of a subject, with its kind before.
const MAX_USER_BYTES: usize = 264;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    user_id: Value,
}

pub(super) async fn claim(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let device = device(&address)?;
    let Some(user_id) = requester.caller.user_id() else {
        return Err(Problem::forbidden(
            "no_owner",
            "these credentials own no devices: expected a token, an API key or a session",
        ));
    };
    if let Err(limited) = app.throttle.command(&requester.caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    if let Some(owner) = app.ownership.owner(device) {
        let detail = match *owner == *user_id {
            true => format!("the device {device} is yours already"),
            false => format!("the device {device} has another owner: ask an operator"),
        };
        return Err(Problem::conflict("owned", detail));
    }
    if app.ownership.count(&user_id) >= MAX_DEVICES {
        return Err(Problem::conflict(
            "too_many_devices",
            format!("expected at most {MAX_DEVICES} devices: ask an operator"),
        ));
    }
    let mut random = [0; 7];
    if rand::rngs::SysRng.try_fill_bytes(&mut random).is_err() {
        return Err(Problem::unavailable("no_code", "a code cannot be made: send it again".to_owned()));
    }
    let code = app.claims.add(device, requester, user_id, random);
    let now_us = app.context.clock.now_us();
    let expires_us = now_us.saturating_add(u64::try_from(CLAIM_FOR.as_micros()).unwrap_or_default());
    let body = json!({
        "server_time": rfc3339(now_us), "device": device.to_string(), "code": code, "expires_at": rfc3339(expires_us),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn set_owner(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let device = device(&address)?;
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let bytes = bytes
        .map_err(|_| Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes")))?;
    let user_id = read(&bytes)?;
    if let Err(limited) = app.throttle.command(&requester.caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    let mut act = about(device, "device.owner", Some(Scope::DeviceManageAny));
    act.details.push(("user_id", user_id.clone()));
    match app.accounts.set_owner(&requester, &act, device, &user_id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Ok(not_done(error)),
    }
}

/// The owner; empty: nobody.
fn read(body: &[u8]) -> Result<String, Problem> {
    let invalid = |error: &str| Problem::bad_request("bad_body", format!("the body names no owner: {error}"));
    let Owner { user_id } = serde_json::from_slice(body).map_err(|error| invalid(&error.to_string()))?;
    match user_id {
        Value::Null => Ok(String::new()),
        Value::String(user_id) if is_user(&user_id) => Ok(user_id),
        _ => Err(invalid("expected user_id as /api/v1/me has it, for example token/ada, or null")),
    }
}

fn is_user(user_id: &str) -> bool {
    let subject = user_id.strip_prefix("token/").or_else(|| user_id.strip_prefix("key/"));
    let is_short = user_id.len() <= MAX_USER_BYTES && !user_id.chars().any(char::is_control);
    is_short && subject.is_some_and(|subject| !subject.is_empty())
}

/// The answer to a claim, for the OpenAPI document.
pub(super) fn schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": { "server_time": text, "device": text, "code": text, "expires_at": text },
        "required": ["server_time", "device", "code", "expires_at"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_subject_of_a_kind_or_nobody() {
        assert_eq!(read(br#"{"user_id":"token/ada"}"#), Ok("token/ada".to_owned()));
        assert_eq!(read(br#"{"user_id":null}"#), Ok(String::new()));
        let long = format!("{{\"user_id\":\"token/{}\"}}", "x".repeat(300));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"user_id":""}"#,
            r#"{"user_id":"ada"}"#,
            r#"{"user_id":"token/"}"#,
            r#"{"user_id":1}"#,
            r#"{"user_id":"token/a\nb"}"#,
            r#"{"user_id":"key/a","more":1}"#,
            long.as_str(),
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
