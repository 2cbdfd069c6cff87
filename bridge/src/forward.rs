//! The one loop of the bridge: takes from MQTT without ever waiting for the log, and acknowledges what the log has.
//!
//! A single task owns the window and the connection. While it waits for one of them it works off what the log says.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, Publish, SubAck};
use runtime::{Backoff, Part, Readiness, Shutdown};
use streams::SinkSettings;

use crate::carrier::Carrier;
use crate::config::BridgeOptions;
use crate::fill::Fill;
use crate::intake::{Carried, Intake};
use crate::mqtt::{self, Asked, Connection, Lost, News, Told};
use crate::window::{Entered, Window};
use crate::{Outfit, topic};

/// How long an orderly stop waits for the log to acknowledge what is under way.
const DRAIN: Duration = Duration::from_secs(10);
/// Under load, work is gathered for so long: then one read brings many frames, one request to Kafka carries several, and one
/// write acknowledges them. Frames that come more rarely do not wait.
const TURN: Duration = Duration::from_millis(1);
/// How often the window is looked at when nothing happens.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A connection that lasted this long was a good one.
const STEADY: Duration = Duration::from_secs(5);
/// What may be under way in bytes; beyond, nothing more is read. Room for 8,192 frames many times over.
const MAX_BYTES: usize = 8 << 20;
/// What the log's writer may hold in bytes: the window twice (an older connection's messages too), each in its record.
const WRITER_BYTES: usize = 4 * MAX_BYTES;

/// The parts of the bridge that `/ready` waits for.
pub(crate) struct Parts {
    pub(crate) mqtt: Part,
    pub(crate) kafka: Part,
    pub(crate) window: Part,
}

impl Parts {
    pub(crate) fn new(readiness: &Readiness) -> Self {
        Self { mqtt: readiness.part("mqtt"), kafka: readiness.part("kafka"), window: readiness.part("window") }
    }
}

/// By what the broker knows a message that it wants acknowledged, and by what we know it again.
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
    outfit: Outfit,
    options: BridgeOptions,
    parts: Parts,
    intake: Intake,
    window: Window<Sent, Carried>,
    carrier: Carrier,
    /// A message that waits for room; while there is one, nothing more is read.
    held: Option<Publish>,
    told_exceeded: bool,
    connected_at: Duration,
    /// Acknowledgements that may leave on the present connection.
    owed: Vec<u16>,
    fill: Fill,
    told: Told,
    backoff: Backoff,
}

impl Forwarder {
    pub(crate) fn new(outfit: Outfit, options: BridgeOptions, parts: Parts) -> anyhow::Result<Self> {
        mqtt::check(&options)?;
        let capacity = usize::from(options.window);
        outfit.metrics.window_size.set(i64::from(options.window));
        parts.window.ready();
        Ok(Self {
            intake: Intake::new(outfit.clone(), options.topics.clone()),
            window: Window::new(capacity, MAX_BYTES),
            carrier: Carrier::new(outfit.clone(), sink_settings(&options))?,
            held: None,
            told_exceeded: false,
            connected_at: Duration::ZERO,
            owed: Vec::new(),
            fill: Fill::default(),
            told: Told::default(),
            backoff: Backoff::for_services(),
            parts,
            options,
            outfit,
        })
    }

    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        while let Some((connection, connected)) = self.connect(&stop).await {
            let Err(lost) = self.converse(connection, &connected, &stop).await else { break };
            self.lost(&lost);
            let delay = self.backoff.next_delay();
            let clock = self.outfit.context.clock.clone();
            if self.beside(&stop, clock.sleep(delay)).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Until the broker takes us. `None`: stop.
    async fn connect(&mut self, stop: &Shutdown) -> Option<(Connection, ConnAck)> {
        let clock = self.outfit.context.clock.clone();
        loop {
            // The next connection may bring a whole window: what is left of the last ones waits for the log first.
            while self.window.is_above_capacity() {
                self.beside(stop, clock.sleep(Duration::from_millis(100))).await?;
            }
            let options = self.options.clone();
            match self.beside(stop, mqtt::open(&options, &clock)).await? {
                Ok(opened) => return Some(opened),
                Err(error) => self.parts.mqtt.not_ready(format!("cannot reach {}: {error}", self.options.mqtt_url)),
            }
            let delay = self.backoff.next_delay();
            self.beside(stop, clock.sleep(delay)).await?;
        }
    }

    /// Does something else while the log's answers are worked off. `None`: stop.
    async fn beside<T>(&mut self, stop: &Shutdown, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                () = stop.requested() => return None,
                outcome = &mut work => return Some(outcome),
                () = self.log_has_news() => self.work_off(),
            }
        }
    }

    /// Until the connection is lost, or (well) until it is time to stop and all is acknowledged.
    async fn converse(&mut self, mut connection: Connection, connected: &ConnAck, stop: &Shutdown) -> Result<(), Lost> {
        self.connected(&mut connection, connected)?;
        let clock = self.outfit.context.clock.clone();
        let mut turn_began = clock.monotonic();
        loop {
            let now = clock.monotonic();
            if now.saturating_sub(turn_began) < TURN && !self.window.is_half_full() {
                clock.sleep(TURN).await;
            }
            turn_began = clock.monotonic();
            self.take_in(&mut connection)?;
            self.work_off();
            self.pay(&mut connection)?;
            let reading = self.held.is_none() && self.window.has_room_for_bytes();
            tokio::select! {
                biased;
                () = stop.requested() => break,
                moved = connection.exchange(reading) => moved?,
                () = self.log_has_news() => {}
            }
        }
        self.drain(connection).await
    }

    /// All that was read and finds room.
    fn take_in(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        if self.window.has_room()
            && let Some(held) = self.held.take()
        {
            self.received(held);
        }
        while self.held.is_none()
            && self.window.has_room_for_bytes()
            && let Some(packet) = connection.take()?
        {
            self.incoming(packet)?;
        }
        Ok(())
    }

    /// Until there is something to work off; now and then also without, since time alone can be news.
    async fn log_has_news(&self) {
        let clock = &self.outfit.context.clock;
        let now = clock.monotonic();
        let due = self.carrier.again_at().map_or(LOOK_AGAIN, |due| due.saturating_sub(now));
        let answers = self.carrier.answers();
        tokio::select! {
            () = answers.arrived() => {}
            () = clock.sleep(due) => {}
        }
    }

    fn connected(&mut self, connection: &mut Connection, connected: &ConnAck) -> Result<(), Lost> {
        self.connected_at = self.outfit.context.clock.monotonic();
        let metrics = &self.outfit.metrics;
        if metrics.connections.inc() > 0 {
            metrics.reconnects.inc();
        }
        tracing::info!(
            broker = %self.options.mqtt_url, client_id = self.options.client_id(), shard = %self.options.shard,
            session_present = connected.session_present, "connected"
        );
        let told = connected.properties.as_ref();
        for line in told.map(|told| Asked::of(&self.options).against(told)).unwrap_or_default() {
            tracing::warn!("{line}");
        }
        // Also into a present session: the filters of this start may be others than those of the last.
        connection.send(&mqtt::receivers(&self.options))?;
        if self.told.may_ask() {
            connection.send(&mqtt::about_broker())?;
        }
        Ok(())
    }

    fn incoming(&mut self, packet: Packet) -> Result<(), Lost> {
        match packet {
            Packet::Publish(publish) if mqtt::is_brokers_own(&publish.topic) => self.hear(&publish),
            Packet::Publish(publish) => self.received(publish),
            Packet::SubAck(subscribed) if subscribed.pkid == mqtt::RECEIVERS => self.subscribed(&subscribed),
            Packet::SubAck(_) => self.told.answered(),
            Packet::PingResp(_) => {}
            _ => return Err(Lost::Unexpected),
        }
        Ok(())
    }

    fn subscribed(&mut self, subscribed: &SubAck) {
        match mqtt::against_subscription(&subscribed.return_codes) {
            Some(line) => self.parts.mqtt.not_ready(line),
            None => self.parts.mqtt.ready(),
        }
    }

    fn hear(&mut self, publish: &Publish) {
        match self.told.hear(&publish.topic, &publish.payload) {
            Some(News::Version(version)) => tracing::info!(version, "the broker tells its version"),
            Some(News::Dropped { total, new }) => {
                self.outfit.metrics.broker_dropped.set(i64::try_from(total).unwrap_or(i64::MAX));
                if new > 0 {
                    tracing::warn!(
                        new,
                        total,
                        "the broker dropped messages for one of its clients; Mosquitto: set max_queued_messages 0"
                    );
                }
            }
            None => {}
        }
    }

    /// Takes a message in. One that finds no room, since the broker sends far beyond Receive Maximum, is held, and nothing
    /// more is read until there is room.
    fn received(&mut self, publish: Publish) {
        let acknowledged = publish.qos != QoS::AtMostOnce;
        let ours = self.options.shard.has(topic::receiver_of(&publish.topic, &self.options.topics));
        if !ours && !acknowledged {
            self.outfit.metrics.others.inc();
            return;
        }
        let Publish { topic, payload, .. } = &publish;
        let weight = topic.len() + payload.len();
        let carried = if ours { self.intake.carried(topic, payload) } else { self.intake.not_ours() };
        let sent = Sent { packet_id: publish.pkid, topic: topic.clone(), payload: payload.clone() };
        let sent = acknowledged.then_some(sent);
        let metrics = &self.outfit.metrics;
        match self.window.enter(sent, carried, weight, publish.dup, |earlier, _, now, _| now.is(earlier)) {
            Entered::New(sequence) if ours => self.carrier.forward(sequence, &self.window),
            Entered::New(sequence) => self.leave_to_others(sequence),
            Entered::Again => {
                metrics.repeated.inc();
            }
            Entered::Full if !acknowledged => {
                metrics.dropped.inc();
            }
            Entered::Full => {
                self.held = Some(publish);
                return;
            }
        }
        self.outfit.metrics.received.inc();
        if self.window.is_exceeded() && !std::mem::replace(&mut self.told_exceeded, true) {
            let window = self.options.window;
            tracing::warn!(window, "the MQTT broker sends beyond Receive Maximum; beyond twice of it, it waits unread");
        }
    }

    /// Another bridge forwards it; here it is acknowledged in its turn.
    fn leave_to_others(&mut self, sequence: u64) {
        self.outfit.metrics.others.inc();
        let owed = &mut self.owed;
        self.window.complete(sequence, |sent| owed.push(sent.packet_id));
    }

    fn work_off(&mut self) {
        let owed = &mut self.owed;
        self.carrier.work_off(&mut self.window, &self.intake, |sent| owed.push(sent.packet_id));
        let now = self.outfit.context.clock.monotonic();
        let metrics = &self.outfit.metrics;
        metrics.in_flight.set(i64::try_from(self.window.len()).unwrap_or(i64::MAX));
        metrics.window_full.inc_by(self.fill.note(self.window.is_full(), now).as_secs_f64());
        match (self.carrier.trouble(), self.fill.is_lasting(now)) {
            (Some(trouble), _) => self.parts.window.not_ready(trouble),
            (None, true) => self.parts.window.not_ready(format!(
                "the window of {} is full: {} takes nothing, the MQTT broker holds the rest back",
                self.options.window, self.outfit.log_name
            )),
            (None, false) => self.parts.window.ready(),
        }
    }

    fn pay(&mut self, connection: &mut Connection) -> Result<(), Lost> {
        self.owed.drain(..).try_for_each(|packet_id| connection.acknowledge(packet_id))
    }

    /// Nothing that came on the lost connection will be acknowledged on the next, unless it comes again there.
    fn lost(&mut self, lost: &Lost) {
        self.parts.mqtt.not_ready(format!("lost {}: {lost}", self.options.mqtt_url));
        self.window.reconnected();
        self.owed.clear();
        self.held = None;
        // One that is taken and lost at once, again and again, is not asked ever faster.
        if self.outfit.context.clock.monotonic().saturating_sub(self.connected_at) >= STEADY {
            self.backoff.reset();
        }
    }

    /// Takes nothing more; waits until the log has what is under way, acknowledges it, and says goodbye.
    async fn drain(&mut self, mut connection: Connection) -> Result<(), Lost> {
        let clock = self.outfit.context.clock.clone();
        let mut deadline = std::pin::pin!(clock.sleep(DRAIN));
        while !self.window.is_empty() || !connection.is_flushed() {
            tokio::select! {
                () = &mut deadline => {
                    tracing::warn!(under_way = self.window.len(), "stopped before the log had acknowledged all");
                    return Ok(());
                }
                written = connection.exchange(false) => written?,
                () = self.log_has_news() => {}
            }
            self.work_off();
            self.pay(&mut connection)?;
        }
        tokio::select! {
            closed = connection.close() => closed,
            () = &mut deadline => Ok(()),
        }
    }
}

fn sink_settings(options: &BridgeOptions) -> SinkSettings {
    // Twice the window, so that a full window and the messages of an older connection both fit.
    let queue_records = usize::from(options.window) * 2 + 1000;
    SinkSettings { queue_records, queue_bytes: WRITER_BYTES, ..SinkSettings::new(options.client_id()) }
}
