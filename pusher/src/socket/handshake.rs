//! `GET /ws/v1/updates`: the handshake, and the handing over of the socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio_util::task::TaskTracker;

use super::admission::Admitted;
use super::negotiate::{Agreement, DEFLATE, negotiate};
use super::{NewConnection, Shards};
use crate::app::{App, Live};
use crate::http::detach;
use crate::metrics::Reason;
use crate::rest::{Problem, Query};
use fanout::session::{SessionSettings, within_limits};
use fanout::subscription::{Rate, Subscription};
use fanout::switchboard::Opening;

/// A small send buffer: what it holds is the past, and a client that stalls would hold megabytes of it.
pub(super) const SEND_BUFFER_BYTES: usize = 32 << 10;
const PARAMETERS: [&str; 8] = ["lat", "lon", "radius", "bounds", "token", "resume", "kinds", "rate"];

/// Answers the handshake; the socket then goes to a shard.
pub(crate) async fn upgrade(State(app): State<App>, RawQuery(query): RawQuery, mut request: Request) -> Response {
    match prepare(&app, query.as_deref(), &mut request) {
        Ok((live, agreement, opening, admitted, on_upgrade)) => {
            let shards = live.shards.clone();
            // Tracked: the server waits for it when it stops.
            app.handovers.spawn(hand_over(on_upgrade, opening, admitted, shards, app.pumps.clone()));
            switching(&agreement)
        }
        Err(problem) => problem.into_response(),
    }
}

type Prepared = (Arc<Live>, Agreement, Opening, Admitted, OnUpgrade);

fn prepare(app: &App, query: Option<&str>, request: &mut Request) -> Result<Prepared, Problem> {
    let agreement = negotiate(request.headers(), app.options.compression)
        .map_err(|disagreement| Problem::bad_request("bad_handshake", disagreement.to_string()))?;
    let live = app.ready()?;
    let opening = opening(query, &live.session, &agreement)?;
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let admitted = app.admission.admit(address, app.context.clock.monotonic()).map_err(|refused| {
        app.metrics.refused.get_or_create(&Reason { reason: refused.reason() }).inc();
        Problem::busy(refused.reason(), refused.to_string())
    })?;
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let on_upgrade =
        on_upgrade.ok_or_else(|| Problem::bad_request("bad_handshake", "WebSockets need HTTP/1.1 here".to_owned()))?;
    Ok((live, agreement, opening, admitted, on_upgrade))
}

fn opening(query: Option<&str>, session: &SessionSettings, agreement: &Agreement) -> Result<Opening, Problem> {
    let query = Query::parse(query, &PARAMETERS)?;
    let limits = &session.limits;
    let refuse = |refusal: fanout::session::Refusal| Problem::bad_request(refusal.code, refusal.message.into_owned());
    let wanted = query.region()?;
    if let Some(wanted) = &wanted {
        within_limits(wanted, limits).map_err(refuse)?;
    }
    if wanted.is_none() && query.get("resume").is_some() {
        let detail = "resume goes with the region that it was given for: bounds, or lat, lon and radius".to_owned();
        return Err(Problem::bad_request("bad_parameter", detail));
    }
    let mut subscription = Subscription::empty();
    let (kinds, rate) = (query.kinds()?, query.word("rate", "live, 1s, 5s, 30s", Rate::from_word)?);
    let begun = wanted.is_some() || kinds.is_some() || rate.is_some();
    if let Some(kinds) = kinds {
        subscription = subscription.with_kinds(kinds);
    }
    if let Some(rate) = rate {
        subscription = subscription.with_rate(rate);
    }
    if let Some(wanted) = wanted {
        subscription = subscription.with_region(&wanted, limits.max_cells);
    }
    Ok(Opening {
        wire: agreement.wire,
        subscription: begun.then_some(subscription),
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

async fn hand_over(
    on_upgrade: OnUpgrade,
    opening: Opening,
    admitted: Admitted,
    shards: Arc<Shards>,
    pumps: TaskTracker,
) {
    // The client went away before the answer was out: there is nobody to tell.
    let Ok(upgraded) = on_upgrade.await else { return };
    let (stream, early) = match detach(upgraded, &pumps) {
        Ok(detached) => detached,
        Err(error) => return tracing::warn!(%error, "a connection cannot be taken over"),
    };
    let socket = socket2::SockRef::from(&stream);
    if let Err(error) = socket.set_send_buffer_size(SEND_BUFFER_BYTES).and_then(|()| socket.set_tcp_nodelay(true)) {
        tracing::debug!(%error, "a connection keeps its default buffers");
    }
    shards.open(NewConnection { stream, early, opening, admitted }).await;
}
