//! `POST /api/v1/position`: a position from a telephone. Until there are accounts, who may send is said by a file of keys.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message as _;
use schemas::v1::{AppPosition, Position, PositionReport};
use serde_json::Value;

use super::measure::RequestSpan;
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::positions::{NotWritten, Positions, Sender};

pub(super) const PATH: &str = "/api/v1/position";
pub(super) const SUMMARY: &str = "A position of the device that the key is for. One a second at most.";

/// Names the record that the position became.
const OBSERVATION_ID: HeaderName = HeaderName::from_static("x-observation-id");
const MAX_BODY_BYTES: usize = 4 << 10;
/// Telephones set their clocks by the network; some do not.
const MAX_AHEAD_US: u64 = 60_000_000;
/// Older ones are of no use: the processor takes what is an hour late for history only.
const MAX_BEHIND_US: u64 = 86_400_000_000;

const FIELDS: [&str; 8] = [
    "positioned_at_us",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
    "speed_kmh",
    "climb_mps",
    "course_deg",
    "accuracy_m",
];
const REQUIRED: [&str; 3] = ["positioned_at_us", "latitude_deg", "longitude_deg"];

pub(super) async fn post(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    span: Option<Extension<RequestSpan>>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let (positions, sender) = authenticate(&app, &headers)?;
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let bytes = bytes.map_err(|_| Problem::too_large(format!("a position has at most {MAX_BODY_BYTES} bytes")))?;
    let report = match media_type(&headers) {
        "application/x-protobuf" => PositionReport::decode(bytes).map_err(|error| unreadable(&error.to_string()))?,
        "application/json" | "" => read_json(&bytes)?,
        _ => return Err(Problem::unsupported("application/json or application/x-protobuf")),
    };
    let clock = &app.context.clock;
    let position = position(&report, &sender, clock.now_us())?;
    match positions.write(position, span.map(|Extension(RequestSpan(cause))| cause), clock).await {
        Ok(id) => {
            let id = HeaderValue::from_str(&id.to_string()).expect("digits");
            Ok((StatusCode::ACCEPTED, [(OBSERVATION_ID, id)]).into_response())
        }
        Err(error @ NotWritten::TooSoon) => Err(Problem::too_often(error.to_string())),
        Err(error) => {
            tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "a position was not taken");
            Err(Problem::busy("log_unavailable", "the position could not be written: send it again".to_owned()))
        }
    }
}

fn authenticate(app: &App, headers: &HeaderMap) -> Result<(Arc<Positions>, Arc<Sender>), Problem> {
    let Some(positions) = &app.positions else {
        return Err(Problem::unauthorized("nobody may send positions here: there are no --position-keys"));
    };
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, key) = credentials.and_then(|credentials| credentials.split_once(' ')).unwrap_or_default();
    let sender = positions.keys().value().find(key.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"));
    let sender = sender.ok_or_else(|| Problem::unauthorized("Authorization: Bearer, then a key that is known here"))?;
    Ok((positions.clone(), sender))
}

fn media_type(headers: &HeaderMap) -> &str {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

fn unreadable(why: &str) -> Problem {
    Problem::bad_request("bad_body", format!("not a PositionReport: {why}"))
}

fn read_json(bytes: &[u8]) -> Result<PositionReport, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| unreadable(&error.to_string()))?;
    let object = value.as_object().ok_or_else(|| unreadable("it is no object"))?;
    if let Some(name) = object.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Problem::unknown_field(name, &FIELDS));
    }
    if let Some(missing) = REQUIRED.iter().find(|name| !object.contains_key(**name)) {
        return Err(unreadable(&format!("{missing} is missing")));
    }
    serde_json::from_value(value).map_err(|error| unreadable(&error.to_string()))
}

/// The position as the raw topic has it.
fn position(report: &PositionReport, sender: &Sender, now_us: u64) -> Result<AppPosition, Problem> {
    let at_us = report.positioned_at_us;
    if at_us > now_us + MAX_AHEAD_US || at_us < now_us.saturating_sub(MAX_BEHIND_US) {
        let detail = format!("positioned_at_us is of the last 24 h, as microseconds since the epoch; now is {now_us}");
        return Err(Problem::bad_request("bad_time", detail));
    }
    within("latitude_deg", Some(report.latitude_deg), -90.0, 90.0)?;
    within("longitude_deg", Some(report.longitude_deg), -180.0, 180.0)?;
    within("altitude_m", report.altitude_m, -1_000.0, 15_000.0)?;
    within("speed_kmh", report.speed_kmh, 0.0, 1_000.0)?;
    within("climb_mps", report.climb_mps, -100.0, 100.0)?;
    within("course_deg", report.course_deg, 0.0, 360.0)?;
    within("accuracy_m", report.accuracy_m, 0.0, 100_000.0)?;
    let (latitude_deg, longitude_deg, altitude_m) = (report.latitude_deg, report.longitude_deg, report.altitude_m);
    Ok(AppPosition {
        device: sender.device,
        positioned_at_us: at_us,
        position: Some(Position { latitude_deg, longitude_deg, altitude_m }),
        speed_kmh: report.speed_kmh,
        climb_mps: report.climb_mps,
        course_deg: report.course_deg,
        accuracy_m: report.accuracy_m,
        aircraft_kind: Some(sender.aircraft_kind.into()),
        ground_kind: None,
        public: sender.public,
        name: sender.name.clone(),
    })
}

fn within(name: &str, value: Option<f64>, low: f64, high: f64) -> Result<(), Problem> {
    let fits = value.is_none_or(|value| (low..=high).contains(&value));
    fits.then_some(()).ok_or_else(|| Problem::bad_request("bad_value", format!("{name} is from {low} to {high}")))
}

#[cfg(test)]
mod tests {
    use schemas::json_schema::Types;

    use super::*;

    const NOW_US: u64 = 1_780_000_000_000_000;

    fn sender() -> Sender {
        Sender { device: 0x11_0B90, public: true, name: None, aircraft_kind: schemas::v1::AircraftKind::Glider }
    }

    #[test]
    fn the_fields_are_those_of_the_message() {
        let message = Types::get().message("PositionReport").unwrap();
        assert!(message.field.iter().map(|field| field.name()).eq(FIELDS));
    }

    #[test]
    fn a_body_is_whole_and_has_no_other_fields() {
        let good = format!("{{\"positioned_at_us\":\"{NOW_US}\",\"latitude_deg\":46.5,\"longitude_deg\":8}}");
        let report = read_json(good.as_bytes()).unwrap();
        let taken = position(&report, &sender(), NOW_US).unwrap();
        assert_eq!((taken.device, taken.positioned_at_us, taken.public), (0x11_0B90, NOW_US, true));
        assert_eq!(taken.position.unwrap().altitude_m, None, "what is not sent is not known");
        for bad in ["", "[]", "{}", r#"{"latitude_deg":46,"longitude_deg":8}"#, r#"{"latitude_deg":"x"}"#] {
            assert!(read_json(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read_json(b"{\"speed\":1}").unwrap_err(), Problem::unknown_field("speed", &FIELDS));
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let good =
            PositionReport { positioned_at_us: NOW_US, latitude_deg: 46.0, longitude_deg: 8.0, ..Default::default() };
        let bad = [
            PositionReport { latitude_deg: 90.1, ..good },
            PositionReport { longitude_deg: f64::NAN, ..good },
            PositionReport { altitude_m: Some(20_000.0), ..good },
            PositionReport { speed_kmh: Some(-1.0), ..good },
            PositionReport { positioned_at_us: NOW_US + MAX_AHEAD_US + 1, ..good },
            PositionReport { positioned_at_us: NOW_US / 1_000, ..good },
        ];
        assert!(position(&good, &sender(), NOW_US).is_ok());
        for report in bad {
            assert!(position(&report, &sender(), NOW_US).is_err(), "{report:?}");
        }
    }
}
