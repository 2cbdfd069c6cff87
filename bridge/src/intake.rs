//! A message becomes what is carried: a record for the raw topic, or a dead letter with its reason.

use std::time::Duration;

use bytes::Bytes;
use streams::{DeadLetter, DeadLetterSource, Headers, Outgoing};

use crate::Outfit;
use crate::raw::{self, Keyed};
use crate::reject::Reject;
use crate::topic;

const SERVICE: &str = "bridge";

/// A message under way: its record, and when it came (monotonic).
pub(crate) struct Carried {
    pub(crate) record: Outgoing,
    pub(crate) received_at: Duration,
    /// Why it goes to the dead letters.
    pub(crate) dead_letter: Option<Reject>,
}

pub(crate) struct Intake {
    outfit: Outfit,
    prefixes: Vec<String>,
}

impl Intake {
    pub(crate) fn new(outfit: Outfit, prefixes: Vec<String>) -> Self {
        Self { outfit, prefixes }
    }

    /// Takes a message in as it came.
    pub(crate) fn carried(&self, topic: &[u8], payload: &Bytes) -> Carried {
        let now_us = self.outfit.context.clock.now_us();
        let received_at = self.outfit.context.clock.monotonic();
        let keyed = std::str::from_utf8(topic)
            .map_err(|_| Reject::Topic)
            .and_then(|topic| topic::parse(topic, &self.prefixes))
            .and_then(|topic| raw::record_of(topic, payload.clone(), now_us));
        match keyed {
            Ok(keyed) => Carried { record: self.record(keyed, now_us), received_at, dead_letter: None },
            Err(reject) => {
                let source = DeadLetterSource::Mqtt { topic: String::from_utf8_lossy(topic).into_owned() };
                let letter = self.letter(source, reject, now_us);
                let letter = DeadLetter { value: Some(payload.clone()), timestamp_ms: millis(now_us), ..letter };
                let record = letter.into_record(self.outfit.dead_letter_topic.clone());
                Carried { record, received_at, dead_letter: Some(reject) }
            }
        }
    }

    /// What stands for a message that is another bridge's to carry: it is never sent.
    pub(crate) fn not_ours(&self) -> Carried {
        let received_at = self.outfit.context.clock.monotonic();
        let topic = self.outfit.raw_topic.clone();
        let headers = Headers::new();
        let record = Outgoing { topic, partition: None, key: None, value: None, headers, timestamp_ms: 0 };
        Carried { record, received_at, dead_letter: None }
    }

    /// What the log will never take becomes a dead letter.
    pub(crate) fn put_aside(&self, carried: &mut Carried) {
        let source = DeadLetterSource::Mqtt { topic: self.outfit.raw_topic.to_string() };
        let letter = DeadLetter {
            key: carried.record.key.clone(),
            value: carried.record.value.clone(),
            timestamp_ms: carried.record.timestamp_ms,
            ..self.letter(source, Reject::RefusedByLog, self.outfit.context.clock.now_us())
        };
        carried.record = letter.into_record(self.outfit.dead_letter_topic.clone());
        carried.dead_letter = Some(Reject::RefusedByLog);
    }

    fn record(&self, Keyed { key, record }: Keyed, now_us: u64) -> Outgoing {
        let mut headers = Headers::new();
        if let Some(traceparent) = self.outfit.traces.start() {
            headers.push("traceparent", traceparent);
        }
        Outgoing {
            topic: self.outfit.raw_topic.clone(),
            partition: None,
            key: Some(key),
            value: Some(self.outfit.raw_codec.encode(&record)),
            headers,
            timestamp_ms: millis(now_us),
        }
    }

    fn letter(&self, source: DeadLetterSource, reject: Reject, now_us: u64) -> DeadLetter {
        DeadLetter {
            source,
            reason: reject.reason(),
            service: SERVICE,
            service_version: env!("CARGO_PKG_VERSION"),
            key: None,
            value: None,
            timestamp_ms: 0,
            failed_at_us: now_us,
        }
    }
}

fn millis(us: u64) -> i64 {
    i64::try_from(us / 1000).unwrap_or(i64::MAX)
}
