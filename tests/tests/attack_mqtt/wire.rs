//! Encodes MQTT packets, including those that a library does not send.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The time limit for an answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(90);

/// Encodes a packet: first byte, length, body.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut length) = (vec![first], body.len());
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        bytes.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return [bytes, body.to_vec()].concat();
        }
    }
}

/// Encodes a field with its length.
pub(crate) fn field(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// CONNECT with a persistent session; `level` is 4 or 5.
pub(crate) fn connect(level: u8, client_id: &str, keep_alive_s: u16) -> Vec<u8> {
    let properties: &[u8] = if level == 5 { &[5, 0x11, 0, 0, 0x0E, 0x10] } else { &[] };
    let [high, low] = keep_alive_s.to_be_bytes();
    packet(0x10, &[&field(b"MQTT")[..], &[level, 0, high, low], properties, &field(client_id.as_bytes())].concat())
}

/// PUBLISH; with `level` 5 it has a user property.
pub(crate) fn publish(level: u8, qos: u8, packet_id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let id = packet_id.to_be_bytes();
    let id = if qos > 0 { &id[..] } else { &[] };
    let properties: &[u8] = if level == 5 { b"\x07\x26\x00\x01k\x00\x01v" } else { &[] };
    packet(0x30 | qos << 1, &[&field(topic.as_bytes())[..], id, properties, payload].concat())
}

/// SUBSCRIBE with QoS 1.
pub(crate) fn subscribe(level: u8, packet_id: u16, filters: &[String]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    for filter in filters {
        body.extend(field(filter.as_bytes()));
        body.push(1);
    }
    packet(0x82, &body)
}

/// A connection.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        Ok(Self(TcpStream::connect(("127.0.0.1", port)).await.context("connect")?))
    }

    /// Connects and waits for the CONNACK.
    pub(crate) async fn accepted(port: u16, level: u8, client_id: &str, keep_alive_s: u16) -> Result<Self> {
        let mut client = Self::open(port).await?;
        client.send(&connect(level, client_id, keep_alive_s)).await?;
        let (first, body) = client.receive().await?;
        ensure!(first == 0x20 && body[1] == 0, "CONNACK: {first:02x} {body:02x?}");
        Ok(client)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes).await?)
    }

    /// The next packet: its first byte and its body.
    pub(crate) async fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let receive = async {
            let first = self.0.read_u8().await?;
            let (mut length, mut shift) = (0, 0);
            loop {
                let byte = usize::from(self.0.read_u8().await?);
                length |= (byte & 0x7F) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await?;
            anyhow::Ok((first, body))
        };
        tokio::time::timeout(TIMEOUT, receive).await.context("no packet in time")?
    }

    /// All bytes until the connection is closed.
    pub(crate) async fn rest(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ =
            tokio::time::timeout(TIMEOUT, self.0.read_to_end(&mut bytes)).await.context("the connection stays open")?;
        Ok(bytes)
    }
}
