//! A TCP proxy that simulates network faults: latency, stalls, resets and refused connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

const CHUNK_BYTES: usize = 16 * 1024;
/// The maximum number of chunks in flight in one direction; beyond it, the sender is blocked.
const MAX_CHUNKS_IN_FLIGHT: usize = 256;

/// A proxy between a client and a server on the loopback. Ends, with all its connections, when dropped.
pub struct TcpProxy {
    address: SocketAddr,
    behaviour: watch::Sender<Behaviour>,
    accepting: JoinHandle<()>,
}

/// The present behaviour of all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behaviour {
    latency: Duration,
    stalled: bool,
    refusing: bool,
    /// Connections of an earlier generation are reset.
    generation: u64,
}

impl TcpProxy {
    /// Listens on a free port and forwards to `upstream` (`host:port`), which need not answer yet.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("bind the proxy")?;
        let address = listener.local_addr()?;
        let behaviour = Behaviour { latency: Duration::ZERO, stalled: false, refusing: false, generation: 0 };
        let (behaviour, state) = watch::channel(behaviour);
        let accepting = tokio::spawn(accept(listener, upstream.to_owned(), state));
        Ok(Self { address, behaviour, accepting })
    }

    /// `127.0.0.1:port`, for the client.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Delays every byte in each direction by this time; bytes that were sent before keep their delay.
    pub fn latency(&self, latency: Duration) {
        self.behaviour.send_modify(|behaviour| behaviour.latency = latency);
    }

    /// Stops forwarding while connections stay open, as a broken network does.
    pub fn stall(&self) {
        self.behaviour.send_modify(|behaviour| behaviour.stalled = true);
    }

    /// Resets every connection and refuses new ones until [`heal`](Self::heal).
    pub fn cut(&self) {
        self.behaviour.send_modify(|behaviour| {
            behaviour.refusing = true;
            behaviour.generation += 1;
        });
    }

    /// Resets every connection; new ones are accepted.
    pub fn reset(&self) {
        self.behaviour.send_modify(|behaviour| behaviour.generation += 1);
    }

    /// Ends what [`latency`](Self::latency), [`stall`](Self::stall) and [`cut`](Self::cut) began.
    pub fn heal(&self) {
        self.behaviour.send_modify(|behaviour| {
            *behaviour = Behaviour {
                latency: Duration::ZERO,
                stalled: false,
                refusing: false,
                generation: behaviour.generation,
            };
        });
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, behaviour: watch::Receiver<Behaviour>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(connection(client, upstream.clone(), behaviour.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut client: TcpStream, upstream: String, mut behaviour: watch::Receiver<Behaviour>) {
    let Behaviour { refusing, generation, .. } = *behaviour.borrow_and_update();
    if refusing {
        // Closing with a zero linger time sends a reset.
        let _ = client.set_zero_linger();
        return;
    }
    let Ok(mut server) = TcpStream::connect(&upstream).await else {
        let _ = client.set_zero_linger();
        return;
    };
    // Without it the proxy adds its own delay.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let mut changes = behaviour.clone();
        tokio::select! {
            _ = async {
                tokio::join!(pump(from_client, to_server, behaviour.clone()), pump(from_server, to_client, behaviour.clone()))
            } => false,
            _ = changes.wait_for(|behaviour| behaviour.generation != generation) => true,
        }
    };
    if reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Forwards one direction until the sender closes it, then closes it for the receiver.
async fn pump(from: ReadHalf<'_>, to: WriteHalf<'_>, behaviour: watch::Receiver<Behaviour>) {
    let (chunks, in_flight) = mpsc::channel(MAX_CHUNKS_IN_FLIGHT);
    tokio::join!(read(from, chunks, behaviour.clone()), write(to, in_flight, behaviour));
}

async fn read(mut from: ReadHalf<'_>, chunks: mpsc::Sender<(Instant, Vec<u8>)>, behaviour: watch::Receiver<Behaviour>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let due = Instant::now() + behaviour.borrow().latency;
        if chunks.send((due, buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut to: WriteHalf<'_>,
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut behaviour: watch::Receiver<Behaviour>,
) {
    while let Some((due, chunk)) = chunks.recv().await {
        tokio::time::sleep_until(due).await;
        if behaviour.wait_for(|behaviour| !behaviour.stalled).await.is_err() || to.write_all(&chunk).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo_server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> std::io::Result<[u8; 4]> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn latency_counts_in_both_directions() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut stream).await.unwrap(), b"ping");
        proxy.latency(Duration::from_millis(40));
        let asked = Instant::now();
        assert_eq!(&ask(&mut stream).await.unwrap(), b"ping");
        assert!(asked.elapsed() >= Duration::from_millis(80), "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn a_stalled_proxy_delivers_after_heal() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.stall();
        let mut asking = std::pin::pin!(ask(&mut stream));
        let early = tokio::time::timeout(Duration::from_millis(100), asking.as_mut()).await;
        assert!(early.is_err(), "a stalled proxy answered");
        proxy.heal();
        assert_eq!(&asking.await.unwrap(), b"ping");
    }

    #[tokio::test]
    async fn a_cut_proxy_refuses_until_heal() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.cut();
        assert!(stream.read(&mut [0; 1]).await.is_err(), "closed without a reset");
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut refused).await.is_err());
        proxy.heal();
        let mut healed = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut healed).await.unwrap(), b"ping");
    }

    #[tokio::test]
    async fn a_reset_proxy_accepts_new_connections() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.reset();
        assert!(ask(&mut stream).await.is_err());
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut again).await.unwrap(), b"ping");
    }
}
