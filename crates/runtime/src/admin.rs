//! The admin port: `/health`, `/ready`, `/metrics`, `/log`, and `/debug/profile` where enabled.
//!
//! Requests that change the process or take its time (`PUT /log`, profiles) are for clients on this machine only, on
//! every bound address: the port has no accounts.

#[cfg(feature = "profile")]
mod profile;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use axum::{Router, serve};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::readiness::PartState;
use crate::telemetry::LogFilter;
use crate::{Context, Shutdown};

/// The state behind the admin port.
#[derive(Clone)]
pub struct Admin {
    context: Context,
    log_filter: Option<LogFilter>,
    version: &'static str,
    profile: bool,
}

/// Body of `/health`.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
    /// Time of the request, RFC 3339 in UTC.
    timestamp: String,
    version: &'static str,
}

/// Body of `/ready`.
#[derive(Debug, Serialize)]
pub struct Ready {
    ready: bool,
    parts: BTreeMap<&'static str, PartState>,
}

/// Body of `/ready` on a public port.
#[derive(Debug, Serialize)]
struct PublicReady {
    ready: bool,
    parts: BTreeMap<&'static str, PublicPart>,
}

/// A part's state, without reasons.
#[derive(Debug, Serialize)]
struct PublicPart {
    ready: bool,
    since_us: u64,
    /// It works without one of its dependencies.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
}

impl From<&PartState> for PublicPart {
    fn from(part: &PartState) -> Self {
        Self { ready: part.ready, since_us: part.since_us, degraded: part.degraded.is_some() }
    }
}

impl Admin {
    /// `log_filter` lets `PUT /log` change the level; `profile` turns `/debug/profile` on.
    pub fn new(context: Context, version: &'static str, log_filter: Option<LogFilter>, profile: bool) -> Self {
        Self { context, log_filter, version, profile }
    }

    /// `/health` and `/ready` for a public port: parts and whether they are ready, without the reasons, since those
    /// contain addresses and internals.
    pub fn public_probes(self) -> Router {
        Router::new().route("/health", get(health)).route("/ready", get(public_ready)).with_state(self)
    }

    fn probes(self) -> Router {
        Router::new().route("/health", get(health)).route("/ready", get(ready)).with_state(self)
    }

    fn router(self) -> Router {
        let profile = self.profile;
        let local = Router::new().route("/log", put(set_log_filter));
        #[cfg(feature = "profile")]
        let local = if profile { local.route("/debug/profile", get(profile::take_profile)) } else { local };
        #[cfg(not(feature = "profile"))]
        let local = match profile {
            true => local.route("/debug/profile", get(no_profile)),
            false => local,
        };
        let local = local.layer(middleware::from_fn(from_this_machine));
        let router = Router::new().route("/metrics", get(metrics)).merge(local);
        router.with_state(self.clone()).merge(self.probes())
    }

    /// Serves on `listen` until stopped.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn serve(self, listener: TcpListener, stop: Shutdown) -> anyhow::Result<()> {
        let stopped = async move { stop.requested().await };
        let router = self.router().into_make_service_with_connect_info::<SocketAddr>();
        serve(listener, router).with_graceful_shutdown(stopped).await.context("admin server")
    }
}

/// Binds the admin port.
///
/// # Errors
/// The address could not be bound; the error names it and its setting.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot bind the admin port {listen} (UPDRAFT_ADMIN_LISTEN)"))
}

/// Forwards a request when its client is on this machine.
async fn from_this_machine(ConnectInfo(client): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    if client.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    let path = request.uri().path();
    (StatusCode::FORBIDDEN, format!("{path} is for clients on the machine of the program: connect over its loopback\n"))
        .into_response()
}

async fn health(State(admin): State<Admin>) -> Json<Health> {
    let now = UNIX_EPOCH + Duration::from_micros(admin.context.clock.now_us());
    let timestamp = humantime::format_rfc3339_seconds(now).to_string();
    Json(Health { status: "ok", timestamp, version: admin.version })
}

async fn ready(State(admin): State<Admin>) -> Response {
    let parts = admin.context.readiness.parts();
    let ready = admin.context.readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, parts })).into_response()
}

async fn public_ready(State(admin): State<Admin>) -> Response {
    let readiness = &admin.context.readiness;
    let parts = readiness.parts().into_iter().map(|(name, part)| (name, PublicPart::from(&part))).collect();
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(PublicReady { ready, parts })).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    // What is measured for it reads files.
    match tokio::task::spawn_blocking(move || admin.context.metrics.to_text()).await {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot export: {error}\n")).into_response(),
    }
}

async fn set_log_filter(State(admin): State<Admin>, filter: String) -> Response {
    let Some(log_filter) = &admin.log_filter else {
        return (StatusCode::NOT_FOUND, "this process has no log of its own").into_response();
    };
    match log_filter.set(filter.trim()) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    }
}

#[cfg(feature = "profile")]
impl axum::extract::FromRef<Admin> for crate::Clock {
    fn from_ref(admin: &Admin) -> Self {
        admin.context.clock.clone()
    }
}

#[cfg(not(feature = "profile"))]
async fn no_profile() -> Response {
    let text = "this program was built without profiles: build it with `cargo build --release -p standalone --features full`\n";
    (StatusCode::NOT_IMPLEMENTED, text).into_response()
}

#[cfg(test)]
mod tests;
