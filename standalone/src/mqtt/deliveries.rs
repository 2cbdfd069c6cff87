//! The messages of a session: those in flight, and the QoS 2 packet ids in use. Pure.
//!
//! Invariants:
//! - A QoS 2 packet id is forwarded once until its PUBREL, over any number of connections (MQTT 5, section 4.3.3).
//! - A PUBACK leaves only on the connection of its message: after a reconnect the client sends the message again.
//! - There are at most `capacity` messages in flight of one connection, and at most `capacity` QoS 2 ids in all.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The QoS of a message that is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AckedQos {
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

/// The first acknowledgement of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    /// PUBACK of this packet id.
    PubAck(u16),
    /// PUBREC of this packet id.
    PubRec(u16),
}

/// The id of a message until the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageId {
    generation: u32,
    qos: AckedQos,
    packet_id: u16,
}

impl MessageId {
    /// As a number, to pass it to the bridge and back.
    pub(super) fn pack(self) -> u64 {
        let qos = match self.qos {
            AckedQos::AtLeastOnce => 1,
            AckedQos::ExactlyOnce => 2,
        };
        u64::from(self.generation) << 32 | qos << 16 | u64::from(self.packet_id)
    }

    /// The inverse of [`MessageId::pack`].
    pub(super) fn unpack(number: u64) -> Self {
        let qos = if number >> 16 & 0xFFFF == 1 { AckedQos::AtLeastOnce } else { AckedQos::ExactlyOnce };
        Self { generation: (number >> 32) as u32, qos, packet_id: number as u16 }
    }
}

/// The result of offering a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// Forward it under this id.
    Forward(MessageId),
    /// It is in flight already; its acknowledgement is sent when the log has it.
    InFlight,
    /// The log has it already.
    AlreadyInLog(Ack),
    /// The client has too many QoS 2 messages: it must release some first.
    TooMany,
    /// Another connection has taken the session over.
    TakenOver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not in the log yet; the connection that waits for its PUBREC.
    InFlight { asked_by: u32 },
    /// In the log, not released yet.
    Received,
}

#[derive(Debug)]
pub(super) struct Deliveries {
    capacity: usize,
    /// Counts the connections of this session.
    generation: u32,
    /// Messages of the present connection that are not in the log yet.
    in_flight: usize,
    exactly_once: BTreeMap<u16, Stage>,
    acks: Vec<Ack>,
}

impl Deliveries {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, generation: 0, in_flight: 0, exactly_once: BTreeMap::new(), acks: Vec::new() }
    }

    /// A new connection takes the session over. Returns its generation.
    pub(super) fn take_over(&mut self) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.in_flight = 0;
        self.acks.clear();
        self.generation
    }

    /// Whether this connection still has the session.
    pub(super) fn is_current(&self, generation: u32) -> bool {
        self.generation == generation
    }

    /// Whether no more is to be read from the present connection for now.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.capacity
    }

    /// A connection delivers a message.
    pub(super) fn offer(&mut self, generation: u32, qos: AckedQos, packet_id: u16) -> Offer {
        if generation != self.generation {
            return Offer::TakenOver;
        }
        if qos == AckedQos::ExactlyOnce {
            let in_use = self.exactly_once.len();
            match self.exactly_once.entry(packet_id) {
                Entry::Occupied(mut stage) => {
                    return match stage.get_mut() {
                        Stage::Received => Offer::AlreadyInLog(Ack::PubRec(packet_id)),
                        Stage::InFlight { asked_by } => {
                            *asked_by = generation;
                            Offer::InFlight
                        }
                    };
                }
                Entry::Vacant(_) if in_use >= self.capacity => return Offer::TooMany,
                Entry::Vacant(free) => free.insert(Stage::InFlight { asked_by: generation }),
            };
        }
        self.in_flight += 1;
        Offer::Forward(MessageId { generation, qos, packet_id })
    }

    /// The log has a message. Returns whether an acknowledgement waits to be sent.
    pub(super) fn on_acknowledged(&mut self, message: MessageId) -> bool {
        let MessageId { generation, qos, packet_id } = message;
        if generation == self.generation {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        match qos {
            AckedQos::AtLeastOnce if generation == self.generation => self.acks.push(Ack::PubAck(packet_id)),
            AckedQos::AtLeastOnce => {}
            AckedQos::ExactlyOnce => {
                let before =
                    self.exactly_once.get_mut(&packet_id).map(|stage| std::mem::replace(stage, Stage::Received));
                if before == Some(Stage::InFlight { asked_by: self.generation }) {
                    self.acks.push(Ack::PubRec(packet_id));
                }
            }
        }
        !self.acks.is_empty()
    }

    /// The client releases a QoS 2 packet id: it may be used for another message. One that is still in flight stays, since
    /// no client releases what it got no PUBREC for.
    pub(super) fn release(&mut self, packet_id: u16) {
        if self.exactly_once.get(&packet_id) == Some(&Stage::Received) {
            self.exactly_once.remove(&packet_id);
        }
    }

    /// Moves the acknowledgements that may be sent on the present connection.
    pub(super) fn take_acks(&mut self, into: &mut Vec<Ack>) {
        into.append(&mut self.acks);
    }
}

#[cfg(test)]
mod tests;
