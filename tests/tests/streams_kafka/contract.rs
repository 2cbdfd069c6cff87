//! The contract tests of the log with Apache Kafka.

use std::time::Duration;

use harness::{Kafka, KafkaOptions, Stack, unique_prefix};
use streams::contract::Fixture;
use streams::{KafkaLog, KafkaSettings, Log};

struct OnKafka {
    log: KafkaLog,
    prefix: String,
    /// Only for the case that restarts Kafka.
    own: Option<Kafka>,
}

#[async_trait::async_trait]
impl Fixture for OnKafka {
    fn log(&self) -> &dyn Log {
        &self.log
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Kills Kafka: acknowledged records must survive.
    async fn restart(&self) {
        let node = self.own.as_ref().expect("a Kafka of its own").node(0);
        node.kill().await.expect("killed");
        node.start().await.expect("started again");
    }

    fn unresponsive_after(&self) -> Duration {
        MAX_POLL_INTERVAL + Duration::from_secs(1)
    }

    fn holds_the_log_in_memory(&self) -> bool {
        false
    }
}

/// As short as the session time-out allows, to test quickly that a caller that does not read stays a member.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(6);

async fn fixture(case: &str) -> OnKafka {
    let own = match case {
        "records_arrive_once_across_a_restart" => {
            Some(Kafka::start(KafkaOptions::default()).await.expect("Kafka of its own"))
        }
        _ => None,
    };
    let bootstrap = match &own {
        Some(kafka) => kafka.bootstrap(),
        None => Stack::shared().kafka().await.expect("Kafka").bootstrap(),
    };
    let settings = KafkaSettings {
        extra: vec![
            ("max.poll.interval.ms".into(), MAX_POLL_INTERVAL.as_millis().to_string()),
            // The time for which an unknown topic may still be created: the default is 30 s.
            ("topic.metadata.propagation.max.ms".into(), "2000".into()),
        ],
        ..KafkaSettings::new(bootstrap, "contract")
    };
    let log = KafkaLog::connect(settings).expect("good settings");
    OnKafka { log, prefix: unique_prefix("contract"), own }
}

streams::contract!(fixture);
