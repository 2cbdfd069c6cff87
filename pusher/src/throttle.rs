//! The limits of clients, by the address that a request comes from or by its credentials: first those of this process, then,
//! where there is a Redis, those of all instances together. Failed logins are counted by each process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use access::{Caller, Limit, Limited, Limits};
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use rate::{RateLimit, TokenBucket};
use runtime::Clock;

use crate::config::AccessOptions;
use crate::metrics::Reason;
use crate::networks::{self, Network};
use crate::shared_limits::SharedLimits;

/// Log lines about failed logins.
const LINES: RateLimit = RateLimit::every_us(10_000_000, 10);

/// The limits of all clients.
pub(crate) struct Throttle {
    trusted: Vec<Network>,
    limit_private: bool,
    limits: Mutex<Limits>,
    /// `None`: there is no Redis.
    shared: Option<SharedLimits>,
    lines: Mutex<TokenBucket>,
    clock: Clock,
    limited: Family<Reason, Counter>,
    /// A proxy that is not trusted was reported.
    warned: AtomicBool,
}

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// What stands for it in the tables; `None`: it has no limits.
    key: Option<Vec<u8>>,
}

impl Throttle {
    pub(crate) fn new(
        options: &AccessOptions,
        shared: Option<SharedLimits>,
        clock: Clock,
        limited: Family<Reason, Counter>,
    ) -> Self {
        Self {
            trusted: options.trusted_proxies.clone(),
            limit_private: options.limit_private,
            limits: Mutex::new(Limits::new(options.limit_settings())),
            shared,
            lines: Mutex::default(),
            clock,
            limited,
            warned: AtomicBool::new(false),
        }
    }

    /// Where a request comes from, by its connection and its headers.
    pub(crate) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Client {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let address = networks::client(peer, headers, &self.trusted);
        let has_limits = self.limit_private || !networks::is_private(address);
        if !has_limits && self.trusted.is_empty() && networks::is_forwarded(headers) {
            self.warn_of_a_proxy(peer);
        }
        Client { address, key: has_limits.then(|| networks::key(address)) }
    }

    fn warn_of_a_proxy(&self, peer: IpAddr) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                proxy = %peer,
                "requests come through a proxy that --trusted-proxies does not name: limits per address do not apply to them"
            );
        }
    }

    /// A request to the API.
    ///
    /// # Errors
    /// The client had too many.
    pub(crate) async fn request(&self, client: &Client) -> Result<(), Limited> {
        self.address(Limit::Requests, client).await
    }

    /// A new WebSocket.
    ///
    /// # Errors
    /// The client had too many.
    pub(crate) async fn connect(&self, client: &Client) -> Result<(), Limited> {
        self.address(Limit::Connects, client).await
    }

    /// Whether a client may try a login.
    ///
    /// # Errors
    /// Too many have failed.
    pub(crate) fn may_log_in(&self, client: &Client) -> Result<(), Limited> {
        let Some(key) = &client.key else { return Ok(()) };
        let outcome = self.limits.lock().may_log_in(key, self.clock.monotonic());
        self.count(outcome)
    }

    async fn address(&self, limit: Limit, client: &Client) -> Result<(), Limited> {
        match &client.key {
            Some(key) => self.take(limit, key).await,
            None => Ok(()),
        }
    }

    /// A request with credentials.
    ///
    /// # Errors
    /// The caller had too many, from all addresses together.
    pub(crate) async fn caller(&self, client: &Client, caller: &Caller) -> Result<(), Limited> {
        match &client.key {
            Some(_) => self.take(Limit::Credential, name(caller).as_bytes()).await,
            None => Ok(()),
        }
    }

    /// A position of a device.
    ///
    /// # Errors
    /// It had too many.
    pub(crate) async fn position(&self, device: u32) -> Result<(), Limited> {
        self.take(Limit::Positions, &device.to_be_bytes()).await
    }

    /// A command, or a look at private data. It is limited for all clients: each leaves a record that is kept for long.
    ///
    /// # Errors
    /// The caller had too many.
    pub(crate) async fn command(&self, caller: &Caller) -> Result<(), Limited> {
        self.take(Limit::Commands, name(caller).as_bytes()).await
    }

    async fn take(&self, limit: Limit, of: &[u8]) -> Result<(), Limited> {
        let (here, rate) = {
            let mut limits = self.limits.lock();
            (limits.take(limit, of, self.clock.monotonic()), limits.rate(limit))
        };
        self.count(here)?;
        match (&self.shared, rate) {
            (Some(shared), Some(rate)) => self.count(shared.take(limit.reason(), of, rate).await),
            _ => Ok(()),
        }
    }

    /// A login has failed. The result: whether a log line may say so.
    pub(crate) fn login_failed(&self, client: &Client) -> bool {
        let now = self.clock.monotonic();
        if let Some(key) = &client.key {
            self.limits.lock().login_failed(key, now);
        }
        self.lines.lock().take(LINES, u64::try_from(now.as_micros()).unwrap_or(u64::MAX))
    }

    fn count(&self, outcome: Result<(), Limited>) -> Result<(), Limited> {
        outcome.inspect_err(|limited| _ = self.limited.get_or_create(&Reason { reason: limited.reason }).inc())
    }
}

/// What stands for a caller in the tables.
fn name(caller: &Caller) -> String {
    format!("{} {}", caller.credential.as_str(), caller.subject)
}
