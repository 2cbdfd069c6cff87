//! librdkafka's settings, with reasons.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::{GroupSettings, SinkSettings, Start};

/// How long a request to the cluster may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect to a cluster.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Brokers as `host:port`, separated by commas.
    pub bootstrap: String,
    /// Passed to librdkafka unchanged, after our settings, which they override: TLS, SASL, tuning.
    pub extra: Vec<(String, String)>,
    /// The name of this program in the cluster's logs; groups and sinks can have their own.
    pub client_id: String,
}

impl KafkaSettings {
    /// Plain text, no credentials.
    pub fn new(bootstrap: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self { bootstrap: bootstrap.into(), extra: Vec::new(), client_id: client_id.into() }
    }

    pub(super) fn for_group(&self, group: &GroupSettings) -> ClientConfig {
        let mut config = self.consumer(&group.client_id, group.start);
        config
            .set("group.id", &group.group)
            // A rebalance does not interrupt the partitions that stay with their member.
            .set("partition.assignment.strategy", "cooperative-sticky");
        if !group.gather_time.is_zero() {
            // The broker answers after this time, or when it has this many bytes.
            config
                .set("fetch.min.bytes", (256 << 10).to_string())
                .set("fetch.wait.max.ms", group.gather_time.as_millis().to_string());
        }
        self.finish(config)
    }

    /// For partitions that are assigned by hand: the group's name is required but unused.
    pub(super) fn for_reader(&self) -> ClientConfig {
        let mut config = self.consumer(&self.client_id, Start::Earliest);
        config.set("group.id", format!("{}-reader", self.client_id));
        self.finish(config)
    }

    /// For queries of a group's committed offsets; never a member of the group.
    pub(super) fn for_query_client(&self, group: Option<&str>) -> ClientConfig {
        let mut config = self.client(&format!("{}-watchdog", self.client_id));
        let group = group.map_or_else(|| format!("{}-watchdog", self.client_id), str::to_owned);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            // Statistics are not read.
            .set("statistics.interval.ms", "0");
        self.finish(config)
    }

    pub(super) fn for_sink(&self, sink: &SinkSettings) -> ClientConfig {
        let mut config = self.client(&sink.client_id);
        config
            // In order and exactly once, also across retries. Without a timeout, so that the caller's window applies
            // backpressure.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("linger.ms", sink.linger.as_millis().to_string())
            // Fast to compress and to decompress; the network is not the bottleneck.
            .set("compression.type", "lz4")
            // As the Java clients: with librdkafka's own default, producers would disagree on a device's partition.
            .set("partitioner", "murmur2_random")
            // The sink counts records itself. librdkafka counts a record until the event with its answer is freed, so
            // that it can count up to twice as many.
            .set("queue.buffering.max.messages", (sink.queue_records * 2).to_string())
            .set("queue.buffering.max.kbytes", (sink.queue_bytes / 1024).max(1).to_string())
            // The topic's own limit applies, and the receipt reports it; this only bounds extreme sizes.
            .set("message.max.bytes", "8388608");
        self.finish(config)
    }

    pub(super) fn for_metadata(&self) -> ClientConfig {
        let mut config = self.client(&self.client_id);
        config.set("message.timeout.ms", "10000");
        self.finish(config)
    }

    fn consumer(&self, client_id: &str, start: Start) -> ClientConfig {
        let mut config = self.client(client_id);
        config
            .set("auto.offset.reset", if start == Start::Earliest { "earliest" } else { "latest" })
            // A killed member's partitions move within 6 s. The consumer's thread always polls, so that a slow caller
            // does not lose its membership.
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            // How long a partition waits for its next fetch after its queue was full: the default of 1 s is noticeable.
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.error.backoff.ms", "100")
            // A new partition waits for the fetch in flight; a partition with data is answered immediately anyway.
            .set("fetch.wait.max.ms", "50")
            // Per partition, since each has its own queue: 24 partitions prefetch at most 24 MiB.
            .set("queued.min.messages", "2000")
            .set("queued.max.messages.kbytes", "1024");
        config
    }

    fn client(&self, client_id: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Info)
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", client_id)
            // Reconnects within seconds when the cluster is available again, and finds new topics soon.
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("log.connection.close", "false")
            // The statistics name the brokers that a client knows, and their states.
            .set("statistics.interval.ms", "1000");
        config
    }

    fn finish(&self, mut config: ClientConfig) -> ClientConfig {
        for (key, value) in &self.extra {
            config.set(key, value);
        }
        config
    }
}

/// Shows the names of the extra settings only: their values can be passwords.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra: Vec<_> = self.extra.iter().map(|(key, _)| key).collect();
        f.debug_struct("KafkaSettings")
            .field("bootstrap", &self.bootstrap)
            .field("client_id", &self.client_id)
            .field("extra", &extra)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_settings_override_and_are_redacted() {
        let mut settings = KafkaSettings::new("localhost:9092", "bridge");
        settings.extra = vec![("linger.ms".into(), "7".into()), ("sasl.password".into(), "secret".into())];
        let config = settings.for_sink(&SinkSettings::new("bridge"));
        assert_eq!(config.get("linger.ms"), Some("7"));
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn librdkafka_knows_every_setting() {
        let settings = KafkaSettings::new("localhost:9092", "test");
        let configs = [
            settings.for_group(&GroupSettings::new("group", ["topic"])),
            settings.for_reader(),
            settings.for_query_client(None),
            settings.for_sink(&SinkSettings::new("sink")),
            settings.for_metadata(),
        ];
        for config in configs {
            config.create_native_config().expect("every name and value is known");
        }
    }
}
