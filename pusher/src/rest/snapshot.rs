//! `GET /api/v1/snapshot`: everything at once, and the token with which a WebSocket goes on from here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::v1;

use super::answer::{Ages, Asked};
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, Parameter, RADIUS};
use super::picture::add;
use super::problem::Problem;
use super::selection::{MAX_OBJECTS, Selection};
use super::time::rfc3339;
use crate::app::App;
use fanout::compose;
use fanout::subscription::Subscription;
use fanout::view::{KindSet, Object, RegionMark, View};
use geo::{Bounds, Region};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/snapshot",
    summary: "The air picture of a region: all that is in its cells, as a WebSocket subscription to the same region has it. \
              A WebSocket opened with `resume` and the same region and kinds continues from here without a gap.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &KINDS],
    message: "AirPicture",
};

const KINDS: Parameter = Parameter {
    name: "kinds",
    kind: "string",
    about: "Only these, separated by commas: aircraft, ground, thermal, station, receiver, alert.",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let selection = Selection::of(&query)?;
    let kinds = query.kinds()?.unwrap_or(KindSet::ALL);
    let ages = if selection.has_age() { Ages::InSeconds } else { Ages::InMinutes };
    let asked = Asked::new(app, &headers, &uri, ages, true).await?;
    if let Some(answer) = asked.ready_made() {
        return Ok(answer);
    }
    let at_us = asked.at_us();
    let max_cells = asked.app.options.session_limits().max_cells;
    let subscription =
        selection.region().map(|region| Subscription::empty().with_kinds(kinds).with_region(region, max_cells));
    let mark = match &subscription {
        Some(subscription) => subscription.mark(),
        None if kinds == KindSet::ALL => RegionMark::EVERYTHING,
        None => Subscription::empty().with_kinds(kinds).with_region(&Region::Bounds(Bounds::WORLD), max_cells).mark(),
    };
    let (found, resume) = asked.view(|view| {
        let found = objects(view, &selection, subscription.as_ref(), kinds, at_us);
        (found, asked.epoch().map(|epoch| view.positions().token(epoch, mark)))
    });
    let truncated = found.len() > MAX_OBJECTS;
    let mut picture = v1::AirPicture {
        server_time: rfc3339(at_us),
        truncated,
        // What was left out could never be asked for again with the token.
        resume: resume.filter(|_| !truncated && !selection.has_age()).unwrap_or_default(),
        epoch: asked.epoch().unwrap_or_default().to_owned(),
        ..Default::default()
    };
    found.iter().take(MAX_OBJECTS).for_each(|object| add(&mut picture, object, at_us));
    Ok(asked.answer(&picture))
}

/// At most one more than the bound.
fn objects(
    view: &View,
    selection: &Selection,
    subscription: Option<&Subscription>,
    kinds: KindSet,
    at_us: u64,
) -> Vec<Arc<Object>> {
    let fits = |object: &&Arc<Object>| selection.is_fresh(object, at_us);
    match subscription {
        None => kinds.iter().flat_map(|kind| view.objects(kind)).filter(fits).take(MAX_OBJECTS + 1).cloned().collect(),
        Some(subscription) => {
            let seen = compose::seen(view, subscription);
            seen.into_iter().filter_map(|id| view.object(id)).filter(fits).take(MAX_OBJECTS + 1).cloned().collect()
        }
    }
}
