//! The one loop of the bridge: takes from MQTT without ever waiting for the log, and acknowledges what the log has.
//!
//! A single task owns the window and the connection. While it waits for one of them it processes the log's answers.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, Publish, SubAck};
use runtime::{Backoff, Part, Readiness, Shutdown};

use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::gate::Decision;
use crate::mqtt::{self, Asked, Connection, ConnectionError};
use crate::pipeline::{Pipeline, Taken};
use crate::received::Received;

/// How long an orderly stop waits for the log to acknowledge the messages in flight.
const DRAIN: Duration = Duration::from_secs(10);
/// Under load, work is batched for this time: then one read takes many frames, one request to Kafka carries several,
/// and one write acknowledges them. Frames that arrive more rarely do not wait.
const TURN: Duration = Duration::from_millis(1);
/// A connection that lasted this long resets the backoff.
const STEADY: Duration = Duration::from_secs(5);

/// The parts of `/ready` of every bridge; the input has one of its own.
pub(crate) struct ReadinessParts {
    pub(crate) kafka: Part,
    pub(crate) window: Part,
}

impl ReadinessParts {
    pub(crate) fn new(readiness: &Readiness) -> Self {
        Self { kafka: readiness.part("kafka"), window: readiness.part("window") }
    }
}

/// The packet id of a message to acknowledge, and the key by which we recognise a redelivery.
struct Sent {
    packet_id: u16,
    topic: Bytes,
    payload: Bytes,
}

impl Sent {
    fn is(&self, earlier: &Self) -> bool {
        self.packet_id == earlier.packet_id && self.topic == earlier.topic && self.payload == earlier.payload
    }
}

pub(crate) struct Forwarder {
    dependencies: Dependencies,
    options: BridgeOptions,
    mqtt: Part,
    pipeline: Pipeline<Sent>,
    /// A message that waits for room; while there is one, nothing more is read.
    held: Option<(Publish, Decision)>,
    reported_exceeded: bool,
    reported_retained: bool,
    connected_at: Duration,
    /// `None`: not since this start.
    lost_at: Option<Duration>,
    /// Acknowledgements that may leave on the present connection.
    to_acknowledge: Vec<u16>,
    backoff: Backoff,
}

impl Forwarder {
    pub(crate) fn new(
        dependencies: Dependencies,
        options: BridgeOptions,
        mqtt: Part,
        window: Part,
    ) -> anyhow::Result<Self> {
        mqtt::check(&options)?;
        Ok(Self {
            pipeline: Pipeline::new(dependencies.clone(), &options, window)?,
            mqtt,
            held: None,
            reported_exceeded: false,
            reported_retained: false,
            connected_at: Duration::ZERO,
            lost_at: None,
            to_acknowledge: Vec::new(),
            backoff: Backoff::for_services(),
            options,
            dependencies,
        })
    }

    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        while let Some((connection, connected)) = self.connect(&stop).await {
            let Err(lost) = self.run_connection(connection, &connected, &stop).await else { break };
            self.lost(&lost);
            let delay = self.backoff.next_delay();
            let clock = self.dependencies.context.clock.clone();
            if self.beside(&stop, clock.sleep(delay)).await.is_none() {
                break;
            }
        }
        match self.pipeline.fatal_error() {
            Some(why) => Err(anyhow::anyhow!("{why}; start the process again")),
            None => Ok(()),
        }
    }

    /// Retries until the broker accepts the connection. `None`: stop.
    async fn connect(&mut self, stop: &Shutdown) -> Option<(Connection, ConnAck)> {
        let clock = self.dependencies.context.clock.clone();
        loop {
            // The next connection may deliver a full window: the messages of the last ones wait for the log first.
            while self.pipeline.window().is_above_capacity() {
                self.beside(stop, clock.sleep(Duration::from_millis(100))).await?;
            }
            let options = self.options.clone();
            match self.beside(stop, mqtt::open(&options, &clock)).await? {
                Ok(opened) => return Some(opened),
                Err(error) => self.mqtt.not_ready(format!("cannot reach {}: {error}", self.options.mqtt_url)),
            }
            let delay = self.backoff.next_delay();
            self.beside(stop, clock.sleep(delay)).await?;
        }
    }

    /// Runs `work` while the log's answers are processed. `None`: stop.
    async fn beside<T>(&mut self, stop: &Shutdown, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                () = stop.requested() => return None,
                outcome = &mut work => return Some(outcome),
                () = self.pipeline.wait_for_answers() => self.process_answers(),
            }
            if self.pipeline.fatal_error().is_some() {
                return None;
            }
        }
    }

    /// Runs until the connection is lost, or (`Ok`) until a stop is requested and everything is acknowledged.
    async fn run_connection(
        &mut self,
        mut connection: Connection,
        connected: &ConnAck,
        stop: &Shutdown,
    ) -> Result<(), ConnectionError> {
        self.connected(&mut connection, connected)?;
        let clock = self.dependencies.context.clock.clone();
        let mut turn_began = clock.monotonic();
        loop {
            let now = clock.monotonic();
            if now.saturating_sub(turn_began) < TURN && !self.pipeline.window().is_half_full() {
                clock.sleep(TURN).await;
            }
            turn_began = clock.monotonic();
            self.take_in(&mut connection)?;
            self.process_answers();
            self.send_acks(&mut connection)?;
            if self.pipeline.fatal_error().is_some() {
                return Ok(());
            }
            let reading = self.held.is_none() && self.pipeline.window().has_room_for_bytes();
            tokio::select! {
                biased;
                () = stop.requested() => break,
                moved = connection.exchange(reading) => moved?,
                () = self.pipeline.wait_for_answers() => {}
            }
        }
        self.drain(connection).await
    }

    /// All messages that were read and fit into the window.
    fn take_in(&mut self, connection: &mut Connection) -> Result<(), ConnectionError> {
        if self.pipeline.window().has_room()
            && let Some((held, decision)) = self.held.take()
        {
            self.enter(held, decision, connection.read_at());
        }
        while self.held.is_none()
            && self.pipeline.window().has_room_for_bytes()
            && let Some(packet) = connection.take()?
        {
            self.incoming(packet, connection.read_at())?;
        }
        Ok(())
    }

    fn connected(&mut self, connection: &mut Connection, connected: &ConnAck) -> Result<(), ConnectionError> {
        self.connected_at = self.dependencies.context.clock.monotonic();
        if connected.session_present {
            // The broker may have queued frames since the last connection, whose end is unknown when it was of another
            // process.
            let away =
                self.lost_at.map_or(self.options.session_expiry, |lost_at| self.connected_at.saturating_sub(lost_at));
            self.pipeline.credit(away, self.connected_at);
        }
        let metrics = &self.dependencies.metrics;
        if metrics.connections.inc() > 0 {
            metrics.reconnects.inc();
        }
        tracing::info!(
            broker = %self.options.mqtt_url, client_id = self.options.client_id(), shard = %self.options.shard,
            session_present = connected.session_present, "connected"
        );
        let properties = connected.properties.as_ref();
        for line in properties.map(|properties| Asked::of(&self.options).problems(properties)).unwrap_or_default() {
            tracing::warn!("{line}");
        }
        // Also into a present session: the filters of this start may be others than those of the last.
        connection.send(&mqtt::receivers(&self.options))?;
        Ok(())
    }

    fn incoming(&mut self, packet: Packet, read_at: Duration) -> Result<(), ConnectionError> {
        match packet {
            // A session of an earlier release may still have a subscription to them.
            Packet::Publish(publish) if mqtt::is_brokers_own(&publish.topic) => {}
            Packet::Publish(publish) => self.received(publish, read_at),
            Packet::SubAck(subscribed) if subscribed.pkid == mqtt::RECEIVERS => self.subscribed(&subscribed),
            Packet::PingResp(_) => {}
            packet => return Err(ConnectionError::unexpected(&packet, "PUBLISH, SUBACK or PINGRESP")),
        }
        Ok(())
    }

    fn subscribed(&mut self, subscribed: &SubAck) {
        match mqtt::subscription_problem(&subscribed.return_codes) {
            Some(line) => self.mqtt.not_ready(line),
            None => self.mqtt.ready(),
        }
    }

    /// Takes a message in. One that does not fit, since the broker sends far beyond Receive Maximum, is held, and
    /// nothing more is read until there is room. `read_at`: when its bytes were read (monotonic).
    fn received(&mut self, publish: Publish, read_at: Duration) {
        let decision = self.pipeline.decide(&as_received(&publish, read_at));
        if publish.retain && !std::mem::replace(&mut self.reported_retained, true) {
            let topic = String::from_utf8_lossy(&publish.topic);
            tracing::info!(%topic, "dropped a retained message: it is old. Receivers should publish without the retain flag");
        }
        self.enter(publish, decision, read_at);
    }

    fn enter(&mut self, publish: Publish, decision: Decision, read_at: Duration) {
        let sent = (publish.qos != QoS::AtMostOnce).then(|| Sent {
            packet_id: publish.pkid,
            topic: publish.topic.clone(),
            payload: publish.payload.clone(),
        });
        let (received, to_acknowledge) = (as_received(&publish, read_at), &mut self.to_acknowledge);
        let is_redelivery = |earlier: &Sent, now: &Sent| now.is(earlier);
        let taken =
            self.pipeline.receive(&received, decision, sent, is_redelivery, |sent| to_acknowledge.push(sent.packet_id));
        if let Taken::NoRoom(decision) = taken {
            self.held = Some((publish, decision));
        }
        if self.pipeline.window().is_exceeded() && !std::mem::replace(&mut self.reported_exceeded, true) {
            let window = self.options.window;
            tracing::warn!(
                "the MQTT broker exceeds Receive Maximum {window}; beyond {} messages the bridge stops reading until there is room: update the broker",
                2 * u32::from(window)
            );
        }
    }

    fn process_answers(&mut self) {
        let to_acknowledge = &mut self.to_acknowledge;
        self.pipeline.process_answers(|sent| to_acknowledge.push(sent.packet_id));
    }

    fn send_acks(&mut self, connection: &mut Connection) -> Result<(), ConnectionError> {
        self.to_acknowledge.drain(..).try_for_each(|packet_id| connection.acknowledge(packet_id))
    }

    /// Messages of the lost connection are not acknowledged on the next one, unless they are redelivered there.
    fn lost(&mut self, lost: &ConnectionError) {
        self.mqtt.not_ready(format!("lost {}: {lost}", self.options.mqtt_url));
        self.pipeline.reconnected();
        self.lost_at = Some(self.dependencies.context.clock.monotonic());
        self.to_acknowledge.clear();
        self.held = None;
        // A connection that is accepted and lost at once, repeatedly, keeps the backoff.
        if self.dependencies.context.clock.monotonic().saturating_sub(self.connected_at) >= STEADY {
            self.backoff.reset();
        }
    }

    /// Takes no more messages; waits until the log has those in flight, acknowledges them, and disconnects.
    async fn drain(&mut self, mut connection: Connection) -> Result<(), ConnectionError> {
        let clock = self.dependencies.context.clock.clone();
        let mut deadline = std::pin::pin!(clock.sleep(DRAIN));
        while !self.pipeline.window().is_empty() || !connection.is_flushed() {
            tokio::select! {
                () = &mut deadline => {
                    tracing::warn!(in_flight = self.pipeline.window().len(), "stopped before the log had acknowledged all");
                    return Ok(());
                }
                written = connection.exchange(false) => written?,
                () = self.pipeline.wait_for_answers() => {}
            }
            self.process_answers();
            self.send_acks(&mut connection)?;
        }
        tokio::select! {
            closed = connection.close() => closed,
            () = &mut deadline => Ok(()),
        }
    }
}

fn as_received(publish: &Publish, read_at: Duration) -> Received<'_> {
    let Publish { topic, payload, dup, retain, .. } = publish;
    Received { topic, payload, repeated: *dup, retained: *retain, read_at }
}
