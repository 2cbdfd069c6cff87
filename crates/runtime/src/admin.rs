//! The admin port: `/health`, `/ready`, `/metrics`, `/log`, and `/debug/profile` where enabled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use axum::{Router, serve};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::readiness::PartState;
use crate::telemetry::LogFilter;
use crate::{Context, Shutdown};

/// What the admin port tells.
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
    timestamp: u64,
    version: &'static str,
}

/// Body of `/ready`.
#[derive(Debug, Serialize)]
pub struct Ready {
    ready: bool,
    parts: BTreeMap<&'static str, PartState>,
}

impl Admin {
    /// `log_filter` lets `PUT /log` change the level; `profile` turns `/debug/profile` on.
    pub fn new(context: Context, version: &'static str, log_filter: Option<LogFilter>, profile: bool) -> Self {
        Self { context, log_filter, version, profile }
    }

    /// The routes, for a server of one's own: `/health` and `/ready` are also on the pusher's port.
    pub fn probes(self) -> Router {
        Router::new().route("/health", get(health)).route("/ready", get(ready)).with_state(self)
    }

    fn router(self) -> Router {
        let profile = self.profile;
        let router = Router::new().route("/metrics", get(metrics)).route("/log", put(set_log_filter));
        let router = if profile { router.route("/debug/profile", get(take_profile)) } else { router };
        router.with_state(self.clone()).merge(self.probes())
    }

    /// Serves on `listen` until stopped.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn serve(self, listener: TcpListener, stop: Shutdown) -> anyhow::Result<()> {
        let stopped = async move { stop.requested().await };
        serve(listener, self.router()).with_graceful_shutdown(stopped).await.context("admin server")
    }
}

/// Binds the admin port.
///
/// # Errors
/// Says which address could not be bound and which setting names it.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot bind the admin port {listen} (UPDRAFT_ADMIN_LISTEN)"))
}

async fn health(State(admin): State<Admin>) -> Json<Health> {
    let timestamp = admin.context.clock.now_us() / 1_000_000;
    Json(Health { status: "ok", timestamp, version: admin.version })
}

async fn ready(State(admin): State<Admin>) -> Response {
    let parts = admin.context.readiness.parts();
    let ready = admin.context.readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, parts })).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.context.metrics.to_text()).into_response()
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

#[derive(Deserialize)]
struct ProfileQuery {
    #[serde(default = "ProfileQuery::default_seconds")]
    seconds: u64,
}

impl ProfileQuery {
    fn default_seconds() -> u64 {
        10
    }
}

/// A CPU profile of the next seconds (at most 60), in pprof's Protobuf form.
async fn take_profile(State(admin): State<Admin>, Query(query): Query<ProfileQuery>) -> Response {
    let guard = match pprof::ProfilerGuard::new(99) {
        Ok(guard) => guard,
        Err(error) => return (StatusCode::CONFLICT, format!("cannot profile now: {error}\n")).into_response(),
    };
    admin.context.clock.sleep(Duration::from_secs(query.seconds.clamp(1, 60))).await;
    match encode_profile(&guard) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

fn encode_profile(guard: &pprof::ProfilerGuard<'_>) -> anyhow::Result<Vec<u8>> {
    use pprof::protos::Message as _;
    let profile = guard.report().build()?.pprof()?;
    let mut bytes = Vec::new();
    profile.write_to_vec(&mut bytes)?;
    Ok(bytes)
}
