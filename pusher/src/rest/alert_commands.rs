//! `POST /api/v1/alerts/{id}/acknowledge` and `/resolve`: the commands of those who help.

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::command::{AcknowledgeAlert, Action, ResolveAlert};
use schemas::v1::{AlertState, AlertStatus, CommandReceipt};
use schemas::{DeviceAddress, RecordId};

use super::command::{not_done, remark, send};
use super::endpoint::Parameter;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::query::Query;
use crate::app::{App, Live};
use crate::audit::{Act, Requester};
use crate::commands::CommandError;
use crate::time::rfc3339;
use fanout::view::{Kind, ObjectId, State as Known};

pub(super) const ACKNOWLEDGE_PATH: &str = "/api/v1/alerts/{id}/acknowledge";
pub(super) const ACKNOWLEDGE_SUMMARY: &str =
    "Say that help is being arranged for an alert. Who and when is in its state, which all clients get.";
pub(super) const RESOLVE_PATH: &str = "/api/v1/alerts/{id}/resolve";
pub(super) const RESOLVE_SUMMARY: &str =
    "End an alert: nobody needs help any more. Its state says who and when; the history keeps every step.";
/// The path parameter of both.
pub(super) const ID: Parameter =
    Parameter { name: "id", kind: "string", about: "The `alert_id`, for example 17-123456." };

pub(super) async fn acknowledge(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let found = find(&app, &id)?;
    let alert_id = found.alert.alert_id;
    let step = Step {
        name: "alert.acknowledge",
        action: Action::AcknowledgeAlert(AcknowledgeAlert { alert_id }),
        remark: None,
        is_done: |status| status == AlertStatus::Acknowledged,
        is_too_late: |status| status == AlertStatus::Resolved,
    };
    step.take(&app, &requester, found, accepts_protobuf(&headers)).await
}

pub(super) async fn resolve(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let remark = remark(body).await?;
    let found = find(&app, &id)?;
    let alert_id = found.alert.alert_id;
    let step = Step {
        name: "alert.resolve",
        action: Action::ResolveAlert(ResolveAlert { alert_id, remark: remark.clone() }),
        remark,
        is_done: |status| status == AlertStatus::Resolved,
        is_too_late: |_| false,
    };
    step.take(&app, &requester, found, accepts_protobuf(&headers)).await
}

/// An alert as it is known now.
struct Found {
    alert: AlertState,
    /// Its device is hidden, and the alert with it.
    is_private: bool,
}

fn find(app: &App, id: &str) -> Result<Found, Problem> {
    let id: RecordId = id
        .parse()
        .map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_alert_id", error.to_string()))?;
    find_in(&*app.ready()?, id).ok_or_else(|| unknown(id))
}

fn find_in(live: &Live, id: RecordId) -> Option<Found> {
    let public = live.view.read().object(ObjectId { kind: Kind::Alert, key: id.0 }).cloned();
    if let Some(Known::Alert(alert)) = public.as_ref().map(|object| &object.state) {
        return Some(Found { alert: alert.clone(), is_private: false });
    }
    let private = live.view.read().private().alerts().find(|alert| alert.alert_id == id.0).cloned();
    private.map(|alert| Found { alert, is_private: true })
}

fn unknown(id: RecordId) -> Problem {
    Problem::not_found("unknown_alert", format!("the alert {id} is unknown, or has ended more than a day ago"))
}

/// A step of an alert.
struct Step {
    name: &'static str,
    action: Action,
    remark: Option<String>,
    /// It was taken before.
    is_done: fn(AlertStatus) -> bool,
    /// It cannot be taken any more.
    is_too_late: fn(AlertStatus) -> bool,
}

impl Step {
    async fn take(self, app: &App, requester: &Requester, found: Found, protobuf: bool) -> Result<Response, Problem> {
        let Found { alert, is_private } = found;
        let (id, device) = (RecordId(alert.alert_id), DeviceAddress(alert.device));
        let scope = requester.caller.handles_alerts_of(device);
        let details = [("device", device.to_string())].into_iter().chain(self.remark.map(|remark| ("remark", remark)));
        let act = Act { action: self.name, subject: format!("alert/{id}"), scope, details: details.collect() };
        if scope.is_none() {
            let refused = app.commands.permit(requester, &act).await.err().unwrap_or(CommandError::Forbidden);
            let is_refused = matches!(refused, CommandError::Forbidden);
            // Nobody else learns that a hidden device has an alert.
            return if is_private && is_refused { Err(unknown(id)) } else { Ok(not_done(refused)) };
        }
        let status = alert.status();
        if (self.is_too_late)(status) || (self.is_done)(status) {
            if is_private {
                // The answer has data of a hidden device: a look, though nothing changes.
                let look = Act { action: "alert.view", ..act };
                if let Err(error) = app.commands.permit(requester, &look).await {
                    return Ok(not_done(error));
                }
            }
            if (self.is_too_late)(status) {
                return Err(Problem::conflict("alert_resolved", format!("the alert {id} is resolved")));
            }
            let server_time = rfc3339(app.context.clock.now_us());
            let receipt = CommandReceipt { server_time, alert: Some(alert), ..CommandReceipt::default() };
            return Ok(message_response(&receipt, protobuf));
        }
        let receipt = CommandReceipt { alert: Some(alert), ..CommandReceipt::default() };
        Ok(send(app, requester, act, device, self.action, receipt, protobuf).await)
    }
}
