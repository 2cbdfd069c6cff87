//! `GET /api/v1/devices/{address}`: all states of one device. Hidden devices are not found.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::{DeviceAddress, v1};

use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{Aging, PictureRequest};
use super::problem::Problem;
use crate::app::App;
use crate::time::rfc3339;
use fanout::view::State as Known;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/devices/{address}",
    summary: "All states of one device.",
    path_parameters: &[&ADDRESS],
    parameters: &[],
    message: "DeviceView",
};

/// The path parameter of endpoints for one device.
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
    let request = PictureRequest::new(app, &headers, &uri, Aging::Never, true).await?;
    if let Some(response) = request.cached_response() {
        return Ok(response);
    }
    let (objects, way) = request.view(|view| {
        let objects: Vec<_> = view.of_device(device.0).cloned().collect();
        (objects, view.way_of_device(device.0))
    });
    if objects.is_empty() {
        return Err(Problem::not_found("unknown_device", format!("the device {device} is unknown")));
    }
    let mut device_view = v1::DeviceView {
        server_time: rfc3339(request.now_us()),
        device: device.0,
        manufacturer: device.manufacturer().map(str::to_owned),
        way,
        ..Default::default()
    };
    for object in objects {
        match &object.state {
            Known::Aircraft(state) => device_view.aircraft = Some(state.clone()),
            Known::Ground(state) => device_view.ground = Some(state.clone()),
            Known::Station(state) => device_view.station = Some(state.clone()),
            Known::Alert(state) => device_view.alert = Some(state.clone()),
            Known::Thermal(_) | Known::Receiver(_) | Known::Landmark(_) => {}
        }
    }
    Ok(request.respond(&device_view))
}
