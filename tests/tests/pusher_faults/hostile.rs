//! Clients that mean harm.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use schemas::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const HANDSHAKE: &str = "GET /ws/v1/updates?lat=46.5&lon=8&radius=50 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const SUBSCRIBES: usize = 1_000_000;

/// What was done to the server.
pub(crate) struct Done {
    garbage: usize,
    slow_handshakes: usize,
    bombs: usize,
    huge_headers: usize,
    subscribes: usize,
    /// Connections that it took to send so many.
    connections: usize,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { garbage, slow_handshakes, bombs, huge_headers, subscribes, connections } = self;
        write!(
            f,
            "{garbage} of garbage, {slow_handshakes} slow handshakes, {bombs} bombs, {huge_headers} huge headers, "
        )?;
        write!(f, "{subscribes} subscribes over {connections} connections")
    }
}

/// All of it at once.
pub(crate) async fn all(at: SocketAddr) -> Result<Done> {
    let (garbage, slow_handshakes, bombs, huge_headers, flood) =
        tokio::try_join!(garbage(at), slow_handshakes(at), bombs(at), huge_headers(at), flood(at))?;
    let (subscribes, connections) = flood;
    Ok(Done { garbage, slow_handshakes, bombs, huge_headers, subscribes, connections })
}

async fn open(at: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(HANDSHAKE.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.context("an answer in time")??);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// The server must end the connection; what it says before does not matter.
async fn is_cut(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let ended = async {
        // An error is an end too.
        while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
    };
    timeout(PATIENCE, ended).await.context("the server never ended the connection")
}

/// After the handshake, and instead of it.
async fn garbage(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 200;
    for number in 0..COUNT {
        let noise: Vec<u8> = (0..4096_usize).map(|byte| ((byte * 31 + number * 17) | 0x80) as u8).collect();
        let mut stream = if number % 2 == 0 { open(at).await? } else { TcpStream::connect(at).await? };
        // It may be cut off while it still writes.
        let _ = stream.write_all(&noise).await;
        is_cut(stream).await?;
    }
    Ok(COUNT)
}

/// A byte now and then, and never the end of the head.
async fn slow_handshakes(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 300;
    let mut streams = Vec::new();
    for _ in 0..COUNT {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(b"GET /ws/v1/updates?lat=46.5 HTTP/1.1\r\nHost: x\r\nX-Slow: ").await?;
        streams.push(stream);
    }
    for byte in b"slowly" {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for stream in &mut streams {
            let _ = stream.write_all(&[*byte]).await;
        }
    }
    for stream in streams {
        is_cut(stream).await?;
    }
    Ok(COUNT)
}

/// A frame of a client, masked with zeros.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = match body.len() {
        length @ 0..=125 => vec![first, 0x80 | length as u8],
        length => [&[first, 0x80 | 126][..], &(length as u16).to_be_bytes()].concat(),
    };
    frame.extend([0; 4]);
    frame.extend(body);
    frame
}

/// 4 KB that would become 4 MB.
async fn bombs(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 200;
    let mut small = Vec::with_capacity(1 << 16);
    let zeros = vec![0; 3 << 20];
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    compress.compress_vec(&zeros, &mut small, flate2::FlushCompress::Sync)?;
    small.truncate(small.len() - 4);
    ensure!(small.len() <= 4096, "{} bytes do not pass as a message", small.len());
    for _ in 0..COUNT {
        let mut stream = open(at).await?;
        stream.write_all(&frame(0xC2, &small)).await?;
        is_cut(stream).await?;
    }
    Ok(COUNT)
}

/// Headers that claim 4 GB and more.
async fn huge_headers(at: SocketAddr) -> Result<usize> {
    let claims = [1_u64 << 32, u64::MAX, 1 << 62, 5_000];
    for claim in claims.iter().cycle().take(200) {
        let mut stream = open(at).await?;
        stream.write_all(&[&[0x82, 0xFF][..], &claim.to_be_bytes(), &[0; 4]].concat()).await?;
        is_cut(stream).await?;
    }
    Ok(200)
}

/// Changes of the subscription, as fast as they go, by clients that come again when they are cut off.
async fn flood(at: SocketAddr) -> Result<(usize, usize)> {
    let circle = v1::Circle { latitude_deg: 46.0, longitude_deg: 8.0, radius_km: 150.0 };
    let region = Some(v1::subscribe::Region::Circle(circle));
    let wish = Some(v1::client_message::Message::Subscribe(v1::Subscribe { region, ..Default::default() }));
    let one = frame(0x82, &v1::ClientMessage { request_id: 1, message: wish }.encode_to_vec());
    let thousand = one.repeat(1_000);
    let (mut sent, mut connections) = (0, 0);
    while sent < SUBSCRIBES {
        let mut stream = open(at).await?;
        connections += 1;
        while let Ok(Ok(())) = timeout(Duration::from_secs(1), stream.write_all(&thousand)).await {
            sent += 1_000;
            if sent >= SUBSCRIBES {
                break;
            }
        }
    }
    Ok((sent, connections))
}
