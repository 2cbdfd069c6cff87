//! How a client of the crowd connects, and how it ends.

use std::net::{Ipv4Addr, SocketAddr};

/// Where a client connects, and what it asks for.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The server.
    pub address: SocketAddr,
    /// Path and query, such as `/ws/v1/updates?lat=..`.
    pub path: String,
    /// Where it comes from; a loopback address of its own gives another 28,000 ports.
    pub source: Option<Ipv4Addr>,
    /// Sent with the handshake, such as `updraft.v1.proto`.
    pub subprotocol: &'static str,
    /// Offers permessage-deflate.
    pub deflate: bool,
}

impl Seat {
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
    /// It broke, or could not be made.
    Lost,
}
