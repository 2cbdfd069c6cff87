//! `GET /api/v1/restrictions`: the devices on the deny list, and those that a command hides. For operators.

use axum::extract::{Extension, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::{DeviceRestriction, RestrictionList};

use super::command::not_done;
use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::time::rfc3339;

const MAX_DEVICES: usize = 10_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/restrictions",
    summary: "The devices on the deny list, those that their owners or operators hide by a command, and those whose name is \
              withheld. Devices that hide \
              themselves by what they send are not among them. Each look is in the audit trail. For operators.",
    path_parameters: &[],
    parameters: &[],
    message: "RestrictionList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let live = app.ready()?;
    let scope = requester.caller.manages_all();
    let act = Act { action: "restrictions.view", subject: "restrictions".to_owned(), scope, details: Vec::new() };
    if let Err(error) = app.commands.permit(&requester, &act).await {
        return Ok(not_done(error));
    }
    let privacy = live.privacy.read();
    let mut devices: Vec<_> = privacy
        .restricted()
        .take(MAX_DEVICES + 1)
        .map(|(device, restriction)| DeviceRestriction {
            device,
            denied: restriction.denied,
            hidden_by_command: restriction.hidden_by_command,
            name_hidden: restriction.name_hidden,
        })
        .collect();
    drop(privacy);
    let truncated = devices.len() > MAX_DEVICES;
    devices.truncate(MAX_DEVICES);
    let list = RestrictionList { server_time: rfc3339(app.context.clock.now_us()), devices, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}
