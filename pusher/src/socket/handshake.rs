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
use crate::audit::Requester;
use crate::auth::{self, Denied, Presented};
use crate::commands::CommandError;
use crate::company_use::UsePermit;
use crate::fleets::{FleetError, FleetPermit};
use crate::http::detach;
use crate::metrics::Reason;
use crate::networks;
use crate::rest::{Problem, Query};
use crate::sessions::Sessions;
use crate::throttle::Client;
use fanout::dispatcher::Opening;
use fanout::session::{SessionSettings, within_limits};
use fanout::subscription::{Rate, Subscription};

const PARAMETERS: [&str; 10] =
    ["lat", "lon", "radius", "bounds", "token", "resume", "kinds", "rate", "zone_events", "fleet"];

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
        Ok(Prepared { live, agreement, opening, fleet, permit, on_upgrade }) => {
            let company_use = match admit(&app, credentials.requester.as_deref()) {
                Ok(company_use) => company_use,
                Err(problem) => return problem.into_response(),
            };
            let fleet = match look(&app, credentials.requester.as_deref(), fleet.as_deref()).await {
                Ok(fleet) => fleet,
                Err(refused) => return refused,
            };
            let shards = live.shards.clone();
            let accepted = Accepted { opening, permit, credentials, company_use, fleet };
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
    /// Who has shown them.
    requester: Option<Arc<Requester>>,
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
    let session = caller.session.clone();
    let requester = Requester {
        caller,
        client_class: networks::class(client.address),
        request_id: format!("{:032x}", rand::random::<u128>()).into(),
        cause: None,
    };
    Ok(Credentials { expires_at, session, requester: Some(Arc::new(requester)) })
}

/// Counts the connection among those of the requester's company.
fn admit(app: &App, requester: Option<&Requester>) -> Result<Option<UsePermit>, Problem> {
    let Some(requester) = requester else { return Ok(None) };
    app.fleets.admit(requester).map_err(|most| {
        app.metrics.refused.get_or_create(&Reason { reason: "company" }).inc();
        let detail = format!("the company has {most} WebSockets, its limit: close one of them, or ask an operator");
        Problem::unavailable("company_full", detail)
    })
}

/// Permits the fleet of a URL.
async fn look(app: &App, requester: Option<&Requester>, fleet: Option<&str>) -> Result<Option<FleetPermit>, Response> {
    let Some(fleet) = fleet else { return Ok(None) };
    let permit = match requester {
        Some(requester) => app.fleets.permit(&app.commands, requester, fleet).await,
        None => Err(FleetError::NotAllowed),
    };
    permit.map(Some).map_err(|error| match &error {
        FleetError::NotAllowed => Problem::forbidden("fleet_not_allowed", &error.to_string()).into_response(),
        FleetError::Full(_) => Problem::unavailable("fleet_full", error.to_string()).into_response(),
        FleetError::Audit(CommandError::TooMany(limited)) => Denied::Limited(*limited).into_response(),
        FleetError::Audit(_) => {
            Problem::unavailable("audit_unavailable", format!("{error}: connect again")).into_response()
        }
    })
}

/// A handshake that is sound.
struct Prepared {
    live: Arc<Live>,
    agreement: Agreement,
    opening: Opening,
    /// The id of the fleet in the URL.
    fleet: Option<String>,
    permit: ConnectionPermit,
    on_upgrade: OnUpgrade,
}

fn prepare(app: &App, query: Option<&str>, address: IpAddr, request: &mut Request) -> Result<Prepared, Problem> {
    let agreement = negotiate(request.headers(), app.options.compression)
        .map_err(|error| Problem::bad_request("bad_handshake", error.to_string()))?;
    let live = app.ready()?;
    let (opening, fleet) = opening(query, &live.session, &agreement)?;
    let permit = app.admission.admit(address, app.context.clock.monotonic()).map_err(|error| {
        app.metrics.refused.get_or_create(&Reason { reason: error.reason() }).inc();
        Problem::unavailable(error.reason(), error.to_string())
    })?;
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(|| {
        let detail = "this version of HTTP has no upgrade: open the WebSocket over HTTP/1.1".to_owned();
        Problem::bad_request("bad_handshake", detail)
    })?;
    Ok(Prepared { live, agreement, opening, fleet, permit, on_upgrade })
}

/// The opening, and the fleet that is to be added to it.
fn opening(
    query: Option<&str>,
    session: &SessionSettings,
    agreement: &Agreement,
) -> Result<(Opening, Option<String>), Problem> {
    let query = Query::parse(query, &PARAMETERS)?;
    let limits = &session.limits;
    let region = query.region()?;
    if let Some(region) = &region {
        within_limits(region, limits)
            .map_err(|refusal| Problem::bad_request(refusal.code, refusal.message.into_owned()))?;
    }
    let fleet = query.get("fleet").filter(|fleet| !fleet.is_empty()).map(str::to_owned);
    if region.is_none() && fleet.is_none() && query.get("resume").is_some() {
        let detail =
            "resume without a region: expected the region of the token, as bounds or as lat, lon and radius".to_owned();
        return Err(Problem::bad_request("bad_parameter", detail));
    }
    let mut subscription = Subscription::empty();
    let (kinds, rate) = (query.kinds()?, query.one_of("rate", "live, 1s, 5s, 30s", Rate::parse)?);
    let zone_events = query.one_of("zone_events", "true, false", |text| text.parse::<bool>().ok())?;
    let has_subscription =
        region.is_some() || kinds.is_some() || rate.is_some() || zone_events.is_some() || fleet.is_some();
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
    let opening = Opening {
        wire: agreement.wire,
        subscription: has_subscription.then_some(subscription),
        resume: query.get("resume").map(str::to_owned),
    };
    Ok((opening, fleet))
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
    company_use: Option<UsePermit>,
    fleet: Option<FleetPermit>,
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
    let Accepted { opening, permit, credentials, company_use, fleet } = accepted;
    let Credentials { expires_at, session, requester } = credentials;
    let of_session = session.clone();
    let new = NewConnection { stream, early, opening, permit, expires_at, session, requester, company_use, fleet };
    shards.open(new).await;
    // It may have ended between the look at its credentials and now, when the shard did not have the connection yet.
    if let (Some(session), Some(sessions)) = (of_session, sessions)
        && sessions.has_ended(&session)
    {
        shards.end_session(&session).await;
    }
}
