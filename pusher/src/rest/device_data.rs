//! `GET /api/v1/devices/{address}/data`: everything about a device, hidden data included, for those who manage it.
//!
//! One JSON object a line (NDJSON): first what is live, then the rows of the history, table by table. It is read page by
//! page while the client takes it, with the limits of the exports.

mod line;

use axum::body::Bytes;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use schemas::DeviceAddress;
use serde::Serialize;
use serde_json::{Value, json};

use super::command::{about, device, not_done};
use super::devices::ADDRESS;
use super::endpoint::Endpoint;
use super::problem::Problem;
use super::public_history::PublicHistory;
use super::streamed::of_unknown_length;
use super::validation;
use crate::app::{App, Live};
use crate::audit::Requester;
use fanout::view::State as Known;
use line::{add_line, lines};

pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/devices/{address}/data",
    summary: "Everything about a device of the credentials, hidden data included: one JSON object a line, whose `table` says \
              what it is. First what is live, then the rows of the history in their stored form (docs/data-dictionary.md).",
    path_parameters: &[&ADDRESS],
    parameters: &[],
    message: "DeviceData",
};

pub(super) async fn get(
    State(app): State<App>,
    method: Method,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let device = device(&address)?;
    let act = about(device, "device.export", requester.caller.manages(device));
    if act.scope.is_none() {
        let refused = app.commands.permit(&requester, &act).await;
        return Ok(refused.map_or_else(not_done, |()| super::command::not_your_device().into_response()));
    }
    // What can fail is tried before the record: it says that the data was sent.
    let history = PublicHistory::open(&app)?;
    let permit = app.exports.begin()?;
    let live = live_lines(&app, device).await?;
    if let Err(error) = app.commands.permit(&requester, &act).await {
        return Ok(not_done(error));
    }
    let body = match method {
        Method::HEAD => of_unknown_length(),
        _ => {
            let rows = history.store.of_device(device.0).map_ok(|rows| lines(&rows));
            app.exports.lines(stream::iter([Ok(live)]).chain(rows).boxed())?
        }
    };
    drop(permit);
    let disposition = format!("attachment; filename=\"{device}.ndjson\"");
    let mut response = ([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).expect("hex digits"));
    Ok(response)
}

/// The live states of the device, public and hidden ones, and its score.
async fn live_lines(app: &App, device: DeviceAddress) -> Result<Bytes, Problem> {
    let mut out = Vec::new();
    for state in live_states(&*app.ready()?, device) {
        add_line(&mut out, &state);
    }
    if let Some(score) = validation::score_of(app, device).await? {
        add_line(&mut out, &json!({ "table": "live", "score": score }));
    }
    Ok(out.into())
}

/// A state with its kind.
fn state(kind: &str, is_private: bool, state: &impl Serialize) -> Value {
    json!({ "table": "live", "private": is_private, (kind): state })
}

fn live_states(live: &Live, device: DeviceAddress) -> Vec<Value> {
    let known = |object: &Known, is_private: bool| match object {
        Known::Aircraft(one) => Some(state("aircraft", is_private, one)),
        Known::Ground(one) => Some(state("ground", is_private, one)),
        Known::Station(one) => Some(state("station", is_private, one)),
        Known::Alert(one) => Some(state("alert", is_private, one)),
        Known::Thermal(_) | Known::Receiver(_) | Known::Landmark(_) => None,
    };
    let view = live.view.read();
    let public = view.of_device(device.0).filter_map(|object| known(&object.state, false));
    let hidden = view.private().of_device(device.0).filter_map(|object| known(&object.state, true));
    public.chain(hidden).collect()
}
