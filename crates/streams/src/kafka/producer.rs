//! A producer and its thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::brokers::{BrokerMonitor, WHY_STRANDED};
use super::context::log;
use super::errors::{classify, delivery_error};
use super::health::HealthMonitor;
use crate::watchdog::StallTimer;
use crate::{Delivered, DeliveryError, Receipt, StreamError};

/// How long one poll waits: a stop waits for its end. Acknowledgements end the wait immediately. The binding rounds the
/// remaining time down to milliseconds and spins during the last one, so that each poll costs a millisecond of CPU.
const POLL_TIMEOUT: Duration = Duration::from_millis(250);
/// A producer without acknowledgements for this long is broken when the cluster answers other clients.
const STALLED_AFTER: Duration = Duration::from_secs(15);

/// The cause in the errors of a stalled producer.
const WHY_STALLED: &str = "the cluster answers other clients but acknowledges no record of this writer: open a new one";

/// A producer, polled by a thread of its own until it is dropped. Dropping it abandons what is not acknowledged.
pub(super) struct Producer {
    producer: Arc<BaseProducer<ProducerEvents>>,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    pub(super) fn open(config: &ClientConfig, health: Arc<HealthMonitor>) -> Result<Self, StreamError> {
        let events = ProducerEvents { brokers: BrokerMonitor::new(health), outcomes: Arc::default() };
        let producer: BaseProducer<ProducerEvents> =
            config.create_with_context(events).map_err(|error| classify(error, "open a producer"))?;
        let producer = Arc::new(producer);
        let thread = std::thread::Builder::new().name("kafka-producer".into()).spawn({
            let producer = producer.clone();
            move || {
                let (mut acknowledgements, began) = (StallTimer::default(), Instant::now());
                while !producer.context().outcomes.closing.load(Ordering::Relaxed) {
                    producer.poll(POLL_TIMEOUT);
                    producer.context().outcomes.answer_refused();
                    break_stalled(&producer, &mut acknowledgements, began.elapsed());
                    break_stranded(&producer);
                }
                producer.context().outcomes.answer_refused();
            }
        });
        let thread = thread.map_err(|cause| StreamError::fatal("closed", "start a producer's thread", cause))?;
        Ok(Self { producer, thread: Some(thread) })
    }

    /// For requests to the cluster.
    pub(super) fn client(&self) -> &Client<impl ClientContext> {
        self.producer.client()
    }

    /// Simulates these statistics of librdkafka.
    #[cfg(test)]
    pub(super) fn strand(&self, statistics: &[u8]) {
        for _ in 0..2 {
            self.producer.context().brokers.statistics(statistics);
        }
    }

    pub(super) fn outcomes(&self) -> &Arc<Outcomes> {
        &self.producer.context().outcomes
    }

    /// Passes a record to librdkafka, which copies it.
    #[allow(clippy::result_large_err, reason = "the receipt is returned")]
    pub(super) fn send(
        &self,
        record: BaseRecord<'_, [u8], [u8], Box<Receipt>>,
    ) -> Result<(), (RDKafkaErrorCode, Receipt)> {
        self.outcomes().sent.fetch_add(1, Ordering::Relaxed);
        self.producer.send(record).map_err(|(error, record)| {
            self.outcomes().sent.fetch_sub(1, Ordering::Relaxed);
            // Only a name with a zero byte has no code.
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::InvalidArgument);
            (code, *record.delivery_opaque)
        })
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.outcomes().closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a producer's thread panicked");
        }
    }
}

/// Breaks a producer whose records are not acknowledged although the cluster answers other clients.
fn break_stalled(producer: &BaseProducer<ProducerEvents>, acknowledgements: &mut StallTimer, now: Duration) {
    let ProducerEvents { brokers, outcomes } = producer.context().as_ref();
    let answered = outcomes.answered_by_log.load(Ordering::Relaxed);
    let is_due = brokers.cluster_answers() && outcomes.sent.load(Ordering::Relaxed) != answered;
    if acknowledgements.observe(now, is_due, answered) < STALLED_AFTER {
        return;
    }
    if outcomes.fatal.set(WHY_STALLED.into()).is_ok() {
        tracing::warn!(seconds = STALLED_AFTER.as_secs(), "a producer gets no acknowledgements and must be replaced");
    }
    brokers.set_stranded();
}

/// Breaks a producer that has lost all brokers: all its records fail. Called after each poll, since a record may have
/// arrived just before the producer was marked as broken.
fn break_stranded(producer: &BaseProducer<ProducerEvents>) {
    let ProducerEvents { brokers, outcomes } = producer.context().as_ref();
    if !brokers.is_stranded() {
        return;
    }
    if outcomes.fatal.set(WHY_STRANDED.into()).is_ok() {
        tracing::warn!("a producer has lost all brokers and must be replaced");
    }
    producer.purge(PurgeConfig::default().queue().inflight());
}

/// The outcomes of records.
#[derive(Default)]
pub(super) struct Outcomes {
    /// Set once: the producer is broken and must be replaced.
    fatal: OnceLock<Arc<str>>,
    /// Set when the producer is dropped: its thread ends, and the records that are purged from then on are abandoned.
    closing: AtomicBool,
    /// Records that librdkafka refused; their receipts are answered from the producer's thread, like all others.
    refused: Mutex<Vec<(Receipt, DeliveryError)>>,
    /// How many records librdkafka has accepted, and how many of them it has answered.
    sent: AtomicU64,
    answered_by_log: AtomicU64,
    /// Called after each answer.
    answered: OnceLock<Box<dyn Fn() + Send + Sync>>,
    pub(super) room: Notify,
}

impl Outcomes {
    pub(super) fn fatal(&self) -> Option<&Arc<str>> {
        self.fatal.get()
    }

    pub(super) fn on_answer(&self, hook: impl Fn() + Send + Sync + 'static) {
        // Set once, right after the producer is created.
        let _ = self.answered.set(Box::new(hook));
    }

    pub(super) fn refuse(&self, receipt: Receipt, error: DeliveryError) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push((receipt, error));
    }

    /// The error of a record by librdkafka's code. librdkafka also purges records after a fatal error, which may be
    /// reported after the purge.
    fn error_of(&self, code: RDKafkaErrorCode, detail: String) -> DeliveryError {
        match delivery_error(code, detail) {
            DeliveryError::Abandoned if !self.closing.load(Ordering::Relaxed) => {
                let detail = self.fatal().cloned().unwrap_or_else(|| "the writer is broken".into());
                DeliveryError::Fatal { detail }
            }
            error => error,
        }
    }

    fn answer_refused(&self) {
        let refused = std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        refused.into_iter().for_each(|(receipt, error)| self.answer(receipt, Err(error)));
    }

    fn answer(&self, receipt: Receipt, outcome: Result<Delivered, DeliveryError>) {
        receipt.answer(outcome);
        if let Some(hook) = self.answered.get() {
            hook();
        }
    }
}

/// A producer's callbacks. They run on its thread.
struct ProducerEvents {
    brokers: BrokerMonitor,
    outcomes: Arc<Outcomes>,
}

impl ClientContext for ProducerEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.statistics(statistics);
    }

    fn error(&self, error: KafkaError, text: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) && self.outcomes.fatal.set(text.into()).is_ok() {
            tracing::error!("kafka producer is broken: {text}");
        }
        self.brokers.error(&error, text);
    }
}

impl ProducerContext for ProducerEvents {
    type DeliveryOpaque = Box<Receipt>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Box<Receipt>) {
        let outcome = match result {
            Ok(message) => {
                Ok(Delivered { partition: message.partition().unsigned_abs(), offset: message.offset().unsigned_abs() })
            }
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                Err(self.outcomes.error_of(code, format!("{}: {code}", message.topic())))
            }
        };
        self.outcomes.answered_by_log.fetch_add(1, Ordering::Relaxed);
        self.outcomes.answer(*receipt, outcome);
    }
}
