//! A connection that is made at its first use, and reconnects by itself.

use std::sync::{Arc, OnceLock};

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value};

use crate::connection::Link;
use crate::servers::{Servers, is_of_cluster};

/// Clones share the connection. While no server answers, each command fails by the timeouts.
#[derive(Clone)]
pub struct LazyConnection {
    servers: Arc<Servers>,
    managers: Vec<ConnectionManager>,
    /// Whether the servers are a cluster, once one of them has answered. Kept until the process ends.
    known: Arc<OnceLock<Link<ConnectionManager>>>,
}

impl LazyConnection {
    /// Does no I/O; to be called within a Tokio runtime.
    ///
    /// # Errors
    /// Parts of the URL contradict each other.
    pub fn new(servers: Servers, retries: usize) -> RedisResult<Self> {
        let managers = servers.managers(retries)?;
        Ok(Self { servers: Arc::new(servers), managers, known: Arc::default() })
    }

    /// Commands before the first answer each ask for the kind of the servers themselves: none waits for another's
    /// timeout.
    async fn link(&self) -> RedisResult<Link<ConnectionManager>> {
        if let Some(known) = self.known.get() {
            return Ok(known.clone());
        }
        let mut failed = RedisError::from((
            ErrorKind::InvalidClientConfig,
            "the URL has no Redis server: expected redis://host:port",
        ));
        for manager in &self.managers {
            let mut manager = manager.clone();
            let found = match is_of_cluster(&mut manager).await {
                Ok(false) => Ok(Link::Single(manager)),
                Ok(true) => self.servers.connect_cluster().await.map(Link::Cluster),
                Err(error) => Err(error),
            };
            match found {
                Ok(link) => return Ok(self.known.get_or_init(|| link).clone()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

impl ConnectionLike for LazyConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move { self.link().await?.req_packed_command(command).await })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move { self.link().await?.req_packed_commands(pipeline, offset, count).await })
    }

    fn get_db(&self) -> i64 {
        self.managers.first().map_or(0, ConnectionLike::get_db)
    }
}
