//! What librdkafka is told, and why.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::{GroupSettings, SinkSettings, Start};

/// How long a question to the cluster may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach a cluster.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Brokers as `host:port`, separated by commas.
    pub bootstrap: String,
    /// Handed to librdkafka as they are, after our own and so above them: TLS, SASL, tuning.
    pub extra: Vec<(String, String)>,
    /// Names this program in the cluster's logs where nothing narrower does.
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
            // A partition that stays is never taken away in between.
            .set("partition.assignment.strategy", "cooperative-sticky");
        if !group.gather_time.is_zero() {
            // Answered when the time is over, or when so much is there.
            config
                .set("fetch.min.bytes", (256 << 10).to_string())
                .set("fetch.wait.max.ms", group.gather_time.as_millis().to_string());
        }
        self.finish(config)
    }

    /// Partitions assigned by hand: the group's name is only a name.
    pub(super) fn for_reader(&self) -> ClientConfig {
        let mut config = self.consumer(&self.client_id, Start::Earliest);
        config.set("group.id", format!("{}-reader", self.client_id));
        self.finish(config)
    }

    /// Asks for what is committed by a group, and is never a member of it.
    pub(super) fn for_asker(&self, group: Option<&str>) -> ClientConfig {
        let mut config = self.client(&format!("{}-watchdog", self.client_id));
        let group = group.map_or_else(|| format!("{}-watchdog", self.client_id), str::to_owned);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            // Nobody would read them.
            .set("statistics.interval.ms", "0");
        self.finish(config)
    }

    pub(super) fn for_sink(&self, sink: &SinkSettings) -> ClientConfig {
        let mut config = self.client(&sink.client_id);
        config
            // In order and once per record, also across retries; never given up, so that the caller's window is the brake.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("linger.ms", sink.linger.as_millis().to_string())
            // Cheap to make and to read; the network is not our bottleneck.
            .set("compression.type", "lz4")
            // Java's; librdkafka's own default would put a device elsewhere than other producers do.
            .set("partitioner", "murmur2_random")
            // The sink counts records itself. librdkafka counts one until the whole event that answered it is freed, so
            // that up to twice as many can be in its books.
            .set("queue.buffering.max.messages", (sink.queue_records * 2).to_string())
            .set("queue.buffering.max.kbytes", (sink.queue_bytes / 1024).max(1).to_string())
            // The topic's own limit decides what is too large, and the receipt says so; this is only against runaways.
            .set("message.max.bytes", "8388608");
        self.finish(config)
    }

    pub(super) fn for_watcher(&self) -> ClientConfig {
        let mut config = self.client(&self.client_id);
        config.set("message.timeout.ms", "10000");
        self.finish(config)
    }

    fn consumer(&self, client_id: &str, start: Start) -> ClientConfig {
        let mut config = self.client(client_id);
        config
            .set("auto.offset.reset", if start == Start::Earliest { "earliest" } else { "latest" })
            // A killed member's partitions move within 6 s; a member that polls (always) is not taken for dead.
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            // How long a partition waits to be fetched again after its queue was full: the default (1 s) is felt.
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.error.backoff.ms", "100")
            // A partition that joins waits for the fetch in flight; one that has data is answered at once anyway.
            .set("fetch.wait.max.ms", "50")
            // Per partition, since each has its own queue: 24 partitions keep at most 24 MiB ahead of the caller.
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
            // Back within seconds when the cluster is, and a topic made late is seen soon.
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("log.connection.close", "false")
            // Carries which brokers a client knows, and whether it is connected to any.
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
    fn extra_settings_come_last_and_their_values_are_not_shown() {
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
            settings.for_asker(None),
            settings.for_sink(&SinkSettings::new("sink")),
            settings.for_watcher(),
        ];
        for config in configs {
            config.create_native_config().expect("every name and value is known");
        }
    }
}
