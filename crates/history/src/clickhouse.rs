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

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use clickhouse::Client;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use runtime::Clock;

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
    endpoint: Endpoint,
    breaker: Breaker,
    limiter: ReadLimiter,
    clock: Clock,
    /// When this program computes flights next.
    flights_due_us: Arc<AtomicU64>,
}

impl ClickHouse {
    /// Creates a client without connecting.
    ///
    /// # Errors
    /// Fatal: the URL is invalid, or the system's certificates cannot be read.
    pub fn new(url: &str, clock: Clock) -> Result<Self, HistoryError> {
        let endpoint =
            Endpoint::parse(url).map_err(|line| HistoryError::fatal("bad_settings", "read the URL", line))?;
        let client = if endpoint.is_secure() { secure()? } else { plain() };
        let mut client = client.with_url(&endpoint.server).with_database(&endpoint.database);
        if let Some((user, password)) = &endpoint.credentials {
            client = client.with_user(user).with_password(password.reveal());
        }
        let (breaker, limiter) = (Breaker::new(clock.clone()), ReadLimiter::new(READERS, clock.clone()));
        Ok(Self { client, endpoint, breaker, limiter, clock, flights_due_us: Arc::default() })
    }

    /// The server and the database in messages: without credentials.
    pub fn name(&self) -> String {
        format!("{}/{}", self.endpoint.server, self.endpoint.database)
    }

    /// The client, for queries outside of the port: verification, tests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now_us() / 1_000).unwrap_or(i64::MAX)
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
