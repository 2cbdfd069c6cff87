//! Limits of one client, of one address and of all together.

use std::time::Duration;

/// The bounds of the front. Programs use [`Limits::default`]; tests take smaller ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections in all; one more is closed at once.
    pub(crate) connections: usize,
    /// Connections from one address; one more is closed at once. A slot stays taken for at least a second, so this is
    /// also how many connections an address can make in a second.
    pub(crate) connections_per_address: u32,
    /// Sessions of connected and absent clients; when full, the absent session that would expire first is discarded.
    pub(crate) sessions: usize,
    /// How long a session outlives its connection at most.
    pub(crate) session_expiry: Duration,
    /// Bytes of a packet, its header included. A client that sends more is disconnected.
    pub(crate) packet_bytes: usize,
    /// Bytes of a client id. A longer one is refused.
    pub(crate) client_id_bytes: usize,
    /// Bytes of a topic. A message under a longer one is not forwarded.
    pub(crate) topic_bytes: usize,
    /// Messages of one connection without their acknowledgement: sent to MQTT 5 clients as Receive Maximum. At this
    /// number nothing more is read from the connection. It is also how many QoS 2 messages may wait for their PUBREL; a
    /// client that exceeds that is disconnected.
    pub(crate) in_flight: usize,
    /// Packets per second and connection; beyond, the connection is read more slowly.
    pub(crate) packets_per_second: u32,
    /// Bytes that wait to be written to a client; beyond, nothing more is read from it.
    pub(crate) outbox_bytes: usize,
    /// From the connection to the end of its CONNECT packet.
    pub(crate) handshake: Duration,
    /// From the first byte of a packet to its last.
    pub(crate) packet: Duration,
    /// Without any packet, for clients that ask for no keep-alive.
    pub(crate) idle: Duration,
    /// How long a client may not read from the connection.
    pub(crate) write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            connections_per_address: 250,
            sessions: 2_000,
            session_expiry: Duration::from_secs(24 * 3_600),
            packet_bytes: 64 << 10,
            client_id_bytes: 256,
            topic_bytes: 256,
            in_flight: 256,
            packets_per_second: 20_000,
            outbox_bytes: 64 << 10,
            handshake: Duration::from_secs(10),
            packet: Duration::from_secs(30),
            idle: Duration::from_secs(6 * 3_600),
            write: Duration::from_secs(30),
        }
    }
}
