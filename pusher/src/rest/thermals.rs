//! `GET /api/v1/thermals`: rising air, as good as it is known.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::answer::Asked;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, Parameter, RADIUS};
use super::problem::Problem;
use super::selection::Selection;
use super::time::rfc3339;
use crate::app::App;
use crate::view::{Kind, Object, State as Known, quality};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/thermals",
    summary: "Thermals in a region, with their quality now.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &MIN_QUALITY],
    message: "ThermalList",
};

const MIN_QUALITY: Parameter = Parameter {
    name: "min_quality",
    kind: "integer",
    about: "Only thermals of this quality (0 to 5) or a better one.",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let selection = Selection::of(&query)?;
    let min_quality = query.number("min_quality", 0_u32..=5)?.unwrap_or_default();
    let asked = Asked::new(app, &headers, &uri)?;
    if let Some(unchanged) = asked.unchanged() {
        return Ok(unchanged);
    }
    let at_us = asked.at_us();
    let is_good = |object: &Object| with_quality(object, at_us).is_some_and(|thermal| thermal.quality >= min_quality);
    let (found, truncated) = selection.objects(&asked.live.view.read(), Kind::Thermal, at_us, is_good);
    let thermals = found.iter().filter_map(|object| with_quality(object, at_us)).collect();
    Ok(asked.answer(&v1::ThermalList { server_time: rfc3339(at_us), thermals, truncated }))
}

/// A thermal with its quality at that time; `None` for other objects.
pub(super) fn with_quality(object: &Object, at_us: u64) -> Option<v1::ThermalView> {
    let Known::Thermal(thermal) = &object.state else { return None };
    Some(v1::ThermalView { quality: quality(thermal, at_us), thermal: Some(*thermal) })
}
