//! `GET /api/v1/devices/{address}`: all that is known of one device. Hidden devices are not known here.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::{DeviceAddress, v1};

use super::answer::{Ages, Asked};
use super::endpoint::{Endpoint, Parameter};
use super::problem::Problem;
use super::time::rfc3339;
use crate::app::App;
use fanout::view::State as Known;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/devices/{address}",
    summary: "All that is known of one device.",
    path_parameters: &[&ADDRESS],
    parameters: &[],
    message: "DeviceView",
};

/// In the path of what is about one device.
pub(super) const ADDRESS: Parameter =
    Parameter { name: "address", kind: "string", about: "Six hex digits, for example 110B90." };

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let device: DeviceAddress = address
        .parse()
        .map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string()))?;
    let asked = Asked::new(app, &headers, &uri, Ages::Never, true).await?;
    if let Some(answer) = asked.ready_made() {
        return Ok(answer);
    }
    let objects: Vec<_> = asked.view(|view| view.of_device(device.0).cloned().collect());
    if objects.is_empty() {
        return Err(Problem::not_found("unknown_device", format!("nothing is known of {device}")));
    }
    let mut known = v1::DeviceView {
        server_time: rfc3339(asked.at_us()),
        device: device.0,
        manufacturer: device.manufacturer().map(str::to_owned),
        ..Default::default()
    };
    for object in objects {
        match &object.state {
            Known::Aircraft(state) => known.aircraft = Some(state.clone()),
            Known::Ground(state) => known.ground = Some(state.clone()),
            Known::Station(state) => known.station = Some(state.clone()),
            Known::Alert(state) => known.alert = Some(state.clone()),
            Known::Thermal(_) | Known::Receiver(_) => {}
        }
    }
    Ok(asked.answer(&known))
}
