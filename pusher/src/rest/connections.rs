//! `GET /api/v1/connections`: the open WebSockets of all instances, for operators.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::ConnectionList;

use super::endpoint::Endpoint;
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::presence::connections_of_others;
use crate::time::rfc3339;

/// Of all instances.
const MOST: usize = 5_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/connections",
    summary: "The open WebSockets of all instances, those with credentials first, and what they subscribe to; of other \
              instances as they were some seconds ago. For operators.",
    path_parameters: &[],
    parameters: &[],
    message: "ConnectionList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ENDPOINT.query(query.as_deref())?;
    let mut connections = app.connection_lister.list().await;
    let mut total = u32::try_from(app.metrics.connections.get()).unwrap_or_default();
    if let Some(redis) = &app.redis {
        let others = connections_of_others(redis, &app.connection_lister.instance).await;
        let (of_others, count) = others.map_err(|_| {
            let detail = "the connections of other instances are in Redis, which does not answer".to_owned();
            Problem::unavailable("redis_unavailable", detail)
        })?;
        connections.extend(of_others);
        total = total.saturating_add(count);
    }
    connections.sort_by_key(|connection| (connection.subject.is_none(), connection.opened_at_us));
    connections.truncate(MOST);
    let truncated = (connections.len() as u64) < u64::from(total);
    let list = ConnectionList { server_time: rfc3339(app.context.clock.now_us()), connections, total, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}
