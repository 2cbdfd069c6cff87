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

use super::context::log;
use super::errors::{classify, delivery_error};
use super::health::Monitor;
use super::lookout::{Lookout, WHY_STRANDED};
use crate::watchdog::Standstill;
use crate::{Delivered, DeliveryError, Receipt, StreamError};

/// How long a round of polling takes: a stop waits for its end. Acknowledgements wake it at once. The binding counts what is
/// left of it in whole milliseconds, and asks again and again during the last one: each round costs one.
const ROUND: Duration = Duration::from_millis(250);
/// Nothing is acknowledged for so long, by a cluster that answers others: the producer has lost its way.
const NO_ANSWER: Duration = Duration::from_secs(15);

/// What becomes of what it holds then.
const WHY_UNANSWERED: &str = "nothing is acknowledged by a cluster that answers others, and another must take over";

/// A producer, polled by a thread of its own until it is dropped. Dropping it abandons what is not acknowledged.
pub(super) struct Producer {
    producer: Arc<BaseProducer<ProducerEvents>>,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    pub(super) fn open(config: &ClientConfig, health: Arc<Monitor>) -> Result<Self, StreamError> {
        let events = ProducerEvents { lookout: Lookout::new(health), outcomes: Arc::default() };
        let producer: BaseProducer<ProducerEvents> =
            config.create_with_context(events).map_err(|error| classify(error, "open a producer"))?;
        let producer = Arc::new(producer);
        let thread = std::thread::Builder::new().name("kafka-producer".into()).spawn({
            let producer = producer.clone();
            move || {
                let (mut answers, began) = (Standstill::default(), Instant::now());
                while !producer.context().outcomes.closing.load(Ordering::Relaxed) {
                    producer.poll(ROUND);
                    producer.context().outcomes.answer_refused();
                    give_up_stalled(&producer, &mut answers, began.elapsed());
                    give_up_stranded(&producer);
                }
                producer.context().outcomes.answer_refused();
            }
        });
        let thread = thread.map_err(|cause| StreamError::fatal("closed", "start a producer's thread", cause))?;
        Ok(Self { producer, thread: Some(thread) })
    }

    /// For questions to the cluster.
    pub(super) fn client(&self) -> &Client<impl ClientContext> {
        self.producer.client()
    }

    /// As if librdkafka had told so for a while.
    #[cfg(test)]
    pub(super) fn strand(&self, statistics: &[u8]) {
        for _ in 0..2 {
            self.producer.context().lookout.statistics(statistics);
        }
    }

    pub(super) fn outcomes(&self) -> &Arc<Outcomes> {
        &self.producer.context().outcomes
    }

    /// Hands a record to librdkafka, which copies it.
    #[allow(clippy::result_large_err, reason = "the receipt comes back")]
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

/// A producer that nobody answers, though others are, is as good as one that finds no broker.
fn give_up_stalled(producer: &BaseProducer<ProducerEvents>, answers: &mut Standstill, now: Duration) {
    let ProducerEvents { lookout, outcomes } = producer.context().as_ref();
    let answered = outcomes.answered_by_log.load(Ordering::Relaxed);
    let is_due = lookout.cluster_answers() && outcomes.sent.load(Ordering::Relaxed) != answered;
    if answers.observe(now, is_due, answered) < NO_ANSWER {
        return;
    }
    if outcomes.fatal.set(WHY_UNANSWERED.into()).is_ok() {
        tracing::warn!(seconds = NO_ANSWER.as_secs(), "a producer gets no answers where others do, and is given up");
    }
    lookout.give_up();
}

/// A producer that finds no broker any more is broken: everything it holds is answered so. Again in each round, since a
/// record may have come in just before it was known.
fn give_up_stranded(producer: &BaseProducer<ProducerEvents>) {
    let ProducerEvents { lookout, outcomes } = producer.context().as_ref();
    if !lookout.is_stranded() {
        return;
    }
    if outcomes.fatal.set(WHY_STRANDED.into()).is_ok() {
        tracing::warn!("a producer knows no broker any more, and is given up");
    }
    producer.purge(PurgeConfig::default().queue().inflight());
}

/// What becomes of records.
#[derive(Default)]
pub(super) struct Outcomes {
    /// Set once: the producer must be built anew.
    fatal: OnceLock<Arc<str>>,
    /// Set when the producer is dropped: its thread ends, and what is given up from then on is the caller's doing.
    closing: AtomicBool,
    /// Refused before librdkafka took them: answered from the producer's thread, like all others.
    refused: Mutex<Vec<(Receipt, DeliveryError)>>,
    /// Records that librdkafka took, and those it has answered for.
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
        // Set once, right after the producer is made.
        let _ = self.answered.set(Box::new(hook));
    }

    pub(super) fn refuse(&self, receipt: Receipt, error: DeliveryError) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push((receipt, error));
    }

    /// What a code of librdkafka says of a record. It purges what waits also when it cannot go on, which may be heard before
    /// the error that made it so.
    fn fate(&self, code: RDKafkaErrorCode, detail: String) -> DeliveryError {
        match delivery_error(code, detail) {
            DeliveryError::Abandoned if !self.closing.load(Ordering::Relaxed) => {
                let detail = self.fatal().cloned().unwrap_or_else(|| "the writer cannot go on".into());
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
    lookout: Lookout,
    outcomes: Arc<Outcomes>,
}

impl ClientContext for ProducerEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.lookout.statistics(statistics);
    }

    fn error(&self, error: KafkaError, text: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) && self.outcomes.fatal.set(text.into()).is_ok() {
            tracing::error!("kafka producer is broken: {text}");
        }
        self.lookout.error(&error, text);
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
                Err(self.outcomes.fate(code, format!("{}: {code}", message.topic())))
            }
        };
        self.outcomes.answered_by_log.fetch_add(1, Ordering::Relaxed);
        self.outcomes.answer(*receipt, outcome);
    }
}
