//! `/api/v1/push-subscriptions`: browsers that show notifications (Web Push).

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notify::web_push::{AUTH_BYTES, PUBLIC_KEY_BYTES};
use schemas::v1::{PushSubscription, account};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event_filter::{KnownEvents, WantedEvents, answer_properties, request_properties};
use super::notification_targets as targets;
use super::notification_targets::{about, body_of, deliverer, find, user_id};
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::Requester;
use crate::notify::{Target, browser_key};
use crate::time::rfc3339;

pub(super) const KEY_PATH: &str = "/api/v1/push-key";
pub(super) const PATH: &str = "/api/v1/push-subscriptions";
pub(super) const ONE_PATH: &str = "/api/v1/push-subscriptions/{id}";
pub(super) const KEY_SUMMARY: &str = "The public key that a browser subscribes to (`applicationServerKey`).";
pub(super) const LIST_SUMMARY: &str = "The browsers of the caller.";
pub(super) const CREATE_SUMMARY: &str = "Have a browser show alerts and zone events from now on: `subscription` is its PushSubscription as JSON. One that is known \
     already is replaced.";
pub(super) const REMOVE_SUMMARY: &str = "Remove a browser of the caller.";
const UNKNOWN: &str = "unknown_push_subscription";

#[derive(Debug, Deserialize)]
struct NewBrowser {
    subscription: Subscription,
    #[serde(flatten)]
    events: WantedEvents,
}

/// As browsers write it.
#[derive(Debug, Deserialize)]
struct Subscription {
    endpoint: String,
    keys: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// As answers have it: an endpoint is a secret of its browser.
#[derive(Debug, Serialize)]
struct Known {
    subscription_id: String,
    #[serde(flatten)]
    events: KnownEvents,
    language: &'static str,
    /// RFC 3339.
    created_at: String,
}

impl Known {
    fn of(target: &Target) -> Self {
        Self {
            subscription_id: target.id().to_owned(),
            events: KnownEvents::of(&target.filter),
            language: target.language.as_str(),
            created_at: rfc3339(target.created_at_us),
        }
    }
}

pub(super) async fn key(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(json!({ "key": push_key(&app)? })).into_response())
}

pub(super) async fn list(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    deliverer(&app)?;
    let targets = app.notifications.targets.of_user(&user_id(&requester)?);
    let browsers: Vec<_> =
        targets.iter().filter(|target| !target.is_webhook()).map(|target| Known::of(target)).collect();
    let body = json!({ "server_time": rfc3339(app.context.clock.now_us()), "push_subscriptions": browsers });
    Ok(Json(body).into_response())
}

pub(super) async fn create(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let (deliverer, user_id) = (deliverer(&app)?, user_id(&requester)?);
    push_key(&app)?;
    let wanted: NewBrowser = serde_json::from_slice(&body_of(body).await?)
        .map_err(|error| Problem::bad_request("bad_body", format!("the body is no subscription: {error}")))?;
    let now_us = app.context.clock.now_us();
    let (filter, language) = wanted.events.read(&requester.caller, &app.fleets, &app.ownership, now_us)?;
    let Subscription { endpoint, keys } = wanted.subscription;
    let endpoint = deliverer.policy().parse(&endpoint);
    let endpoint = endpoint.map_err(|error| Problem::bad_request("bad_url", format!("invalid endpoint: {error}")))?;
    let browser = PushSubscription {
        subscription_id: hex(digest(&SHA256, endpoint.as_str().as_bytes()).as_ref()),
        user_id,
        p256dh: bytes("p256dh", &keys.p256dh, PUBLIC_KEY_BYTES)?.into(),
        auth: bytes("auth", &keys.auth, AUTH_BYTES)?.into(),
        endpoint: endpoint.into(),
        filter: Some(filter),
        language: language.as_str().to_owned(),
        created_at_us: now_us,
    };
    let key = browser_key(&browser.subscription_id);
    let act = about(&key, "push_subscription.create", &browser.endpoint);
    let entity = account::Entity::PushSubscription(browser);
    if let Err(otherwise) = targets::create(&app, &requester, &act, key.clone(), entity).await {
        return otherwise.answer();
    }
    Ok((StatusCode::CREATED, Json(Known::of(&*find(&app, &requester, &key, UNKNOWN)?))).into_response())
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    targets::remove(&app, &requester, &browser_key(&id), "push_subscription.remove", UNKNOWN).await
}

fn push_key(app: &App) -> Result<String, Problem> {
    deliverer(app)?.push_key().ok_or_else(|| {
        let detail = "browsers get no notifications of this server: its operator sets --notify-contact";
        Problem::conflict("push_off", detail.to_owned())
    })
}

fn bytes(name: &str, text: &str, length: usize) -> Result<Vec<u8>, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|bytes| bytes.len() == length);
    bytes.ok_or_else(|| {
        Problem::bad_request("bad_keys", format!("invalid {name}: expected {length} bytes in base64url"))
    })
}

/// The first 16 bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The public key, for the OpenAPI document.
pub(super) fn key_schema() -> Value {
    json!({ "type": "object", "properties": { "key": { "type": "string" } }, "required": ["key"] })
}

/// The body of a request.
pub(super) fn new_schema() -> Value {
    let text = json!({ "type": "string" });
    let keys =
        json!({ "type": "object", "properties": { "p256dh": text, "auth": text }, "required": ["p256dh", "auth"] });
    let mut properties = request_properties();
    properties["subscription"] = json!({
        "type": "object", "properties": { "endpoint": { "type": "string", "format": "uri" }, "keys": keys },
        "required": ["endpoint", "keys"],
    });
    json!({ "type": "object", "properties": properties, "required": ["subscription"] })
}

/// A browser in an answer.
pub(super) fn schema() -> Value {
    let mut properties = answer_properties();
    for name in ["subscription_id", "created_at"] {
        properties[name] = json!({ "type": "string" });
    }
    let required =
        ["subscription_id", "alerts", "devices", "fleets", "zone_sets", "zones_of_devices", "language", "created_at"];
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The list of browsers.
pub(super) fn list_schema() -> Value {
    let browsers = json!({ "type": "array", "items": { "$ref": "#/components/schemas/PushSubscription" } });
    json!({
        "type": "object",
        "properties": { "server_time": { "type": "string" }, "push_subscriptions": browsers },
        "required": ["server_time", "push_subscriptions"],
    })
}
