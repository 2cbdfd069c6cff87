//! The lists: one endpoint per kind of object, and a row of a table for each.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use schemas::v1;

use super::answer::{Ages, Asked};
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, MAX_AGE, Parameter, RADIUS, TYPES};
use super::picture::{add, quality_of};
use super::problem::Problem;
use super::query::Query;
use super::redis_picture;
use super::selection::Selection;
use super::time::rfc3339;
use crate::app::App;
use fanout::view::{Kind, Object, State as Known};

/// A list of objects of one kind.
pub(super) struct List {
    pub(super) endpoint: Endpoint,
    kind: Kind,
    /// What its own parameters ask for.
    filter: fn(&Query) -> Result<Filter, Problem>,
    /// The answer, of a picture that has these objects alone.
    answer: fn(&Asked, v1::AirPicture) -> Response,
}

/// Whether an object is wanted, at a time.
type Filter = Box<dyn Fn(&Object, u64) -> bool + Send>;

/// All lists.
pub(super) static LISTS: [List; Kind::COUNT] = [
    List {
        endpoint: endpoint("/api/v1/pilots", "Aircraft in a region.", WITH_TYPES, "PilotList"),
        kind: Kind::Aircraft,
        filter: |query| {
            let read = |word: &str| v1::AircraftKind::from_str_name(&format!("AIRCRAFT_KIND_{word}")).map(i32::from);
            of_types(query, "the names of AircraftKind in lower case", read, |object| match &object.state {
                Known::Aircraft(state) => Some(state.aircraft_kind),
                _ => None,
            })
        },
        answer: |asked, v1::AirPicture { server_time, pilots, truncated, .. }| {
            asked.answer(&v1::PilotList { server_time, pilots, truncated })
        },
    },
    List {
        endpoint: endpoint("/api/v1/ground", "Ground objects in a region.", WITH_TYPES, "GroundList"),
        kind: Kind::Ground,
        filter: |query| {
            let read = |word: &str| v1::GroundKind::from_str_name(&format!("GROUND_KIND_{word}")).map(i32::from);
            of_types(query, "the names of GroundKind in lower case", read, |object| match &object.state {
                Known::Ground(state) => Some(state.ground_kind),
                _ => None,
            })
        },
        answer: |asked, v1::AirPicture { server_time, ground, truncated, .. }| {
            asked.answer(&v1::GroundList { server_time, ground, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/thermals",
            "Thermals in a region, with their quality now.",
            WITH_QUALITY,
            "ThermalList",
        ),
        kind: Kind::Thermal,
        filter: |query| {
            let least = query.number("min_quality", 0_u32..=5)?.unwrap_or_default();
            Ok(Box::new(move |object, at_us| quality_of(object, at_us).is_some_and(|quality| quality >= least)))
        },
        answer: |asked, v1::AirPicture { server_time, thermals, truncated, .. }| {
            asked.answer(&v1::ThermalList { server_time, thermals, truncated })
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
        answer: |asked, v1::AirPicture { server_time, stations, truncated, .. }| {
            asked.answer(&v1::StationList { server_time, stations, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/receivers",
            "Receivers in a region; without a region also those whose position is not known.",
            PLAIN,
            "ReceiverList",
        ),
        kind: Kind::Receiver,
        filter: all,
        answer: |asked, v1::AirPicture { server_time, receivers, truncated, .. }| {
            asked.answer(&v1::ReceiverList { server_time, receivers, truncated })
        },
    },
    List {
        endpoint: endpoint(
            "/api/v1/alerts",
            "Alerts in a region; without a region also those whose position is not known.",
            PLAIN,
            "AlertList",
        ),
        kind: Kind::Alert,
        filter: all,
        answer: |asked, v1::AirPicture { server_time, alerts, truncated, .. }| {
            asked.answer(&v1::AlertList { server_time, alerts, truncated })
        },
    },
];

const PLAIN: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE];
const WITH_TYPES: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &TYPES];
const WITH_QUALITY: &[&Parameter] = &[&LAT, &LON, &RADIUS, &BOUNDS, &MAX_AGE, &MIN_QUALITY];

const MIN_QUALITY: Parameter = Parameter {
    name: "min_quality",
    kind: "integer",
    about: "Only thermals of this quality (0 to 5) or a better one.",
};

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

/// Those whose type is among `types`, where the query has any.
fn of_types(
    query: &Query,
    allowed: &str,
    read: impl Fn(&str) -> Option<i32>,
    type_of: fn(&Object) -> Option<i32>,
) -> Result<Filter, Problem> {
    let types = query.words("types", allowed, |word| read(&word.to_ascii_uppercase()))?;
    Ok(Box::new(move |object, _| {
        types.as_ref().is_none_or(|types| type_of(object).is_some_and(|found| types.contains(&found)))
    }))
}

/// Answers to GET.
pub(super) fn route(list: &'static List) -> MethodRouter<App> {
    get(move |State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap, uri: Uri| async move {
        list.get(app, query.as_deref(), &headers, &uri).await
    })
}

impl List {
    async fn get(&self, app: App, query: Option<&str>, headers: &HeaderMap, uri: &Uri) -> Result<Response, Problem> {
        let query = self.endpoint.query(query)?;
        let selection = Selection::of(&query)?;
        let filter = (self.filter)(&query)?;
        let ages = match (selection.has_age(), self.kind) {
            (true, _) => Ages::InSeconds,
            (false, Kind::Thermal) => Ages::InMinutes,
            (false, _) => Ages::Never,
        };
        let asked = Asked::new(app, headers, uri, ages, redis_picture::KINDS.contains(&self.kind)).await?;
        if let Some(answer) = asked.ready_made() {
            return Ok(answer);
        }
        let at_us = asked.at_us();
        let (found, truncated) =
            asked.view(|view| selection.objects(view, self.kind, at_us, |object| filter(object, at_us)));
        let mut picture = v1::AirPicture { server_time: rfc3339(at_us), truncated, ..Default::default() };
        found.iter().for_each(|object| add(&mut picture, object, at_us));
        Ok((self.answer)(&asked, picture))
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
