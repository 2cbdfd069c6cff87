//! Hostile clients.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use schemas::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(90);
const HANDSHAKE: &str = "GET /ws/v1/updates?lat=46.5&lon=8&radius=50 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const SUBSCRIBES: usize = 1_000_000;

/// The number of attacks of each kind.
pub(crate) struct Attacks {
    malformed: usize,
    slow_handshakes: usize,
    compression_bombs: usize,
    huge_headers: usize,
    subscribes: usize,
    /// The connections used for the subscribes.
    connections: usize,
}

impl fmt::Display for Attacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { malformed, slow_handshakes, compression_bombs, huge_headers, subscribes, connections } = self;
        write!(
            f,
            "{malformed} malformed streams, {slow_handshakes} slow handshakes, {compression_bombs} compression bombs, {huge_headers} huge headers, "
        )?;
        write!(f, "{subscribes} subscribes over {connections} connections")
    }
}

/// Runs all attacks at the same time.
pub(crate) async fn all(at: SocketAddr) -> Result<Attacks> {
    let (malformed, slow_handshakes, compression_bombs, huge_headers, subscribe_flood) = tokio::try_join!(
        malformed(at),
        slow_handshakes(at),
        compression_bombs(at),
        huge_headers(at),
        subscribe_flood(at)
    )?;
    let (subscribes, connections) = subscribe_flood;
    Ok(Attacks { malformed, slow_handshakes, compression_bombs, huge_headers, subscribes, connections })
}

async fn open(at: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(HANDSHAKE.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(TIMEOUT, stream.read_u8()).await.context("an answer in time")??);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Waits until the server ends the connection; earlier data does not matter.
async fn wait_for_end(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let ended = async {
        // An error is an end, too.
        while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
    };
    timeout(TIMEOUT, ended).await.context("the server never ended the connection")
}

/// Sends random bytes after the handshake, and instead of it.
async fn malformed(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 200;
    for number in 0..COUNT {
        let bytes: Vec<u8> = (0..4096_usize).map(|byte| ((byte * 31 + number * 17) | 0x80) as u8).collect();
        let mut stream = if number % 2 == 0 { open(at).await? } else { TcpStream::connect(at).await? };
        // The server may close the connection during the write.
        let _ = stream.write_all(&bytes).await;
        wait_for_end(stream).await?;
    }
    Ok(COUNT)
}

/// Sends the head of the handshake slowly and never completes it.
async fn slow_handshakes(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 300;
    let mut streams = Vec::new();
    for _ in 0..COUNT {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(b"GET /ws/v1/updates?lat=46.5 HTTP/1.1\r\nHost: x\r\nX-Slow: ").await?;
        streams.push(stream);
    }
    for byte in b"slowly" {
        harness::let_pass(Duration::from_secs(1)).await;
        for stream in &mut streams {
            let _ = stream.write_all(&[*byte]).await;
        }
    }
    for stream in streams {
        wait_for_end(stream).await?;
    }
    Ok(COUNT)
}

/// A client frame, masked with zeros.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = match body.len() {
        length @ 0..=125 => vec![first, 0x80 | length as u8],
        length => [&[first, 0x80 | 126][..], &(length as u16).to_be_bytes()].concat(),
    };
    frame.extend([0; 4]);
    frame.extend(body);
    frame
}

/// Sends 4 KB that would be decompressed to 4 MB.
async fn compression_bombs(at: SocketAddr) -> Result<usize> {
    const COUNT: usize = 200;
    let mut small = Vec::with_capacity(1 << 16);
    let zeros = vec![0; 3 << 20];
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    compress.compress_vec(&zeros, &mut small, flate2::FlushCompress::Sync)?;
    small.truncate(small.len() - 4);
    ensure!(small.len() <= 4096, "{} bytes are too many for a message", small.len());
    for _ in 0..COUNT {
        let mut stream = open(at).await?;
        stream.write_all(&frame(0xC2, &small)).await?;
        wait_for_end(stream).await?;
    }
    Ok(COUNT)
}

/// Sends headers with a length of 4 GB and more.
async fn huge_headers(at: SocketAddr) -> Result<usize> {
    let lengths = [1_u64 << 32, u64::MAX, 1 << 62, 5_000];
    for length in lengths.iter().cycle().take(200) {
        let mut stream = open(at).await?;
        stream.write_all(&[&[0x82, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat()).await?;
        wait_for_end(stream).await?;
    }
    Ok(200)
}

/// Changes the subscription as fast as possible, and reconnects when the server closes the connection.
async fn subscribe_flood(at: SocketAddr) -> Result<(usize, usize)> {
    let circle = v1::Circle { latitude_deg: 46.0, longitude_deg: 8.0, radius_km: 150.0 };
    let region = Some(v1::subscribe::Region::Circle(circle));
    let message = Some(v1::client_message::Message::Subscribe(v1::Subscribe { region, ..Default::default() }));
    let one = frame(0x82, &v1::ClientMessage { request_id: 1, message }.encode_to_vec());
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
