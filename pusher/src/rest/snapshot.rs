//! `GET /api/v1/snapshot`: everything at once, and the token with which a WebSocket goes on from here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::answer::Asked;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, RADIUS};
use super::problem::Problem;
use super::selection::{MAX_OBJECTS, Selection};
use super::thermals::with_quality;
use super::time::rfc3339;
use crate::app::App;
use crate::compose;
use crate::subscription::Subscription;
use crate::view::{Kind, Object, State as Known, View};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/snapshot",
    summary: "The air picture of a region: all that is in its cells, as a WebSocket subscription to the same region has it. \
              A WebSocket opened with `resume` continues from here without a gap.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS],
    message: "AirPicture",
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
    let max_cells = asked.live.session.limits.max_cells;
    let (found, resume) = {
        let view = asked.live.view.read();
        (objects(&view, &selection, max_cells), view.positions().token(&asked.live.epoch))
    };
    let truncated = found.len() > MAX_OBJECTS;
    let mut picture = v1::AirPicture {
        server_time: rfc3339(at_us),
        truncated,
        // What was left out could never be asked for again with the token.
        resume: if truncated { String::new() } else { resume },
        epoch: asked.live.epoch.clone(),
        ..Default::default()
    };
    found.iter().take(MAX_OBJECTS).for_each(|object| add(&mut picture, object, at_us));
    Ok(asked.answer(&picture))
}

/// At most one more than the bound.
fn objects(view: &View, selection: &Selection, max_cells: usize) -> Vec<Arc<Object>> {
    match selection.region() {
        None => Kind::ALL.into_iter().flat_map(|kind| view.objects(kind)).take(MAX_OBJECTS + 1).cloned().collect(),
        Some(region) => {
            let subscription = Subscription::empty().with_region(region, max_cells);
            let seen = compose::seen(view, &subscription);
            seen.into_iter().take(MAX_OBJECTS + 1).filter_map(|id| view.object(id)).cloned().collect()
        }
    }
}

/// Puts an object into its list.
pub(super) fn add(picture: &mut v1::AirPicture, object: &Object, at_us: u64) {
    match &object.state {
        Known::Aircraft(state) => picture.pilots.push(state.clone()),
        Known::Ground(state) => picture.ground.push(state.clone()),
        Known::Thermal(_) => picture.thermals.extend(with_quality(object, at_us)),
        Known::Station(state) => picture.stations.push(state.clone()),
        Known::Receiver(state) => picture.receivers.push(state.clone()),
        Known::Alert(state) => picture.alerts.push(state.clone()),
    }
}
