//! Positions of a device as operators see and judge them: `GET /api/v1/devices/{address}/positions`, and `POST` to `/reject` and
//! `/accept` below one of them.

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::StreamExt as _;
use geo::Position;
use history::{GroundPositionRow, HistoryReader, Period, PositionRow, Rows, TrackQuery, Visibility, flag};
use schemas::v1::command::{AcceptPosition, Action, RejectPosition};
use schemas::v1::{self, CommandReceipt, DevicePosition, DevicePositionList};
use schemas::{DeviceAddress, RecordId};
use serde::Deserialize;

use super::command::{about, checked_remark, device, not_done, send};
use super::devices::ADDRESS;
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{FROM, HOURS, PublicHistory, TO, history_failed, ms_to_us, us_to_ms};
use super::query::Query;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::time::rfc3339;

pub(super) const REJECT_PATH: &str = "/api/v1/devices/{address}/positions/{id}/reject";
pub(super) const REJECT_SUMMARY: &str = "Say that a recorded position was wrong: it is taken out of the live picture, of the track and of the flights; the right \
     position, if it is given, takes its place. `accept` takes it back. For operators.";
pub(super) const ACCEPT_PATH: &str = "/api/v1/devices/{address}/positions/{id}/accept";
pub(super) const ACCEPT_SUMMARY: &str = "Say that a recorded position was right, also where it was rejected before: it is part of the track. For operators.";
/// The path parameter of both.
pub(super) const ID: Parameter =
    Parameter { name: "id", kind: "string", about: "The `observation_id`, for example 17-123456." };

const MAX_BODY_BYTES: usize = 4 << 10;
/// An hour has at most one in a second.
const MAX_POSITIONS: u64 = 4_000;
/// Altitudes that columns hold, metres.
const ALTITUDES_M: std::ops::RangeInclusive<f64> = -1_000.0..=32_000.0;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/devices/{address}/positions",
    summary: "The recorded positions of a device in a period, also those that are not part of its track, and of hidden devices \
              those of the last 24 hours. Each look is in the audit trail. For operators.",
    path_parameters: &[&ADDRESS],
    parameters: &[&FROM, &TO, &HOURS],
    message: "DevicePositionList",
};

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let device = device(&address)?;
    let (history, period) = PublicHistory::open_for(&app, &query)?;
    let act = about(device, "device.positions.view", requester.caller.manages_all());
    if let Err(error) = app.commands.permit(&requester, &act).await {
        return Ok(not_done(error));
    }
    let recorded = Recorded { store: &*history.store, device, period };
    let rows = recorded.read().await?;
    let truncated = rows.len() as u64 > MAX_POSITIONS;
    let positions = rows.iter().map(Row::view).take(usize::try_from(MAX_POSITIONS).unwrap_or(usize::MAX)).collect();
    let server_time = rfc3339(app.context.clock.now_us());
    let list = DevicePositionList { server_time, device: device.0, positions, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

pub(super) async fn reject(
    State(app): State<App>,
    Path((address, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let request = Request::read(&address, &id, body).await?;
    request.send(&app, &requester, "position.reject", accepts_protobuf(&headers)).await
}

pub(super) async fn accept(
    State(app): State<App>,
    Path((address, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let request = Request::read(&address, &id, body).await?;
    if request.decision.position.is_some() {
        return Err(bad_body("a position that is accepted stays where it is: expected no `position`"));
    }
    request.send(&app, &requester, "position.accept", accepts_protobuf(&headers)).await
}

/// The body of both commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// Event time of the observation, as the list has it: microseconds since the epoch.
    event_at_us: Microseconds,
    /// The right position.
    position: Option<RightPosition>,
    /// For the audit trail.
    remark: Option<String>,
}

/// As JSON has 64 bits: in digits; a number is taken, too.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
struct Microseconds(u64);

impl TryFrom<serde_json::Value> for Microseconds {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let number = value.as_u64().or_else(|| value.as_str().and_then(|digits| digits.parse().ok()));
        number.map(Self).ok_or_else(|| format!("invalid time {value}: expected microseconds since 1970"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RightPosition {
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: Option<f64>,
}

impl RightPosition {
    fn checked(self) -> Result<v1::Position, Problem> {
        let Self { latitude_deg, longitude_deg, altitude_m } = self;
        if !Position::new(latitude_deg, longitude_deg).is_on_earth() {
            return Err(bad_body("expected a latitude of -90 to 90 and a longitude of -180 to 180 degrees"));
        }
        if altitude_m.is_some_and(|metres| !ALTITUDES_M.contains(&metres)) {
            return Err(bad_body("expected an altitude of -1000 to 32000 metres"));
        }
        Ok(v1::Position { latitude_deg, longitude_deg, altitude_m })
    }
}

fn bad_body(detail: &str) -> Problem {
    Problem::bad_request("bad_body", format!("the body is no decision about a position: {detail}"))
}

/// A decision about one position of one device.
struct Request {
    device: DeviceAddress,
    id: RecordId,
    decision: Decision,
}

impl Request {
    async fn read(address: &str, id: &str, body: Body) -> Result<Self, Problem> {
        let device = device(address)?;
        let id = id.parse().map_err(|error: schemas::id::ParseIdError| {
            Problem::bad_request("bad_observation_id", error.to_string())
        })?;
        let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
            Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes"))
        })?;
        let decision: Decision = serde_json::from_slice(&bytes).map_err(|error| bad_body(&error.to_string()))?;
        checked_remark(decision.remark.as_deref()).map_err(|error| bad_body(&error))?;
        Ok(Self { device, id, decision })
    }

    async fn send(
        self,
        app: &App,
        requester: &Requester,
        name: &'static str,
        protobuf: bool,
    ) -> Result<Response, Problem> {
        let Self { device, id, decision: Decision { event_at_us, position, remark } } = self;
        let right = position.map(RightPosition::checked).transpose()?;
        let details = [("position", id.to_string())].into_iter().chain(remark.map(|remark| ("remark", remark)));
        let moved = right.map(|at| ("moved_to", format!("{:.6} {:.6}", at.latitude_deg, at.longitude_deg)));
        let act = about(device, name, requester.caller.manages_all());
        let act = Act { details: details.chain(moved).collect(), ..act };
        let from_ms = us_to_ms(event_at_us.0);
        let period = Period { from_ms, to_ms: from_ms.saturating_add(1) };
        let history = PublicHistory::open(app)?;
        let recorded = Recorded { store: &*history.store, device, period };
        let Some(known) = recorded.read().await?.into_iter().find(|row| row.observation_id() == id.0) else {
            let at = rfc3339(event_at_us.0);
            let detail = format!("the history has no position {id} of the device {device} at {at}");
            return Err(Problem::not_found("unknown_position", detail));
        };
        let action = match name {
            "position.accept" => Action::AcceptPosition(known.accepted()),
            _ => Action::RejectPosition(known.rejected(right)),
        };
        Ok(send(app, requester, act, device, action, CommandReceipt::default(), protobuf).await)
    }
}

/// The positions of a device in a period.
struct Recorded<'a> {
    store: &'a dyn HistoryReader,
    device: DeviceAddress,
    period: Period,
}

impl Recorded<'_> {
    /// In the order of time; one more than the limit where there are more.
    async fn read(&self) -> Result<Vec<Row>, Problem> {
        let query = TrackQuery {
            device: self.device.0,
            period: self.period,
            visibility: Visibility::WithPrivate,
            plausible_only: false,
            limit: MAX_POSITIONS + 1,
        };
        let mut rows = all(self.store.track(query), Row::Aircraft).await?;
        rows.extend(all(self.store.ground_track(query), Row::Ground).await?);
        rows.sort_unstable_by_key(|row| (row.event_at_ms(), row.observation_id()));
        rows.truncate(usize::try_from(MAX_POSITIONS + 1).unwrap_or(usize::MAX));
        Ok(rows)
    }
}

async fn all<T>(mut blocks: Rows<T>, row: fn(T) -> Row) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    while let Some(block) = blocks.next().await {
        rows.extend(block.map_err(|error| history_failed(&error))?.into_iter().map(row));
    }
    Ok(rows)
}

/// A recorded position.
enum Row {
    Aircraft(PositionRow),
    Ground(GroundPositionRow),
}

impl Row {
    fn observation_id(&self) -> u64 {
        match self {
            Self::Aircraft(row) => row.observation_id,
            Self::Ground(row) => row.observation_id,
        }
    }

    fn event_at_ms(&self) -> i64 {
        match self {
            Self::Aircraft(row) => row.event_at_ms,
            Self::Ground(row) => row.event_at_ms,
        }
    }

    fn view(&self) -> DevicePosition {
        let (observation_id, event_at_us) = (self.observation_id(), ms_to_us(self.event_at_ms()));
        match self {
            Self::Aircraft(row) => DevicePosition {
                observation_id,
                event_at_us,
                position: Some(position(row.latitude_deg(), row.longitude_deg(), row.altitude_m)),
                speed_kmh: Some(row.speed_kmh()),
                climb_mps: Some(row.climb_mps()),
                ground_kind: None,
                source: row.source.into(),
                score: row.score.map(u32::from),
                of_track: row.flags & flag::NOT_OF_TRACK == 0,
                private: row.private,
            },
            Self::Ground(row) => DevicePosition {
                observation_id,
                event_at_us,
                position: Some(position(row.latitude_deg(), row.longitude_deg(), row.altitude_m)),
                speed_kmh: None,
                climb_mps: None,
                ground_kind: Some(ground_kind(row.ground_type)),
                source: row.source.into(),
                score: row.score.map(u32::from),
                of_track: row.flags & flag::NOT_OF_TRACK == 0,
                private: row.private,
            },
        }
    }

    fn accepted(&self) -> AcceptPosition {
        AcceptPosition { observation_id: self.observation_id(), event_at_us: ms_to_us(self.event_at_ms()) }
    }

    /// With the right position, if it is known: all else was as it was sent.
    fn rejected(&self, right: Option<v1::Position>) -> RejectPosition {
        let (observation_id, event_at_us) = (self.observation_id(), ms_to_us(self.event_at_ms()));
        let rejected = RejectPosition { observation_id, event_at_us, position: right, ..RejectPosition::default() };
        match self {
            Self::Aircraft(row) => RejectPosition {
                speed_kmh: Some(row.speed_kmh()),
                climb_mps: Some(row.climb_mps()),
                course_deg: row.course_deg(),
                aircraft_kind: Some(row.aircraft_kind.into()),
                ..rejected
            },
            Self::Ground(row) => RejectPosition { ground_kind: Some(ground_kind(row.ground_type)), ..rejected },
        }
    }
}

fn position(latitude_deg: f64, longitude_deg: f64, altitude_m: Option<i16>) -> v1::Position {
    v1::Position { latitude_deg, longitude_deg, altitude_m: altitude_m.map(f64::from) }
}

/// The wire's number of a ground type: the protocol's plus one.
pub(super) fn ground_kind(ground_type: u8) -> i32 {
    i32::from(ground_type) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Decision, String> {
        serde_json::from_str(body).map_err(|error| error.to_string())
    }

    #[test]
    fn a_decision_has_a_time_and_maybe_a_right_position() {
        let bare = parse(r#"{"event_at_us":"1780308000123000"}"#).expect("a decision");
        assert_eq!(bare.event_at_us, Microseconds(1_780_308_000_123_000));
        assert_eq!(parse(r#"{"event_at_us":1780308000123000}"#), Ok(bare));
        let moved = parse(r#"{"event_at_us":"1","position":{"latitude_deg":46.5,"longitude_deg":13}}"#);
        let right = moved.expect("a decision").position.expect("a position").checked().expect("on earth");
        assert_eq!((right.latitude_deg, right.longitude_deg, right.altitude_m), (46.5, 13.0, None));
        for invalid in ["", "{}", r#"{"event_at_us":-1}"#, r#"{"event_at_us":"soon"}"#, r#"{"event_at_us":1,"at":2}"#] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_right_position_is_on_earth() {
        let at = |latitude_deg, longitude_deg, altitude_m| RightPosition { latitude_deg, longitude_deg, altitude_m };
        assert!(at(-90.0, 180.0, Some(8_000.0)).checked().is_ok());
        for wrong in
            [at(90.1, 0.0, None), at(0.0, 181.0, None), at(46.0, 13.0, Some(40_000.0)), at(f64::NAN, 0.0, None)]
        {
            assert!(wrong.checked().is_err(), "{wrong:?}");
        }
    }
}
