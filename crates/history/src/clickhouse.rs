//! The history in ClickHouse.
//!
//! Rows travel as RowBinary over HTTP. The connector sets TCP_NODELAY, which the client library never does by itself and
//! which costs 40 ms per insert without it. Every call has a time limit.

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
use settings::Place;

use crate::HistoryError;
use crate::turns::Turns;

/// A connection is made within this.
const CONNECT: Duration = Duration::from_secs(5);
/// The server closes what is idle for 3 s.
const IDLE: Duration = Duration::from_secs(2);
/// A connection whose other end is gone is found out about by then.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Questions of one program that the server answers at the same time; more wait.
const READERS: usize = 16;

/// A database of a ClickHouse server. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouse {
    client: Client,
    place: Place,
    breaker: Breaker,
    turns: Turns,
    clock: Clock,
    /// When this program makes flights next.
    flights_due_us: Arc<AtomicU64>,
}

impl ClickHouse {
    /// Makes a client; nothing is connected yet.
    ///
    /// # Errors
    /// Fatal: the URL is none, or the system's certificates cannot be read.
    pub fn new(url: &str, clock: Clock) -> Result<Self, HistoryError> {
        let place = Place::parse(url).map_err(|line| HistoryError::fatal("bad_settings", "read the URL", line))?;
        let client = if place.is_secure() { secure()? } else { plain() };
        let mut client = client.with_url(&place.server).with_database(&place.database);
        if let Some((user, password)) = &place.credentials {
            client = client.with_user(user).with_password(password.reveal());
        }
        let (breaker, turns) = (Breaker::new(clock.clone()), Turns::new(READERS, clock.clone()));
        Ok(Self { client, place, breaker, turns, clock, flights_due_us: Arc::default() })
    }

    /// The server and the database, for people: without credentials.
    pub fn name(&self) -> String {
        format!("{}/{}", self.place.server, self.place.database)
    }

    /// The client below, for questions that the port does not ask: verification, tests.
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
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp
}

fn plain() -> Client {
    Client::with_http_client(Hyper::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(tcp()))
}

fn secure() -> Result<Client, HistoryError> {
    let mut tcp = tcp();
    tcp.enforce_http(false);
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(rustls::crypto::ring::default_provider());
    let builder =
        builder.map_err(|error| HistoryError::fatal("bad_settings", "read the system's certificates", error))?;
    let connector = builder.https_only().enable_http1().wrap_connector(tcp);
    Ok(Client::with_http_client(Hyper::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector)))
}
