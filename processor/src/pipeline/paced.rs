//! Two writers behind one port: what maps wait for goes at once, what is kept for the record gathers first.
//!
//! A producer makes one request per partition, so a record that is sent at once is a request of its own: work for the
//! cluster, and time that the next state waits. Where nobody waits, a quarter of a second makes one request of many
//! records.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use streams::{Log, Outgoing, Receipt, SendRefused, Sink, SinkSettings, StreamError};

/// How long records of patient topics wait for others.
const GATHER_TIME: Duration = Duration::from_millis(250);
/// Over two, 2,500 states a second wait less for each other than over one.
const HASTY_CONNECTIONS: usize = 2;

/// Sorts records by their topic's patience; per topic the order stays.
pub(crate) struct PacedSink {
    hasty: Arc<dyn Sink>,
    patient: Arc<dyn Sink>,
    patient_topics: Vec<Arc<str>>,
}

impl PacedSink {
    /// Opens both writers, or one where every topic is in a hurry.
    ///
    /// # Errors
    /// As [`Log::sink`].
    pub(crate) fn open(
        log: &dyn Log,
        client_id: &str,
        patient_topics: Vec<Arc<str>>,
    ) -> Result<Arc<dyn Sink>, StreamError> {
        let hasty = log.sink(SinkSettings { connections: HASTY_CONNECTIONS, ..SinkSettings::new(client_id) })?;
        if patient_topics.is_empty() {
            return Ok(hasty);
        }
        let settings = SinkSettings { linger: GATHER_TIME, ..SinkSettings::new(format!("{client_id}-gathered")) };
        let patient = log.sink(settings)?;
        Ok(Arc::new(Self { hasty, patient, patient_topics }))
    }

    fn writer(&self, record: &Outgoing) -> &dyn Sink {
        let gathers = self.patient_topics.contains(&record.topic);
        if gathers { self.patient.as_ref() } else { self.hasty.as_ref() }
    }
}

#[async_trait]
impl Sink for PacedSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        self.writer(&record).try_send(record, receipt)
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.writer(&record).send(record, receipt).await
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        tokio::try_join!(self.hasty.flush(deadline), self.patient.flush(deadline)).map(drop)
    }
}
