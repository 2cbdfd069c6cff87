//! `GET /api/v1/me`: whose credentials a request has, what they allow, and the settings of that user; `PUT`: the settings.

use std::collections::HashMap;
use std::sync::Arc;

use access::fleets::check_settings;
use access::{Caller, Role, Scope};
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use schemas::v1::{Account, FleetView, SavedView, UserSettings, account};
use serde::{Deserialize, Serialize};

use super::body;
use super::command::not_done;
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::Requester;
use crate::auth::Denied;
use crate::commands::CommandError;
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/me";
pub(super) const SUMMARY: &str = "Whose credentials these are, what they allow, and when they expire.";
pub(super) const PUT_SUMMARY: &str = "Replace the own settings: saved views, and display settings by names of the client's choice. The last writer wins.";
const MAX_BODY_BYTES: usize = 128 << 10;
/// Fleets in an answer; `/api/v1/fleets` has all of them.
const MAX_FLEETS: usize = 100;
/// The last second that RFC 3339 can write.
const LAST_S: u64 = 253_402_300_799;

#[derive(Debug, Serialize)]
struct Me<'a> {
    /// RFC 3339, UTC.
    server_time: String,
    /// The subject of a token, the id of an API key, the device of a position key.
    subject: &'a str,
    /// The name as an owner of devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Of the person, as the identity provider has it, or of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// `token`, `api_key`, `session` or `position_key`.
    credential: &'static str,
    /// Those that the credentials name.
    roles: Vec<&'static str>,
    /// What they allow, with the scopes of the roles.
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    /// Whose positions may be sent.
    devices: Vec<String>,
    /// Those that it sees.
    fleets: Vec<FleetView>,
    views: Vec<SavedView>,
    display: HashMap<String, String>,
    /// RFC 3339, UTC; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let user_id = caller.user_id();
    let (fleets, settings) = app.fleets.read(|directory| {
        let settings = user_id.as_deref().and_then(|user_id| directory.settings(user_id));
        (directory.fleets_of(&caller), settings.cloned().unwrap_or_default())
    });
    let me = Me {
        server_time: rfc3339(app.context.clock.now_us()),
        subject: &caller.subject,
        user_id,
        name: caller.name.as_deref(),
        credential: caller.credential.as_str(),
        roles: caller.roles.iter().copied().map(Role::as_str).collect(),
        scopes: caller.scopes.iter().map(Scope::as_str).collect(),
        company: caller.company.as_deref(),
        devices: caller.devices.iter().map(ToString::to_string).collect(),
        fleets: fleets.into_iter().filter(|fleet| fleet.active).take(MAX_FLEETS).collect(),
        views: settings.views,
        display: settings.display,
        expires_at: caller.expires_at_s.map(|at_s| rfc3339(at_s.min(LAST_S) * 1_000_000)),
    };
    Ok(Json(me).into_response())
}

/// The settings as a user sends them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    views: Vec<View>,
    #[serde(default)]
    display: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct View {
    name: String,
    south_deg: f64,
    west_deg: f64,
    north_deg: f64,
    east_deg: f64,
    #[serde(default)]
    filters: HashMap<String, String>,
    #[serde(default)]
    display: HashMap<String, String>,
}

impl From<View> for SavedView {
    fn from(view: View) -> Self {
        let View { name, south_deg, west_deg, north_deg, east_deg, filters, display } = view;
        Self { name, south_deg, west_deg, north_deg, east_deg, filters, display }
    }
}

pub(super) async fn put(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let Some(user_id) = requester.caller.user_id() else {
        return Err(Problem::forbidden(
            "no_settings",
            "these credentials have no settings: expected a token, an API key or a session",
        ));
    };
    let Settings { views, display } = body::json(body, MAX_BODY_BYTES, "settings").await?;
    app.ready()?;
    if let Err(limited) = app.throttle.command(&requester.caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    let before = app.fleets.read(|directory| directory.settings(&user_id).cloned()).unwrap_or_default();
    let views = views.into_iter().map(SavedView::from).collect();
    let settings = UserSettings { user_id: user_id.clone(), views, display, ..before };
    check_settings(&settings).map_err(|error| Problem::bad_request("bad_settings", error.to_string()))?;
    if !app.fleets.read(|directory| directory.has_room_for(&settings)) {
        return Err(Problem::unavailable("settings_full", "the settings of all users are too large".to_owned()));
    }
    let record =
        Account { changed_at_us: app.context.clock.now_us(), entity: Some(account::Entity::UserSettings(settings)) };
    let key = format!("user_settings/{user_id}");
    match app.accounts.put(key.clone(), Some(&record), requester.cause).await {
        Ok(id) => {
            // The topic brings it to all instances; here it holds at once.
            app.fleets.apply(&key, id.offset(), Some(&record));
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(error) => Ok(not_done(CommandError::Log(error))),
    }
}
