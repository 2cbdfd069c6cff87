//! Redis as the pusher uses it: one connection, which connects with the first command and reconnects by itself.

use std::time::Duration;

use anyhow::Context as _;
use redis_servers::{LazyConnection, Servers, Timeouts};
use runtime::Redacted;

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(3) };
const RETRIES: usize = 1;

/// A Redis. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: LazyConnection,
    /// The address without secrets.
    name: String,
}

impl Redis {
    /// Does no I/O. Call it within a Tokio runtime.
    ///
    /// # Errors
    /// The URL is invalid.
    pub(crate) fn new(url: &Redacted) -> anyhow::Result<Self> {
        let servers = Servers::parse(url, TIMEOUTS).context("--redis-url")?;
        let name = servers.name();
        Ok(Self { connection: LazyConnection::new(servers, RETRIES)?, name })
    }

    /// The connection for commands, which fail within seconds while Redis is unreachable.
    pub(crate) fn connection(&self) -> LazyConnection {
        self.connection.clone()
    }

    /// For logs.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
