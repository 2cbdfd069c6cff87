//! The one port for all clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::BytesMut;
use runtime::{Clock, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::broker::{Broker, MOST_CLIENTS};
use super::connect::version;

/// How long a client may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a failed accept, for example for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket in front of the broker.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    broker: Broker,
    clock: Clock,
}

impl Door {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be had; `setting` is named as what to change.
    pub(crate) async fn bind(address: SocketAddr, setting: &str, broker: Broker, clock: Clock) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("{setting}: cannot listen on {address} for MQTT"))?;
        Ok(Self { listener, broker, clock })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket has no address.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Lets clients in until asked to stop; then all connections end.
    ///
    /// # Errors
    /// None so far: a client that fails is its own affair.
    pub(crate) async fn serve(self, stop: Shutdown) -> anyhow::Result<()> {
        // When all places are taken, new clients wait in the socket's own queue.
        let places = Arc::new(Semaphore::new(MOST_CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
                (self.listener.accept().await, place)
            };
            let Some((accepted, place)) = stop.or(accepted).await else {
                return Ok(());
            };
            while clients.try_join_next().is_some() {}
            let Ok((client, from)) = accepted else {
                self.clock.sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (broker, clock) = (self.broker, self.clock.clone());
            clients.spawn(async move {
                let outcome = lead(client, broker, &clock).await;
                tracing::debug!(%from, ?outcome, "an MQTT client has left");
                drop(place);
            });
        }
    }
}

/// Connects a client to the broker's port for its version and carries bytes until one of them closes.
async fn lead(mut client: TcpStream, broker: Broker, clock: &Clock) -> anyhow::Result<()> {
    let mut first = BytesMut::with_capacity(1_024);
    let version = async {
        loop {
            if let Some(version) = version(&first)? {
                return anyhow::Ok(version);
            }
            anyhow::ensure!(client.read_buf(&mut first).await? > 0, "closed before it said what it is");
        }
    };
    let version = tokio::select! {
        version = version => version?,
        () = clock.sleep(PATIENCE) => anyhow::bail!("said nothing for {} s", PATIENCE.as_secs()),
    };
    let mut inner = TcpStream::connect(broker.address(version)).await?;
    client.set_nodelay(true)?;
    inner.set_nodelay(true)?;
    inner.write_all(&first).await?;
    copy_bidirectional(&mut client, &mut inner).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
