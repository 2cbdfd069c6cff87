//! `GET /api/v1/companies`: the companies whose fleets the caller may change; `PUT` and `DELETE /api/v1/companies/{id}`: for
//! operators.

use std::sync::Arc;

use access::fleets::CompanyWish;
use access::{Caller, Scope};
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::v1::{CompanyLimits, CompanyList, account};
use serde::Deserialize;

use super::body;
use super::command::not_done;
use super::endpoint::Endpoint;
use super::fleets::{devices, problem, ready, write};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/companies",
    summary: "The companies whose fleets the caller may change, with their devices and limits, by id; for operators all.",
    path_parameters: &[],
    parameters: &[],
    message: "CompanyList",
};
pub(super) const PATH: &str = "/api/v1/companies/{id}";
pub(super) const PUT_SUMMARY: &str = "Make a company, or replace it: its name, limits and devices. The fleets of a suspended company are shown to no user. For operators.";
pub(super) const DELETE_SUMMARY: &str = "Remove a company that has no fleets. For operators.";
const MAX_BODY_BYTES: usize = 256 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    limits: Option<WantedLimits>,
    #[serde(default)]
    devices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedLimits {
    max_devices: Option<u32>,
    max_users: Option<u32>,
    max_fleets: Option<u32>,
    max_connections: Option<u32>,
    max_subscriptions: Option<u32>,
}

impl From<WantedLimits> for CompanyLimits {
    fn from(wanted: WantedLimits) -> Self {
        let WantedLimits { max_devices, max_users, max_fleets, max_connections, max_subscriptions } = wanted;
        Self { max_devices, max_users, max_fleets, max_connections, max_subscriptions }
    }
}

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    Ok(list(&app, &caller, None, &headers))
}

fn list(app: &App, caller: &Caller, only: Option<&str>, headers: &HeaderMap) -> Response {
    let mut companies = app.fleets.read(|directory| directory.companies_of(caller));
    companies.retain(|company| only.is_none_or(|only| company.company_id == only));
    let list = CompanyList { server_time: rfc3339(app.context.clock.now_us()), companies };
    message_response(&list, accepts_protobuf(headers))
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
    let wanted: Wanted = body::json(body, MAX_BODY_BYTES, "company").await?;
    let devices = devices(&wanted.devices)?;
    let _changing = app.fleets.begin_change().await;
    let wish = CompanyWish {
        id: &id,
        name: &wanted.name,
        suspended: wanted.suspended,
        limits: wanted.limits.map(CompanyLimits::from),
        devices: &devices,
    };
    let record = app.fleets.read(|directory| wish.check(directory)).map_err(|refused| problem(&refused))?;
    let details = vec![("devices", devices.len().to_string()), ("suspended", wanted.suspended.to_string())];
    let act = act("company.change", &id, details);
    let record = Some(account::Entity::Company(record));
    match write(&app, &requester, &act, format!("company/{id}"), record).await {
        Ok(()) => Ok(list(&app, &requester.caller, Some(&id), &headers)),
        Err(error) => Ok(not_done(error)),
    }
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    ready(&app, &id, query.as_deref())?;
    let _changing = app.fleets.begin_change().await;
    let checked = app.fleets.read(|directory| {
        directory.company(&id)?;
        Some(directory.check_company_removal(&id))
    });
    match checked {
        None => return Err(Problem::not_found("unknown_company", format!("there is no company {id:?}"))),
        Some(Err(refused)) => return Err(problem(&refused)),
        Some(Ok(())) => {}
    }
    let act = act("company.remove", &id, Vec::new());
    match write(&app, &requester, &act, format!("company/{id}"), None).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Ok(not_done(error)),
    }
}

fn act(action: &'static str, id: &str, details: Vec<(&'static str, String)>) -> Act {
    Act { action, subject: format!("company/{id}"), scope: Some(Scope::FleetManageAny), details }
}
