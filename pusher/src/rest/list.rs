//! The lists: one endpoint per kind of object, each an entry of a table.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use schemas::v1;

use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, Parameter, RADIUS, TYPES};
use super::picture::{add, quality_of};
use super::picture_request::{Aging, PictureRequest};
use super::problem::Problem;
use super::query::Query;
use super::selection::Selection;
use crate::app::App;
use crate::time::rfc3339;
use fanout::view::{Kind, Object, State as Known};

/// A list of objects of one kind.
pub(super) struct List {
    pub(super) endpoint: Endpoint,
    kind: Kind,
    /// The filter of the list's own parameters.
    filter: fn(&Query) -> Result<Filter, Problem>,
    /// The response, from a picture of these objects alone.
    respond: fn(&PictureRequest, v1::AirPicture) -> Response,
}

/// Whether the list has an object, at a time.
type Filter = Box<dyn Fn(&Object, u64) -> bool + Send>;

/// All lists.
pub(super) static LISTS: [List; Kind::COUNT] = [
    List {
        endpoint: endpoint("/api/v1/pilots", "Aircraft in a region.", WITH_TYPES, "PilotList"),
        kind: Kind::Aircraft,
        filter: |query| {
            let parse = |name: &str| v1::AircraftKind::from_str_name(&format!("AIRCRAFT_KIND_{name}")).map(i32::from);
            of_types(query, "names of AircraftKind in lower case", parse, |object| match &object.state {
                Known::Aircraft(state) => Some(state.aircraft_kind),
                _ => None,
            })
        },
        respond: |request, v1::AirPicture { server_time, pilots, truncated, .. }| {
            request.respond(&v1::PilotList { server_time, pilots, truncated })
        },
    },
    List {
        endpoint: endpoint("/api/v1/ground", "Ground objects in a region.", WITH_TYPES, "GroundList"),
        kind: Kind::Ground,
        filter: |query| {
            let parse = |name: &str| v1::GroundKind::from_str_name(&format!("GROUND_KIND_{name}")).map(i32::from);
            of_types(query, "names of GroundKind in lower case", parse, |object| match &object.state {
                Known::Ground(state) => Some(state.ground_kind),
                _ => None,
            })
        },
        respond: |request, v1::AirPicture { server_time, ground, truncated, .. }| {
            request.respond(&v1::GroundList { server_time, ground, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/thermals",
            "Thermals in a region, with their present quality.",
            WITH_QUALITY,
            "ThermalList",
        ),
        kind: Kind::Thermal,
        filter: |query| {
            let minimum = query.number("min_quality", 0_u32..=5)?.unwrap_or_default();
            Ok(Box::new(move |object, now_us| quality_of(object, now_us).is_some_and(|quality| quality >= minimum)))
        },
        respond: |request, v1::AirPicture { server_time, thermals, truncated, .. }| {
            request.respond(&v1::ThermalList { server_time, thermals, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/stations",
            "Weather stations in a region, with their newest values.",
            PLAIN,
            "StationList",
        ),
        kind: Kind::Station,
        filter: all,
        respond: |request, v1::AirPicture { server_time, stations, truncated, .. }| {
            request.respond(&v1::StationList { server_time, stations, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/receivers",
            "Receivers in a region; without a region also those of unknown position.",
            PLAIN,
            "ReceiverList",
        ),
        kind: Kind::Receiver,
        filter: all,
        respond: |request, v1::AirPicture { server_time, receivers, truncated, .. }| {
            request.respond(&v1::ReceiverList { server_time, receivers, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/alerts",
            "Alerts in a region; without a region also those of unknown position.",
            PLAIN,
            "AlertList",
        ),
        kind: Kind::Alert,
        filter: all,
        respond: |request, v1::AirPicture { server_time, alerts, truncated, .. }| {
            request.respond(&v1::AlertList { server_time, alerts, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/landmarks",
            "Marks in a region that devices broadcast: notes, warnings, landing fields.",
            PLAIN,
            "LandmarkList",
        ),
        kind: Kind::Landmark,
        filter: all,
        respond: |request, v1::AirPicture { server_time, landmarks, truncated, .. }| {
            request.respond(&v1::LandmarkList { server_time, landmarks, truncated })
        },
    },
];

const PLAIN: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE];
const WITH_TYPES: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &TYPES];
const WITH_QUALITY: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &MIN_QUALITY];

const MIN_QUALITY: Parameter =
    Parameter { name: "min_quality", kind: "integer", about: "Only thermals of at least this quality, 0 to 5." };

const fn endpoint(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [&'static Parameter],
    message: &'static str,
) -> Endpoint {
    Endpoint { path, summary, path_parameters: &[], parameters, message }
}

fn all(_: &Query) -> Result<Filter, Problem> {
    Ok(Box::new(|_, _| true))
}

/// The objects whose type is in the parameter `types`; all without it.
fn of_types(
    query: &Query,
    allowed: &str,
    parse: impl Fn(&str) -> Option<i32>,
    type_of: fn(&Object) -> Option<i32>,
) -> Result<Filter, Problem> {
    let types = query.list("types", allowed, |name| parse(&name.to_ascii_uppercase()))?;
    Ok(Box::new(move |object, _| {
        types.as_ref().is_none_or(|types| type_of(object).is_some_and(|found| types.contains(&found)))
    }))
}

/// The route for GET.
pub(super) fn route(list: &'static List) -> MethodRouter<App> {
    get(move |State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap, uri: Uri| async move {
        list.get(app, query.as_deref(), &headers, &uri).await
    })
}

impl List {
    async fn get(&self, app: App, query: Option<&str>, headers: &HeaderMap, uri: &Uri) -> Result<Response, Problem> {
        let query = self.endpoint.query(query)?;
        let selection = Selection::parse(&query)?;
        let filter = (self.filter)(&query)?;
        let aging = match (selection.has_age(), self.kind) {
            (true, _) => Aging::EverySecond,
            (false, Kind::Thermal) => Aging::EveryMinute,
            (false, _) => Aging::Never,
        };
        let request = PictureRequest::new(app, headers, uri, aging, schemas::redis::holds(self.kind)).await?;
        if let Some(response) = request.cached_response() {
            return Ok(response);
        }
        let now_us = request.now_us();
        let (found, truncated) =
            request.view(|view| selection.objects(view, self.kind, now_us, |object| filter(object, now_us)));
        let mut picture = v1::AirPicture { server_time: rfc3339(now_us), truncated, ..Default::default() };
        found.iter().for_each(|object| add(&mut picture, object, now_us));
        Ok((self.respond)(&request, picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_list() {
        for kind in Kind::ALL {
            assert_eq!(LISTS.iter().filter(|list| list.kind == kind).count(), 1, "{kind:?}");
        }
    }
}
