//! `GET /api/v1/me`: whose credentials a request has, and what they allow.

use std::sync::Arc;

use access::{Caller, Role, Scope};
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/me";
pub(super) const SUMMARY: &str = "Whose credentials these are, what they allow, and when they expire.";
/// The last second that RFC 3339 can write.
const LAST_S: u64 = 253_402_300_799;

#[derive(Debug, Serialize)]
struct Me<'a> {
    /// RFC 3339, UTC.
    server_time: String,
    /// The subject of a token, the id of an API key, the device of a position key.
    subject: &'a str,
    /// The name as an owner of devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Of the person, as the identity provider has it, or of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// `token`, `api_key`, `session` or `position_key`.
    credential: &'static str,
    /// Those that the credentials name.
    roles: Vec<&'static str>,
    /// What they allow, with the scopes of the roles.
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    /// Whose positions may be sent.
    devices: Vec<String>,
    /// RFC 3339, UTC; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let me = Me {
        server_time: rfc3339(app.context.clock.now_us()),
        subject: &caller.subject,
        user_id: caller.user_id(),
        name: caller.name.as_deref(),
        credential: caller.credential.as_str(),
        roles: caller.roles.iter().copied().map(Role::as_str).collect(),
        scopes: caller.scopes.iter().map(Scope::as_str).collect(),
        company: caller.company.as_deref(),
        devices: caller.devices.iter().map(ToString::to_string).collect(),
        expires_at: caller.expires_at_s.map(|at_s| rfc3339(at_s.min(LAST_S) * 1_000_000)),
    };
    Ok(Json(me).into_response())
}
