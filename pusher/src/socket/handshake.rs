//! `GET /ws/v1/updates`: answers the handshake and hands the socket over to a shard.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio_util::task::TaskTracker;

use super::Shards;
use super::admission::ConnectionPermit;
use super::connection::configure;
use super::message::NewConnection;
use super::negotiate::{Agreement, DEFLATE, negotiate};
use crate::app::{App, Live};
use crate::auth::{self, Denied, Presented};
use crate::http::detach;
use crate::metrics::Reason;
use crate::rest::{Problem, Query};
use crate::sessions::Sessions;
use crate::throttle::Client;
use fanout::dispatcher::Opening;
use fanout::session::{SessionSettings, within_limits};
use fanout::subscription::{Rate, Subscription};

const PARAMETERS: [&str; 9] = ["lat", "lon", "radius", "bounds", "token", "resume", "kinds", "rate", "zone_events"];

/// Answers the handshake; the socket then goes to a shard.
pub(crate) async fn upgrade(State(app): State<App>, RawQuery(query): RawQuery, mut request: Request) -> Response {
    let client = app.throttle.client(request.extensions(), request.headers());
    if let Err(limited) = app.throttle.connect(&client).await {
        app.metrics.refused.get_or_create(&Reason { reason: limited.reason }).inc();
        return Denied::Limited(limited).into_response();
    }
    let presented = auth::of_websocket(request.headers(), query.as_deref());
    let credentials = match credentials(&app, presented, &client).await {
        Ok(credentials) => credentials,
        Err(denied) => return denied.into_response(),
    };
    match prepare(&app, query.as_deref(), client.address, &mut request) {
        Ok((live, agreement, opening, permit, on_upgrade)) => {
            let shards = live.shards.clone();
            let accepted = Accepted { opening, permit, credentials };
            let sessions = app.auth.sessions().cloned();
            // Tracked, so that a server that stops waits for it.
            app.handovers.spawn(hand_over(on_upgrade, accepted, shards, sessions, app.tls_relays.clone()));
            switching(&agreement)
        }
        Err(problem) => problem.into_response(),
    }
}

/// How long the credentials of a connection are accepted.
#[derive(Default)]
struct Credentials {
    /// When they expire, by the monotonic clock; `None`: there are none, or they do not expire.
    expires_at: Option<Duration>,
    /// The session that they are of.
    session: Option<Arc<str>>,
}

/// The credentials of a handshake, which needs none. Where this server accepts none at all, they are ignored.
async fn credentials(app: &App, presented: Presented, client: &Client) -> Result<Credentials, Denied> {
    let presented = match presented {
        Presented::Once(presented) if app.auth.accepts_sign_in() => presented,
        Presented::Twice => return Err(Denied::Twice),
        Presented::Once(_) | Presented::Nothing => return Ok(Credentials::default()),
    };
    let caller = app.auth.identify(&presented, client).await?;
    let clock = &app.context.clock;
    let left = |until_s: u64| Duration::from_secs(until_s).saturating_sub(Duration::from_micros(clock.now_us()));
    let expires_at = caller.accepted_until_s.map(|until_s| clock.monotonic().saturating_add(left(until_s)));
    Ok(Credentials { expires_at, session: caller.session.clone() })
}

type Prepared = (Arc<Live>, Agreement, Opening, ConnectionPermit, OnUpgrade);

fn prepare(app: &App, query: Option<&str>, address: IpAddr, request: &mut Request) -> Result<Prepared, Problem> {
    let agreement = negotiate(request.headers(), app.options.compression)
        .map_err(|error| Problem::bad_request("bad_handshake", error.to_string()))?;
    let live = app.ready()?;
    let opening = opening(query, &live.session, &agreement)?;
    let permit = app.admission.admit(address, app.context.clock.monotonic()).map_err(|error| {
        app.metrics.refused.get_or_create(&Reason { reason: error.reason() }).inc();
        Problem::unavailable(error.reason(), error.to_string())
    })?;
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(|| {
        let detail = "this version of HTTP has no upgrade: open the WebSocket over HTTP/1.1".to_owned();
        Problem::bad_request("bad_handshake", detail)
    })?;
    Ok((live, agreement, opening, permit, on_upgrade))
}

fn opening(query: Option<&str>, session: &SessionSettings, agreement: &Agreement) -> Result<Opening, Problem> {
    let query = Query::parse(query, &PARAMETERS)?;
    let limits = &session.limits;
    let region = query.region()?;
    if let Some(region) = &region {
        within_limits(region, limits)
            .map_err(|refusal| Problem::bad_request(refusal.code, refusal.message.into_owned()))?;
    }
    if region.is_none() && query.get("resume").is_some() {
        let detail =
            "resume without a region: expected the region of the token, as bounds or as lat, lon and radius".to_owned();
        return Err(Problem::bad_request("bad_parameter", detail));
    }
    let mut subscription = Subscription::empty();
    let (kinds, rate) = (query.kinds()?, query.one_of("rate", "live, 1s, 5s, 30s", Rate::parse)?);
    let zone_events = query.one_of("zone_events", "true, false", |text| text.parse::<bool>().ok())?;
    let has_subscription = region.is_some() || kinds.is_some() || rate.is_some() || zone_events.is_some();
    if let Some(kinds) = kinds {
        subscription = subscription.with_kinds(kinds);
    }
    if let Some(rate) = rate {
        subscription = subscription.with_rate(rate);
    }
    if let Some(wanted) = zone_events {
        subscription = subscription.with_zone_events(wanted);
    }
    if let Some(region) = region {
        subscription = subscription.with_region(&region, limits.max_cells);
    }
    Ok(Opening {
        wire: agreement.wire,
        subscription: has_subscription.then_some(subscription),
        resume: query.get("resume").map(str::to_owned),
    })
}

fn switching(agreement: &Agreement) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&agreement.accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(subprotocol) = agreement.subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    if agreement.wire.deflate {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(DEFLATE));
    }
    response
}

/// A connection after its handshake.
struct Accepted {
    opening: Opening,
    permit: ConnectionPermit,
    credentials: Credentials,
}

async fn hand_over(
    on_upgrade: OnUpgrade,
    accepted: Accepted,
    shards: Arc<Shards>,
    sessions: Option<Arc<Sessions>>,
    tls_relays: TaskTracker,
) {
    // An error: the client disconnected before the response was sent.
    let Ok(upgraded) = on_upgrade.await else { return };
    let (stream, early) = match detach(upgraded, &tls_relays) {
        Ok(detached) => detached,
        Err(error) => return tracing::warn!(%error, "cannot hand a WebSocket over to a shard: it is closed"),
    };
    if let Err(error) = configure(&stream) {
        tracing::debug!(%error, "cannot set the socket options of a WebSocket: it keeps the defaults");
    }
    let Accepted { opening, permit, credentials: Credentials { expires_at, session } } = accepted;
    let of_session = session.clone();
    shards.open(NewConnection { stream, early, opening, permit, expires_at, session }).await;
    // It may have ended between the look at its credentials and now, when the shard did not have the connection yet.
    if let (Some(session), Some(sessions)) = (of_session, sessions)
        && sessions.has_ended(&session)
    {
        shards.end_session(&session).await;
    }
}
