//! `GET /api/v1/receivers`: ground receivers.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::answer::Asked;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, RADIUS};
use super::problem::Problem;
use super::selection::Selection;
use super::time::rfc3339;
use crate::app::App;
use crate::view::{Kind, State as Known};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/receivers",
    summary: "Receivers in a region; without a region also those whose position is not known.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE],
    message: "ReceiverList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let selection = Selection::of(&query)?;
    let asked = Asked::new(app, &headers, &uri)?;
    if let Some(unchanged) = asked.unchanged() {
        return Ok(unchanged);
    }
    let at_us = asked.at_us();
    let (found, truncated) = selection.objects(&asked.live.view.read(), Kind::Receiver, at_us, |_| true);
    let states = found.iter().filter_map(|object| match &object.state {
        Known::Receiver(state) => Some(state.clone()),
        _ => None,
    });
    Ok(asked.answer(&v1::ReceiverList { server_time: rfc3339(at_us), receivers: states.collect(), truncated }))
}
