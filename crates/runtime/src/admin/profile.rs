//! CPU profiles of this process.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::Clock;

#[derive(Deserialize)]
pub(super) struct ProfileQuery {
    #[serde(default = "ProfileQuery::default_seconds")]
    seconds: u64,
}

impl ProfileQuery {
    fn default_seconds() -> u64 {
        10
    }
}

/// A CPU profile of the next seconds (at most 60), in pprof's Protobuf form.
pub(super) async fn take_profile(State(clock): State<Clock>, Query(query): Query<ProfileQuery>) -> Response {
    let guard = match pprof::ProfilerGuard::new(99) {
        Ok(guard) => guard,
        Err(error) => return (StatusCode::CONFLICT, format!("cannot profile now: {error}\n")).into_response(),
    };
    clock.sleep(Duration::from_secs(query.seconds.clamp(1, 60))).await;
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
