//! `GET /api/v1/audit`: who changed what, and who looked at private data. For operators.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::AuditList;

use super::command::device;
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{ms_to_us, time};
use crate::app::App;
use crate::audit::{Found, Search, SearchError};
use crate::time::rfc3339;

const MAX_RECORDS: usize = 1_000;
const DEFAULT_RECORDS: usize = 100;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/audit",
    summary: "The audit trail, the newest records first. While `truncated` is true, ask again with `to` set to \
              `searched_since` for older ones. For operators.",
    path_parameters: &[],
    parameters: &[
        &Parameter { name: "user", kind: "string", about: "Only what this subject did, exactly." },
        &Parameter { name: "device", kind: "string", about: "Only what was done about this device, six hex digits." },
        &Parameter { name: "from", kind: "string", about: "Not before, UTC, for example 2026-07-14T09:00:00Z." },
        &Parameter { name: "to", kind: "string", about: "Before, UTC." },
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "At most so many records: 1 to 1,000; 100 unless it is said.",
        },
    ],
    message: "AuditList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let search = Search {
        user_id: query.get("user").map(str::to_owned),
        device: query.get("device").map(device).transpose()?.map(|device| device.to_string()),
        from_us: time(&query, "from")?.map(ms_to_us),
        to_us: time(&query, "to")?.map(ms_to_us),
        limit: query.number("limit", 1..=MAX_RECORDS)?.unwrap_or(DEFAULT_RECORDS),
    };
    let Found { records, complete_since_us } = app.audit.search(&search).await.map_err(|error| failed(&error))?;
    let list = AuditList {
        server_time: rfc3339(app.context.clock.now_us()),
        records,
        truncated: complete_since_us.is_some(),
        // The next millisecond: the times of parameters have no more, and a record twice is better than none.
        searched_since: complete_since_us.map(|at_us| rfc3339(at_us.next_multiple_of(1_000))),
    };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn failed(error: &SearchError) -> Problem {
    match error {
        SearchError::Busy => Problem::unavailable(
            "audit_busy",
            "another search of the audit trail is in progress: repeat the request after the seconds of Retry-After"
                .to_owned(),
        ),
        SearchError::Timeout | SearchError::Stream(_) => {
            tracing::warn!(%error, "cannot search the audit trail");
            Problem::unavailable("log_unavailable", "the audit trail cannot be read now: try again later".to_owned())
        }
    }
}
