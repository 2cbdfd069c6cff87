//! A TCP proxy that behaves badly on request: slow, silent, gone, or resetting.

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
/// Chunks under way in one direction; beyond, the sender is slowed, as a long thin line does.
const CHUNKS_UNDER_WAY: usize = 256;

/// Sits between a client and a server on the loopback. Ends, with all its connections, when dropped.
pub struct TcpProxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

/// How the line behaves now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
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
        let line = Line { latency: Duration::ZERO, stalled: false, refusing: false, generation: 0 };
        let (line, state) = watch::channel(line);
        let accepting = tokio::spawn(accept(listener, upstream.to_owned(), state));
        Ok(Self { address, line, accepting })
    }

    /// `127.0.0.1:port`, for the client.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Delays every byte in each direction by this; what was sent before keeps its own delay.
    pub fn latency(&self, latency: Duration) {
        self.line.send_modify(|line| line.latency = latency);
    }

    /// Passes nothing on any more while connections stay open, as a cable pulled out far away.
    pub fn stall(&self) {
        self.line.send_modify(|line| line.stalled = true);
    }

    /// Resets every connection and refuses new ones until [`heal`](Self::heal).
    pub fn cut(&self) {
        self.line.send_modify(|line| {
            line.refusing = true;
            line.generation += 1;
        });
    }

    /// Resets every connection; new ones are welcome.
    pub fn reset(&self) {
        self.line.send_modify(|line| line.generation += 1);
    }

    /// Ends what [`latency`](Self::latency), [`stall`](Self::stall) and [`cut`](Self::cut) began.
    pub fn heal(&self) {
        self.line.send_modify(|line| {
            *line = Line { latency: Duration::ZERO, stalled: false, refusing: false, generation: line.generation };
        });
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, line: watch::Receiver<Line>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(connection(client, upstream.clone(), line.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut client: TcpStream, upstream: String, mut line: watch::Receiver<Line>) {
    let Line { refusing, generation, .. } = *line.borrow_and_update();
    if refusing {
        // Closing with a zero linger time sends a reset.
        let _ = client.set_zero_linger();
        return;
    }
    let Ok(mut server) = TcpStream::connect(&upstream).await else {
        let _ = client.set_zero_linger();
        return;
    };
    // Without it the proxy is slower than it was told to be.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let mut changes = line.clone();
        tokio::select! {
            _ = async {
                tokio::join!(pump(from_client, to_server, line.clone()), pump(from_server, to_client, line.clone()))
            } => false,
            _ = changes.wait_for(|line| line.generation != generation) => true,
        }
    };
    if reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Carries one direction until its sender ends, then ends the receiver's.
async fn pump(from: ReadHalf<'_>, to: WriteHalf<'_>, line: watch::Receiver<Line>) {
    let (chunks, under_way) = mpsc::channel(CHUNKS_UNDER_WAY);
    tokio::join!(read(from, chunks, line.clone()), write(to, under_way, line));
}

async fn read(mut from: ReadHalf<'_>, chunks: mpsc::Sender<(Instant, Vec<u8>)>, line: watch::Receiver<Line>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let due = Instant::now() + line.borrow().latency;
        if chunks.send((due, buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn write(mut to: WriteHalf<'_>, mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>, mut line: watch::Receiver<Line>) {
    while let Some((due, chunk)) = chunks.recv().await {
        tokio::time::sleep_until(due).await;
        if line.wait_for(|line| !line.stalled).await.is_err() || to.write_all(&chunk).await.is_err() {
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
    async fn a_stalled_line_delivers_after_it_heals() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.stall();
        let mut asking = std::pin::pin!(ask(&mut stream));
        let early = tokio::time::timeout(Duration::from_millis(100), asking.as_mut()).await;
        assert!(early.is_err(), "a stalled line answered");
        proxy.heal();
        assert_eq!(&asking.await.unwrap(), b"ping");
    }

    #[tokio::test]
    async fn a_cut_line_resets_and_refuses_until_it_heals() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.cut();
        assert!(stream.read(&mut [0; 1]).await.is_err(), "an orderly end is no reset");
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut refused).await.is_err());
        proxy.heal();
        let mut healed = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut healed).await.unwrap(), b"ping");
    }

    #[tokio::test]
    async fn a_reset_line_takes_new_connections() {
        let proxy = TcpProxy::start(&echo_server().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        proxy.reset();
        assert!(ask(&mut stream).await.is_err());
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut again).await.unwrap(), b"ping");
    }
}
