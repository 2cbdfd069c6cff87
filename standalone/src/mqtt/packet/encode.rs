//! From our packets to the codec's. Pure.

use std::num::NonZeroU16;

use rmqtt_codec::{v3, v5};

use super::{Announced, Carried, Outgoing, Refusal};

pub(super) fn to_v5(packet: Outgoing, announced: Announced) -> v5::Packet {
    use v5::Packet;
    match packet {
        Outgoing::Accepted { session_present, assigned_id, session_expiry_s } => {
            Packet::ConnectAck(Box::new(v5::ConnectAck {
                session_present,
                assigned_client_id: assigned_id.map(Into::into),
                session_expiry_interval_secs: Some(session_expiry_s),
                receive_max: announced.receive_maximum.try_into().unwrap_or(NonZeroU16::MIN),
                max_packet_size: u32::try_from(announced.packet_bytes).ok(),
                wildcard_subscription_available: false,
                subscription_identifiers_available: false,
                shared_subscription_available: false,
                ..v5::ConnectAck::default()
            }))
        }
        Outgoing::Refused(refusal) => Packet::ConnectAck(Box::new(v5::ConnectAck {
            reason_code: connect_reason(refusal),
            ..v5::ConnectAck::default()
        })),
        Outgoing::PubAck { packet_id, carried } => Packet::PublishAck(publish_ack(packet_id, carried)),
        Outgoing::PubRec { packet_id, carried } => Packet::PublishReceived(publish_ack(packet_id, carried)),
        Outgoing::PubComp { packet_id } => Packet::PublishComplete(v5::PublishAck2 {
            packet_id: nonzero(packet_id),
            reason_code: v5::PublishAck2Reason::Success,
            properties: Vec::new(),
            reason_string: None,
        }),
        Outgoing::SubAck { packet_id, shared } => Packet::SubscribeAck(v5::SubscribeAck {
            packet_id: nonzero(packet_id),
            properties: Vec::new(),
            reason_string: None,
            status: shared.into_iter().map(subscribe_reason).collect(),
        }),
        Outgoing::UnsubAck { packet_id, filters } => Packet::UnsubscribeAck(v5::UnsubscribeAck {
            packet_id: nonzero(packet_id),
            properties: Vec::new(),
            reason_string: None,
            status: vec![v5::UnsubscribeAckReason::NoSubscriptionExisted; filters],
        }),
        Outgoing::Pong => Packet::PingResponse,
        Outgoing::Goodbye(refusal) => Packet::Disconnect(v5::Disconnect {
            reason_code: disconnect_reason(refusal),
            session_expiry_interval_secs: None,
            server_reference: None,
            reason_string: None,
            user_properties: Vec::new(),
        }),
    }
}

pub(super) fn to_v3(packet: Outgoing) -> Option<v3::Packet> {
    use v3::Packet;
    Some(match packet {
        Outgoing::Accepted { session_present, .. } => Packet::ConnectAck(v3::ConnectAck {
            return_code: v3::ConnectAckReason::ConnectionAccepted,
            session_present,
        }),
        Outgoing::Refused(refusal) => {
            let return_code = match refusal {
                Refusal::Version => v3::ConnectAckReason::UnacceptableProtocolVersion,
                Refusal::ClientId => v3::ConnectAckReason::IdentifierRejected,
                Refusal::Authentication => v3::ConnectAckReason::NotAuthorized,
                Refusal::Credentials => v3::ConnectAckReason::BadUserNameOrPassword,
                _ => v3::ConnectAckReason::ServiceUnavailable,
            };
            Packet::ConnectAck(v3::ConnectAck { return_code, session_present: false })
        }
        Outgoing::PubAck { packet_id, .. } => Packet::PublishAck { packet_id: nonzero(packet_id) },
        Outgoing::PubRec { packet_id, .. } => Packet::PublishReceived { packet_id: nonzero(packet_id) },
        Outgoing::PubComp { packet_id } => Packet::PublishComplete { packet_id: nonzero(packet_id) },
        Outgoing::SubAck { packet_id, shared } => Packet::SubscribeAck {
            packet_id: nonzero(packet_id),
            status: vec![v3::SubscribeReturnCode::Failure; shared.len()],
        },
        Outgoing::UnsubAck { packet_id, .. } => Packet::UnsubscribeAck { packet_id: nonzero(packet_id) },
        Outgoing::Pong => Packet::PingResponse,
        Outgoing::Goodbye(_) => return None,
    })
}

/// The decoder lets no packet id of 0 through.
fn nonzero(packet_id: u16) -> NonZeroU16 {
    packet_id.try_into().unwrap_or(NonZeroU16::MIN)
}

fn publish_ack(packet_id: u16, carried: Carried) -> v5::PublishAck {
    let reason_code = match carried {
        Carried::Yes => v5::PublishAckReason::Success,
        Carried::OtherTopic => v5::PublishAckReason::NoMatchingSubscribers,
        Carried::OtherReceiver => v5::PublishAckReason::NotAuthorized,
    };
    v5::PublishAck { packet_id: nonzero(packet_id), reason_code, properties: Vec::new(), reason_string: None }
}

fn subscribe_reason(is_shared: bool) -> v5::SubscribeAckReason {
    if is_shared {
        v5::SubscribeAckReason::SharedSubscriptionNotSupported
    } else {
        v5::SubscribeAckReason::NotAuthorized
    }
}

fn connect_reason(refusal: Refusal) -> v5::ConnectAckReason {
    match refusal {
        Refusal::Version => v5::ConnectAckReason::UnsupportedProtocolVersion,
        Refusal::ClientId => v5::ConnectAckReason::ClientIdentifierNotValid,
        Refusal::Authentication => v5::ConnectAckReason::BadAuthenticationMethod,
        Refusal::Credentials => v5::ConnectAckReason::BadUserNameOrPassword,
        Refusal::Malformed => v5::ConnectAckReason::MalformedPacket,
        Refusal::TooLong => v5::ConnectAckReason::PacketTooLarge,
        Refusal::Stopping => v5::ConnectAckReason::ServerUnavailable,
        _ => v5::ConnectAckReason::ProtocolError,
    }
}

fn disconnect_reason(refusal: Refusal) -> v5::DisconnectReasonCode {
    use v5::DisconnectReasonCode as Code;
    match refusal {
        Refusal::Malformed => Code::MalformedPacket,
        Refusal::TooLong => Code::PacketTooLarge,
        Refusal::KeepAlive => Code::KeepAliveTimeout,
        Refusal::TakenOver => Code::SessionTakenOver,
        Refusal::Alias => Code::TopicAliasInvalid,
        Refusal::TooManyUnreleased => Code::ReceiveMaximumExceeded,
        Refusal::Stopping => Code::ServerShuttingDown,
        Refusal::Credentials => Code::NotAuthorized,
        Refusal::Version | Refusal::ClientId | Refusal::Authentication | Refusal::Protocol => Code::ProtocolError,
    }
}
