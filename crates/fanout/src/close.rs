//! Why a connection is closed, and what the client should do then.
//!
//! | code | when | what the client does |
//! | --- | --- | --- |
//! | 1000 | the client closed | nothing |
//! | 1001 | the server stops | reconnects after a random 0 to 5 s, with its resume token: another instance takes it |
//! | 1002 | a frame violated RFC 6455 | fix the client; do not reconnect |
//! | 1003 | text on the Protobuf subprotocol, or binary on the JSON one | fix the client; do not reconnect |
//! | 1007 | text was not UTF-8, or a compressed message not deflate | fix the client; do not reconnect |
//! | 1009 | a message above `limits.max_message_bytes` | fix the client; do not reconnect |
//! | 4000 | nothing was received for twice the heartbeat interval | reconnects at once, with its resume token |
//! | 4001 | the client did not read one message within 30 s | reconnects when the network is better, with a slower rate |
//! | 4002 | a message could not be decoded | fix the client; do not reconnect |
//! | 4003 | too many messages | reconnects after a minute |
//! | 4004 | the URL has no subscription, and no `subscribe` arrived in time | sends its subscription, in the URL or at once |
//! | 4005 | the access token or API key has expired | gets a new token, then reconnects at once, with its resume token |

/// A close code of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The client closed.
    Normal = 1000,
    /// The server stops.
    GoingAway = 1001,
    /// A frame violated RFC 6455.
    Protocol = 1002,
    /// The wrong kind of message for the subprotocol.
    Unsupported = 1003,
    /// Text that is not UTF-8.
    InvalidPayload = 1007,
    /// A message above the limit.
    TooBig = 1009,
    /// Nothing was received for too long.
    Silent = 4000,
    /// The client did not read one message in time.
    Slow = 4001,
    /// A message could not be decoded.
    Unreadable = 4002,
    /// Too many messages.
    TooMany = 4003,
    /// No subscription arrived in time.
    Idle = 4004,
    /// The credentials of the handshake have expired.
    Expired = 4005,
}

impl CloseCode {
    /// All, for metrics.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::Protocol,
        Self::Unsupported,
        Self::InvalidPayload,
        Self::TooBig,
        Self::Silent,
        Self::Slow,
        Self::Unreadable,
        Self::TooMany,
        Self::Idle,
        Self::Expired,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The metric label and close reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::Protocol => "protocol_error",
            Self::Unsupported => "unsupported_data",
            Self::InvalidPayload => "invalid_payload",
            Self::TooBig => "message_too_big",
            Self::Silent => "silent",
            Self::Slow => "slow",
            Self::Unreadable => "unreadable_message",
            Self::TooMany => "too_many_messages",
            Self::Idle => "nothing_asked_for",
            Self::Expired => "credentials_expired",
        }
    }

    /// The close frame.
    pub fn frame(self) -> bytes::Bytes {
        let body = [&self.number().to_be_bytes()[..], self.reason().as_bytes()].concat();
        crate::wire::framed(0x88, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_carries_number_and_reason() {
        let frame = CloseCode::Slow.frame();
        assert_eq!(&frame[..], &[&[0x88, 6, 0x0F, 0xA1][..], b"slow"].concat()[..]);
        assert!(CloseCode::ALL.iter().all(|code| code.frame().len() <= 127), "control frames are short");
    }
}
