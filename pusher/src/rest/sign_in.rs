//! `GET /api/v1/sign-in`: whether one can sign in on the map page, and how.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::auth::SignIn;
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/sign-in";
pub(super) const SUMMARY: &str = "Whether one can sign in on the map page, and how.";

pub(super) async fn get(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let server_time = rfc3339(app.context.clock.now_us());
    let (status, offer) = match app.auth.sign_in() {
        SignIn::Off => ("off", Value::Null),
        SignIn::Unavailable => ("unavailable", Value::Null),
        SignIn::Unsupported => ("unsupported", Value::Null),
        SignIn::Ready(offer) => ("ready", json!(offer)),
    };
    let mut answer = json!({ "server_time": server_time, "status": status });
    if !offer.is_null() {
        answer["provider"] = offer;
    }
    let mut response = Json(answer).into_response();
    // It has the time of now.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Its answer, for the OpenAPI document.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "server_time": {"type": "string"},
            "status": {"type": "string", "enum": ["off", "unavailable", "unsupported", "ready"]},
            "provider": {
                "type": "object",
                "properties": {
                    "issuer": {"type": "string"}, "client_id": {"type": "string"}, "audience": {"type": "string"},
                    "scope": {"type": "string"}, "authorization_endpoint": {"type": "string"},
                    "token_endpoint": {"type": "string"}, "end_session_endpoint": {"type": "string"},
                    "revocation_endpoint": {"type": "string"},
                },
                "required": ["issuer", "client_id", "audience", "scope", "authorization_endpoint", "token_endpoint"],
            },
        },
        "required": ["server_time", "status"],
    })
}
