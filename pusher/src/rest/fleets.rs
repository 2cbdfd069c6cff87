//! `GET /api/v1/fleets`: the fleets of the caller; `PUT` and `DELETE /api/v1/fleets/{id}`: those of the caller's company, for
//! operators all.

use std::sync::Arc;

use access::Caller;
use access::fleets::{FleetWish, ID_CHARS, MAX_FLEET_DEVICES, Refused, is_id};
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::DeviceAddress;
use schemas::v1::{Account, FleetList, account};
use serde::Deserialize;

use super::body;
use super::command::not_done;
use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::commands::CommandError;
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/fleets",
    summary: "The fleets that the caller sees or may change, by id; for operators all.",
    path_parameters: &[],
    parameters: &[],
    message: "FleetList",
};
pub(super) const PATH: &str = "/api/v1/fleets/{id}";
pub(super) const PUT_SUMMARY: &str =
    "Make a fleet of the caller's company, or replace it: its name, devices and members.";
pub(super) const DELETE_SUMMARY: &str = "Remove a fleet. Open subscriptions to it end.";
/// A fleet of the most devices and members.
const MAX_BODY_BYTES: usize = 512 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    company_id: String,
    name: String,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    user_ids: Vec<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let fleets = app.fleets.read(|directory| directory.fleets_of(&caller));
    let list = FleetList { server_time: rfc3339(app.context.clock.now_us()), fleets };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    ready(&app, &id, query.as_deref())?;
    let wanted: Wanted = body::json(body, MAX_BODY_BYTES, "fleet").await?;
    let devices = devices(&wanted.devices)?;
    let _changing = app.fleets.begin_change().await;
    let wish = FleetWish {
        caller: &requester.caller,
        id: &id,
        company: &wanted.company_id,
        name: &wanted.name,
        devices: &devices,
        user_ids: &wanted.user_ids,
    };
    let (scope, record) = match app.fleets.read(|directory| wish.check(directory)) {
        Ok((scope, record)) => (Some(scope), Some(record)),
        Err(refused @ (Refused::NotYours | Refused::ForeignDevice(_) | Refused::Suspended)) => {
            return Ok(refuse(&app, &requester, "fleet.change", format!("fleet/{id}"), refused).await);
        }
        Err(refused) => return Err(problem(&refused)),
    };
    let details = vec![
        ("company", wanted.company_id.clone()),
        ("devices", devices.len().to_string()),
        ("users", wanted.user_ids.len().to_string()),
    ];
    let act = Act { action: "fleet.change", subject: format!("fleet/{id}"), scope, details };
    let record = record.map(account::Entity::Group);
    if let Err(error) = write(&app, &requester, &act, format!("group/{id}"), record).await {
        return Ok(not_done(error));
    }
    let fleets = app.fleets.read(|directory| directory.fleet_view(&requester.caller, &id)).into_iter().collect();
    let list = FleetList { server_time: rfc3339(app.context.clock.now_us()), fleets };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    ready(&app, &id, query.as_deref())?;
    let _changing = app.fleets.begin_change().await;
    let scope = match app.fleets.read(|directory| directory.check_removal(&requester.caller, &id)) {
        Ok(Some(scope)) => scope,
        Ok(None) => return Err(Problem::not_found("unknown_fleet", format!("there is no fleet {id:?}"))),
        Err(refused) => return Ok(refuse(&app, &requester, "fleet.remove", format!("fleet/{id}"), refused).await),
    };
    let act = Act { action: "fleet.remove", subject: format!("fleet/{id}"), scope: Some(scope), details: Vec::new() };
    match write(&app, &requester, &act, format!("group/{id}"), None).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Ok(not_done(error)),
    }
}

/// The live picture is there, so that the directory is complete; and the id is one.
pub(super) fn ready(app: &App, id: &str, query: Option<&str>) -> Result<(), Problem> {
    Query::parse(query, &[])?;
    if !is_id(id) {
        let id: String = id.chars().take(64).collect();
        let expected = format!("1 to {ID_CHARS} lower-case letters, digits and hyphens");
        return Err(Problem::bad_request("bad_id", format!("invalid id {id:?}: expected {expected}")));
    }
    app.ready().map(drop)
}

pub(super) fn devices(names: &[String]) -> Result<Vec<DeviceAddress>, Problem> {
    let parse = |name: &String| {
        name.parse::<DeviceAddress>().map_err(|error| Problem::bad_request("bad_address", error.to_string()))
    };
    if names.len() > 10 * MAX_FLEET_DEVICES {
        return Err(Problem::bad_request("too_many", format!("{} devices: expected fewer", names.len())));
    }
    names.iter().map(parse).collect()
}

/// Writes a record, after its audit record; `None` removes what is there. All open connections learn of it.
pub(super) async fn write(
    app: &App,
    requester: &Requester,
    act: &Act,
    key: String,
    entity: Option<account::Entity>,
) -> Result<(), CommandError> {
    app.commands.permit(requester, act).await?;
    let record = entity.map(|entity| Account { changed_at_us: app.context.clock.now_us(), entity: Some(entity) });
    let written = app.accounts.put(key.clone(), record.as_ref(), requester.cause).await;
    let id = match written {
        Ok(id) => id,
        Err(error) => {
            app.audit.fail(requester, act).await;
            return Err(CommandError::Log(error));
        }
    };
    // The topic brings it to all instances; here it holds at once.
    let changed = app.fleets.apply(&key, id.offset(), record.as_ref());
    if let Some(live) = app.live.get() {
        live.shards.fleets_changed(changed).await;
    }
    Ok(())
}

/// An attempt at what is of others: it is in the audit trail.
pub(super) async fn refuse(
    app: &App,
    requester: &Requester,
    action: &'static str,
    subject: String,
    refused: Refused,
) -> Response {
    let act = Act { action, subject, scope: None, details: Vec::new() };
    match app.commands.permit(requester, &act).await {
        Err(error @ (CommandError::TooMany(_) | CommandError::Audit(_))) => not_done(error),
        _ => problem(&refused).into_response(),
    }
}

pub(super) fn problem(refused: &Refused) -> Problem {
    let detail = refused.to_string();
    match refused {
        Refused::NotYours => Problem::forbidden("not_your_fleet", &detail),
        Refused::Suspended => Problem::forbidden("company_suspended", &detail),
        Refused::ForeignDevice(_) => Problem::forbidden("not_of_company", &detail),
        Refused::UnknownCompany(_) => Problem::not_found("unknown_company", detail),
        Refused::Invalid { .. } => Problem::bad_request("bad_value", detail),
        Refused::Full { .. } => Problem::conflict("limit_reached", detail),
        Refused::HasFleets(_) => Problem::conflict("company_has_fleets", detail),
    }
}
