//! The key set, the discovery document and the user endpoint of an identity provider, over HTTP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct IdentityProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// `None`: it answers with 500.
    answer: Mutex<Option<String>>,
    /// The discovery document; `None`: it answers with 500.
    document: Mutex<Option<String>>,
    asked: AtomicU32,
    /// The users by their tokens; `None`: the user endpoint answers with 500.
    users: Mutex<Option<HashMap<String, String>>>,
    users_asked: AtomicU32,
}

impl IdentityProvider {
    pub(crate) async fn start(key_set: &str) -> Self {
        let shared = Arc::new(Shared { answer: Mutex::new(Some(key_set.to_owned())), ..Shared::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is free");
        let address = listener.local_addr().expect("bound");
        let router = Router::new()
            .route("/jwks", get(answer))
            .route("/other-jwks", get(answer))
            .route("/.well-known/openid-configuration", get(document))
            .route("/userinfo", get(user))
            .with_state(shared.clone());
        let running = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { address, shared, running }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn describe_with(&self, document: Option<String>) {
        *self.shared.document.lock() = document;
    }

    pub(crate) fn user_endpoint(&self) -> String {
        format!("http://{}/userinfo", self.address)
    }

    pub(crate) fn set_users(&self, users: Option<&[(&str, &str)]>) {
        let text = |(token, user): &(&str, &str)| ((*token).to_owned(), (*user).to_owned());
        *self.shared.users.lock() = users.map(|users| users.iter().map(text).collect());
    }

    /// How often the user endpoint was asked.
    pub(crate) fn users_asked(&self) -> u32 {
        self.shared.users_asked.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    pub(crate) fn answer_with(&self, answer: Option<String>) {
        *self.shared.answer.lock() = answer;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn user(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.users_asked.fetch_add(1, Ordering::Relaxed);
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match (shared.users.lock().as_ref(), token) {
        (None, _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        (Some(users), Some(token)) if users.contains_key(token) => users[token].clone().into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn document(State(shared): State<Arc<Shared>>) -> Response {
    match shared.document.lock().clone() {
        Some(text) => text.into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn answer(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::Relaxed);
    match shared.answer.lock().clone() {
        Some(text) => text.into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
