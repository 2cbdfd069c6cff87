//! Before every request to the API: the limits of clients, and what the table of rules needs.

use std::sync::Arc;

use access::rules::{self, Found, Needs};
use access::{Caller, Role, Scope};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::measure::RequestSpan;
use crate::app::App;
use crate::audit::Visitor;
use crate::auth::{self, Denied};
use crate::networks;
use crate::throttle::Client;

/// The id of a request that needs credentials: audit records have the same.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers the request where its caller may; handlers find the caller, an `Arc<Caller>`, and the `Requester` in its
/// extensions, or, where they verify a secret themselves, the [`Visitor`] and the [`Client`].
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let client = app.throttle.client(request.extensions(), request.headers());
    if let Err(limited) = app.throttle.request(&client).await {
        return Denied::Limited(limited).into_response();
    }
    // No route: the router answers that.
    let Some(path) = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) else {
        return next.run(request).await;
    };
    let needs = match rules::find(request.method().as_str(), path) {
        Found::Needs(Needs::Nothing) | Found::OtherMethod => return next.run(request).await,
        Found::Needs(needs) => needs,
        Found::Unknown => return Denied::NoRule.into_response(),
    };
    let visitor = Visitor {
        client_class: networks::class(client.address),
        request_id: format!("{:032x}", rand::random::<u128>()).into(),
        cause: request.extensions().get::<RequestSpan>().map(|RequestSpan(cause)| *cause),
    };
    let request_id = HeaderValue::from_str(&visitor.request_id).expect("hex digits");
    if matches!(needs, Needs::Login | Needs::RefreshToken) {
        // The handler verifies the secret.
        request.extensions_mut().insert(visitor);
        request.extensions_mut().insert(client);
    } else {
        let presented = auth::of_request(request.headers()).map(str::to_owned);
        match caller(&app, presented.as_deref(), needs, &client).await {
            Ok(caller) => {
                let caller = app.ownership.with_devices(caller);
                request.extensions_mut().insert(visitor.of(caller.clone()));
                request.extensions_mut().insert(caller);
            }
            Err(denied) => return denied.into_response(),
        }
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, request_id);
    // What one caller may see is kept for no other.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Who calls, where that caller may.
async fn caller(app: &App, presented: Option<&str>, needs: Needs, client: &Client) -> Result<Arc<Caller>, Denied> {
    match with_credentials(app, presented, needs, client).await {
        Err(denied @ Denied::Limited(_)) => Err(denied),
        // With or without credentials: where anyone is an operator, these do not matter.
        Err(denied) => app.auth.open_operator().filter(|operator| allows(operator, needs)).ok_or(denied),
        Ok(caller) => Ok(caller),
    }
}

async fn with_credentials(
    app: &App,
    presented: Option<&str>,
    needs: Needs,
    client: &Client,
) -> Result<Arc<Caller>, Denied> {
    // No credentials would help.
    if matches!(needs, Needs::Scope(scope) if is_for_operators(scope)) && !app.auth.accepts_sign_in() {
        return Err(Denied::NoOperator);
    }
    let caller = app.auth.identify(presented.ok_or(Denied::Missing)?, client).await?;
    app.throttle.caller(client, &caller).await.map_err(Denied::Limited)?;
    match needs {
        Needs::Scope(scope) if !caller.scopes.has(scope) => Err(Denied::Scope(scope)),
        _ => Ok(caller),
    }
}

fn allows(caller: &Caller, needs: Needs) -> bool {
    matches!(needs, Needs::Scope(scope) if caller.scopes.has(scope))
}

fn is_for_operators(scope: Scope) -> bool {
    Role::ALL.iter().all(|role| *role == Role::Operator || !role.scopes().has(scope))
}
