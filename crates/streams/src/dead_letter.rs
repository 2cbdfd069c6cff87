//! Dead letters: unusable inputs, kept with the reason.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Headers, Incoming, Outgoing};

/// Header names of a dead letter.
pub mod header {
    /// The input's topic: a topic of the log or of MQTT.
    pub const SOURCE_TOPIC: &str = "source-topic";
    /// The input's partition, as decimal text; absent for MQTT.
    pub const SOURCE_PARTITION: &str = "source-partition";
    /// The input's offset, as decimal text; absent for MQTT.
    pub const SOURCE_OFFSET: &str = "source-offset";
    /// Why the input is unusable: a code.
    pub const REASON: &str = "reason";
    /// The program that wrote the dead letter.
    pub const SERVICE: &str = "service";
    /// That program's version.
    pub const SERVICE_VERSION: &str = "service-version";
    /// When the program wrote it, microseconds since the Unix epoch, as decimal text.
    pub const FAILED_AT_US: &str = "failed-at-us";
}

/// The origin of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetterSource {
    /// A record of the log.
    Log {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: u32,
        /// The offset.
        offset: u64,
    },
    /// A message of the MQTT broker.
    Mqtt {
        /// The topic; of a record that the log refused, the log's topic that it was for, where it got no offset.
        topic: String,
    },
}

/// An unusable input: its unchanged bytes, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The origin.
    pub source: DeadLetterSource,
    /// The reason: a code of the program's closed set.
    pub reason: &'static str,
    /// The program that wrote the dead letter.
    pub service: &'static str,
    /// That program's version.
    pub service_version: &'static str,
    /// The input's key, unchanged.
    pub key: Option<Bytes>,
    /// The input's value, unchanged.
    pub value: Option<Bytes>,
    /// The input's own time, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// When the program wrote the dead letter, microseconds since the Unix epoch.
    pub failed_at_us: u64,
}

impl DeadLetter {
    /// The dead letter of a record of the log; shares the record's memory.
    pub fn of_record(
        record: &Incoming,
        reason: &'static str,
        service: &'static str,
        version: &'static str,
        failed_at_us: u64,
    ) -> Self {
        Self {
            source: DeadLetterSource::Log {
                topic: record.topic.clone(),
                partition: record.partition,
                offset: record.offset,
            },
            reason,
            service,
            service_version: version,
            key: record.key.clone(),
            value: record.value.clone(),
            timestamp_ms: record.timestamp_ms,
            failed_at_us,
        }
    }

    /// The record to write to the dead-letter topic.
    pub fn into_record(self, topic: Arc<str>) -> Outgoing {
        let mut headers = Headers::new();
        match self.source {
            DeadLetterSource::Log { topic, partition, offset } => {
                headers.push(header::SOURCE_TOPIC, topic.as_bytes().to_vec());
                headers.push(header::SOURCE_PARTITION, partition.to_string());
                headers.push(header::SOURCE_OFFSET, offset.to_string());
            }
            DeadLetterSource::Mqtt { topic } => headers.push(header::SOURCE_TOPIC, topic),
        }
        headers.push(header::REASON, self.reason);
        headers.push(header::SERVICE, self.service);
        headers.push(header::SERVICE_VERSION, self.service_version);
        headers.push(header::FAILED_AT_US, self.failed_at_us.to_string());
        Outgoing { topic, partition: None, key: self.key, value: self.value, headers, timestamp_ms: self.timestamp_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(letter: DeadLetter) -> Vec<(String, String)> {
        let record = letter.into_record("fanet.dead-letter.v1".into());
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("text");
        record.headers.iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    fn letter() -> DeadLetter {
        let record = Incoming {
            topic: "fanet.raw.v1".into(),
            partition: 7,
            offset: 1234,
            timestamp_ms: 99,
            key: Some("110B90".into()),
            value: Some(Bytes::from_static(&[1, 2])),
            headers: Headers::new(),
        };
        DeadLetter::of_record(&record, "truncated", "processor", "1.2.3", 55)
    }

    #[test]
    fn every_header_has_its_value() {
        let expected = [
            ("source-topic", "fanet.raw.v1"),
            ("source-partition", "7"),
            ("source-offset", "1234"),
            ("reason", "truncated"),
            ("service", "processor"),
            ("service-version", "1.2.3"),
            ("failed-at-us", "55"),
        ];
        assert_eq!(headers(letter()), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn an_mqtt_message_has_neither_partition_nor_offset() {
        let letter = DeadLetter { source: DeadLetterSource::Mqtt { topic: "fb/b/x/f/1".into() }, ..letter() };
        let names: Vec<_> = headers(letter).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["source-topic", "reason", "service", "service-version", "failed-at-us"]);
    }

    #[test]
    fn key_value_and_time_are_unchanged() {
        let record = letter().into_record("dead".into());
        assert_eq!(record.key.as_deref(), Some(&b"110B90"[..]));
        assert_eq!(record.value.as_deref(), Some(&[1, 2][..]));
        assert_eq!((record.timestamp_ms, record.partition), (99, None));
    }
}
