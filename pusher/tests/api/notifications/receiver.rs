//! The receiver of webhooks: keeps what it gets, and answers as it is asked to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// With a pause, seconds.
    RetryAfter(u64),
    Redirect(String),
    /// The connection stays open.
    Never,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    next: VecDeque<Reply>,
    always: Option<Reply>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is free");
        let (address, inner) = (listener.local_addr().expect("bound"), Arc::<Mutex<Inner>>::default());
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { address, inner, serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next answers; after them 200.
    pub(crate) fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().expect("no panic").next.extend(replies);
    }

    pub(crate) fn always(&self, reply: Reply) {
        self.inner.lock().expect("no panic").always = Some(reply);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.inner.lock().expect("no panic").calls.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let reply = {
        let mut inner = inner.lock().expect("no panic");
        inner.calls.push(Call { path, headers: head.headers, body });
        inner.next.pop_front().or_else(|| inner.always.clone()).unwrap_or(Reply::Status(200))
    };
    let response = Response::builder();
    let response = match reply {
        Reply::Status(status) => response.status(status),
        Reply::RetryAfter(seconds) => response.status(429).header("retry-after", seconds),
        Reply::Redirect(url) => response.status(307).header("location", url),
        Reply::Never => std::future::pending().await,
    };
    response.body(Body::empty()).expect("a response")
}
