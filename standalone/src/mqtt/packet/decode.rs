//! From the codec's packets to ours. Pure.

use bytes::Bytes;
use rmqtt_codec::{types, v3, v5};

use super::{Connect, Fault, Incoming, Publish};

/// MQTT 3.1 clients mark a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE by a bit that later versions forbid.
pub(super) fn clear_repeated(first: &mut u8) {
    if matches!(*first, 0x6A | 0x8A | 0xAA) {
        *first &= !0x08;
    }
}

pub(super) fn fault(error: &rmqtt_codec::error::DecodeError) -> Fault {
    match error {
        rmqtt_codec::error::DecodeError::InvalidClientId => Fault::ClientId,
        error => Fault::Malformed(error.to_string()),
    }
}

fn publish(publish: types::Publish) -> Incoming {
    let has_alias = publish.properties.as_ref().is_some_and(|properties| properties.topic_alias.is_some());
    Incoming::Publish(Publish {
        qos: publish.qos,
        packet_id: publish.packet_id.map_or(0, Into::into),
        topic: Bytes::copy_from_slice(publish.topic.as_bytes()),
        payload: Bytes::copy_from_slice(&publish.payload),
        has_alias,
    })
}

pub(super) fn from_v3(packet: v3::Packet) -> Result<Incoming, Fault> {
    use v3::Packet;
    Ok(match packet {
        Packet::Connect(connect) => Incoming::Connect(Connect {
            client_id: connect.client_id.to_string(),
            is_clean: connect.clean_session,
            keep_alive_s: connect.keep_alive,
            session_expiry_s: if connect.clean_session { 0 } else { u32::MAX },
            largest_packet: u32::MAX,
            has_will: connect.last_will.is_some(),
            user: connect.username.as_ref().map(ToString::to_string),
            password: connect.password.as_ref().map(|password| Bytes::copy_from_slice(password)),
            wants_auth: false,
        }),
        Packet::Publish(message) => publish(*message),
        Packet::PublishRelease { packet_id } => Incoming::Release { packet_id: packet_id.get() },
        Packet::Subscribe { packet_id, topic_filters } => Incoming::Subscribe {
            packet_id: packet_id.get(),
            shared: topic_filters.iter().map(|(filter, _)| is_shared(filter)).collect(),
        },
        Packet::Unsubscribe { packet_id, topic_filters } => {
            Incoming::Unsubscribe { packet_id: packet_id.get(), filters: topic_filters.len() }
        }
        Packet::PingRequest => Incoming::Ping,
        Packet::Disconnect => Incoming::Disconnect { session_expiry_s: None },
        Packet::PublishAck { .. } | Packet::PublishReceived { .. } | Packet::PublishComplete { .. } => {
            Incoming::Ignored
        }
        Packet::ConnectAck(_) => return Err(Fault::Unexpected("CONNACK")),
        Packet::SubscribeAck { .. } => return Err(Fault::Unexpected("SUBACK")),
        Packet::UnsubscribeAck { .. } => return Err(Fault::Unexpected("UNSUBACK")),
        Packet::PingResponse => return Err(Fault::Unexpected("PINGRESP")),
    })
}

pub(super) fn from_v5(packet: v5::Packet) -> Result<Incoming, Fault> {
    use v5::Packet;
    Ok(match packet {
        Packet::Connect(connect) => Incoming::Connect(Connect {
            client_id: connect.client_id.to_string(),
            is_clean: connect.clean_start,
            keep_alive_s: connect.keep_alive,
            session_expiry_s: connect.session_expiry_interval_secs,
            largest_packet: connect.max_packet_size.map_or(u32::MAX, Into::into),
            has_will: connect.last_will.is_some(),
            user: connect.username.as_ref().map(ToString::to_string),
            password: connect.password.as_ref().map(|password| Bytes::copy_from_slice(password)),
            wants_auth: connect.auth_method.is_some(),
        }),
        Packet::Publish(message) => publish(*message),
        Packet::PublishRelease(release) => Incoming::Release { packet_id: release.packet_id.get() },
        Packet::Subscribe(subscribe) => Incoming::Subscribe {
            packet_id: subscribe.packet_id.get(),
            shared: subscribe.topic_filters.iter().map(|(filter, _)| is_shared(filter)).collect(),
        },
        Packet::Unsubscribe(unsubscribe) => {
            Incoming::Unsubscribe { packet_id: unsubscribe.packet_id.get(), filters: unsubscribe.topic_filters.len() }
        }
        Packet::PingRequest => Incoming::Ping,
        Packet::Disconnect(disconnect) => {
            Incoming::Disconnect { session_expiry_s: disconnect.session_expiry_interval_secs }
        }
        Packet::PublishAck(_) | Packet::PublishReceived(_) | Packet::PublishComplete(_) => Incoming::Ignored,
        Packet::ConnectAck(_) => return Err(Fault::Unexpected("CONNACK")),
        Packet::SubscribeAck(_) => return Err(Fault::Unexpected("SUBACK")),
        Packet::UnsubscribeAck(_) => return Err(Fault::Unexpected("UNSUBACK")),
        Packet::PingResponse => return Err(Fault::Unexpected("PINGRESP")),
        Packet::Auth(_) => return Err(Fault::Unexpected("AUTH")),
    })
}

fn is_shared(filter: &str) -> bool {
    filter.starts_with("$share/")
}
