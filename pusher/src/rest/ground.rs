//! `GET /api/v1/ground`: what is on the ground.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::answer::Asked;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, RADIUS, TYPES};
use super::problem::Problem;
use super::selection::Selection;
use super::time::rfc3339;
use crate::app::App;
use crate::view::{Kind, State as Known};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/ground",
    summary: "Ground objects in a region.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &TYPES],
    message: "GroundList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let selection = Selection::of(&query)?;
    let types = query.words("types", "the names of GroundKind in lower case", |word| {
        v1::GroundKind::from_str_name(&format!("GROUND_KIND_{}", word.to_ascii_uppercase())).map(i32::from)
    })?;
    let asked = Asked::new(app, &headers, &uri)?;
    if let Some(unchanged) = asked.unchanged() {
        return Ok(unchanged);
    }
    let at_us = asked.at_us();
    let (found, truncated) = selection.objects(&asked.live.view.read(), Kind::Ground, at_us, |object| {
        types
            .as_ref()
            .is_none_or(|types| matches!(&object.state, Known::Ground(state) if types.contains(&state.ground_kind)))
    });
    let states = found.iter().filter_map(|object| match &object.state {
        Known::Ground(state) => Some(state.clone()),
        _ => None,
    });
    Ok(asked.answer(&v1::GroundList { server_time: rfc3339(at_us), ground: states.collect(), truncated }))
}
