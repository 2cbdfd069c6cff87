//! How a client of the crowd connects, and how its connection ends.

use std::net::{Ipv4Addr, SocketAddr};

/// How a client connects.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The server.
    pub address: SocketAddr,
    /// Path and query, such as `/ws/v1/updates?lat=..`.
    pub path: String,
    /// The source address; another loopback address gives another 28,000 ports.
    pub source: Option<Ipv4Addr>,
    /// The subprotocol of the handshake, such as `updraft.v1.proto`.
    pub subprotocol: &'static str,
    /// Whether to offer permessage-deflate.
    pub deflate: bool,
}

impl ConnectOptions {
    /// Binary Protobuf, compressed, from 127.0.0.1.
    pub fn new(address: SocketAddr, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { address, path, source: None, subprotocol: "updraft.v1.proto", deflate: true }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The handshake was answered with another status.
    Refused(u16),
    /// The server closed with this code.
    Closed(u16),
    /// It was lost, or could not be opened.
    Lost,
}
