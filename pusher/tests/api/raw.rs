//! A client that sends given bytes and reads the server's frames one by one.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::Stage;

const TIMEOUT: Duration = Duration::from_secs(20);
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A socket after its handshake.
pub(crate) struct Raw {
    stream: TcpStream,
}

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// FIN, the three reserved bits, opcode.
    pub(crate) first: u8,
    pub(crate) body: Vec<u8>,
}

/// A client's frame: masked, its length in the shortest form.
pub(crate) fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match body.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xFFFF => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
        length => frame.extend([&[0x80 | 127][..], &(length as u64).to_be_bytes()].concat()),
    }
    frame.extend(MASK);
    frame.extend(body.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

impl Raw {
    /// Connects and completes the handshake. `headers`: further lines, each with its line end.
    pub(crate) async fn open(stage: &Stage, query: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(stage.address).await.expect("connects");
        stream.set_nodelay(true).expect("a socket option");
        let head = format!(
            "GET /ws/v1/updates?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the request is sent");
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            response.push(timeout(TIMEOUT, stream.read_u8()).await.expect("a response in time").expect("a response"));
        }
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(response.starts_with("HTTP/1.1 101"), "{response}");
        let deflate = response.to_ascii_lowercase().contains("permessage-deflate");
        assert_eq!(deflate, headers.contains("permessage-deflate"), "{response}");
        Self { stream }
    }

    /// Sends bytes in pieces of this size. The server may close before it has all of them.
    pub(crate) async fn send(&mut self, bytes: &[u8], piece_bytes: usize) {
        for piece in bytes.chunks(piece_bytes.max(1)) {
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
        }
    }

    /// Closes the sending side.
    pub(crate) async fn half_close(&mut self) {
        // Fails where the server has closed already.
        let _ = self.stream.shutdown().await;
    }

    /// The next frame; `None`: the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        timeout(TIMEOUT, self.read()).await.expect("a frame or the end of the connection in time")
    }

    async fn read(&mut self) -> Option<Frame> {
        let first = self.stream.read_u8().await.ok()?;
        assert_eq!(
            first & 0xB0,
            0x80,
            "the server sends complete messages, and no reserved bit except that of compression"
        );
        let second = self.stream.read_u8().await.ok()?;
        assert_eq!(second & 0x80, 0, "the server does not mask");
        let (length, minimum) = match second {
            126 => (u64::from(self.stream.read_u16().await.ok()?), 126),
            127 => (self.stream.read_u64().await.ok()?, 0x1_0000),
            length => (u64::from(length), 0),
        };
        assert!(length >= minimum, "the length is in its shortest form");
        let mut body = vec![0; usize::try_from(length).expect("fits")];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Frame { first, body })
    }
}
