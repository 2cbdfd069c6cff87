//! `GET /api/v1/hidden-alerts`: calls of hidden devices, for those who may handle them.

use access::{Caller, Scope};
use axum::extract::{Extension, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::DeviceAddress;
use schemas::v1::{AlertList, AlertState};

use super::command::not_done;
use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::time::rfc3339;

const MAX_ALERTS: usize = 1_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/hidden-alerts",
    summary: "Alerts of hidden devices, the newest first: of the devices of the credentials, with `alert:handle_any` of all. \
              Each look is in the audit trail.",
    path_parameters: &[],
    parameters: &[],
    message: "AlertList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let live = app.ready()?;
    let caller = &requester.caller;
    let is_of_all = caller.scopes.has(Scope::AlertHandleAny);
    let act = Act {
        action: "alert.view",
        subject: "hidden-alerts".to_owned(),
        scope: Some(if is_of_all { Scope::AlertHandleAny } else { Scope::AlertHandle }),
        details: Vec::new(),
    };
    if let Err(error) = app.commands.permit(&requester, &act).await {
        return Ok(not_done(error));
    }
    let mut alerts: Vec<AlertState> =
        live.view.read().private().alerts().filter(|alert| handles(caller, alert)).cloned().collect();
    alerts.sort_unstable_by_key(|alert| std::cmp::Reverse((alert.opened_at_us, alert.device)));
    let truncated = alerts.len() > MAX_ALERTS;
    alerts.truncate(MAX_ALERTS);
    let list = AlertList { server_time: rfc3339(app.context.clock.now_us()), alerts, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn handles(caller: &Caller, alert: &AlertState) -> bool {
    caller.handles_alerts_of(DeviceAddress(alert.device)).is_some()
}
