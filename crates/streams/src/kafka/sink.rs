//! The port's writer on a producer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Semaphore;

use super::errors::delivery_error;
use super::producer::Producer;
use crate::{Outgoing, Receipt, SendRefused, Sink, SinkSettings, StreamError};

/// How often a record that waits for room in bytes is retried without a wake-up.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

pub(super) struct KafkaSink {
    producer: Producer,
    /// One permit per record that may be in flight; senders wait for permits in order.
    room: Arc<Semaphore>,
    queue_records: u32,
}

impl KafkaSink {
    pub(super) fn new(producer: Producer, settings: &SinkSettings) -> Result<Self, StreamError> {
        let queue_records = u32::try_from(settings.queue_records)
            .ok()
            .filter(|records| *records > 0)
            .ok_or_else(|| StreamError::fatal("bad_settings", "open a sink", "queue_records must be at least 1"))?;
        let room = Arc::new(Semaphore::new(settings.queue_records));
        let outcomes = Arc::downgrade(producer.outcomes());
        producer.outcomes().on_answer({
            let room = room.clone();
            move || {
                room.add_permits(1);
                if let Some(outcomes) = outcomes.upgrade() {
                    outcomes.room.notify_waiters();
                }
            }
        });
        Ok(Self { producer, room, queue_records })
    }

    fn broken(&self) -> Option<StreamError> {
        self.producer.outcomes().fatal().map(|cause| StreamError::fatal("fenced", "send a record", cause.to_string()))
    }

    /// Requires a permit; releases it with a refused record.
    #[allow(clippy::result_large_err, reason = "the refused record is returned, as in the port")]
    fn produce(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        let sent = self.producer.send(BaseRecord {
            topic: &record.topic,
            partition: record.partition.map(u32::cast_signed),
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: Some(record.timestamp_ms),
            headers: headers(&record),
            delivery_opaque: Box::new(receipt),
        });
        let Err((code, receipt)) = sent else { return Ok(()) };
        match code {
            RDKafkaErrorCode::QueueFull => {
                self.room.add_permits(1);
                let error = StreamError::transient("queue_full", "send a record", code);
                Err(SendRefused { record, receipt, error })
            }
            RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced => {
                self.room.add_permits(1);
                let error = self.broken().unwrap_or_else(|| StreamError::fatal("fenced", "send a record", code));
                Err(SendRefused { record, receipt, error })
            }
            code => {
                let detail = format!("{}: {code}", record.topic);
                self.producer.outcomes().refuse(receipt, delivery_error(code, detail));
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Sink for KafkaSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        if let Some(error) = self.broken() {
            return Err(SendRefused { record, receipt, error });
        }
        match self.room.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(full) => {
                let error = StreamError::transient("queue_full", "send a record", full);
                return Err(SendRefused { record, receipt, error });
            }
        }
        self.produce(record, receipt)
    }

    async fn send(&self, mut record: Outgoing, mut receipt: Receipt) -> Result<(), StreamError> {
        loop {
            if let Some(error) = self.broken() {
                return Err(error);
            }
            self.room.acquire().await.expect("never closed").forget();
            // Before the attempt, so that no answer in between is missed.
            let room = self.producer.outcomes().room.notified();
            match self.produce(record, receipt) {
                Ok(()) => return Ok(()),
                Err(refused) if !refused.is_full() => return Err(refused.error),
                // There is room for records but not for bytes: wait for an answer.
                Err(refused) => (record, receipt) = (refused.record, refused.receipt),
            }
            // librdkafka frees a record's bytes after its answer, so that the wake-up of the last answer can come too
            // early.
            let _ = tokio::time::timeout(RETRY_INTERVAL, room).await;
        }
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        match tokio::time::timeout(deadline, self.room.acquire_many(self.queue_records)).await {
            Ok(_) => Ok(()),
            Err(elapsed) => Err(StreamError::transient("timeout", "flush", elapsed)),
        }
    }
}

fn headers(record: &Outgoing) -> Option<OwnedHeaders> {
    if record.headers.is_empty() {
        return None;
    }
    let headers = OwnedHeaders::new_with_capacity(record.headers.len());
    Some(
        record
            .headers
            .iter()
            .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(&value[..]) })),
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::kafka::brokers::tests::NONE;
    use crate::{DeliveryError, Flush, Headers, KafkaLog, KafkaSettings, Log};

    #[tokio::test]
    async fn a_stranded_writer_fails_all_records() {
        // It accepts connections and never answers.
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let bootstrap = silent.local_addr().expect("bound").to_string();
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "test")).expect("a log");
        let settings = SinkSettings::new("test");
        let config = log.client.settings.for_sink(&settings);
        let producer = Producer::open(&config, log.client.health.clone()).expect("a producer");
        let sink = KafkaSink::new(producer, &settings).expect("a sink");
        let record = Outgoing {
            topic: "topic".into(),
            partition: Some(0),
            key: None,
            value: None,
            headers: Headers::new(),
            timestamp_ms: 0,
        };
        let flush = Flush::new();
        sink.send(record.clone(), flush.receipt()).await.expect("taken");
        sink.producer.strand(NONE);
        let error = flush.wait().await.expect_err("not written");
        assert!(matches!(&error, DeliveryError::Fatal { .. }), "{error:?}");
        let error = sink.send(record, flush.receipt()).await.expect_err("broken");
        assert!(!error.is_transient(), "{error:?}");
        assert_eq!(log.sink(settings).map(drop).map_err(|error| error.reason()), Ok(()), "the next writer opens");
    }
}
