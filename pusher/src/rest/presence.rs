//! `GET /api/v1/presence`: the number of viewers, of this instance and of all.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::problem::Problem;
use super::query::Query;
use crate::app::App;
use crate::time::rfc3339;

pub(super) const PATH: &str = "/api/v1/presence";
pub(super) const SUMMARY: &str = "The number of open WebSockets, of the instance that answers and, counted in Redis some \
                                  seconds ago, of all instances.";

#[derive(Debug, Serialize)]
struct Presence {
    /// RFC 3339, UTC.
    server_time: String,
    /// At this instance.
    connections_here: i64,
    /// At all instances; absent without Redis, or while it is unreachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<i64>,
    /// The number of instances, this one included; absent without Redis, or while it is unreachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<i64>,
}

pub(super) async fn get(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let metrics = &app.metrics;
    // 0 instances: Redis is unreachable, or not set.
    let instances = Some(metrics.instances.get()).filter(|instances| *instances > 0);
    let presence = Presence {
        server_time: rfc3339(app.context.clock.now_us()),
        connections_here: metrics.connections.get(),
        connections: instances.map(|_| metrics.all_connections.get()),
        instances,
    };
    Ok(Json(presence).into_response())
}
