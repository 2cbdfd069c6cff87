//! `POST /api/v1/position`: a position of a telephone. The credentials name the devices whose positions it may send.

use std::sync::Arc;

use access::Caller;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message as _;
use schemas::DeviceAddress;
use schemas::v1::{AppPosition, Position, PositionReport};
use serde_json::Value;

use super::endpoint::Parameter;
use super::measure::RequestSpan;
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::auth::Denied;
use crate::positions::PositionError;

pub(super) const PATH: &str = "/api/v1/position";
pub(super) const SUMMARY: &str = "Send a position of a device of the credentials. One per second, ten at once.";
pub(super) const DEVICE: Parameter = Parameter {
    name: "device",
    kind: "string",
    about: "The device of the position, six hex digits; not needed where the credentials are for one device alone.",
};

/// The id of the position's record.
const OBSERVATION_ID: HeaderName = HeaderName::from_static("x-observation-id");
const MAX_BODY_BYTES: usize = 4 << 10;
/// The clocks of some telephones are not set by the network.
const MAX_AHEAD_US: u64 = 60_000_000;
/// Older positions are useless: the processor writes positions that are an hour late to the history only.
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
    Extension(caller): Extension<Arc<Caller>>,
    span: Option<Extension<RequestSpan>>,
    body: Body,
) -> Result<Response, Problem> {
    let query = Query::parse(query.as_deref(), &[DEVICE.name])?;
    let device = device(&caller, query.get(DEVICE.name))?;
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let bytes = bytes
        .map_err(|_| Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes")))?;
    let report = match media_type(&headers) {
        "application/x-protobuf" => PositionReport::decode(bytes).map_err(|error| invalid_body(&error.to_string()))?,
        "application/json" | "" => parse_json(&bytes)?,
        _ => {
            return Err(Problem::unsupported_media_type(
                "expected Content-Type application/json or application/x-protobuf",
            ));
        }
    };
    let clock = &app.context.clock;
    let position = position(&report, device, &caller, clock.now_us())?;
    match app.positions.write(position, span.map(|Extension(RequestSpan(cause))| cause), clock).await {
        Ok(id) => {
            let id = HeaderValue::from_str(&id.to_string()).expect("digits");
            Ok((StatusCode::ACCEPTED, [(OBSERVATION_ID, id)]).into_response())
        }
        Err(PositionError::TooSoon(limited)) => Ok(Denied::Limited(limited).into_response()),
        Err(error) => {
            tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "cannot write a position");
            let detail = "the position was not written: send it again".to_owned();
            Err(Problem::unavailable("log_unavailable", detail))
        }
    }
}

/// The device of a position: the requested one, or the only one of the credentials.
fn device(caller: &Caller, requested: Option<&str>) -> Result<DeviceAddress, Problem> {
    let invalid = |error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string());
    let requested: Option<DeviceAddress> = requested.map(str::parse).transpose().map_err(invalid)?;
    match (requested, &caller.devices[..]) {
        (Some(requested), devices) if devices.contains(&requested) => Ok(requested),
        (None, [only]) => Ok(*only),
        (None, [_, _, ..]) => {
            let detail = "these credentials are for several devices: expected the parameter device".to_owned();
            Err(Problem::bad_request("no_device", detail))
        }
        _ => Err(Problem::forbidden("not_your_device", "these credentials are not for that device")),
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

fn invalid_body(error: &str) -> Problem {
    Problem::bad_request("bad_body", format!("the body is not a PositionReport: {error}"))
}

fn parse_json(bytes: &[u8]) -> Result<PositionReport, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| invalid_body(&error.to_string()))?;
    let object = value.as_object().ok_or_else(|| invalid_body("expected a JSON object"))?;
    if let Some(name) = object.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Problem::unknown_field(name, &FIELDS));
    }
    if let Some(missing) = REQUIRED.iter().find(|name| !object.contains_key(**name)) {
        return Err(invalid_body(&format!("the field {missing} is missing")));
    }
    serde_json::from_value(value).map_err(|error| invalid_body(&error.to_string()))
}

/// The position for the raw topic.
fn position(
    report: &PositionReport,
    device: DeviceAddress,
    caller: &Caller,
    now_us: u64,
) -> Result<AppPosition, Problem> {
    let at_us = report.positioned_at_us;
    if at_us > now_us + MAX_AHEAD_US || at_us < now_us.saturating_sub(MAX_BEHIND_US) {
        let detail = format!(
            "invalid positioned_at_us {at_us}: expected a time of the last 24 hours in microseconds since the epoch; now is \
             {now_us}"
        );
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
    let pilot = &caller.pilot;
    Ok(AppPosition {
        device: device.0,
        positioned_at_us: at_us,
        position: Some(Position { latitude_deg, longitude_deg, altitude_m }),
        speed_kmh: report.speed_kmh,
        climb_mps: report.climb_mps,
        course_deg: report.course_deg,
        accuracy_m: report.accuracy_m,
        aircraft_kind: Some(pilot.aircraft_kind.into()),
        ground_kind: None,
        public: pilot.public,
        name: pilot.name.clone(),
    })
}

fn within(name: &str, value: Option<f64>, low: f64, high: f64) -> Result<(), Problem> {
    match value {
        Some(value) if !(low..=high).contains(&value) => {
            let detail = format!("invalid {name} {value}: expected a number from {low} to {high}");
            Err(Problem::bad_request("bad_value", detail))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use access::{Credential, Pilot, Scopes};
    use schemas::json_schema::Types;

    use super::*;

    const NOW_US: u64 = 1_780_000_000_000_000;
    const ADA: DeviceAddress = DeviceAddress(0x11_0B90);

    fn caller(devices: &[DeviceAddress]) -> Caller {
        Caller {
            subject: "ada".to_owned(),
            name: None,
            roles: Vec::new(),
            credential: Credential::Token,
            scopes: Scopes::ALL,
            company: None,
            devices: devices.to_vec(),
            pilot: Pilot { public: true, name: None, aircraft_kind: schemas::v1::AircraftKind::Glider },
            session: None,
            expires_at_s: None,
            accepted_until_s: None,
        }
    }

    fn accepted(report: &PositionReport) -> Result<AppPosition, Problem> {
        position(report, ADA, &caller(&[ADA]), NOW_US)
    }

    #[test]
    fn a_position_is_of_a_device_of_the_caller() {
        let other = DeviceAddress(0x07_AB12);
        assert_eq!(device(&caller(&[ADA]), None), Ok(ADA));
        assert_eq!(device(&caller(&[ADA, other]), Some("07ab12")), Ok(other));
        let status = |found: Result<DeviceAddress, Problem>| found.unwrap_err().into_response().status().as_u16();
        assert_eq!(status(device(&caller(&[ADA, other]), None)), 400, "which of them?");
        assert_eq!(status(device(&caller(&[ADA]), Some("07AB12"))), 403);
        assert_eq!(status(device(&caller(&[]), None)), 403);
        assert_eq!(status(device(&caller(&[ADA]), Some("Ada"))), 400);
    }

    #[test]
    fn the_fields_are_those_of_the_message() {
        let message = Types::get().message("PositionReport").unwrap();
        assert!(message.field.iter().map(|field| field.name()).eq(FIELDS));
    }

    #[test]
    fn a_body_is_complete_and_has_no_other_fields() {
        let good = format!("{{\"positioned_at_us\":\"{NOW_US}\",\"latitude_deg\":46.5,\"longitude_deg\":8}}");
        let report = parse_json(good.as_bytes()).unwrap();
        let position = accepted(&report).unwrap();
        assert_eq!((position.device, position.positioned_at_us, position.public), (0x11_0B90, NOW_US, true));
        assert_eq!(position.position.unwrap().altitude_m, None, "an absent field is unknown");
        for invalid in ["", "[]", "{}", r#"{"latitude_deg":46,"longitude_deg":8}"#, r#"{"latitude_deg":"x"}"#] {
            assert!(parse_json(invalid.as_bytes()).is_err(), "{invalid}");
        }
        assert_eq!(parse_json(b"{\"speed\":1}").unwrap_err(), Problem::unknown_field("speed", &FIELDS));
    }

    #[test]
    fn impossible_values_are_refused() {
        let good =
            PositionReport { positioned_at_us: NOW_US, latitude_deg: 46.0, longitude_deg: 8.0, ..Default::default() };
        let impossible = [
            PositionReport { latitude_deg: 90.1, ..good },
            PositionReport { longitude_deg: f64::NAN, ..good },
            PositionReport { altitude_m: Some(20_000.0), ..good },
            PositionReport { speed_kmh: Some(-1.0), ..good },
            PositionReport { positioned_at_us: NOW_US + MAX_AHEAD_US + 1, ..good },
            PositionReport { positioned_at_us: NOW_US / 1_000, ..good },
        ];
        assert!(accepted(&good).is_ok());
        for report in impossible {
            assert!(accepted(&report).is_err(), "{report:?}");
        }
    }
}
