//! The pusher's own way into the raw topic: what people send and order goes in among the frames.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use runtime::Clock;
use runtime::trace::{TraceContext, Tracer};
use schemas::catalogue::topic;
use schemas::v1::{RawRecord, raw_record};
use schemas::{DeviceAddress, RecordId};
use streams::trace::{RecordTracer, ending};
use streams::{
    Acknowledge, Cluster, Delivered, DeliveryError, Headers, Outgoing, Receipt, Sink, SinkSettings, StreamError, Topic,
};
use tokio::sync::oneshot;

/// Within it a record is in the log, or the sender is told that it is not.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Records on their way; more wait, and are refused at the deadline.
const QUEUE_RECORDS: usize = 10_000;

/// Writes into the raw topic. The log is reached when the first record comes.
pub(crate) struct RawWriter {
    cluster: Cluster,
    traces: RecordTracer,
    open: tokio::sync::Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    sink: Arc<dyn Sink>,
    topic: Topic,
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
    pub(crate) fn new(cluster: Cluster, tracer: Tracer) -> Self {
        let traces = RecordTracer::new(tracer, cluster.log.as_ref());
        Self { cluster, traces, open: tokio::sync::Mutex::default() }
    }

    /// Writes an input about a device; the id of its record. It goes where the device's frames go. `cause`: the span of
    /// the request, where that is traced.
    ///
    /// # Errors
    /// The log does not take it. Where it was late it may still be taken.
    pub(crate) async fn write(
        &self,
        device: DeviceAddress,
        input: raw_record::Input,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, NotInLog> {
        tokio::select! {
            written = self.write_now(device, input, cause, clock) => written,
            () = clock.sleep(DEADLINE) => Err(NotInLog::Late),
        }
    }

    async fn write_now(
        &self,
        device: DeviceAddress,
        input: raw_record::Input,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, NotInLog> {
        let now_us = clock.now_us();
        let Open { sink, topic } = self.open().await?;
        let raw = RawRecord { ingested_at_us: now_us, input: Some(input), ..Default::default() };
        let mut record = Outgoing {
            topic: topic.name.clone(),
            // By key, as frames of the same device go.
            partition: None,
            key: Some(Bytes::from(device.to_string())),
            value: Some(topic.codec.encode(&raw)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(now_us / 1_000).unwrap_or(i64::MAX),
        };
        let (answer, answered) = oneshot::channel();
        let receipt = Receipt::new(Arc::new(Answer(Mutex::new(Some(answer)))), 0);
        let span = cause.and_then(|cause| self.traces.send_below(cause, "log", &mut record, clock.timestamp()));
        let receipt = match span {
            Some(span) => ending(span, receipt),
            None => receipt,
        };
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
        let topic = self.cluster.try_topic(topic::RAW).await?;
        let settings = SinkSettings { queue_records: QUEUE_RECORDS, ..SinkSettings::new("updraft-pusher") };
        let made = Open { sink: self.cluster.log.sink(settings)?, topic };
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
