//! Writes messages from the window to the log, in order, and handles the results of the writes. A broken sink is
//! replaced, and all unacknowledged messages are sent through the new one, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use runtime::Backoff;
use runtime::retry::with_causes;
use streams::trace::record_outcome;
use streams::{Delivered, DeliveryError, Sink, SinkSettings};

use crate::answers::{Answer, Answers};
use crate::dependencies::Dependencies;
use crate::in_flight::InFlightMessage;
use crate::intake::Intake;
use crate::metrics::Reason;
use crate::window::Window;

/// After which time a sink that was full is tried again without an answer: librdkafka counts bytes a little longer
/// than records.
const FULL_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct LogWriter {
    dependencies: Dependencies,
    settings: SinkSettings,
    /// None while the last one is broken and the next one is not due.
    sink: Option<Arc<dyn Sink>>,
    /// The answers of the present sink. A new sink gets new ones: late answers of the old one are ignored.
    answers: Arc<Answers>,
    /// Sequence numbers that did not fit into the sink, in order; while there are any, new messages queue behind them.
    unsent: VecDeque<u64>,
    /// Dead letters that could not be written yet. Their order does not matter, so they do not delay other messages.
    unsent_dead_letters: Vec<u64>,
    backoff: Backoff,
    /// When to retry (monotonic).
    again_at: Option<Duration>,
    /// The present error of writing.
    trouble: Option<String>,
    taken: Vec<Answer>,
    done: u64,
}

impl LogWriter {
    pub(crate) fn new(dependencies: Dependencies, settings: SinkSettings) -> anyhow::Result<Self> {
        let sink = dependencies.cluster.log.sink(settings.clone())?;
        Ok(Self {
            dependencies,
            settings,
            sink: Some(sink),
            answers: Arc::default(),
            unsent: VecDeque::new(),
            unsent_dead_letters: Vec::new(),
            backoff: Backoff::for_services(),
            again_at: None,
            trouble: None,
            taken: Vec::new(),
            done: 0,
        })
    }

    /// How many messages have been answered by the log.
    pub(crate) fn done_count(&self) -> u64 {
        self.done
    }

    /// To wait for the log's answers.
    pub(crate) fn answers(&self) -> Arc<Answers> {
        self.answers.clone()
    }

    /// When [`LogWriter::process_answers`] is due without an answer of the log (monotonic).
    pub(crate) fn again_at(&self) -> Option<Duration> {
        self.again_at
    }

    /// Why it cannot write.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// A message that entered the window goes to the log, behind those that wait.
    pub(crate) fn forward<A>(&mut self, sequence: u64, window: &Window<A, InFlightMessage>) {
        self.unsent.push_back(sequence);
        self.send_unsent(window);
    }

    /// Processes the log's answers, and calls `acknowledge` for each message that may be acknowledged now, in order.
    pub(crate) fn process_answers<A>(
        &mut self,
        window: &mut Window<A, InFlightMessage>,
        intake: &Intake,
        mut acknowledge: impl FnMut(A),
    ) {
        let mut taken = std::mem::take(&mut self.taken);
        self.answers.take(&mut taken);
        let mut broken = None;
        for (sequence, outcome) in taken.drain(..) {
            match &outcome {
                Ok(_) => self.done(sequence, &outcome, window, &mut acknowledge),
                Err(error) if error.is_refused() => self.refused(sequence, error, window, intake, &mut acknowledge),
                Err(error) if is_unsent_dead_letter(sequence, error, window) => self.wait_with(sequence, error),
                Err(error) => broken = broken.or_else(|| Some(error.clone())),
            }
        }
        self.taken = taken;
        if let Some(error) = broken {
            self.count(error.reason());
            self.replace_sink(&error.to_string(), window.len());
        }
        self.try_again(window);
        self.send_unsent(window);
    }

    fn done<A>(
        &mut self,
        sequence: u64,
        outcome: &Result<Delivered, DeliveryError>,
        window: &mut Window<A, InFlightMessage>,
        acknowledge: impl FnMut(A),
    ) {
        self.done += 1;
        if let Some(in_flight) = window.item_mut(sequence) {
            let now = self.dependencies.context.clock.monotonic();
            let waited = now.saturating_sub(in_flight.received_at);
            end_span(in_flight, outcome, now);
            self.dependencies.metrics.acknowledge.observe(waited.as_secs_f64());
            match in_flight.dead_letter {
                None => self.dependencies.metrics.forwarded.inc(),
                Some(reject) => {
                    let reason = Reason { reason: reject.reason() };
                    self.dependencies.metrics.dead_lettered.get_or_create(&reason).inc()
                }
            };
        }
        if self.trouble.is_some() && self.unsent_dead_letters.is_empty() {
            self.trouble = None;
            self.backoff.reset();
        }
        window.complete(sequence, acknowledge);
    }

    /// The log permanently refuses this record: it becomes a dead letter. One that is refused even there is dropped
    /// with an error, since it would block everything behind it for ever.
    fn refused<A>(
        &mut self,
        sequence: u64,
        error: &DeliveryError,
        window: &mut Window<A, InFlightMessage>,
        intake: &Intake,
        acknowledge: impl FnMut(A),
    ) {
        let Some(in_flight) = window.item_mut(sequence) else { return };
        self.count(error.reason());
        if in_flight.dead_letter.is_some() {
            tracing::error!(%error, "the log refuses a dead letter; the message is lost");
            return self.done(sequence, &Err(error.clone()), window, acknowledge);
        }
        end_span(in_flight, &Err(error.clone()), self.dependencies.context.clock.monotonic());
        intake.convert_to_dead_letter(in_flight);
        self.unsent.push_back(sequence);
    }

    fn wait_with(&mut self, sequence: u64, error: &DeliveryError) {
        self.count(error.reason());
        self.trouble = Some(format!("dead letters cannot be written: {error}"));
        self.unsent_dead_letters.push(sequence);
        self.schedule();
    }

    /// Closes the sink, because it is broken or makes no progress; the next one is opened after the backoff.
    pub(crate) fn replace_sink(&mut self, why: &str, in_flight: usize) {
        tracing::warn!(why, in_flight, "the sink to the log failed; a new one replaces it");
        self.trouble = Some(format!("the sink to the log failed: {why}"));
        self.dependencies.metrics.broken_sinks.inc();
        // Closed before the next one begins: its messages in flight end with its connections.
        self.sink = None;
        self.answers = Arc::default();
        self.schedule();
    }

    fn schedule(&mut self) {
        if self.again_at.is_none() {
            let delay = self.backoff.next_delay();
            self.again_at = Some(self.dependencies.context.clock.monotonic() + delay);
        }
    }

    fn try_again<A>(&mut self, window: &Window<A, InFlightMessage>) {
        if self.again_at.is_none_or(|due| self.dependencies.context.clock.monotonic() < due) {
            return;
        }
        self.again_at = None;
        if self.sink.is_some() {
            self.unsent.extend(self.unsent_dead_letters.drain(..));
            return;
        }
        match self.dependencies.cluster.log.sink(self.settings.clone()) {
            Ok(sink) => {
                self.sink = Some(sink);
                self.unsent_dead_letters.clear();
                self.unsent = window.unfinished().map(|(sequence, _)| sequence).collect();
            }
            Err(error) => {
                self.count(error.reason());
                self.trouble = Some(with_causes(&error));
                self.schedule();
            }
        }
    }

    /// Sends the waiting messages, in order, until the sink is full.
    fn send_unsent<A>(&mut self, window: &Window<A, InFlightMessage>) {
        while let (Some(&sequence), Some(sink)) = (self.unsent.front(), &self.sink) {
            let Some(in_flight) = window.item(sequence) else {
                self.unsent.pop_front();
                continue;
            };
            let Err(refused) = sink.try_send(in_flight.record.clone(), self.answers.receipt(sequence)) else {
                self.unsent.pop_front();
                continue;
            };
            let (full, why) = (refused.is_full(), with_causes(&refused.error));
            self.count(refused.error.reason());
            // Detached: the receipt's answer would be taken for the record's.
            refused.receipt.forget();
            if full {
                let soon = self.dependencies.context.clock.monotonic() + FULL_AGAIN;
                self.again_at = self.again_at.or(Some(soon));
            } else {
                self.replace_sink(&why, window.len());
            }
            return;
        }
    }

    fn count(&self, reason: &'static str) {
        self.dependencies.metrics.log_errors.get_or_create(&Reason { reason }).inc();
    }
}

/// Ends the span of a message that is in the log, or will not be.
fn end_span(in_flight: &mut InFlightMessage, outcome: &Result<Delivered, DeliveryError>, now: Duration) {
    if let Some(mut span) = in_flight.span.take() {
        record_outcome(&mut span, outcome);
        span.end_at(now);
    }
}

fn is_unsent_dead_letter<A>(sequence: u64, error: &DeliveryError, window: &Window<A, InFlightMessage>) -> bool {
    matches!(error, DeliveryError::Unavailable { .. })
        && window.item(sequence).is_some_and(|item| item.dead_letter.is_some())
}
