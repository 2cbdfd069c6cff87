//! JSON bodies of requests.

use axum::body::{Body, to_bytes};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Reads a body. `what` completes "the body is no ...".
///
/// # Errors
/// 413 and 400: it is too large, or something else.
pub(super) async fn json<T: DeserializeOwned>(body: Body, max_bytes: usize, what: &str) -> Result<T, Problem> {
    let bytes = to_bytes(body, max_bytes).await;
    let bytes =
        bytes.map_err(|_| Problem::too_large(format!("the body is too large: expected at most {max_bytes} bytes")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad_request("bad_body", format!("the body is no {what}: {error}")))
}
