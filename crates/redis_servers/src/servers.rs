//! The servers that a URL names.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisError, RedisResult};
use runtime::Redacted;

use crate::connection::{Connection, Link};
use crate::credentials::Credentials;

/// Whether [`Servers::parse`] takes a URL; for people, otherwise.
///
/// # Errors
/// The problem, and the expected form.
pub fn check(urls: &Redacted) -> Result<(), String> {
    let expected = "expected redis://host:port, rediss://host:port for TLS, several separated by commas, or none";
    nodes(urls).map(|_| ()).map_err(|error| format!("{error}: {expected}"))
}

fn nodes(urls: &Redacted) -> RedisResult<Vec<Client>> {
    urls.reveal().split(',').map(|url| Client::open(url.trim())).collect()
}

/// Timeouts.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For an answer.
    pub answer: Duration,
}

/// One server, or nodes of a cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Servers {
    urls: Redacted,
    nodes: Vec<Client>,
    timeouts: Timeouts,
}

impl Servers {
    /// Reads a URL, or several separated by commas. Does no I/O. Where they come from a file, user and password are read
    /// from it again for each connection.
    ///
    /// # Errors
    /// One of them is invalid: the reason, without the URL.
    pub fn parse(urls: &Redacted, timeouts: Timeouts) -> RedisResult<Self> {
        Ok(Self { urls: urls.clone(), nodes: nodes(urls)?, timeouts })
    }

    /// For people: the addresses without secrets.
    pub fn name(&self) -> String {
        let addresses: Vec<String> =
            self.nodes.iter().map(|node| node.get_connection_info().addr().to_string()).collect();
        format!("redis at {}", addresses.join(", "))
    }

    /// Connects to the first node that answers; to all of its cluster where it is a node of one.
    ///
    /// # Errors
    /// No node answers, or all refuse; the error of the last one.
    pub async fn connect(&self) -> RedisResult<Connection> {
        install_crypto();
        let mut failed = RedisError::from((
            ErrorKind::InvalidClientConfig,
            "the URL has no Redis server: expected redis://host:port",
        ));
        for (index, node) in self.nodes.iter().enumerate() {
            let tried = async {
                let config = self.connection_config(index);
                let mut single = node.get_multiplexed_async_connection_with_config(&config).await?;
                Ok(if is_of_cluster(&mut single).await? {
                    Link::Cluster(self.connect_cluster().await?)
                } else {
                    Link::Single(single)
                })
            };
            match tried.await {
                Ok(link) => return Ok(link),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// A connection to each node that is made at its first use, and reconnects by itself. Does no I/O.
    pub(crate) fn managers(&self, retries: usize) -> RedisResult<Vec<ConnectionManager>> {
        install_crypto();
        let config = |node| {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(self.timeouts.connect))
                .set_response_timeout(Some(self.timeouts.answer))
                .set_number_of_retries(retries);
            match Credentials::of(&self.urls, node) {
                Some(credentials) => config.set_credentials_provider(credentials),
                None => config,
            }
        };
        let nodes = self.nodes.iter().enumerate();
        nodes.map(|(index, node)| node.get_connection_manager_lazy(config(index))).collect()
    }

    fn connection_config(&self, node: usize) -> AsyncConnectionConfig {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.answer));
        match Credentials::of(&self.urls, node) {
            Some(credentials) => config.set_credentials_provider(credentials),
            None => config,
        }
    }

    /// Connects to the cluster that the nodes are of.
    pub(crate) async fn connect_cluster(&self) -> RedisResult<ClusterConnection> {
        let nodes: Vec<ConnectionInfo> = self.nodes.iter().map(|node| node.get_connection_info().clone()).collect();
        let mut cluster = ClusterClient::builder(nodes)
            .connection_timeout(self.timeouts.connect)
            .response_timeout(self.timeouts.answer);
        // All nodes of a cluster have the same users.
        if let Some(credentials) = Credentials::of(&self.urls, 0) {
            cluster = cluster.set_credentials_provider(credentials);
        }
        cluster.build()?.get_async_connection().await
    }
}

/// Whether the server is a node of a cluster.
pub(crate) async fn is_of_cluster(connection: &mut impl ConnectionLike) -> RedisResult<bool> {
    match redis::cmd("INFO").arg("cluster").query_async::<String>(connection).await {
        Ok(info) => Ok(info.lines().any(|line| line.trim() == "cluster_enabled:1")),
        // The user has no right to this command: such users exist only on single servers, since cluster clients need
        // it.
        Err(error) if error.code() == Some("NOPERM") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Two libraries for TLS are compiled in, and rustls does not choose by itself.
fn install_crypto() {
    // An installed provider is kept.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(1) };

    #[test]
    fn urls_are_one_or_several() {
        let name =
            |urls: &str| Servers::parse(&Redacted::from(urls.to_owned()), TIMEOUTS).map(|servers| servers.name());
        assert_eq!(name("redis://u:secret@a:1").expect("a URL"), "redis at a:1");
        assert_eq!(name("rediss://a:1, rediss://b:2").expect("URLs"), "redis at a:1, b:2");
        for bad in ["", "localhost", "redis://a,", "http://a", "redis://a,b"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
