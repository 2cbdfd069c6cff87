//! Requests that are answered from the air picture: JSON or Protobuf as the client accepts, with an ETag from the
//! sequence of the view.

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
/// The request headers on which a response depends. A 304, which is not compressed, has the header too.
pub(super) const VARY: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// The source of a response, where it is not the view.
const SOURCE: HeaderName = HeaderName::from_static("x-source");

/// One request for the air picture.
pub(super) struct PictureRequest {
    pub(super) app: App,
    picture: Picture,
    protobuf: bool,
    if_none_match: Option<String>,
    /// `None`: the picture has no version.
    etag: Option<String>,
}

enum Picture {
    Live(Arc<Live>),
    Redis(Arc<View>),
}

/// How often a response changes with time alone, without a change of the picture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Aging {
    Never,
    EverySecond,
    EveryMinute,
}

impl PictureRequest {
    /// `uri`: path and query of the request. `in_redis`: whether Redis may answer until the view is complete.
    ///
    /// # Errors
    /// 503: the picture is not complete yet.
    pub(super) async fn new(
        app: App,
        headers: &HeaderMap,
        uri: &Uri,
        aging: Aging,
        in_redis: bool,
    ) -> Result<Self, Problem> {
        let picture = Picture::read(&app, in_redis).await?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let protobuf = accepts_protobuf(headers);
        let etag = match &picture {
            Picture::Live(live) => {
                let age = app.context.clock.now_us()
                    / match aging {
                        Aging::Never => u64::MAX,
                        Aging::EverySecond => 1_000_000,
                        Aging::EveryMinute => 60_000_000,
                    };
                let mut hasher = FxHasher::default();
                let sequence = live.view.read().sequence();
                (app.started_at_us, &live.epoch, sequence, age, uri.to_string(), protobuf).hash(&mut hasher);
                Some(format!("W/\"{:016x}\"", hasher.finish()))
            }
            Picture::Redis(_) => None,
        };
        Ok(Self { etag, if_none_match: text(header::IF_NONE_MATCH).map(str::to_owned), protobuf, picture, app })
    }

    /// Reads the picture.
    pub(super) fn view<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        match &self.picture {
            Picture::Live(live) => read(&live.view.read()),
            Picture::Redis(view) => read(view),
        }
    }

    /// The name of the data behind the log; `None` for the picture in Redis.
    pub(super) fn epoch(&self) -> Option<&str> {
        match &self.picture {
            Picture::Live(live) => Some(&live.epoch),
            Picture::Redis(_) => None,
        }
    }

    /// The time of the response.
    pub(super) fn now_us(&self) -> u64 {
        self.app.context.clock.now_us()
    }

    /// A response that need not be made: 304 where nothing changed since the client's last request, or the body of
    /// another client's request a moment ago.
    pub(super) fn cached_response(&self) -> Option<Response> {
        let etag = self.etag.as_ref()?;
        let matches = |tags: &String| tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*");
        if self.if_none_match.as_ref().is_some_and(matches) {
            return Some(self.with_headers(StatusCode::NOT_MODIFIED.into_response()));
        }
        let bytes = self.app.response_cache.get(etag, self.app.context.clock.monotonic())?;
        Some(self.with_headers(response(bytes, self.protobuf)))
    }

    /// The response with this message.
    pub(super) fn respond(&self, message: &(impl Message + Serialize)) -> Response {
        let bytes = encode(message, self.protobuf);
        if let Some(etag) = &self.etag {
            self.app.response_cache.insert(etag, &bytes, self.app.context.clock.monotonic());
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
    async fn read(app: &App, in_redis: bool) -> Result<Self, Problem> {
        let not_ready = match app.ready() {
            Ok(live) => {
                if let Some(redis) = &app.redis_picture {
                    redis.clear();
                }
                return Ok(Self::Live(live));
            }
            Err(problem) => problem,
        };
        let Some(redis) = app.redis_picture.as_ref().filter(|_| in_redis) else { return Err(not_ready) };
        redis.view().await.map(Self::Redis).ok_or(not_ready)
    }
}

/// Whether the client accepts Protobuf.
pub(super) fn accepts_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(PROTOBUF))
}

/// A response with this message, for requests that are not answered from the picture.
pub(super) fn message_response(message: &(impl Message + Serialize), protobuf: bool) -> Response {
    response(encode(message, protobuf), protobuf)
}

fn encode(message: &(impl Message + Serialize), protobuf: bool) -> Bytes {
    match protobuf {
        true => message.encode_to_vec().into(),
        false => serde_json::to_vec(message).expect("all keys are strings").into(),
    }
}

fn response(bytes: Bytes, protobuf: bool) -> Response {
    let media_type = if protobuf { PROTOBUF } else { "application/json" };
    ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
