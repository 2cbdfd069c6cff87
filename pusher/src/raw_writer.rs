//! The pusher's own way into the raw topic: what people send and order goes in among the frames.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use runtime::Clock;
use schemas::catalogue::{self, Topic, topic};
use schemas::v1::{RawRecord, raw_record};
use schemas::{DeviceAddress, RecordId};
use streams::registry::{Schemas, TopicCodec};
use streams::{
    Acknowledge, Delivered, DeliveryError, Headers, Log, Outgoing, Receipt, Sink, SinkSettings, StreamError,
};
use tokio::sync::oneshot;

use crate::Surroundings;

/// Within it a record is in the log, or the sender is told that it is not.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Records on their way; more wait, and are refused at the deadline.
const QUEUE_RECORDS: usize = 10_000;

/// Writes into the raw topic. The log is reached when the first record comes.
pub(crate) struct RawWriter {
    log: Arc<dyn Log>,
    schemas: Schemas,
    topic: Topic,
    topic_prefix: String,
    open: tokio::sync::Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    sink: Arc<dyn Sink>,
    codec: TopicCodec,
}

/// Why a record is not in the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotInLog {
    /// Not acknowledged in time.
    #[error("the log did not take it within {} s", DEADLINE.as_secs())]
    Late,
    /// The log or the registry cannot be reached, or refuses.
    #[error("the log does not take it now")]
    Stream(#[from] StreamError),
    /// The log gave up on it.
    #[error("the log did not take it")]
    Delivery(#[from] DeliveryError),
}

impl RawWriter {
    /// Reaches nobody yet.
    pub(crate) fn new(surroundings: &Surroundings) -> Self {
        Self {
            log: surroundings.log.clone(),
            schemas: surroundings.schemas.clone(),
            topic: catalogue::find(topic::RAW).expect("in the catalogue"),
            topic_prefix: surroundings.topic_prefix.clone(),
            open: tokio::sync::Mutex::default(),
        }
    }

    /// Writes an input about a device; the id of its record. It goes where the device's frames go.
    ///
    /// # Errors
    /// The log does not take it. Where it was late it may still be taken.
    pub(crate) async fn write(
        &self,
        device: DeviceAddress,
        input: raw_record::Input,
        clock: &Clock,
    ) -> Result<RecordId, NotInLog> {
        tokio::select! {
            written = self.write_now(device, input, clock.now_us()) => written,
            () = clock.sleep(DEADLINE) => Err(NotInLog::Late),
        }
    }

    async fn write_now(
        &self,
        device: DeviceAddress,
        input: raw_record::Input,
        now_us: u64,
    ) -> Result<RecordId, NotInLog> {
        let Open { sink, codec } = self.open().await?;
        let raw = RawRecord { ingested_at_us: now_us, input: Some(input), ..Default::default() };
        let record = Outgoing {
            topic: self.topic.full_name(&self.topic_prefix).into(),
            // By key, as frames of the same device go.
            partition: None,
            key: Some(Bytes::from(device.to_string())),
            value: Some(codec.encode(&raw)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(now_us / 1_000).unwrap_or(i64::MAX),
        };
        let (answer, answered) = oneshot::channel();
        let receipt = Receipt::new(Arc::new(Answer(Mutex::new(Some(answer)))), 0);
        if let Err(error) = sink.send(record, receipt).await {
            // Broken writers do not mend: the next record gets a new one.
            *self.open.lock().await = None;
            return Err(error.into());
        }
        let delivered = answered.await.unwrap_or(Err(DeliveryError::Abandoned))?;
        Ok(RecordId::new(u16::try_from(delivered.partition).unwrap_or(u16::MAX), delivered.offset))
    }

    async fn open(&self) -> Result<Open, StreamError> {
        let mut open = self.open.lock().await;
        if let Some(open) = &*open {
            return Ok(open.clone());
        }
        let codec = self.schemas.prepare(&self.topic_prefix, &self.topic).await?;
        let settings = SinkSettings { queue_records: QUEUE_RECORDS, ..SinkSettings::new("updraft-pusher") };
        let made = Open { sink: self.log.sink(settings)?, codec };
        *open = Some(made.clone());
        Ok(made)
    }
}

struct Answer(Mutex<Option<oneshot::Sender<Result<Delivered, DeliveryError>>>>);

impl Acknowledge for Answer {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        if let Some(answer) = self.0.lock().take() {
            // Nobody waits any more where the deadline has passed.
            let _ = answer.send(outcome);
        }
    }
}
