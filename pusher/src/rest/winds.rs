//! `GET /api/v1/winds`: the wind aloft in a region, by cell and altitude band.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use geo::Cell;
use schemas::v1::{Position, WindList, WindState, WindView};

use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, RADIUS};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::selection::{MAX_AGE_S, MAX_OBJECTS};
use crate::app::App;
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/winds",
    summary: "The wind aloft in the cells (some 20 by 30 km) that a region touches, in bands of 500 m of altitude, as the drift \
              of circling aircraft shows it. It changes with every climb: poll it once a minute.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE],
    message: "WindList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let region = query.region()?;
    let max_age_us = query.number("max_age_s", 0..=MAX_AGE_S)?.map(|seconds| seconds * 1_000_000);
    let live = app.ready()?;
    let now_us = app.context.clock.now_us();
    let is_fresh = |state: &WindState| {
        max_age_us.is_none_or(|max_age_us| now_us.saturating_sub(state.last_seen_at_us) <= max_age_us)
    };
    let mut winds: Vec<WindView> = {
        let known = live.winds.read();
        let found = known.inside(region.as_ref()).filter(|(_, state)| is_fresh(state));
        found.take(MAX_OBJECTS + 1).map(|(cell, state)| wind(cell, state)).collect()
    };
    let truncated = winds.len() > MAX_OBJECTS;
    winds.truncate(MAX_OBJECTS);
    let list = WindList { server_time: rfc3339(now_us), winds, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn wind(cell: Cell, state: &WindState) -> WindView {
    let bounds = cell.bounds();
    let position = Position {
        latitude_deg: f64::midpoint(bounds.south_deg(), bounds.north_deg()),
        longitude_deg: f64::midpoint(bounds.west_deg(), bounds.east_deg()),
        altitude_m: Some(f64::midpoint(state.base_altitude_m.into(), state.top_altitude_m.into())),
    };
    WindView { wind: Some(state.clone()), position: Some(position) }
}
