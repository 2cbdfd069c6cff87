//! Answers: JSON or Protobuf as the client asks, with an ETag where the picture tells whether it changed.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use rustc_hash::FxHasher;
use serde::Serialize;

use super::problem::Problem;
use crate::app::{App, Live};
use fanout::view::View;

const PROTOBUF: &str = "application/x-protobuf";
/// What an answer depends on besides its address. Said by the 304 too, which is not compressed.
pub(super) const VARY: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// Where the answer comes from, when it is not the view.
const SOURCE: HeaderName = HeaderName::from_static("x-source");

/// One request to be answered from the picture.
pub(super) struct Asked {
    pub(super) app: App,
    picture: Picture,
    protobuf: bool,
    if_none_match: Option<String>,
    /// `None`: nothing tells whether the picture changed.
    etag: Option<String>,
}

enum Picture {
    Live(Arc<Live>),
    Redis(Arc<View>),
}

/// How fast an answer becomes another one by itself, without a change of the picture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Ages {
    Never,
    InSeconds,
    InMinutes,
}

impl Asked {
    /// `of`: the request's path and query. `in_redis`: until the view is complete, Redis may answer.
    ///
    /// # Errors
    /// Peer: the picture is not complete yet.
    pub(super) async fn new(
        app: App,
        headers: &HeaderMap,
        of: &Uri,
        ages: Ages,
        in_redis: bool,
    ) -> Result<Self, Problem> {
        let picture = Picture::of(&app, in_redis).await?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let protobuf = wants_protobuf(headers);
        let etag = match &picture {
            Picture::Live(live) => {
                let age = app.context.clock.now_us()
                    / match ages {
                        Ages::Never => u64::MAX,
                        Ages::InSeconds => 1_000_000,
                        Ages::InMinutes => 60_000_000,
                    };
                let mut hasher = FxHasher::default();
                let sequence = live.view.read().sequence();
                (app.started_at_us, &live.epoch, sequence, age, of.to_string(), protobuf).hash(&mut hasher);
                Some(format!("W/\"{:016x}\"", hasher.finish()))
            }
            Picture::Redis(_) => None,
        };
        Ok(Self { etag, if_none_match: text(header::IF_NONE_MATCH).map(str::to_owned), protobuf, picture, app })
    }

    /// Looks at the picture.
    pub(super) fn view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        match &self.picture {
            Picture::Live(live) => look(&live.view.read()),
            Picture::Redis(view) => look(view),
        }
    }

    /// The name of the data; `None` in Redis, which has none.
    pub(super) fn epoch(&self) -> Option<&str> {
        match &self.picture {
            Picture::Live(live) => Some(&live.epoch),
            Picture::Redis(_) => None,
        }
    }

    /// Time of the answer.
    pub(super) fn at_us(&self) -> u64 {
        self.app.context.clock.now_us()
    }

    /// The answer, where it need not be made: nothing changed since the client last asked the same, or another client just
    /// asked the same.
    pub(super) fn ready_made(&self) -> Option<Response> {
        let etag = self.etag.as_ref()?;
        let same = |known: &String| known.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*");
        if self.if_none_match.as_ref().is_some_and(same) {
            return Some(self.with_headers(StatusCode::NOT_MODIFIED.into_response()));
        }
        let bytes = self.app.shared_bodies.get(etag, self.app.context.clock.monotonic())?;
        Some(self.with_headers(response(bytes, self.protobuf)))
    }

    /// The answer.
    pub(super) fn answer(&self, message: &(impl Message + Serialize)) -> Response {
        let bytes = encoded(message, self.protobuf);
        if let Some(etag) = &self.etag {
            self.app.shared_bodies.keep(etag, &bytes, self.app.context.clock.monotonic());
        }
        self.with_headers(response(bytes, self.protobuf))
    }

    fn with_headers(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(etag) = self.etag.as_ref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        if matches!(self.picture, Picture::Redis(_)) {
            headers.insert(SOURCE, HeaderValue::from_static("redis"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, VARY);
        response
    }
}

impl Picture {
    async fn of(app: &App, in_redis: bool) -> Result<Self, Problem> {
        let not_ready = match app.ready() {
            Ok(live) => {
                if let Some(redis) = &app.redis_picture {
                    redis.forget();
                }
                return Ok(Self::Live(live));
            }
            Err(problem) => problem,
        };
        let Some(redis) = app.redis_picture.as_ref().filter(|_| in_redis) else { return Err(not_ready) };
        redis.view().await.map(Self::Redis).ok_or(not_ready)
    }
}

/// Whether the client asks for Protobuf.
pub(super) fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(PROTOBUF))
}

/// A message as the body of an answer.
pub(super) fn body(message: &(impl Message + Serialize), protobuf: bool) -> Response {
    response(encoded(message, protobuf), protobuf)
}

fn encoded(message: &(impl Message + Serialize), protobuf: bool) -> Bytes {
    match protobuf {
        true => message.encode_to_vec().into(),
        false => serde_json::to_vec(message).expect("our messages have string keys").into(),
    }
}

fn response(bytes: Bytes, protobuf: bool) -> Response {
    let kind = if protobuf { PROTOBUF } else { "application/json" };
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}
