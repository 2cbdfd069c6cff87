//! Positions sent by telephones: who may send them, and their way into the raw topic.

mod keys;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use runtime::Clock;
use schemas::catalogue::{self, Topic, topic};
use schemas::v1::{AppPosition, RawRecord, raw_record};
use schemas::{DeviceAddress, RecordId};
use streams::registry::{Schemas, TopicCodec};
use streams::{
    Acknowledge, Delivered, DeliveryError, Headers, Log, Outgoing, Receipt, Sink, SinkSettings, StreamError,
};
use tokio::sync::oneshot;

use crate::Surroundings;
use crate::watched::Watched;
pub(crate) use keys::{Keys, Sender, check};

/// Within it a position is in the log, or the sender is told that it is not.
const DEADLINE: Duration = Duration::from_secs(5);
/// A sender's shortest interval.
const INTERVAL: Duration = Duration::from_secs(1);
/// Positions on their way; more wait, and are refused at the deadline.
const QUEUE_RECORDS: usize = 10_000;

/// Writes positions into the raw topic.
pub(crate) struct Positions {
    keys: Arc<Watched<Keys>>,
    log: Arc<dyn Log>,
    schemas: Schemas,
    topic: Topic,
    topic_prefix: String,
    writer: tokio::sync::Mutex<Option<Writer>>,
    /// When each device last sent one. Bounded by the keys: only who has one gets here.
    last: Mutex<HashMap<u32, Duration>>,
}

#[derive(Clone)]
struct Writer {
    sink: Arc<dyn Sink>,
    codec: TopicCodec,
}

/// Why a position is not in the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotWritten {
    /// Less than a second after the one before.
    #[error("one position a second is enough")]
    TooSoon,
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

impl Positions {
    /// Reads the keys; the log is reached when the first position comes.
    ///
    /// # Errors
    /// The file cannot be used.
    pub(crate) fn open(file: &Path, surroundings: &Surroundings) -> anyhow::Result<Self> {
        Ok(Self {
            keys: keys::open(file)?,
            log: surroundings.log.clone(),
            schemas: surroundings.schemas.clone(),
            topic: catalogue::find(topic::RAW).expect("in the catalogue"),
            topic_prefix: surroundings.topic_prefix.clone(),
            writer: tokio::sync::Mutex::default(),
            last: Mutex::default(),
        })
    }

    /// Who may send.
    pub(crate) fn keys(&self) -> Arc<Watched<Keys>> {
        self.keys.clone()
    }

    /// Writes a position; its id is that of the record.
    ///
    /// # Errors
    /// It comes too soon, or the log does not take it. Where it was late it may still be taken: sent again, it is the same.
    pub(crate) async fn write(&self, position: AppPosition, clock: &Clock) -> Result<RecordId, NotWritten> {
        self.admit(position.device, clock.monotonic())?;
        tokio::select! {
            written = self.write_now(position, clock.now_us()) => written,
            () = clock.sleep(DEADLINE) => Err(NotWritten::Late),
        }
    }

    fn admit(&self, device: u32, now: Duration) -> Result<(), NotWritten> {
        let mut last = self.last.lock();
        if last.get(&device).is_some_and(|last| now.saturating_sub(*last) < INTERVAL) {
            return Err(NotWritten::TooSoon);
        }
        last.insert(device, now);
        Ok(())
    }

    async fn write_now(&self, position: AppPosition, now_us: u64) -> Result<RecordId, NotWritten> {
        let Writer { sink, codec } = self.writer().await?;
        let device = DeviceAddress(position.device);
        let input = Some(raw_record::Input::AppPosition(position));
        let raw = RawRecord { ingested_at_us: now_us, input, ..Default::default() };
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
            // Broken writers do not mend: the next position gets a new one.
            *self.writer.lock().await = None;
            return Err(error.into());
        }
        let delivered = answered.await.unwrap_or(Err(DeliveryError::Abandoned))?;
        Ok(RecordId::new(u16::try_from(delivered.partition).unwrap_or(u16::MAX), delivered.offset))
    }

    async fn writer(&self) -> Result<Writer, StreamError> {
        let mut writer = self.writer.lock().await;
        if let Some(writer) = &*writer {
            return Ok(writer.clone());
        }
        let codec = self.schemas.prepare(&self.topic_prefix, &self.topic).await?;
        let settings = SinkSettings { queue_records: QUEUE_RECORDS, ..SinkSettings::new("updraft-pusher-positions") };
        let made = Writer { sink: self.log.sink(settings)?, codec };
        *writer = Some(made.clone());
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
