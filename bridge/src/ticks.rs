//! Writes ticks to every raw partition. Since every tick must be acknowledged, they also probe Kafka.

use std::sync::Arc;
use std::time::Duration;

use runtime::retry::with_causes;
use runtime::{Part, Shutdown};
use streams::{Flush, Headers, Outgoing, Sink, SinkSettings};

use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::raw;

/// How long a tick may stay without its acknowledgement before Kafka counts as away.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// After which time a missing topic is looked up again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often the log's health is checked between ticks.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) struct Ticker {
    dependencies: Dependencies,
    sink: Arc<dyn Sink>,
    bridge_id: String,
    interval: Duration,
    kafka: Part,
    /// Of the raw topic, once known.
    partitions: Option<u32>,
}

impl Ticker {
    pub(crate) fn new(dependencies: Dependencies, options: &BridgeOptions, kafka: Part) -> anyhow::Result<Self> {
        let sink = dependencies.cluster.log.sink(sink_settings(&options.client_id()))?;
        Ok(Self {
            dependencies,
            sink,
            bridge_id: options.client_id(),
            interval: options.tick_interval,
            kafka,
            partitions: None,
        })
    }

    /// A tick at once, then one each interval. A tick that Kafka does not take in time is waited for, not repeated.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        loop {
            let Some(is_sent) = stop.or(self.tick()).await else { return Ok(()) };
            let pause = if is_sent { self.interval } else { self.interval.min(ASK_AGAIN) };
            if stop.or(self.rest(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Waits for the next tick. A log that becomes unreachable meanwhile is reported at once; when it is back the next
    /// tick is due, whose acknowledgement proves it.
    async fn rest(&self, pause: Duration) {
        let clock = &self.dependencies.context.clock;
        let until = clock.monotonic() + pause;
        let mut was_away = false;
        loop {
            let left = until.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return;
            }
            clock.sleep(left.min(LOOK)).await;
            match self.dependencies.cluster.log.unavailable_reason() {
                Some(why) => self.kafka.not_ready(format!("cannot reach {}: {why}", self.dependencies.cluster.name)),
                None if was_away => return,
                None => continue,
            }
            was_away = true;
        }
    }

    /// Whether the ticks were sent, or the sending was tried.
    async fn tick(&mut self) -> bool {
        let Some(partitions) = self.partitions().await else { return false };
        self.send(partitions).await;
        true
    }

    /// How many partitions get ticks. `None`: not known yet.
    async fn partitions(&mut self) -> Option<u32> {
        if self.partitions.is_none() {
            match self.dependencies.cluster.log.partitions(&self.dependencies.raw.name).await {
                Ok(partitions) => self.partitions = Some(partitions),
                Err(error) if error.reason() == "unknown_topic" => self.kafka.not_ready(with_causes(&error)),
                Err(error) => {
                    self.kafka.not_ready(format!(
                        "cannot reach {}: {}",
                        self.dependencies.cluster.name,
                        with_causes(&error)
                    ));
                }
            }
        }
        self.partitions
    }

    async fn send(&mut self, partitions: u32) {
        let flush = Flush::new();
        let now_us = self.dependencies.context.clock.now_us();
        let interval_s = u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX);
        let record = raw::tick(&self.bridge_id, interval_s, now_us);
        let value = self.dependencies.raw.codec.encode(&record);
        for partition in 0..partitions {
            let record = Outgoing {
                topic: self.dependencies.raw.name.clone(),
                partition: Some(partition),
                key: None,
                value: Some(value.clone()),
                headers: Headers::new(),
                timestamp_ms: i64::try_from(now_us / 1000).unwrap_or(i64::MAX),
            };
            if let Err(error) = self.sink.send(record, flush.receipt()).await {
                self.kafka.not_ready(format!(
                    "cannot write to {}: {}",
                    self.dependencies.cluster.name,
                    with_causes(&error)
                ));
                return self.replace_sink();
            }
        }
        let clock = self.dependencies.context.clock.clone();
        let acknowledged = flush.wait();
        tokio::pin!(acknowledged);
        let outcome = loop {
            tokio::select! {
                outcome = &mut acknowledged => break outcome,
                () = clock.sleep(UNACKNOWLEDGED) => self.kafka.not_ready(self.silence()),
            }
        };
        match outcome {
            Ok(()) => self.kafka.ready(),
            Err(error) => {
                self.kafka.not_ready(format!(
                    "{} does not take {}: {error}",
                    self.dependencies.cluster.name, self.dependencies.raw.name
                ));
                self.replace_sink();
            }
        }
    }

    /// The reason for a log that acknowledges nothing.
    fn silence(&self) -> String {
        let why = self.dependencies.cluster.log.unavailable_reason().map(|why| format!(" ({why})")).unwrap_or_default();
        let (log, seconds) = (&self.dependencies.cluster.name, UNACKNOWLEDGED.as_secs());
        format!("cannot reach {log}: nothing acknowledged for {seconds} s{why}")
    }

    /// Replaces a failed sink; where that fails the old one keeps failing and is tried again with the next tick.
    fn replace_sink(&mut self) {
        match self.dependencies.cluster.log.sink(sink_settings(&self.bridge_id)) {
            Ok(sink) => self.sink = sink,
            Err(error) => self.kafka.not_ready(with_causes(&error)),
        }
    }
}

fn sink_settings(client_id: &str) -> SinkSettings {
    SinkSettings { queue_records: 1000, ..SinkSettings::new(client_id) }
}
