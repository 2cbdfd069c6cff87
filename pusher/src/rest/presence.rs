//! `GET /api/v1/presence`: how many watch, here and over all instances.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::problem::Problem;
use super::query::Query;
use super::time::rfc3339;
use crate::app::App;

pub(super) const PATH: &str = "/api/v1/presence";
pub(super) const SUMMARY: &str = "How many watch over WebSockets: at the instance that answers, and at all of them as Redis \
                                  counts, which is some seconds old.";

#[derive(Debug, Serialize)]
struct Presence {
    /// RFC 3339, UTC.
    server_time: String,
    /// At this instance.
    connections_here: i64,
    /// At all instances; absent where Redis does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<i64>,
    /// How many there are, this one included; absent where Redis does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<i64>,
}

pub(super) async fn get(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let metrics = &app.metrics;
    // 0 instances: Redis is away, or there is none.
    let instances = Some(metrics.instances.get()).filter(|instances| *instances > 0);
    let presence = Presence {
        server_time: rfc3339(app.context.clock.now_us()),
        connections_here: metrics.connections.get(),
        connections: instances.map(|_| metrics.connections_everywhere.get()),
        instances,
    };
    Ok(Json(presence).into_response())
}
