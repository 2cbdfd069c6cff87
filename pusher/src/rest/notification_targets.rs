//! What webhooks and browsers share: whose they are, how many, and how they are written.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemas::v1::{Account, account};

use super::command::not_done;
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::auth::Denied;
use crate::notify::{Deliverer, Target};

const MAX_BODY_BYTES: usize = 16 << 10;

/// Why a request is answered otherwise.
pub(super) enum Otherwise {
    Problem(Problem),
    Answer(Response),
}

impl From<Problem> for Otherwise {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Otherwise {
    /// The answer of a handler.
    pub(super) fn answer(self) -> Result<Response, Problem> {
        match self {
            Self::Problem(problem) => Err(problem),
            Self::Answer(response) => Ok(response),
        }
    }
}

/// What delivers notifications.
///
/// # Errors
/// 409: this server sends none.
pub(super) fn deliverer(app: &App) -> Result<&Arc<Deliverer>, Problem> {
    app.notifications.deliverer.as_ref().ok_or_else(|| {
        let detail = "this server sends no notifications: its operator sets --notify-keys";
        Problem::conflict("notifications_off", detail.to_owned())
    })
}

/// Whose they are.
///
/// # Errors
/// 403: the credentials can have none.
pub(super) fn user_id(requester: &Requester) -> Result<String, Problem> {
    requester.caller.user_id().ok_or_else(|| {
        Problem::forbidden("no_owner", "these credentials own nothing: expected a token, an API key or a session")
    })
}

/// The body of a request.
///
/// # Errors
/// 413.
pub(super) async fn body_of(body: Body) -> Result<Vec<u8>, Problem> {
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let too_large = || Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes"));
    bytes.map(Vec::from).map_err(|_| too_large())
}

/// The one of a key, where it is the caller's.
///
/// # Errors
/// 404.
pub(super) fn find(app: &App, requester: &Requester, key: &str, code: &'static str) -> Result<Arc<Target>, Problem> {
    let user_id = user_id(requester)?;
    let target = app.notifications.targets.find(key).filter(|target| target.user_id == user_id);
    target.ok_or_else(|| {
        let key: String = key.chars().take(64).collect();
        Problem::not_found(code, format!("you have no {key:?}"))
    })
}

/// Writes a target of the caller. One that replaces another one of its key counts as one.
///
/// # Errors
/// 409, 429 and 503.
pub(super) async fn create(
    app: &App,
    requester: &Requester,
    act: &Act,
    key: String,
    entity: account::Entity,
) -> Result<(), Otherwise> {
    throttle(app, requester).await?;
    let (user_id, most) = (user_id(requester)?, app.options.notify.notify_max_per_user);
    let others = app.notifications.targets.of_user(&user_id).iter().filter(|target| *target.key != *key).count();
    if others >= most {
        let detail = format!("you have {others} webhooks and browsers: expected at most {most}; remove one");
        return Err(Problem::conflict("too_many_targets", detail).into());
    }
    let record = Account { changed_at_us: app.context.clock.now_us(), entity: Some(entity) };
    let written = app.accounts.write(requester, act, key, Some(&record)).await;
    written.map_err(|error| Otherwise::Answer(not_done(error)))?;
    // The topic brings it to all instances; here it holds at once.
    app.notifications.apply(&record);
    Ok(())
}

/// Removes a target of the caller. `action`: in the audit trail; `unknown`: the detail of the answer where there is none.
///
/// # Errors
/// 404, 409 and 429; 503: the log does not accept the audit record, or the end.
pub(super) async fn remove(
    app: &App,
    requester: &Requester,
    key: &str,
    action: &'static str,
    unknown: &'static str,
) -> Result<Response, Problem> {
    deliverer(app)?;
    let target = find(app, requester, key, unknown)?;
    match end(app, requester, &about(&target.key, action, target.url()), &target).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(otherwise) => otherwise.answer(),
    }
}

async fn end(app: &App, requester: &Requester, act: &Act, target: &Target) -> Result<(), Otherwise> {
    throttle(app, requester).await?;
    let written = app.accounts.write(requester, act, target.key.to_string(), None).await;
    written.map_err(|error| Otherwise::Answer(not_done(error)))?;
    app.notifications.end(&target.key);
    Ok(())
}

/// The limit of the caller.
///
/// # Errors
/// 429.
pub(super) async fn throttle(app: &App, requester: &Requester) -> Result<(), Otherwise> {
    let limited = app.throttle.command(&requester.caller).await;
    limited.map_err(|limited| Otherwise::Answer(Denied::Limited(limited).into_response()))
}

/// With the host alone: the rest of a URL may be a secret.
pub(super) fn about(key: &str, action: &'static str, url: &str) -> Act {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let scope = Some(access::Scope::NotificationWrite);
    Act { action, subject: key.to_owned(), scope, details: vec![("host", host)] }
}
