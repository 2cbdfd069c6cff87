//! Why a connection ended.

use std::time::Duration;

use super::packet::{Fault, Refusal};
use super::receivers::NoReceiver;
use super::version::NotMqtt;

/// The end of one connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ending {
    #[error("it closed the connection")]
    Closed,
    #[error("it disconnected")]
    Disconnected,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    NotMqtt(#[from] NotMqtt),
    #[error("it sent {0}")]
    Fault(#[from] Fault),
    #[error("its CONNECT did not arrive within {0:?}")]
    SlowHandshake(Duration),
    #[error("its client id is too long, {0} bytes")]
    LongClientId(usize),
    #[error("it requests enhanced authentication (AUTH), which is not supported")]
    Authentication,
    #[error("{0}")]
    Credentials(#[from] NoReceiver),
    #[error("a packet of it did not arrive within {0:?}")]
    SlowPacket(Duration),
    #[error("it has been silent for {0:?}, longer than its keep-alive allows")]
    Silent(Duration),
    #[error("it did not read from the connection for {0:?}")]
    SlowReader(Duration),
    #[error("another connection with its client id took its session over")]
    TakenOver,
    #[error("it used a topic alias, which was not offered")]
    Alias,
    #[error("it has too many QoS 2 messages without PUBREL")]
    TooManyUnreleased,
    #[error("this program stops")]
    Stopping,
}

impl Ending {
    /// The reason, from a closed set: metric label and log field.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Disconnected => "disconnected",
            Self::Io(_) => "io",
            Self::NotMqtt(NotMqtt::NotConnect) => "not_mqtt",
            Self::NotMqtt(NotMqtt::UnknownVersion(_)) => "unknown_version",
            Self::Fault(Fault::TooLong(_)) => "packet_too_long",
            Self::Fault(Fault::Malformed(_)) => "malformed",
            Self::Fault(Fault::ClientId) | Self::LongClientId(_) => "client_id",
            Self::Fault(Fault::Unexpected(_)) => "unexpected_packet",
            Self::Fault(Fault::SmallClient { .. }) => "small_client",
            Self::SlowHandshake(_) => "slow_handshake",
            Self::Authentication => "authentication",
            Self::Credentials(NoReceiver::Missing) => "no_credentials",
            Self::Credentials(NoReceiver::Unknown(_)) => "unknown_receiver",
            Self::Credentials(NoReceiver::WrongPassword(_)) => "wrong_password",
            Self::Credentials(NoReceiver::Removed(_)) => "removed_receiver",
            Self::SlowPacket(_) => "slow_packet",
            Self::Silent(_) => "silent",
            Self::SlowReader(_) => "slow_reader",
            Self::TakenOver => "taken_over",
            Self::Alias => "topic_alias",
            Self::TooManyUnreleased => "too_many_unreleased",
            Self::Stopping => "stopping",
        }
    }

    /// Whether it is logged for the owner of the client: it will not work until something is changed.
    pub(super) fn is_refusal(&self) -> bool {
        !matches!(self, Self::Closed | Self::Disconnected | Self::Io(_) | Self::TakenOver | Self::Stopping)
    }

    /// What to answer before closing; `None`: nothing.
    pub(super) fn answer(&self) -> Option<Refusal> {
        match self {
            Self::NotMqtt(NotMqtt::UnknownVersion(_)) => Some(Refusal::Version),
            Self::Fault(Fault::TooLong(_) | Fault::SmallClient { .. }) => Some(Refusal::TooLong),
            Self::Fault(Fault::Malformed(_)) => Some(Refusal::Malformed),
            Self::Fault(Fault::ClientId) | Self::LongClientId(_) => Some(Refusal::ClientId),
            Self::Fault(Fault::Unexpected(_)) => Some(Refusal::Protocol),
            Self::Authentication => Some(Refusal::Authentication),
            Self::Credentials(_) => Some(Refusal::Credentials),
            Self::Silent(_) => Some(Refusal::KeepAlive),
            Self::TakenOver => Some(Refusal::TakenOver),
            Self::Alias => Some(Refusal::Alias),
            Self::TooManyUnreleased => Some(Refusal::TooManyUnreleased),
            Self::Stopping => Some(Refusal::Stopping),
            Self::Closed | Self::Disconnected | Self::Io(_) | Self::NotMqtt(NotMqtt::NotConnect) => None,
            Self::SlowHandshake(_) | Self::SlowPacket(_) | Self::SlowReader(_) => None,
        }
    }
}
