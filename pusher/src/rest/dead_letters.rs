//! `GET /api/v1/dead-letters`: the newest unusable inputs, with their bytes explained. For operators.

use access::Scope;
use axum::extract::{Extension, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::v1::DeadLetterList;

use super::command::not_done;
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use crate::app::App;
use crate::audit::{Act, Requester};
use crate::dead_letters::{Found, ReadError};
use crate::time::rfc3339;

const MAX_LETTERS: usize = 200;
const DEFAULT_LETTERS: usize = 100;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/dead-letters",
    summary: "The newest inputs that could not be used, with the reason, and the meaning of each byte of their frames. \
              Where there are many, a sample of them is kept. Each look is in the audit trail. For operators.",
    path_parameters: &[],
    parameters: &[&Parameter {
        name: "limit",
        kind: "integer",
        about: "At most so many dead letters: 1 to 200; 100 unless it is said.",
    }],
    message: "DeadLetterList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let limit = query.number("limit", 1..=MAX_LETTERS)?.unwrap_or(DEFAULT_LETTERS);
    // What can fail is tried before the record: it says that the data was sent. They may be frames of hidden devices.
    let Found { letters, is_cut } = app.dead_letters.newest(limit).await.map_err(|error| failed(&error))?;
    let act = Act {
        action: "dead_letters.view",
        subject: "dead-letters".to_owned(),
        scope: Some(Scope::DeadLetterRead),
        details: vec![("count", letters.len().to_string())],
    };
    if let Err(error) = app.commands.permit(&requester, &act).await {
        return Ok(not_done(error));
    }
    let list =
        DeadLetterList { server_time: rfc3339(app.context.clock.now_us()), dead_letters: letters, truncated: is_cut };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

fn failed(error: &ReadError) -> Problem {
    match error {
        ReadError::Busy => Problem::unavailable(
            "dead_letters_busy",
            "another search of the dead letters is in progress: repeat the request after the seconds of Retry-After"
                .to_owned(),
        ),
        ReadError::Timeout | ReadError::Stream(_) => {
            tracing::warn!(%error, "cannot read the dead letters");
            Problem::unavailable("log_unavailable", "the dead letters cannot be read now: try again later".to_owned())
        }
    }
}
