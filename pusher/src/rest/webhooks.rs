//! `/api/v1/webhooks`: URLs that are called for alerts and zone events.

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use notify::test_body;
use rand::TryRng as _;
use schemas::v1::{Webhook, account};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event_filter::{KnownEvents, WantedEvents, answer_properties, request_properties};
use super::notification_targets as targets;
use super::notification_targets::{Otherwise, about, body_of, deliverer, find, throttle, user_id};
use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::Requester;
use crate::notify::{Target, webhook_key};
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/webhooks";
pub(super) const ONE_PATH: &str = "/api/v1/webhooks/{id}";
pub(super) const TEST_PATH: &str = "/api/v1/webhooks/{id}/test";
pub(super) const LIST_SUMMARY: &str = "The webhooks of the caller.";
pub(super) const CREATE_SUMMARY: &str = "Have a URL called for alerts and zone events from now on. The answer has the secret that verifies the calls: it is \
     shown once.";
pub(super) const REMOVE_SUMMARY: &str = "Remove a webhook of the caller.";
pub(super) const TEST_SUMMARY: &str = "Call a webhook of the caller once, now, and say what it has answered.";
const UNKNOWN: &str = "unknown_webhook";

#[derive(Debug, Deserialize)]
struct NewWebhook {
    url: String,
    #[serde(flatten)]
    events: WantedEvents,
}

/// As answers have it.
#[derive(Debug, Serialize)]
struct Known {
    webhook_id: String,
    url: String,
    #[serde(flatten)]
    events: KnownEvents,
    language: &'static str,
    /// RFC 3339.
    created_at: String,
}

impl Known {
    fn of(target: &Target) -> Self {
        Self {
            webhook_id: target.id().to_owned(),
            url: target.url().to_owned(),
            events: KnownEvents::of(&target.filter),
            language: target.language.as_str(),
            created_at: rfc3339(target.created_at_us),
        }
    }
}

pub(super) async fn list(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    deliverer(&app)?;
    let targets = app.notifications.targets.of_user(&user_id(&requester)?);
    let webhooks: Vec<_> =
        targets.iter().filter(|target| target.is_webhook()).map(|target| Known::of(target)).collect();
    let body = json!({ "server_time": rfc3339(app.context.clock.now_us()), "webhooks": webhooks });
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
    let wanted: NewWebhook = serde_json::from_slice(&body_of(body).await?)
        .map_err(|error| Problem::bad_request("bad_body", format!("the body is no webhook: {error}")))?;
    let now_us = app.context.clock.now_us();
    let (filter, language) = wanted.events.read(&requester.caller, &app.fleets, &app.ownership, now_us)?;
    let url = deliverer.policy().parse(&wanted.url);
    let url = url.map_err(|error| Problem::bad_request("bad_url", format!("invalid url: {error}")))?;
    let mut random = [0; 8];
    if rand::rngs::SysRng.try_fill_bytes(&mut random).is_err() {
        return Err(Problem::unavailable("no_id", "an id cannot be made: send it again".to_owned()));
    }
    let webhook = Webhook {
        webhook_id: format!("{:016x}", u64::from_be_bytes(random)),
        user_id,
        url: url.into(),
        filter: Some(filter),
        language: language.as_str().to_owned(),
        created_at_us: now_us,
    };
    let secret = deliverer.keys().value().secret(&webhook.webhook_id);
    let key = webhook_key(&webhook.webhook_id);
    let act = about(&key, "webhook.create", &webhook.url);
    let entity = account::Entity::Webhook(webhook);
    if let Err(otherwise) = targets::create(&app, &requester, &act, key.clone(), entity).await {
        return otherwise.answer();
    }
    let mut known = json!(Known::of(&*find(&app, &requester, &key, UNKNOWN)?));
    known["secret"] = secret.into();
    Ok((StatusCode::CREATED, Json(known)).into_response())
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    targets::remove(&app, &requester, &webhook_key(&id), "webhook.remove", UNKNOWN).await
}

pub(super) async fn test(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let deliverer = deliverer(&app)?;
    let target = find(&app, &requester, &webhook_key(&id), UNKNOWN)?;
    if let Err(otherwise) = throttle(&app, &requester).await {
        return Otherwise::answer(otherwise);
    }
    let body = test_body(target.language, rfc3339(app.context.clock.now_us()));
    let message_id = format!("{}:test:{}", target.id(), requester.request_id);
    let tried = deliverer.post(&target, &message_id, body.into()).await;
    let answer = json!({ "delivered": tried.reason.is_none(), "status": tried.status, "reason": tried.reason });
    Ok(Json(answer).into_response())
}

/// The body of a request, for the OpenAPI document.
pub(super) fn new_schema() -> Value {
    let mut properties = request_properties();
    properties["url"] = json!({ "type": "string", "format": "uri" });
    json!({ "type": "object", "properties": properties, "required": ["url"] })
}

/// A webhook in an answer.
pub(super) fn schema() -> Value {
    let mut properties = answer_properties();
    for name in ["webhook_id", "url", "created_at"] {
        properties[name] = json!({ "type": "string" });
    }
    properties["secret"] = json!({ "type": "string", "description": "In the answer to the creation alone." });
    let required =
        ["webhook_id", "url", "alerts", "devices", "fleets", "zone_sets", "zones_of_devices", "language", "created_at"];
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The list of webhooks.
pub(super) fn list_schema() -> Value {
    let webhooks = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Webhook" } });
    json!({
        "type": "object",
        "properties": { "server_time": { "type": "string" }, "webhooks": webhooks },
        "required": ["server_time", "webhooks"],
    })
}

/// What a test has come to.
pub(super) fn test_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "delivered": { "type": "boolean" }, "status": { "type": ["integer", "null"] },
            "reason": { "type": ["string", "null"] },
        },
        "required": ["delivered", "status", "reason"],
    })
}
