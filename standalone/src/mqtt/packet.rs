//! Packets as the front needs them: bytes of a client in, answers out, the same for every version. Pure.
//!
//! The packets are decoded by rmqtt-codec. The end of a packet is found here, so that the size limit applies before the
//! packet has arrived, and memory grows only with
//! the bytes that have arrived.

use bytes::Bytes;
use rmqtt_codec::types;

mod codec;
mod decode;
mod encode;

pub(super) use codec::Codec;

/// An invalid packet of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("a packet of {0} bytes, which is too long")]
    TooLong(usize),
    #[error("a malformed packet: {0}")]
    Malformed(String),
    #[error("a client id that this version of MQTT does not allow")]
    ClientId,
    #[error("{0}, which is not expected here")]
    Unexpected(&'static str),
    #[error("a packet whose answer has {length} bytes; it accepts {most}")]
    SmallClient { length: usize, most: usize },
}

/// A packet of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    Connect(Connect),
    Publish(Publish),
    Release {
        packet_id: u16,
    },
    Subscribe {
        packet_id: u16,
        /// For each filter, whether it is a shared subscription.
        shared: Vec<bool>,
    },
    Unsubscribe {
        packet_id: u16,
        filters: usize,
    },
    Ping,
    Disconnect {
        /// MQTT 5: the new session expiry, where it changes.
        session_expiry_s: Option<u32>,
    },
    /// An acknowledgement without a message.
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connect {
    pub(super) client_id: String,
    /// Discard the session of this client.
    pub(super) is_clean: bool,
    pub(super) keep_alive_s: u16,
    /// How long the session is to outlive the connection.
    pub(super) session_expiry_s: u32,
    /// MQTT 5: the longest packet that the client accepts, bytes.
    pub(super) largest_packet: u32,
    pub(super) has_will: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<Bytes>,
    /// MQTT 5: the client wants an exchange of AUTH packets.
    pub(super) wants_auth: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publish {
    pub(super) qos: types::QoS,
    /// 0 at QoS 0.
    pub(super) packet_id: u16,
    /// A copy of the exact length.
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// MQTT 5: a topic alias, which was never offered.
    pub(super) has_alias: bool,
}

/// Why a connection is refused, or ended by the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Version,
    ClientId,
    Authentication,
    Credentials,
    Malformed,
    TooLong,
    Protocol,
    KeepAlive,
    TakenOver,
    Alias,
    TooManyUnreleased,
    Stopping,
}

/// A packet for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    Accepted {
        session_present: bool,
        /// The id that a client without one was given.
        assigned_id: Option<String>,
        session_expiry_s: u32,
    },
    /// Instead of [`Outgoing::Accepted`].
    Refused(Refusal),
    PubAck {
        packet_id: u16,
        carried: Carried,
    },
    PubRec {
        packet_id: u16,
        carried: Carried,
    },
    PubComp {
        packet_id: u16,
    },
    /// Every filter is refused.
    SubAck {
        packet_id: u16,
        shared: Vec<bool>,
    },
    UnsubAck {
        packet_id: u16,
        filters: usize,
    },
    Pong,
    /// The reason, for versions of MQTT that have reason codes.
    Goodbye(Refusal),
}

/// Whether a message was passed to the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Yes,
    /// The topic is not a receiver's.
    OtherTopic,
    /// The topic is another receiver's.
    OtherReceiver,
}

/// Bounds that clients are informed of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    pub(super) packet_bytes: usize,
    pub(super) receive_maximum: u16,
}

#[cfg(test)]
mod tests;
