//! The history in ClickHouse.
//!
//! Rows are transferred as RowBinary over HTTP. The connector sets TCP_NODELAY, which the client library does not do by
//! itself; without it each insert takes 40 ms longer. Every call has a time limit.

mod breaker;
mod errors;
mod flights;
mod migrate;
mod read;
mod settings;
mod write;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clickhouse::Client;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use runtime::{Clock, Redacted};

use breaker::Breaker;
pub use settings::ClickHouseOptions;
use settings::Endpoint;

use crate::HistoryError;
use crate::read_limiter::ReadLimiter;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: less than the 3 s of the server.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// The interval of TCP keepalives, which detect a broken connection.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The maximum number of concurrent queries of one program; more wait.
const READERS: usize = 16;

/// A database of a ClickHouse server. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouse {
    client: Client,
    url: Redacted,
    endpoint: Endpoint,
    breaker: Breaker,
    limiter: ReadLimiter,
    clock: Clock,
    /// The monotonic time from which this program computes flights again.
    flights_due: Arc<Mutex<Duration>>,
}

impl ClickHouse {
    /// Creates a client without connecting. Where the URL comes from a file, user and password are read from it again for
    /// each request.
    ///
    /// # Errors
    /// Fatal: the URL is invalid, or the system's certificates cannot be read.
    pub fn new(url: impl Into<Redacted>, clock: Clock) -> Result<Self, HistoryError> {
        let url = url.into();
        let endpoint =
            Endpoint::parse(url.reveal()).map_err(|line| HistoryError::fatal("bad_settings", "read the URL", line))?;
        let client = if endpoint.is_secure() { secure()? } else { plain() };
        let client = client.with_url(&endpoint.server).with_database(&endpoint.database);
        let client = with_credentials(client, &endpoint);
        let (breaker, limiter) = (Breaker::new(clock.clone()), ReadLimiter::new(READERS, clock.clone()));
        Ok(Self { client, url, endpoint, breaker, limiter, clock, flights_due: Arc::default() })
    }

    /// The server and the database in messages: without credentials.
    pub fn name(&self) -> String {
        format!("{}/{}", self.endpoint.server, self.endpoint.database)
    }

    /// The client for one request, which carries user and password: those that the file of the URL has now.
    pub fn client(&self) -> Client {
        let client = self.client.clone();
        if !self.url.is_from_file() {
            return client;
        }
        match Endpoint::parse(self.url.current().reveal()) {
            Ok(endpoint) => with_credentials(client, &endpoint),
            // A file that has no valid URL counts as unreadable.
            Err(_) => client,
        }
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now_us() / 1_000).unwrap_or(i64::MAX)
    }
}

fn with_credentials(client: Client, endpoint: &Endpoint) -> Client {
    match &endpoint.credentials {
        Some((user, password)) => client.with_user(user).with_password(password.reveal()),
        None => client,
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp
}

fn plain() -> Client {
    Client::with_http_client(Hyper::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(tcp()))
}

fn secure() -> Result<Client, HistoryError> {
    let mut tcp = tcp();
    tcp.enforce_http(false);
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(rustls::crypto::ring::default_provider());
    let builder =
        builder.map_err(|error| HistoryError::fatal("bad_settings", "read the system's certificates", error))?;
    let connector = builder.https_only().enable_http1().wrap_connector(tcp);
    Ok(Client::with_http_client(Hyper::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(connector)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with nothing; gives its head.
    async fn answer(server: &TcpListener) -> String {
        let (mut connection, _) = server.accept().await.expect("a client");
        let mut head = vec![0; 4096];
        let length = connection.read(&mut head).await.expect("a request");
        connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.expect("sent");
        String::from_utf8_lossy(&head[..length]).to_lowercase()
    }

    #[tokio::test]
    async fn each_request_has_the_newest_password() {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = server.local_addr().expect("bound");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("url");
        let change = |text: &str| std::fs::write(&file, text).expect("written");
        change(&format!("http://map:first@{address}\n"));
        let store =
            ClickHouse::new(Redacted::from_file(&file).expect("readable"), Clock::system()).expect("a good URL");
        for (text, expected) in
            [(format!("http://map:second@{address}\n"), "second"), ("half of a URL".to_owned(), "first")]
        {
            change(&text);
            let (head, done) = tokio::join!(answer(&server), store.client().query("SELECT 1").execute());
            done.expect("answered");
            assert!(head.contains(&format!("x-clickhouse-key: {expected}\r\n")), "{head}");
        }
    }
}
