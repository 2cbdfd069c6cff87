//! `GET /api/v1/keys`: the API keys that this server accepts, without their secrets. For operators.

use access::{Caller, Role, Scope};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::{ApiKeyList, ApiKeyView};

use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/keys",
    summary: "The API keys of the file of --api-keys: what they allow and when they expire, without their secrets. For \
              operators.",
    path_parameters: &[],
    parameters: &[],
    message: "ApiKeyList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let keys = app.auth.api_keys();
    let list = ApiKeyList {
        server_time: rfc3339(app.context.clock.now_us()),
        loaded: keys.is_some(),
        keys: keys.iter().flatten().map(|key| view(key)).collect(),
    };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn view(key: &Caller) -> ApiKeyView {
    ApiKeyView {
        key_id: key.subject.clone(),
        name: key.name.clone(),
        roles: key.roles.iter().copied().map(Role::as_str).map(str::to_owned).collect(),
        scopes: key.scopes.iter().map(Scope::as_str).map(str::to_owned).collect(),
        devices: key.devices.iter().map(|device| device.0).collect(),
        public: key.pilot.public,
        expires_at_us: key.expires_at_s.map(|at_s| at_s.saturating_mul(1_000_000)),
    }
}
