//! A client after its CONNECT: packets in, messages to the bridge, answers out, and the deadlines between.

use std::sync::Arc;
use std::time::Duration;

use bridge::{Acknowledgement, Message};
use bytes::BytesMut;
use rmqtt_codec::types::QoS;
use runtime::Shutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Permit;
use tokio::sync::mpsc::error::TrySendError;

use super::deliveries::{Ack, AckedQos, Offer};
use super::ending::Ending;
use super::packet::{Carried, Codec, Fault, Incoming, Outgoing, Publish};
use super::rate::TokenBucket;
use super::receivers::{NoReceiver, Receiver};
use super::sessions::Attached;
use super::shared::{Hold, Shared, read, session_expiry};

/// One connection; only its session outlives it.
pub(super) struct Conversation<'a> {
    shared: &'a Shared,
    hold: Hold<'a>,
    /// Whose topics it may use; `None`: those of all.
    receiver: Option<Receiver>,
    silence: Duration,
    bucket: TokenBucket,
    /// A message that waits for the bridge; while there is one, nothing more is read.
    pending: Option<Publish>,
    /// Whether another message may be in flight.
    has_room: bool,
    throttled_until: Option<Duration>,
    /// When the last packet came, or when reading began again.
    received_at: Duration,
    /// When the first bytes came of a packet that is not complete.
    packet_began_at: Option<Duration>,
    acks: Vec<Ack>,
    reported_topic: bool,
}

impl<'a> Conversation<'a> {
    /// `silence`: how long the client may send nothing.
    pub(super) fn new(shared: &'a Shared, hold: Hold<'a>, receiver: Option<Receiver>, silence: Duration) -> Self {
        let now = shared.clock.monotonic();
        Self {
            shared,
            hold,
            receiver,
            silence,
            bucket: TokenBucket::new(shared.limits.packets_per_second, now),
            pending: None,
            has_room: true,
            throttled_until: None,
            received_at: now,
            packet_began_at: None,
            acks: Vec::new(),
            reported_topic: false,
        }
    }

    /// Runs until one of both ends it.
    pub(super) async fn run(
        &mut self,
        stream: &mut TcpStream,
        codec: &mut Codec,
        inbox: &mut BytesMut,
        outbox: &mut BytesMut,
        stop: &Shutdown,
    ) -> Ending {
        match self.try_run(stream, codec, inbox, outbox, stop).await {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    async fn try_run(
        &mut self,
        stream: &mut TcpStream,
        codec: &mut Codec,
        inbox: &mut BytesMut,
        outbox: &mut BytesMut,
        stop: &Shutdown,
    ) -> Result<std::convert::Infallible, Ending> {
        let (clock, message_sender) = (&self.shared.clock, &self.shared.message_sender);
        let wake = self.hold.attached.wake.clone();
        let (mut reader, mut writer) = stream.split();
        let mut written_at = clock.monotonic();
        let mut was_reading = true;
        loop {
            self.send_acks(codec, outbox)?;
            self.take_in(codec, inbox, outbox)?;
            let now = clock.monotonic();
            let reading = self.may_read(outbox);
            if reading && !was_reading {
                // Until now we did not read, so silence does not count.
                self.received_at = now;
                self.packet_began_at = self.packet_began_at.map(|_| now);
            }
            was_reading = reading;
            let writing = !outbox.is_empty();
            if !writing {
                written_at = now;
            }
            let wait = self.check_deadlines(now, reading, written_at)?;
            tokio::select! {
                biased;
                () = stop.requested() => return Err(Ending::Stopping),
                () = wake.notified() => {}
                permit = message_sender.reserve(), if self.pending.is_some() => {
                    // The bridge ends before the front does.
                    let permit = permit.map_err(|_| Ending::Stopping)?;
                    if let Some(publish) = self.pending.take() {
                        self.forward(publish, permit, codec, outbox)?;
                    }
                }
                written = writer.write_buf(outbox), if writing => {
                    if written? == 0 {
                        return Err(Ending::Closed);
                    }
                    written_at = clock.monotonic();
                }
                read = read(&mut reader, inbox), if reading => {
                    if read? == 0 {
                        return Err(Ending::Closed);
                    }
                }
                () = clock.sleep(wait) => {}
            }
        }
    }

    fn may_read(&self, outbox: &BytesMut) -> bool {
        let is_throttled = self.throttled_until.is_some();
        self.pending.is_none() && self.has_room && !is_throttled && outbox.len() < self.shared.limits.outbox_bytes
    }

    /// The time until the next deadline.
    fn check_deadlines(&mut self, now: Duration, reading: bool, written_at: Duration) -> Result<Duration, Ending> {
        let limits = &self.shared.limits;
        let mut due = written_at + limits.write;
        if due <= now {
            return Err(Ending::SlowReader(limits.write));
        }
        if let Some(until) = self.throttled_until {
            if until <= now {
                self.throttled_until = None;
                return Ok(Duration::ZERO);
            }
            due = due.min(until);
        }
        if reading {
            let silent_at = self.received_at + self.silence;
            if silent_at <= now {
                return Err(Ending::Silent(self.silence));
            }
            due = due.min(silent_at);
            if let Some(began_at) = self.packet_began_at {
                if began_at + limits.packet <= now {
                    return Err(Ending::SlowPacket(limits.packet));
                }
                due = due.min(began_at + limits.packet);
            }
        }
        Ok(due.saturating_sub(now))
    }

    fn send_acks(&mut self, codec: &mut Codec, outbox: &mut BytesMut) -> Result<(), Ending> {
        let Attached { session, generation, .. } = &self.hold.attached;
        let taken = session.take_acks(*generation, &mut self.acks);
        self.has_room = taken.ok_or(Ending::TakenOver)?;
        for ack in self.acks.drain(..) {
            codec.put(answer(ack), outbox)?;
        }
        Ok(())
    }

    /// Handles all packets that have arrived, as long as there is room for their messages and answers.
    fn take_in(&mut self, codec: &mut Codec, inbox: &mut BytesMut, outbox: &mut BytesMut) -> Result<(), Ending> {
        while self.may_read(outbox) {
            let now = self.shared.clock.monotonic();
            let Some(packet) = codec.take(inbox)? else {
                let has_begun = !inbox.is_empty();
                self.packet_began_at = has_begun.then(|| self.packet_began_at.unwrap_or(now));
                return Ok(());
            };
            self.received_at = now;
            self.packet_began_at = None;
            if let Err(wait) = self.bucket.take(now) {
                self.throttled_until = Some(now + wait);
            }
            self.apply(packet, codec, outbox)?;
        }
        Ok(())
    }

    fn apply(&mut self, packet: Incoming, codec: &mut Codec, outbox: &mut BytesMut) -> Result<(), Ending> {
        match packet {
            Incoming::Connect(_) => return Err(Fault::Unexpected("a second CONNECT").into()),
            Incoming::Publish(publish) => self.publish(publish, codec, outbox)?,
            Incoming::Release { packet_id } => {
                self.hold.attached.session.release(packet_id);
                codec.put(Outgoing::PubComp { packet_id }, outbox)?;
            }
            Incoming::Subscribe { packet_id, shared } => {
                self.shared.metrics.subscriptions_refused.inc_by(shared.len() as u64);
                codec.put(Outgoing::SubAck { packet_id, shared }, outbox)?;
            }
            Incoming::Unsubscribe { packet_id, filters } => {
                codec.put(Outgoing::UnsubAck { packet_id, filters }, outbox)?;
            }
            Incoming::Ping => codec.put(Outgoing::Pong, outbox)?,
            Incoming::Disconnect { session_expiry_s } => {
                // A session that ends with its connection cannot be prolonged (MQTT 5, section 3.14.2.2.2).
                if let Some(seconds) = session_expiry_s.filter(|_| !self.hold.expiry.is_zero()) {
                    self.hold.expiry = session_expiry(seconds, self.shared);
                }
                return Err(Ending::Disconnected);
            }
            Incoming::Ignored => {}
        }
        Ok(())
    }

    fn publish(&mut self, publish: Publish, codec: &mut Codec, outbox: &mut BytesMut) -> Result<(), Ending> {
        if publish.has_alias {
            return Err(Ending::Alias);
        }
        let is_ours = publish.topic.len() <= self.shared.limits.topic_bytes
            && envelope::is_subscribed(&publish.topic, &self.shared.topics);
        let is_allowed = self.may_publish(&publish.topic)?;
        if is_ours && is_allowed {
            return match self.shared.message_sender.try_reserve() {
                Ok(permit) => self.forward(publish, permit, codec, outbox),
                Err(TrySendError::Full(())) => {
                    self.pending = Some(publish);
                    Ok(())
                }
                Err(TrySendError::Closed(())) => Err(Ending::Stopping),
            };
        }
        let carried = if is_ours { Carried::OtherReceiver } else { Carried::OtherTopic };
        match carried {
            Carried::OtherReceiver => self.shared.metrics.other_receivers.inc(),
            _ => self.shared.metrics.other_topics.inc(),
        };
        if !std::mem::replace(&mut self.reported_topic, true) {
            self.report_topic(&publish.topic, carried);
        }
        let packet_id = publish.packet_id;
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => codec.put(Outgoing::PubAck { packet_id, carried }, outbox)?,
            QoS::ExactlyOnce => codec.put(Outgoing::PubRec { packet_id, carried }, outbox)?,
        }
        Ok(())
    }

    /// Whether a topic is of the receiver that the client is.
    fn may_publish(&self, topic: &[u8]) -> Result<bool, Ending> {
        let Some((receiver, receivers)) = self.receiver.as_ref().zip(self.shared.receivers.as_ref()) else {
            return Ok(true);
        };
        // The file may have changed since the client connected.
        if !receivers.value().has(receiver) {
            return Err(NoReceiver::Removed(receiver.id().to_owned()).into());
        }
        Ok(envelope::receiver_of(topic, &self.shared.topics) == receiver.id().as_bytes())
    }

    fn report_topic(&self, topic: &[u8], carried: Carried) {
        let reason = if carried == Carried::OtherReceiver { "other_receiver" } else { "other_topic" };
        let Some(omitted) = self.shared.log.lock().admit(reason, self.shared.clock.monotonic()) else { return };
        if let Some(receiver) = self.receiver.as_ref().filter(|_| carried == Carried::OtherReceiver) {
            let topic = String::from_utf8_lossy(&topic[..topic.len().min(self.shared.limits.topic_bytes)]);
            let receiver = receiver.id();
            tracing::info!(
                receiver,
                ?topic,
                reason,
                omitted,
                "dropped an MQTT message under the topic of another receiver"
            );
            return;
        }
        let topic = String::from_utf8_lossy(&topic[..topic.len().min(self.shared.limits.topic_bytes)]);
        let (client_id, expected) = (&self.hold.client_id, &self.shared.topics);
        tracing::info!(
            client_id,
            ?topic,
            omitted,
            "dropped an MQTT message under an unknown topic; expected {expected:?}/<receiver>/f/<type>"
        );
    }

    /// Passes a message to the bridge, which has room for it.
    fn forward(
        &mut self,
        publish: Publish,
        permit: Permit<'_, Message>,
        codec: &mut Codec,
        outbox: &mut BytesMut,
    ) -> Result<(), Ending> {
        let Publish { topic, payload, qos, packet_id, .. } = publish;
        let qos = match qos {
            QoS::AtMostOnce => {
                permit.send(Message { topic, payload, acknowledgement: None });
                return Ok(());
            }
            QoS::AtLeastOnce => AckedQos::AtLeastOnce,
            QoS::ExactlyOnce => AckedQos::ExactlyOnce,
        };
        let Attached { session, generation, .. } = &self.hold.attached;
        let (offer, has_room) = session.offer(*generation, qos, packet_id);
        self.has_room = has_room;
        match offer {
            Offer::Forward(message) => {
                let handler: Arc<dyn bridge::AckHandler> = session.clone();
                let acknowledgement = Acknowledgement { handler, message_id: message.pack() };
                permit.send(Message { topic, payload, acknowledgement: Some(acknowledgement) });
                Ok(())
            }
            Offer::InFlight => Ok(()),
            Offer::AlreadyInLog(ack) => Ok(codec.put(answer(ack), outbox)?),
            Offer::TooMany => Err(Ending::TooManyUnreleased),
            Offer::TakenOver => Err(Ending::TakenOver),
        }
    }
}

fn answer(ack: Ack) -> Outgoing {
    match ack {
        Ack::PubAck(packet_id) => Outgoing::PubAck { packet_id, carried: Carried::Yes },
        Ack::PubRec(packet_id) => Outgoing::PubRec { packet_id, carried: Carried::Yes },
    }
}
