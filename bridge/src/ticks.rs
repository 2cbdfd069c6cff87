//! The passing of time, written to every raw partition; and, since a tick must always be acknowledged, the probe of Kafka.

use std::sync::Arc;
use std::time::Duration;

use runtime::{Part, Shutdown};
use streams::{Flush, Headers, Outgoing, Sink, SinkSettings};

use crate::config::BridgeOptions;
use crate::{Outfit, raw, words};

/// How long a tick may stay without its acknowledgement before Kafka counts as away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon the topic is looked for again while it is not found.
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Ticker {
    outfit: Outfit,
    sink: Arc<dyn Sink>,
    bridge_id: String,
    interval: Duration,
    kafka: Part,
    /// Of the raw topic, once known.
    partitions: Option<u32>,
}

impl Ticker {
    pub(crate) fn new(outfit: Outfit, options: &BridgeOptions, kafka: Part) -> anyhow::Result<Self> {
        let sink = outfit.log.sink(sink_settings(&options.client_id()))?;
        Ok(Self {
            outfit,
            sink,
            bridge_id: options.client_id(),
            interval: options.tick_interval,
            kafka,
            partitions: None,
        })
    }

    /// A tick at once, then one each interval. One that Kafka does not take in time is waited for, not doubled.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let clock = self.outfit.context.clock.clone();
        loop {
            let Some(told) = stop.or(self.tick()).await else { return Ok(()) };
            let pause = if told { self.interval } else { self.interval.min(ASK_AGAIN) };
            if stop.or(clock.sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether it was told, or at least tried.
    async fn tick(&mut self) -> bool {
        let Some(partitions) = self.partitions().await else { return false };
        self.tell(partitions).await;
        true
    }

    /// How many partitions must hear of it. `None`: not known yet.
    async fn partitions(&mut self) -> Option<u32> {
        if self.partitions.is_none() {
            match self.outfit.log.partitions(&self.outfit.raw_topic).await {
                Ok(partitions) => self.partitions = Some(partitions),
                Err(error) if error.reason() == "unknown_topic" => self.kafka.not_ready(words(&error)),
                Err(error) => {
                    self.kafka.not_ready(format!("cannot reach {}: {}", self.outfit.log_name, words(&error)));
                }
            }
        }
        self.partitions
    }

    async fn tell(&mut self, partitions: u32) {
        let flush = Flush::new();
        let now_us = self.outfit.context.clock.now_us();
        let interval_s = u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX);
        let record = raw::tick(&self.bridge_id, interval_s, now_us);
        let value = self.outfit.raw_codec.encode(&record);
        for partition in 0..partitions {
            let record = Outgoing {
                topic: self.outfit.raw_topic.clone(),
                partition: Some(partition),
                key: None,
                value: Some(value.clone()),
                headers: Headers::new(),
                timestamp_ms: i64::try_from(now_us / 1000).unwrap_or(i64::MAX),
            };
            if let Err(error) = self.sink.send(record, flush.receipt()).await {
                self.kafka.not_ready(format!("cannot write to {}: {}", self.outfit.log_name, words(&error)));
                return self.rebuild();
            }
        }
        let clock = self.outfit.context.clock.clone();
        let acknowledged = flush.wait();
        tokio::pin!(acknowledged);
        let outcome = loop {
            tokio::select! {
                outcome = &mut acknowledged => break outcome,
                () = clock.sleep(PATIENCE) => self.kafka.not_ready(self.silence()),
            }
        };
        match outcome {
            Ok(()) => self.kafka.ready(),
            Err(error) => {
                self.kafka
                    .not_ready(format!("{} does not take {}: {error}", self.outfit.log_name, self.outfit.raw_topic));
                self.rebuild();
            }
        }
    }

    /// What to say of a log that acknowledges nothing.
    fn silence(&self) -> String {
        let why = self.outfit.log.trouble().map(|why| format!(" ({why})")).unwrap_or_default();
        let (log, seconds) = (&self.outfit.log_name, PATIENCE.as_secs());
        format!("cannot reach {log}: nothing acknowledged for {seconds} s{why}")
    }

    /// A broken writer is replaced; where that fails the old one goes on failing and is tried again with the next tick.
    fn rebuild(&mut self) {
        match self.outfit.log.sink(sink_settings(&self.bridge_id)) {
            Ok(sink) => self.sink = sink,
            Err(error) => self.kafka.not_ready(words(&error)),
        }
    }
}

fn sink_settings(client_id: &str) -> SinkSettings {
    SinkSettings { queue_records: 1000, ..SinkSettings::new(client_id) }
}
