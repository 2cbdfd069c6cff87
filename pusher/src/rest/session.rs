//! Sessions of our own: `POST /api/v1/session` opens one, `POST /api/v1/session/refresh` refreshes it, and `DELETE
//! /api/v1/session` ends it. Each is an audit record before it is done.

use std::sync::Arc;

use access::session::{MAX_REFRESH_BYTES, RefreshToken};
use access::{Caller, Credential, Refusal};
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::audit::{Act, Requester, Visitor};
use crate::auth::{self, Denied};
use crate::sessions::{Granted, SessionError, Sessions};
use crate::throttle::Client;
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/session";
pub(super) const CREATE_SUMMARY: &str = "Open a session with an API key, or once with a one-time secret (Authorization: Bearer): a \
                                         short access token, and a refresh token for the next one.";
pub(super) const END_SUMMARY: &str = "End the session of this access token: its tokens are refused from then on, and its \
                                      WebSockets are closed.";
pub(super) const REFRESH_PATH: &str = "/api/v1/session/refresh";
pub(super) const REFRESH_SUMMARY: &str = "The next access token of a session, and its next refresh token: each is good for one use. \
                                          One that was used before ends its session.";
const MAX_BODY_BYTES: usize = 1 << 10;

const CREATE: &str = "session.create";
const REFRESH: &str = "session.refresh";
const END: &str = "session.end";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    refresh_token: String,
}

pub(super) async fn create(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(client): Extension<Client>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let Some(presented) = auth::of_request(&headers) else { return Ok(Denied::Missing.into_response()) };
    let Some(sessions) = app.auth.sessions() else { return Ok(Denied::NoOperator.into_response()) };
    let login = match app.auth.log_in(presented, &client) {
        Ok(login) => login,
        Err((denied, is_recorded)) => {
            sessions.count("refused");
            if is_recorded {
                let requester = visitor.of(Arc::new(Caller::unknown(Credential::ApiKey)));
                app.audit.refuse(&requester, &act(CREATE, None, &[])).await;
            }
            return Ok(denied.into_response());
        }
    };
    let requester = visitor.of(login.caller.clone());
    if let Err(limited) = app.throttle.command(&login.caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    let created = async {
        if login.once_until_s.is_some() && sessions.is_spent(&login.caller.subject).await? {
            return Err(SessionError::Refused(Refusal::Spent, Some(login.caller.subject.clone())));
        }
        sessions.new_id()
    };
    let id = match created.await {
        Ok(id) => id,
        Err(error) => {
            return Ok(Failure { app: &app, sessions, client: &client }.answer(error, CREATE, None, &requester).await);
        }
    };
    let act = act(CREATE, Some(&*id), &[]);
    if app.audit.permit(&requester, &act).await.is_err() {
        return Err(audit_unavailable());
    }
    match sessions.create(id, &login).await {
        Ok(granted) => Ok(answer(&app, StatusCode::CREATED, &granted)),
        Err(error) => {
            app.audit.fail(&requester, &act).await;
            Ok(Failure { app: &app, sessions, client: &client }.unrecorded(&error))
        }
    }
}

pub(super) async fn refresh(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    Extension(visitor): Extension<Visitor>,
    body: Body,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let bytes = to_bytes(body, MAX_BODY_BYTES).await;
    let bytes = bytes
        .map_err(|_| Problem::too_large(format!("the body is too large: expected at most {MAX_BODY_BYTES} bytes")))?;
    let presented = read(&bytes)?;
    let Some(sessions) = app.auth.sessions() else { return Ok(Denied::NoOperator.into_response()) };
    // Made-up tokens cost no look at the store.
    if let Err(limited) = app.throttle.may_log_in(&client) {
        return Ok(Denied::Limited(limited).into_response());
    }
    let failure = Failure { app: &app, sessions, client: &client };
    let unknown = Arc::new(Caller::unknown(Credential::Session));
    let Some(presented) = RefreshToken::parse(&presented) else {
        let error = SessionError::Refused(Refusal::Malformed, None);
        return Ok(failure.answer(error, REFRESH, None, &visitor.of(unknown)).await);
    };
    let id = presented.session.clone();
    let found = match sessions.find(&presented).await {
        Ok(found) => found,
        Err(error) => return Ok(failure.answer(error, REFRESH, Some(&*id), &visitor.of(unknown)).await),
    };
    let caller = Caller { credential: Credential::Session, ..(*found.caller).clone() };
    let requester = visitor.of(Arc::new(caller));
    if let Err(limited) = app.throttle.command(&requester.caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    let act = act(REFRESH, Some(&*id), &[]);
    if app.audit.permit(&requester, &act).await.is_err() {
        return Err(audit_unavailable());
    }
    match sessions.refresh(found).await {
        Ok(granted) => Ok(answer(&app, StatusCode::OK, &granted)),
        Err(error) => {
            app.audit.fail(&requester, &act).await;
            Ok(failure.unrecorded(&error))
        }
    }
}

pub(super) async fn end(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let caller = &requester.caller;
    let (Some(id), Some(sessions)) = (&caller.session, app.auth.sessions()) else {
        let detail = "these credentials are of no session: expected the access token of one".to_owned();
        return Err(Problem::conflict("no_session", detail));
    };
    if let Err(limited) = app.throttle.command(caller).await {
        return Ok(Denied::Limited(limited).into_response());
    }
    let act = act(END, Some(&**id), &[]);
    if app.audit.permit(&requester, &act).await.is_err() {
        return Err(audit_unavailable());
    }
    match sessions.end(id, &caller.subject).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(_) => {
            app.audit.fail(&requester, &act).await;
            Err(store_unavailable("the session has ended here; its refresh token may still be good: send it again"))
        }
    }
}

fn read(body: &[u8]) -> Result<String, Problem> {
    let invalid =
        |error: &str| Problem::bad_request("bad_body", format!("the body is no request for a refresh: {error}"));
    // Without the library's text, which may have a part of the token.
    let RefreshRequest { refresh_token } =
        serde_json::from_slice(body).map_err(|_| invalid("expected a JSON object with the field refresh_token"))?;
    if refresh_token.len() > MAX_REFRESH_BYTES { Err(invalid("the token is too long")) } else { Ok(refresh_token) }
}

fn act(action: &'static str, session: Option<&str>, details: &[(&'static str, &str)]) -> Act {
    let subject = session.map_or_else(|| "session".to_owned(), |id| format!("session/{id}"));
    let details = details.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    Act { action, subject, scope: None, details }
}

fn answer(app: &App, status: StatusCode, granted: &Granted) -> Response {
    let body = json!({
        "server_time": rfc3339(app.context.clock.now_us()),
        "session_id": &*granted.session,
        "token_type": "Bearer",
        "access_token": granted.access_token,
        "expires_at": rfc3339(granted.expires_at_s * 1_000_000),
        "refresh_token": granted.refresh_token,
        "refresh_expires_at": rfc3339(granted.refresh_expires_at_s * 1_000_000),
    });
    (status, Json(body)).into_response()
}

/// Answers where no session is opened or refreshed.
struct Failure<'a> {
    app: &'a App,
    sessions: &'a Sessions,
    client: &'a Client,
}

impl Failure<'_> {
    /// With a record of what was refused. Those of nobody are recorded while there are few.
    async fn answer(
        &self,
        error: SessionError,
        action: &'static str,
        session: Option<&str>,
        requester: &Requester,
    ) -> Response {
        let SessionError::Refused(refusal, of_key) = &error else { return self.unrecorded(&error) };
        self.sessions.count("refused");
        let (denied, is_recorded) = self.app.auth.refuse(*refusal, self.client);
        let is_known = of_key.is_some();
        let caller = match of_key {
            Some(key_id) => Caller { subject: key_id.clone(), ..(*requester.caller).clone() },
            None => (*requester.caller).clone(),
        };
        if is_recorded || (is_known && self.app.throttle.command(&caller).await.is_ok()) {
            let requester = Requester { caller: Arc::new(caller), ..requester.clone() };
            // A made-up name of a session is nothing to keep.
            let session = session.filter(|_| is_known);
            self.app.audit.refuse(&requester, &act(action, session, &[("reason", refusal.reason())])).await;
        }
        denied.into_response()
    }

    fn unrecorded(&self, error: &SessionError) -> Response {
        match error {
            SessionError::Refused(refusal, _) => {
                self.sessions.count("refused");
                self.app.auth.refuse(*refusal, self.client).0.into_response()
            }
            SessionError::Store(_) => store_unavailable("sessions are not available: send it again").into_response(),
            SessionError::NoToken => store_unavailable("a token cannot be made: send it again").into_response(),
        }
    }
}

fn audit_unavailable() -> Problem {
    let detail = "nothing was done, since its audit record was not written: send it again".to_owned();
    Problem::unavailable("audit_unavailable", detail)
}

fn store_unavailable(detail: &str) -> Problem {
    Problem::unavailable("sessions_unavailable", detail.to_owned())
}

/// What a client gets, for the OpenAPI document.
pub(super) fn schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "server_time": text, "session_id": text, "token_type": {"type": "string", "enum": ["Bearer"]},
            "access_token": text, "expires_at": text, "refresh_token": text, "refresh_expires_at": text,
        },
        "required": [
            "server_time", "session_id", "token_type", "access_token", "expires_at", "refresh_token", "refresh_expires_at",
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_refresh_token_alone() {
        assert_eq!(read(br#"{"refresh_token":"a"}"#), Ok("a".to_owned()));
        let long = format!("{{\"refresh_token\":\"{}\"}}", "x".repeat(MAX_REFRESH_BYTES + 1));
        for invalid in
            ["", "x", "[]", "{}", r#"{"refresh_token":1}"#, r#"{"refresh_token":"a","more":1}"#, long.as_str()]
        {
            assert!(read(invalid.as_bytes()).is_err(), "{invalid}");
        }
    }
}
