//! Writes single records into a topic, each with the outcome for the request that waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use runtime::Clock;
use runtime::trace::{TraceContext, Tracer};
use schemas::RecordId;
use streams::trace::{RecordTracer, ending};
use streams::{
    Acknowledge, Cluster, Delivered, DeliveryError, Headers, Outgoing, Receipt, Sink, SinkSettings, StreamError, Topic,
};
use tokio::sync::oneshot;

/// Time in which the log has to accept a record; then the request fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Unacknowledged records. Further ones wait and fail at the deadline.
const QUEUE_RECORDS: usize = 10_000;

/// Writes into one topic. The first record opens the sink.
pub(crate) struct LogWriter {
    cluster: Cluster,
    /// Name in the catalogue.
    topic: &'static str,
    traces: RecordTracer,
    output: tokio::sync::Mutex<Option<Output>>,
}

#[derive(Clone)]
struct Output {
    sink: Arc<dyn Sink>,
    topic: Topic,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// No acknowledgement in time.
    #[error("the log did not acknowledge the record within {} s", DEADLINE.as_secs())]
    Timeout,
    /// The log or the registry is unreachable, or refuses.
    #[error("the log is not available")]
    Stream(#[from] StreamError),
    /// The log gave up the delivery.
    #[error("the record was not delivered")]
    Delivery(#[from] DeliveryError),
}

impl LogWriter {
    /// Not connected yet.
    pub(crate) fn new(cluster: Cluster, topic: &'static str, tracer: Tracer) -> Self {
        let traces = RecordTracer::new(tracer, cluster.log.as_ref());
        Self { cluster, topic, traces, output: tokio::sync::Mutex::default() }
    }

    /// Writes a record into the partition of its key, and returns its id once the log has it; without a value, a tombstone.
    /// `at_us`: its time. `cause`: the span of the request, where it is traced.
    ///
    /// # Errors
    /// As [`WriteError`]. After a timeout the record may still be written.
    pub(crate) async fn write(
        &self,
        key: String,
        value: Option<&impl Message>,
        at_us: u64,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, WriteError> {
        self.write_to(None, key, value, at_us, cause, clock).await
    }

    /// The same into a partition, or by key, of a record or, without a value, of a tombstone.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) async fn write_to(
        &self,
        partition: Option<u32>,
        key: String,
        value: Option<&impl Message>,
        at_us: u64,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, WriteError> {
        tokio::select! {
            written = self.write_and_wait(partition, key, value, at_us, cause, clock) => written,
            () = clock.sleep(DEADLINE) => Err(WriteError::Timeout),
        }
    }

    async fn write_and_wait(
        &self,
        partition: Option<u32>,
        key: String,
        value: Option<&impl Message>,
        at_us: u64,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, WriteError> {
        let Output { sink, topic } = self.open().await?;
        let mut record = Outgoing {
            topic: topic.name.clone(),
            partition,
            key: Some(Bytes::from(key)),
            value: value.map(|value| topic.codec.encode(value)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(at_us / 1_000).unwrap_or(i64::MAX),
        };
        let (sender, outcome) = oneshot::channel();
        let receipt = Receipt::new(Arc::new(Acknowledgement(Mutex::new(Some(sender)))), 0);
        let span = cause.and_then(|cause| self.traces.send_below(cause, "log", &mut record, clock.timestamp()));
        let receipt = match span {
            Some(span) => ending(span, receipt),
            None => receipt,
        };
        if let Err(error) = sink.send(record, receipt).await {
            // A sink that has failed once stays broken: the next record opens a new one.
            *self.output.lock().await = None;
            return Err(error.into());
        }
        let delivered = outcome.await.unwrap_or(Err(DeliveryError::Abandoned))?;
        Ok(RecordId::new(u16::try_from(delivered.partition).unwrap_or(u16::MAX), delivered.offset))
    }

    async fn open(&self) -> Result<Output, StreamError> {
        let mut output = self.output.lock().await;
        if let Some(output) = &*output {
            return Ok(output.clone());
        }
        // Where it does not exist (yet), a broker may create it with other settings than those of the catalogue.
        self.cluster.log.partitions(&self.cluster.full_name(self.topic)).await?;
        let topic = self.cluster.try_topic(self.topic).await?;
        let settings = SinkSettings { queue_records: QUEUE_RECORDS, ..SinkSettings::new("updraft-pusher") };
        let opened = Output { sink: self.cluster.log.sink(settings)?, topic };
        *output = Some(opened.clone());
        Ok(opened)
    }
}

/// Passes the outcome to the request that waits for it.
struct Acknowledgement(Mutex<Option<oneshot::Sender<Result<Delivered, DeliveryError>>>>);

impl Acknowledge for Acknowledgement {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        if let Some(sender) = self.0.lock().take() {
            // Fails where the request has timed out.
            let _ = sender.send(outcome);
        }
    }
}
