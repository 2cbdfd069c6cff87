//! What all commands share: who may, the answer once the log has it, and what it says otherwise.

use access::Scope;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::DeviceAddress;
use schemas::v1::CommandReceipt;
use schemas::v1::command::Action;
use serde::Deserialize;

use super::picture_request::message_response;
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::auth::Denied;
use crate::commands::{Accepted, CommandError};
use crate::time::rfc3339;

/// The id of the command's record.
const OBSERVATION_ID: HeaderName = HeaderName::from_static("x-observation-id");

/// Of a remark.
pub(super) const MAX_CHARACTERS: usize = 200;
const MAX_BODY_BYTES: usize = 4 << 10;

/// The body of commands that take a remark; it may be left out.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remark {
    /// For the audit trail.
    remark: Option<String>,
}

/// The remark of a request.
///
/// # Errors
/// 413 and 400: the body is too large, or has something else.
pub(super) async fn remark(body: Body) -> Result<Option<String>, Problem> {
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let bytes = bytes
        .map_err(|_| Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes")))?;
    parse_remark(&bytes)
}

fn parse_remark(body: &[u8]) -> Result<Option<String>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    let invalid = |error: String| Problem::bad_request("bad_body", format!("the body is no remark: {error}"));
    let Remark { remark } = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
    checked_remark(remark.as_deref()).map_err(invalid)?;
    Ok(remark)
}

/// Whether a remark is one short line.
pub(super) fn checked_remark(remark: Option<&str>) -> Result<(), String> {
    match remark {
        Some(remark) if remark.chars().count() > MAX_CHARACTERS || remark.contains(char::is_control) => {
            Err(format!("expected a remark of at most {MAX_CHARACTERS} characters in one line"))
        }
        _ => Ok(()),
    }
}

/// An act about a device.
pub(super) fn about(device: DeviceAddress, action: &'static str, scope: Option<Scope>) -> Act {
    Act { action, subject: device.to_string(), scope, details: Vec::new() }
}

/// A device address of a path.
pub(super) fn device(address: &str) -> Result<DeviceAddress, Problem> {
    address.parse().map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string()))
}

/// Sends a command. 202 with its receipt once the log has it.
pub(super) async fn send(
    app: &App,
    requester: &Requester,
    act: Act,
    device: DeviceAddress,
    action: Action,
    receipt: CommandReceipt,
    protobuf: bool,
) -> Response {
    let name = act.action;
    match app.commands.send(requester, act, device, action).await {
        Ok(Accepted { command_id, record_id }) => {
            tracing::info!(%device, record = %record_id, command = name, "a command is in the log");
            let server_time = rfc3339(app.context.clock.now_us());
            let receipt = CommandReceipt { server_time, command_id, record_id: Some(record_id.0), ..receipt };
            let id = HeaderValue::from_str(&record_id.to_string()).expect("digits");
            let mut response = message_response(&receipt, protobuf);
            *response.status_mut() = StatusCode::ACCEPTED;
            response.headers_mut().insert(OBSERVATION_ID, id);
            response
        }
        Err(error) => not_done(error),
    }
}

/// The answer where nothing was done.
pub(super) fn not_done(error: CommandError) -> Response {
    match error {
        CommandError::TooMany(limited) => Denied::Limited(limited).into_response(),
        CommandError::Forbidden => not_your_device().into_response(),
        CommandError::Audit(_) => {
            let detail = "nothing was done, since its audit record was not written: send it again".to_owned();
            Problem::unavailable("audit_unavailable", detail).into_response()
        }
        CommandError::Log(error) => {
            tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "cannot write a command");
            let detail = "the command was not written: send it again".to_owned();
            Problem::unavailable("log_unavailable", detail).into_response()
        }
    }
}

/// 403, whether the device is known or not.
pub(super) fn not_your_device() -> Problem {
    Problem::forbidden("not_your_device", "these credentials are not for that device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_one_short_line() {
        assert_eq!(parse_remark(b""), Ok(None));
        assert_eq!(parse_remark(b"{}"), Ok(None));
        assert_eq!(parse_remark(br#"{"remark":"found, unhurt"}"#), Ok(Some("found, unhurt".to_owned())));
        let long = format!("{{\"remark\":\"{}\"}}", "x".repeat(MAX_CHARACTERS + 1));
        for invalid in ["x", "[]", r#"{"remark":"a\nb"}"#, r#"{"note":"a"}"#, long.as_str()] {
            assert!(parse_remark(invalid.as_bytes()).is_err(), "{invalid}");
        }
    }
}
