//! Answers: JSON or Protobuf as the client asks, with an ETag where the picture tells whether it changed.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use rustc_hash::FxHasher;
use serde::Serialize;
use std::hash::{Hash as _, Hasher as _};

use super::problem::Problem;
use crate::app::{App, Live};

const PROTOBUF: &str = "application/x-protobuf";

/// One request to be answered from the view.
pub(super) struct Asked {
    pub(super) app: App,
    pub(super) live: std::sync::Arc<Live>,
    protobuf: bool,
    if_none_match: Option<String>,
    etag: String,
}

impl Asked {
    /// `of`: the request's path and query.
    ///
    /// # Errors
    /// Peer: the picture is not complete yet.
    pub(super) fn new(app: App, headers: &HeaderMap, of: &axum::http::Uri) -> Result<Self, Problem> {
        let live = app.ready()?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let protobuf = text(header::ACCEPT).is_some_and(|accept| accept.contains(PROTOBUF));
        let mut hasher = FxHasher::default();
        (app.started_at_us, &live.epoch, live.view.read().sequence(), of.to_string(), protobuf).hash(&mut hasher);
        Ok(Self {
            etag: format!("W/\"{:016x}\"", hasher.finish()),
            if_none_match: text(header::IF_NONE_MATCH).map(str::to_owned),
            protobuf,
            live,
            app,
        })
    }

    /// Time of the answer.
    pub(super) fn at_us(&self) -> u64 {
        self.app.context.clock.now_us()
    }

    /// The answer, where nothing changed since the client last asked the same.
    pub(super) fn unchanged(&self) -> Option<Response> {
        let same = self.if_none_match.as_ref()?.split(',').any(|tag| tag.trim() == self.etag);
        same.then(|| self.with_etag(StatusCode::NOT_MODIFIED.into_response()))
    }

    /// The answer.
    pub(super) fn answer(&self, message: &(impl Message + Serialize)) -> Response {
        let (kind, body) = if self.protobuf {
            (PROTOBUF, message.encode_to_vec())
        } else {
            ("application/json", serde_json::to_vec(message).expect("our messages have string keys"))
        };
        self.with_etag(([(header::CONTENT_TYPE, kind)], body).into_response())
    }

    fn with_etag(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}
