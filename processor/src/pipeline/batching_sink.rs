//! Two producers behind one [`Sink`]: records that maps need are sent at once, records for history and statistics are
//! batched first.
//!
//! A producer makes one request per partition, so a record that is sent at once is a request of its own: it costs the cluster
//! work and delays the next state. For topics without a latency requirement, a quarter of a second makes one request of many
//! records.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use streams::{Log, Outgoing, Receipt, SendRefused, Sink, SinkSettings, StreamError};

/// How long records of batched topics wait for others.
const LINGER: Duration = Duration::from_millis(250);
/// With two connections, 2,500 states a second wait less for each other than with one.
const IMMEDIATE_CONNECTIONS: usize = 2;

/// Selects the producer by the record's topic; the order within a topic stays.
pub(crate) struct BatchingSink {
    immediate: Arc<dyn Sink>,
    batched: Arc<dyn Sink>,
    batched_topics: Vec<Arc<str>>,
}

impl BatchingSink {
    /// Opens both producers, or one where no topic is batched.
    ///
    /// # Errors
    /// As [`Log::sink`].
    pub(crate) fn open(
        log: &dyn Log,
        client_id: &str,
        batched_topics: Vec<Arc<str>>,
    ) -> Result<Arc<dyn Sink>, StreamError> {
        let settings = SinkSettings { connections: IMMEDIATE_CONNECTIONS, ..SinkSettings::new(client_id) };
        let immediate = log.sink(settings)?;
        if batched_topics.is_empty() {
            return Ok(immediate);
        }
        let settings = SinkSettings { linger: LINGER, ..SinkSettings::new(format!("{client_id}-gathered")) };
        let batched = log.sink(settings)?;
        Ok(Arc::new(Self { immediate, batched, batched_topics }))
    }

    fn producer(&self, record: &Outgoing) -> &dyn Sink {
        let is_batched = self.batched_topics.contains(&record.topic);
        if is_batched { self.batched.as_ref() } else { self.immediate.as_ref() }
    }
}

#[async_trait]
impl Sink for BatchingSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        self.producer(&record).try_send(record, receipt)
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.producer(&record).send(record, receipt).await
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        tokio::try_join!(self.immediate.flush(deadline), self.batched.flush(deadline)).map(drop)
    }
}
