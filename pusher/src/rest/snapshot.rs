//! `GET /api/v1/snapshot`: objects of all kinds, and the token with which a WebSocket continues from here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, Parameter, RADIUS};
use super::picture::add;
use super::picture_request::{Aging, PictureRequest};
use super::problem::Problem;
use super::selection::{MAX_OBJECTS, Selection};
use crate::app::App;
use crate::time::rfc3339;
use fanout::compose;
use fanout::subscription::Subscription;
use fanout::view::{KindSet, Object, RegionMark, View};
use geo::{Bounds, Region};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/snapshot",
    summary: "The air picture of a region: all objects in its cells, as in a WebSocket subscription to the same region. \
              A WebSocket opened with `resume` and the same region and kinds continues from here without a gap.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &KINDS],
    message: "AirPicture",
};

const KINDS: Parameter = Parameter {
    name: "kinds",
    kind: "string",
    about: "Only these kinds, separated by commas: aircraft, ground, thermal, station, receiver, alert.",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let selection = Selection::parse(&query)?;
    let kinds = query.kinds()?.unwrap_or(KindSet::ALL);
    let aging = if selection.has_age() { Aging::EverySecond } else { Aging::EveryMinute };
    let request = PictureRequest::new(app, &headers, &uri, aging, true).await?;
    if let Some(response) = request.cached_response() {
        return Ok(response);
    }
    let now_us = request.now_us();
    let max_cells = request.app.options.session_limits().max_cells;
    let subscription =
        selection.region().map(|region| Subscription::empty().with_kinds(kinds).with_region(region, max_cells));
    let mark = match &subscription {
        Some(subscription) => subscription.mark(),
        None if kinds == KindSet::ALL => RegionMark::EVERYTHING,
        None => Subscription::empty().with_kinds(kinds).with_region(&Region::Bounds(Bounds::WORLD), max_cells).mark(),
    };
    let (found, resume) = request.view(|view| {
        let found = objects(view, &selection, subscription.as_ref(), kinds, now_us);
        (found, request.epoch().map(|epoch| view.offsets().token(epoch, mark)))
    });
    let truncated = found.len() > MAX_OBJECTS;
    let mut picture = v1::AirPicture {
        server_time: rfc3339(now_us),
        truncated,
        // No token where objects were left out: a WebSocket with the token would never send them.
        resume: resume.filter(|_| !truncated && !selection.has_age()).unwrap_or_default(),
        epoch: request.epoch().unwrap_or_default().to_owned(),
        ..Default::default()
    };
    found.iter().take(MAX_OBJECTS).for_each(|object| add(&mut picture, object, now_us));
    Ok(request.respond(&picture))
}

/// The objects of the response, and one more where some have to be left out.
fn objects(
    view: &View,
    selection: &Selection,
    subscription: Option<&Subscription>,
    kinds: KindSet,
    now_us: u64,
) -> Vec<Arc<Object>> {
    let fits = |object: &&Arc<Object>| selection.is_fresh(object, now_us);
    match subscription {
        None => kinds.iter().flat_map(|kind| view.objects(kind)).filter(fits).take(MAX_OBJECTS + 1).cloned().collect(),
        Some(subscription) => {
            let seen = compose::seen(view, subscription);
            seen.into_iter().filter_map(|id| view.object(id)).filter(fits).take(MAX_OBJECTS + 1).cloned().collect()
        }
    }
}
