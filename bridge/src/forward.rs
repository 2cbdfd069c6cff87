//! The one loop of the bridge: polls MQTT without ever waiting for the log, and acknowledges what the log has.
//!
//! A single task owns the window and the connection. The poll of the event loop is never dropped half-way: while it is
//! pending the log's answers are taken beside it, and acknowledgements go into the client's queue, which it reads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, Publish, SubAck, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use runtime::{Backoff, Part, Readiness, Shutdown};
use streams::{DeadLetter, DeadLetterSource, DeliveryError, Headers, Outgoing, Sink, SinkSettings};

use crate::answers::{Answer, Answers};
use crate::config::BridgeOptions;
use crate::metrics::Reason;
use crate::reject::Reject;
use crate::window::{Entered, Window};
use crate::{Outfit, mqtt, raw, topic, words};

const SERVICE: &str = "bridge";
/// How long an orderly stop waits for the log to acknowledge what is under way.
const DRAIN: Duration = Duration::from_secs(10);

/// The parts of the bridge that `/ready` waits for.
pub(crate) struct Parts {
    pub(crate) mqtt: Part,
    pub(crate) kafka: Part,
}

impl Parts {
    pub(crate) fn new(readiness: &Readiness) -> Self {
        Self { mqtt: readiness.part("mqtt"), kafka: readiness.part("kafka") }
    }
}

/// A message under way: its record, and when it came (monotonic).
struct Carried {
    record: Outgoing,
    received_at: Duration,
    dead_letter: bool,
}

pub(crate) struct Forwarder {
    outfit: Outfit,
    options: BridgeOptions,
    parts: Parts,
    client: AsyncClient,
    event_loop: Option<EventLoop>,
    window: Window<Publish, Carried>,
    /// Since when the window is full.
    full_since: Option<Duration>,
    sink: Arc<dyn Sink>,
    /// Where the present sink answers. A rebuilt sink gets new ones: what the old one still says concerns nobody.
    answers: Arc<Answers>,
    /// Sequence numbers that the sink had no room for, in order; while there are any, new messages queue behind them.
    unsent: VecDeque<u64>,
    /// Acknowledgements that may leave but found the client's queue full.
    owed: VecDeque<Publish>,
    backoff: Backoff,
    taken: Vec<Answer>,
}

impl Forwarder {
    pub(crate) fn new(outfit: Outfit, options: BridgeOptions, parts: Parts) -> anyhow::Result<Self> {
        let (client, event_loop) = mqtt::client(&options)?;
        let sink = outfit.log.sink(sink_settings(&options))?;
        Ok(Self {
            window: Window::new(usize::from(options.window)),
            full_since: None,
            sink,
            answers: Arc::default(),
            unsent: VecDeque::new(),
            owed: VecDeque::new(),
            backoff: Backoff::for_services(),
            taken: Vec::new(),
            event_loop: Some(event_loop),
            client,
            parts,
            options,
            outfit,
        })
    }

    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        // Taken out so that the pending poll borrows it and not all of `self`.
        let Some(mut event_loop) = self.event_loop.take() else { return Ok(()) };
        while !stop.is_requested() {
            match self.next_event(&mut event_loop, &stop).await {
                Some(Ok(Event::Incoming(packet))) => self.incoming(packet),
                Some(Ok(Event::Outgoing(_))) => {}
                Some(Err(error)) => self.disconnected(&error, &stop).await,
                None => break,
            }
        }
        self.drain(&mut event_loop).await;
        Ok(())
    }

    /// What MQTT says next; meanwhile the log's answers are worked off. `None`: stop.
    async fn next_event(
        &mut self,
        event_loop: &mut EventLoop,
        stop: &Shutdown,
    ) -> Option<Result<Event, ConnectionError>> {
        let polled = event_loop.poll();
        tokio::pin!(polled);
        loop {
            let answers = Arc::clone(&self.answers);
            tokio::select! {
                biased;
                () = stop.requested() => return None,
                event = &mut polled => {
                    self.work_off_answers();
                    return Some(event);
                }
                () = answers.arrived() => self.work_off_answers(),
            }
        }
    }

    fn incoming(&mut self, packet: Packet) {
        match packet {
            Packet::ConnAck(connected) => self.connected(&connected),
            Packet::SubAck(subscribed) => self.subscribed(&subscribed),
            Packet::Publish(publish) => self.received(publish),
            Packet::Disconnect(reason) => tracing::warn!(?reason, "the MQTT broker ends the connection"),
            _ => {}
        }
    }

    fn connected(&mut self, connected: &ConnAck) {
        self.outfit.metrics.connections.inc();
        tracing::info!(broker = %self.options.mqtt_url, session_present = connected.session_present, "connected");
        if connected.session_present {
            self.parts.mqtt.ready();
            self.backoff.reset();
        }
        // Also into a present session: the filters of this start may be others than those of the last.
        if let Err(error) = self.client.try_subscribe_many(mqtt::subscription(&self.options)) {
            self.parts.mqtt.not_ready(format!("cannot subscribe: {error}"));
        }
    }

    fn subscribed(&mut self, subscribed: &SubAck) {
        let refused = subscribed.return_codes.iter().find(|code| !matches!(code, SubscribeReasonCode::Success(_)));
        match refused {
            Some(code) => self.parts.mqtt.not_ready(format!("the broker refuses a subscription: {code:?}")),
            None => {
                self.parts.mqtt.ready();
                self.backoff.reset();
            }
        }
    }

    async fn disconnected(&mut self, error: &ConnectionError, stop: &Shutdown) {
        self.parts.mqtt.not_ready(format!("cannot reach {}: {error}", self.options.mqtt_url));
        self.window.reconnected();
        self.owed.clear();
        let pause = self.outfit.context.clock.clone();
        let pause = pause.sleep(self.backoff.next_delay());
        tokio::pin!(pause);
        // Beyond twice the window the next connection waits until the log has taken some.
        let mut paused = false;
        while !paused || self.window.len() >= 2 * usize::from(self.options.window) {
            let answers = Arc::clone(&self.answers);
            tokio::select! {
                () = stop.requested() => return,
                () = &mut pause, if !paused => paused = true,
                () = answers.arrived() => self.work_off_answers(),
            }
        }
    }

    fn received(&mut self, publish: Publish) {
        self.outfit.metrics.received.inc();
        let carried = self.carried(&publish);
        let acknowledged = publish.qos != QoS::AtMostOnce;
        let again = publish.dup;
        let acknowledge = acknowledged.then_some(publish);
        let same = |earlier: &Publish, _: &Carried, now: &Publish, _: &Carried| {
            earlier.pkid == now.pkid && earlier.topic == now.topic && earlier.payload == now.payload
        };
        match self.window.enter(acknowledge, carried, again, same) {
            Entered::New(sequence) => self.forward(sequence),
            Entered::Again => {
                self.outfit.metrics.repeated.inc();
            }
            Entered::Full if !acknowledged => {
                self.outfit.metrics.dropped.inc();
            }
            Entered::Full => {
                tracing::error!("the MQTT broker sends beyond Receive Maximum; the connection is closed");
                // It sends again, on the next connection, what it got no acknowledgement for: nothing is lost.
                let _ = self.client.try_disconnect();
            }
        }
        self.note_fill();
    }

    fn carried(&self, publish: &Publish) -> Carried {
        let now_us = self.outfit.context.clock.now_us();
        let received_at = self.outfit.context.clock.monotonic();
        let text = std::str::from_utf8(&publish.topic).map_err(|_| Reject::Topic);
        let keyed = text
            .and_then(|text| topic::parse(text, &self.options.topics))
            .and_then(|topic| raw::record_of(topic, publish.payload.clone(), now_us));
        match keyed {
            Ok(raw::Keyed { key, record }) => {
                let value = self.outfit.raw_codec.encode(&record);
                let record = self.outgoing(key, value, now_us);
                Carried { record, received_at, dead_letter: false }
            }
            Err(reject) => {
                Carried { record: self.dead_letter(publish, reject, now_us), received_at, dead_letter: true }
            }
        }
    }

    fn outgoing(&self, key: Bytes, value: Bytes, now_us: u64) -> Outgoing {
        let mut headers = Headers::new();
        if let Some(traceparent) = self.outfit.traces.start() {
            headers.push("traceparent", traceparent);
        }
        let topic = self.outfit.raw_topic.clone();
        Outgoing { topic, partition: None, key: Some(key), value: Some(value), headers, timestamp_ms: millis(now_us) }
    }

    fn dead_letter(&self, publish: &Publish, reject: Reject, now_us: u64) -> Outgoing {
        self.outfit.metrics.dead_lettered.get_or_create(&Reason { reason: reject.reason() }).inc();
        let letter = DeadLetter {
            source: DeadLetterSource::Mqtt { topic: String::from_utf8_lossy(&publish.topic).into_owned() },
            reason: reject.reason(),
            service: SERVICE,
            service_version: env!("CARGO_PKG_VERSION"),
            key: None,
            value: Some(publish.payload.clone()),
            timestamp_ms: millis(now_us),
            failed_at_us: now_us,
        };
        letter.into_record(self.outfit.dead_letter_topic.clone())
    }

    fn forward(&mut self, sequence: u64) {
        self.unsent.push_back(sequence);
        self.send_unsent();
    }

    /// Hands over what waits, in order, until the sink has no more room.
    fn send_unsent(&mut self) {
        while let Some(&sequence) = self.unsent.front() {
            let Some(carried) = self.window.item(sequence) else {
                self.unsent.pop_front();
                continue;
            };
            match self.sink.try_send(carried.record.clone(), self.answers.receipt(sequence)) {
                Ok(()) => {
                    self.unsent.pop_front();
                }
                Err(refused) => {
                    let full = refused.is_full();
                    let reason = Reason { reason: refused.error.reason() };
                    self.outfit.metrics.log_errors.get_or_create(&reason).inc();
                    let error = words(&refused.error);
                    // The receipt's answer would be taken for the record's: nobody waits for it.
                    refused.receipt.forget();
                    if !full {
                        self.rebuild_sink(&error);
                    }
                    return;
                }
            }
        }
    }

    fn work_off_answers(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        self.answers.take(&mut taken);
        let mut broken = None;
        for (sequence, outcome) in taken.drain(..) {
            match outcome {
                Ok(_) => self.done(sequence),
                Err(error) if error.is_refused() => self.refused(sequence, &error),
                Err(error) => broken = Some(error),
            }
        }
        self.taken = taken;
        if let Some(error) = broken {
            self.outfit.metrics.log_errors.get_or_create(&Reason { reason: error.reason() }).inc();
            self.rebuild_sink(&error.to_string());
        }
        self.send_unsent();
        self.send_owed();
        self.note_fill();
    }

    fn done(&mut self, sequence: u64) {
        if let Some(carried) = self.window.item(sequence) {
            let waited = self.outfit.context.clock.monotonic().saturating_sub(carried.received_at);
            self.outfit.metrics.acknowledge.observe(waited.as_secs_f64());
            if !carried.dead_letter {
                self.outfit.metrics.forwarded.inc();
            }
        }
        let owed = &mut self.owed;
        self.window.complete(sequence, |publish| owed.push_back(publish));
    }

    /// The log will never take this record: it goes to the dead letters. One that is refused even there is given up,
    /// loudly, since it would block everything behind it for ever.
    fn refused(&mut self, sequence: u64, error: &DeliveryError) {
        let Some(carried) = self.window.item(sequence) else { return };
        let reason = Reject::RefusedByLog.reason();
        self.outfit.metrics.dead_lettered.get_or_create(&Reason { reason }).inc();
        if carried.dead_letter {
            tracing::error!(%error, "the log refuses a dead letter; the message is lost");
            return self.done(sequence);
        }
        let now_us = self.outfit.context.clock.now_us();
        let letter = DeadLetter {
            source: DeadLetterSource::Mqtt { topic: self.outfit.raw_topic.to_string() },
            reason,
            service: SERVICE,
            service_version: env!("CARGO_PKG_VERSION"),
            key: carried.record.key.clone(),
            value: carried.record.value.clone(),
            timestamp_ms: carried.record.timestamp_ms,
            failed_at_us: now_us,
        };
        let record = letter.into_record(self.outfit.dead_letter_topic.clone());
        if let Some(carried) = self.window.item_mut(sequence) {
            (carried.record, carried.dead_letter) = (record, true);
        }
        self.forward(sequence);
    }

    /// A broken writer is replaced, and all that is not done goes through the new one, in order.
    fn rebuild_sink(&mut self, why: &str) {
        tracing::warn!(why, under_way = self.window.len(), "the writer broke; a new one takes over");
        match self.outfit.log.sink(sink_settings(&self.options)) {
            Ok(sink) => {
                self.answers = Arc::default();
                self.sink = sink;
                self.unsent = self.window.unfinished().map(|(sequence, _)| sequence).collect();
                // Comes back here through the next answer, not by recursion.
                self.answers.wake();
            }
            Err(error) => {
                self.parts.kafka.not_ready(words(&error));
                self.answers.wake();
            }
        }
    }

    fn send_owed(&mut self) {
        while let Some(publish) = self.owed.pop_front() {
            if self.client.try_ack(&publish).is_err() {
                self.owed.push_front(publish);
                return;
            }
        }
    }

    fn note_fill(&mut self) {
        self.outfit.metrics.in_flight.set(i64::try_from(self.window.len()).unwrap_or(i64::MAX));
        let now = self.outfit.context.clock.monotonic();
        match (self.window.is_full(), self.full_since) {
            (true, None) => self.full_since = Some(now),
            (full, Some(since)) => {
                self.outfit.metrics.window_full.inc_by(now.saturating_sub(since).as_secs_f64());
                self.full_since = full.then_some(now);
            }
            (false, None) => {}
        }
    }

    /// Takes nothing more; waits until the log has what is under way, acknowledges it, and says goodbye.
    async fn drain(&mut self, event_loop: &mut EventLoop) {
        let clock = self.outfit.context.clock.clone();
        let deadline = clock.sleep(DRAIN);
        tokio::pin!(deadline);
        let mut leaving = false;
        loop {
            if self.window.is_empty() && self.owed.is_empty() && !leaving {
                leaving = self.client.try_disconnect().is_ok();
            }
            let answers = Arc::clone(&self.answers);
            tokio::select! {
                () = &mut deadline => {
                    tracing::warn!(under_way = self.window.len(), "stopped before the log had acknowledged all");
                    return;
                }
                // What arrives now is not taken in: the broker keeps it for the next start.
                event = event_loop.poll() => match event {
                    Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) | Err(_) => return,
                    Ok(_) => {}
                },
                () = answers.arrived() => self.work_off_answers(),
            }
        }
    }
}

fn sink_settings(options: &BridgeOptions) -> SinkSettings {
    // Twice the window, so that a full window and the messages of an older connection both fit.
    let queue_records = usize::from(options.window) * 2 + 1000;
    SinkSettings { queue_records, ..SinkSettings::new(options.client_id.clone()) }
}

fn millis(us: u64) -> i64 {
    i64::try_from(us / 1000).unwrap_or(i64::MAX)
}
