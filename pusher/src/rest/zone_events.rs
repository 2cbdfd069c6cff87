//! `GET /api/v1/zone-events`: aircraft that entered and left zones in the last 24 hours.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::{ZoneEvent, ZoneEventList};

use super::endpoint::{BOUNDS, Endpoint, LAT, LON, Parameter, RADIUS};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::time::rfc3339;

/// Events in one response.
const MOST: usize = 1_000;

const SINCE: Parameter = Parameter {
    name: "since",
    kind: "integer",
    about: "Events at this time or later, microseconds since the epoch. Ask with an overlap of some minutes and drop the events \
            whose `event_id` is known: an event of a delayed frame arrives late. Without it: all of the last 24 hours.",
};
const SET: Parameter = Parameter { name: "set", kind: "string", about: "Only events of zones of this set." };

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/zone-events",
    summary: "Aircraft that entered and left zones in the last 24 hours, oldest first. A stay that ends because the aircraft is no \
              longer on the map, or the zone is removed, has no event.",
    path_parameters: &[],
    parameters: &[&SINCE, &SET, &LAT, &LON, &RADIUS, &BOUNDS],
    message: "ZoneEventList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let region = query.region()?;
    let since_us = query.number("since", 0..=u64::MAX)?.unwrap_or_default();
    let set = query.get("set");
    let live = app.ready()?;
    let mut events: Vec<ZoneEvent> = {
        let (known, privacy) = (live.zone_events.read(), live.privacy.read());
        let is_inside = |event: &ZoneEvent| match (&region, &event.position) {
            (None, _) => true,
            (Some(region), Some(at)) => region.contains(at.latitude_deg, at.longitude_deg),
            (Some(_), None) => false,
        };
        let events =
            known.all().filter(|event| event.event_at_us >= since_us && set.is_none_or(|set| event.set == set));
        // What was public then and is hidden now stays hidden.
        let is_public = |event: &&ZoneEvent| privacy.public_past(event.device).shows(event.event_at_us);
        events.filter(|event| is_inside(event)).filter(is_public).cloned().collect()
    };
    events.sort_by(|a, b| (a.event_at_us, &a.event_id).cmp(&(b.event_at_us, &b.event_id)));
    let truncated = events.len() > MOST;
    events.truncate(MOST);
    let list = ZoneEventList { server_time: rfc3339(app.context.clock.now_us()), events, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}
