//! Turns a message into a record for the raw topic, or a dead letter with its reason.

use bytes::Bytes;
use envelope::Topic;
use streams::{DeadLetter, DeadLetterSource, Headers, Outgoing};

use crate::dependencies::Dependencies;
use crate::in_flight::InFlightMessage;
use crate::raw::{self, Keyed};
use crate::reject::Reject;

const SERVICE: &str = "bridge";

pub(crate) struct Intake {
    dependencies: Dependencies,
    prefixes: Vec<String>,
}

impl Intake {
    pub(crate) fn new(dependencies: Dependencies, prefixes: Vec<String>) -> Self {
        Self { dependencies, prefixes }
    }

    /// Builds the record or the dead letter of a message.
    pub(crate) fn in_flight(&self, topic: &[u8], payload: &Bytes) -> InFlightMessage {
        let now_us = self.dependencies.context.clock.now_us();
        let received_at = self.dependencies.context.clock.monotonic();
        let keyed = std::str::from_utf8(topic)
            .ok()
            .and_then(|topic| Topic::parse(topic, &self.prefixes))
            .ok_or(Reject::Topic)
            .and_then(|topic| raw::record_of(topic, payload.clone(), now_us));
        match keyed {
            Ok(keyed) => {
                InFlightMessage { record: self.record(keyed, now_us), received_at, dead_letter: None, span: None }
            }
            Err(reject) => {
                let source = DeadLetterSource::Mqtt { topic: String::from_utf8_lossy(topic).into_owned() };
                let letter = self.letter(source, reject, now_us);
                let letter = DeadLetter { value: Some(payload.clone()), timestamp_ms: millis(now_us), ..letter };
                let record = letter.into_record(self.dependencies.dead_letter_topic.clone());
                InFlightMessage { record, received_at, dead_letter: Some(reject), span: None }
            }
        }
    }

    /// The placeholder of a message that this bridge does not forward: it is never sent.
    pub(crate) fn skipped(&self) -> InFlightMessage {
        let received_at = self.dependencies.context.clock.monotonic();
        let topic = self.dependencies.raw.name.clone();
        let headers = Headers::new();
        let record = Outgoing { topic, partition: None, key: None, value: None, headers, timestamp_ms: 0 };
        InFlightMessage { record, received_at, dead_letter: None, span: None }
    }

    /// A record that the log permanently refuses becomes a dead letter.
    pub(crate) fn convert_to_dead_letter(&self, in_flight: &mut InFlightMessage) {
        let source = DeadLetterSource::Mqtt { topic: self.dependencies.raw.name.to_string() };
        let letter = DeadLetter {
            key: in_flight.record.key.clone(),
            value: in_flight.record.value.clone(),
            timestamp_ms: in_flight.record.timestamp_ms,
            ..self.letter(source, Reject::RefusedByLog, self.dependencies.context.clock.now_us())
        };
        in_flight.record = letter.into_record(self.dependencies.dead_letter_topic.clone());
        in_flight.dead_letter = Some(Reject::RefusedByLog);
    }

    fn record(&self, Keyed { key, record }: Keyed, now_us: u64) -> Outgoing {
        Outgoing {
            topic: self.dependencies.raw.name.clone(),
            partition: None,
            key: Some(key),
            value: Some(self.dependencies.raw.codec.encode(&record)),
            headers: Headers::new(),
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
