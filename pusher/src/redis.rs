//! Redis as the pusher uses it: one connection that is made when it is first wanted, and mends itself.

use std::time::Duration;

use anyhow::Context as _;
use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use runtime::Redacted;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
const RETRIES: usize = 1;

/// A Redis. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: ConnectionManager,
    /// The address without secrets.
    name: String,
}

impl Redis {
    /// Does no I/O; to be called within a Tokio runtime.
    ///
    /// # Errors
    /// The URL is none.
    pub(crate) fn new(url: &Redacted) -> anyhow::Result<Self> {
        let client = Client::open(url.reveal()).context("--redis-url")?;
        let name = format!("redis at {}", client.get_connection_info().addr());
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_number_of_retries(RETRIES);
        Ok(Self { connection: client.get_connection_manager_lazy(config)?, name })
    }

    /// For commands; what is asked of it fails within seconds while Redis is away.
    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    /// For people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
