//! `GET /api/v1/silent`: aircraft of the last 24 hours that were not heard of since they flew.
//!
//! The recorded flights say which flights ended with the last position of their device: after a landing more positions come,
//! from the ground. The air picture says what was heard since. What is recorded is read for all clients together, at most
//! twice a minute; what is public of it, and the air picture, are read for every response.

mod coverage;
mod recorded;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use fanout::view::{State as Known, View};
use geo::Region;
use schemas::alert::is_distress;
use schemas::v1::{self, AlertKind, AlertStatus, SilentAircraft, SilentList};

use super::decisions::ground_kind;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, Parameter, RADIUS};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{PublicHistory, history_failed, ms_to_us, us_to_ms};
use crate::app::App;
use crate::time::rfc3339;
use coverage::Coverage;
pub(crate) use recorded::Recorded;
use recorded::{Ended, read};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/silent",
    summary: "Aircraft of the last 24 hours whose last position is in flight, at least 15 minutes ago: most of them landed where \
              no receiver hears them, or were switched off. First come those with an open call for medical help or distress, then those that \
              nothing was heard of since, not even from the ground; among them those where a receiver should hear them, those \
              that sank at 5 m/s or faster, and the newest. Hidden devices are not among them.",
    path_parameters: &[],
    parameters: &[
        &LAT,
        &LON,
        &RADIUS,
        &BOUNDS,
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "Maximum number of aircraft, 1 to 1,000. The default is 100.",
        },
    ],
    message: "SilentList",
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
/// Aircraft that sank at this speed or faster come before the others, m/s.
const FAST_SINK_MPS: f64 = -5.0;
/// The air picture has times to the microsecond, the history to the millisecond.
const SAME_TIME_US: u64 = 1_000;

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let region = query.region()?;
    let limit = query.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let history = PublicHistory::open(&app)?;
    let is_public = |device, at_ms| history.shows(device, at_ms);
    let now_ms = us_to_ms(history.now_us);
    let recorded = app.silent.get(|| read(history.store.as_ref(), now_ms, is_public)).await;
    let recorded = recorded.map_err(|error| history_failed(&error))?;
    let live = app.ready()?;
    let mut silent: Vec<SilentAircraft> = {
        let view = live.view.read();
        let coverage = Coverage::of(&view);
        let ended = recorded.ended.iter().filter(|ended| is_public(ended.last.device, ended.last.event_at_ms));
        let ended = ended.filter(|ended| is_inside(region.as_ref(), ended));
        ended.filter_map(|ended| silent_aircraft(ended, &view, &coverage)).collect()
    };
    silent.sort_by_cached_key(rank);
    let truncated = recorded.is_cut || silent.len() > limit;
    silent.truncate(limit);
    let devices: Vec<u32> = silent.iter().map(|aircraft| aircraft.device).collect();
    if !devices.is_empty() {
        let names = history.names_at(&devices, now_ms).await?;
        silent.iter_mut().for_each(|aircraft| aircraft.name = names.get(&aircraft.device).cloned());
    }
    let list = SilentList { server_time: rfc3339(history.now_us), aircraft: silent, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn is_inside(region: Option<&Region>, ended: &Ended) -> bool {
    region.is_none_or(|region| region.contains(ended.last.latitude_deg(), ended.last.longitude_deg()))
}

/// `None`: it was heard of since, in the air.
fn silent_aircraft(ended: &Ended, view: &View, coverage: &Coverage) -> Option<SilentAircraft> {
    let last = &ended.last;
    let since_us = ms_to_us(last.event_at_ms);
    let mut ground =
        ended.ground.as_ref().map(|ground| (ms_to_us(ground.event_at_ms), ground_kind(ground.ground_type)));
    let mut alert_kind = None;
    for object in view.of_device(last.device) {
        let at_us = object.state.event_at_us();
        match &object.state {
            Known::Aircraft(_) if at_us > since_us + SAME_TIME_US => return None,
            Known::Ground(state) if at_us > since_us && ground.is_none_or(|(newest_us, _)| at_us > newest_us) => {
                ground = Some((at_us, state.ground_kind));
            }
            Known::Alert(alert) if alert.status() != AlertStatus::Resolved => alert_kind = Some(alert.alert_kind),
            _ => {}
        }
    }
    let (latitude_deg, longitude_deg) = (last.latitude_deg(), last.longitude_deg());
    let covered_by = coverage.at(latitude_deg, longitude_deg, since_us);
    Some(SilentAircraft {
        device: last.device,
        name: None,
        aircraft_kind: last.aircraft_kind.into(),
        take_off_at_us: ms_to_us(ended.take_off_at_ms),
        silent_since_us: since_us,
        position: Some(v1::Position { latitude_deg, longitude_deg, altitude_m: last.altitude_m.map(f64::from) }),
        speed_kmh: Some(last.speed_kmh()),
        climb_mps: Some(last.climb_mps()),
        course_deg: last.course_deg(),
        received_by: ended.received_by.clone(),
        in_coverage: !covered_by.is_empty(),
        covered_by,
        ground_kind: ground.map(|(_, kind)| kind),
        ground_at_us: ground.map(|(at_us, _)| at_us),
        alert_kind,
    })
}

/// Whether a person may be in danger, also by a kind that is not known here. A request for a ride is a sign of life.
fn calls_for_help(aircraft: &SilentAircraft) -> bool {
    aircraft.alert_kind.is_some_and(|kind| AlertKind::try_from(kind).map_or(true, is_distress))
}

/// The worst has the least.
fn rank(aircraft: &SilentAircraft) -> (bool, bool, bool, bool, std::cmp::Reverse<u64>, u32) {
    let sinks_fast = aircraft.climb_mps.is_some_and(|climb_mps| climb_mps <= FAST_SINK_MPS);
    (
        !calls_for_help(aircraft),
        aircraft.ground_kind.is_some(),
        !aircraft.in_coverage,
        !sinks_fast,
        std::cmp::Reverse(aircraft.silent_since_us),
        aircraft.device,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let one = |device| SilentAircraft { device, climb_mps: Some(-1.0), silent_since_us: 10, ..Default::default() };
        let mut all = [
            SilentAircraft { ground_kind: Some(2), in_coverage: true, ..one(1) },
            SilentAircraft { silent_since_us: 5, ..one(2) },
            one(3),
            SilentAircraft { climb_mps: Some(-9.0), silent_since_us: 5, ..one(4) },
            SilentAircraft { in_coverage: true, silent_since_us: 1, ..one(5) },
            SilentAircraft { alert_kind: Some(15), ground_kind: Some(15), ..one(6) },
            SilentAircraft { alert_kind: Some(9), ground_kind: Some(9), ..one(7) },
        ];
        all.sort_by_cached_key(rank);
        assert_eq!(all.iter().map(|aircraft| aircraft.device).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1, 7]);
    }
}
