//! From the window to the log, in order, and what becomes of it. A writer that breaks is replaced, and everything that is
//! not done goes through the new one, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use runtime::Backoff;
use streams::{DeliveryError, Sink, SinkSettings};

use crate::answers::{Answer, Answers};
use crate::intake::{Carried, Intake};
use crate::metrics::Reason;
use crate::window::Window;
use crate::{Outfit, words};

/// How soon a writer that was full is tried again where no answer wakes us: librdkafka counts bytes a little longer than
/// records.
const FULL_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct Carrier {
    outfit: Outfit,
    settings: SinkSettings,
    /// None while the last one is broken and the next one is not due.
    sink: Option<Arc<dyn Sink>>,
    /// Where the present sink answers. A rebuilt sink gets new ones: what the old one still says concerns nobody.
    answers: Arc<Answers>,
    /// Sequence numbers that the sink had no room for, in order; while there are any, new messages queue behind them.
    unsent: VecDeque<u64>,
    /// Dead letters that could not be written now. Their order means nothing, so they wait without holding up the rest.
    unwritten: Vec<u64>,
    backoff: Backoff,
    /// When to try again what could not be done (monotonic).
    again_at: Option<Duration>,
    /// Why nothing, or not everything, can be written now.
    trouble: Option<String>,
    taken: Vec<Answer>,
}

impl Carrier {
    pub(crate) fn new(outfit: Outfit, settings: SinkSettings) -> anyhow::Result<Self> {
        let sink = outfit.log.sink(settings.clone())?;
        Ok(Self {
            outfit,
            settings,
            sink: Some(sink),
            answers: Arc::default(),
            unsent: VecDeque::new(),
            unwritten: Vec::new(),
            backoff: Backoff::for_services(),
            again_at: None,
            trouble: None,
            taken: Vec::new(),
        })
    }

    /// To wait for what the log says.
    pub(crate) fn answers(&self) -> Arc<Answers> {
        self.answers.clone()
    }

    /// When [`Carrier::work_off`] is due even if the log says nothing (monotonic).
    pub(crate) fn again_at(&self) -> Option<Duration> {
        self.again_at
    }

    /// Why it cannot write.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// A message that entered the window goes to the log, behind those that wait.
    pub(crate) fn forward<A>(&mut self, sequence: u64, window: &Window<A, Carried>) {
        self.unsent.push_back(sequence);
        self.send_unsent(window);
    }

    /// Works off what the log said, and calls `acknowledge` for each message that may be acknowledged now, in order.
    pub(crate) fn work_off<A>(
        &mut self,
        window: &mut Window<A, Carried>,
        intake: &Intake,
        mut acknowledge: impl FnMut(A),
    ) {
        let mut taken = std::mem::take(&mut self.taken);
        self.answers.take(&mut taken);
        let mut broken = None;
        for (sequence, outcome) in taken.drain(..) {
            match outcome {
                Ok(_) => self.done(sequence, window, &mut acknowledge),
                Err(error) if error.is_refused() => self.refused(sequence, &error, window, intake, &mut acknowledge),
                Err(error) if is_unwritten_letter(sequence, &error, window) => self.wait_with(sequence, &error),
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        self.taken = taken;
        if let Some(error) = broken {
            self.count(error.reason());
            self.give_up_writer(&error.to_string(), window.len());
        }
        self.try_again(window);
        self.send_unsent(window);
    }

    fn done<A>(&mut self, sequence: u64, window: &mut Window<A, Carried>, acknowledge: impl FnMut(A)) {
        if let Some(carried) = window.item(sequence) {
            let waited = self.outfit.context.clock.monotonic().saturating_sub(carried.received_at);
            self.outfit.metrics.acknowledge.observe(waited.as_secs_f64());
            match carried.dead_letter {
                None => self.outfit.metrics.forwarded.inc(),
                Some(reject) => {
                    let reason = Reason { reason: reject.reason() };
                    self.outfit.metrics.dead_lettered.get_or_create(&reason).inc()
                }
            };
        }
        if self.trouble.is_some() && self.unwritten.is_empty() {
            self.trouble = None;
            self.backoff.reset();
        }
        window.complete(sequence, acknowledge);
    }

    /// The log will never take this record: it goes to the dead letters. One that is refused even there is given up,
    /// loudly, since it would block everything behind it for ever.
    fn refused<A>(
        &mut self,
        sequence: u64,
        error: &DeliveryError,
        window: &mut Window<A, Carried>,
        intake: &Intake,
        acknowledge: impl FnMut(A),
    ) {
        let Some(carried) = window.item_mut(sequence) else { return };
        self.count(error.reason());
        if carried.dead_letter.is_some() {
            tracing::error!(%error, "the log refuses a dead letter; the message is lost");
            return self.done(sequence, window, acknowledge);
        }
        intake.put_aside(carried);
        self.unsent.push_back(sequence);
    }

    fn wait_with(&mut self, sequence: u64, error: &DeliveryError) {
        self.count(error.reason());
        self.trouble = Some(format!("dead letters cannot be written: {error}"));
        self.unwritten.push(sequence);
        self.schedule();
    }

    fn give_up_writer(&mut self, why: &str, under_way: usize) {
        tracing::warn!(why, under_way, "the writer broke; a new one will take over");
        self.trouble = Some(format!("the writer broke: {why}"));
        self.outfit.metrics.rebuilt.inc();
        // Closed before the next one begins: what it still has under way ends with its connections.
        self.sink = None;
        self.answers = Arc::default();
        self.schedule();
    }

    fn schedule(&mut self) {
        if self.again_at.is_none() {
            let delay = self.backoff.next_delay();
            self.again_at = Some(self.outfit.context.clock.monotonic() + delay);
        }
    }

    fn try_again<A>(&mut self, window: &Window<A, Carried>) {
        if self.again_at.is_none_or(|due| self.outfit.context.clock.monotonic() < due) {
            return;
        }
        self.again_at = None;
        if self.sink.is_some() {
            self.unsent.extend(self.unwritten.drain(..));
            return;
        }
        match self.outfit.log.sink(self.settings.clone()) {
            Ok(sink) => {
                self.sink = Some(sink);
                self.unwritten.clear();
                self.unsent = window.unfinished().map(|(sequence, _)| sequence).collect();
            }
            Err(error) => {
                self.count(error.reason());
                self.trouble = Some(words(&error));
                self.schedule();
            }
        }
    }

    /// Hands over what waits, in order, until the sink has no more room.
    fn send_unsent<A>(&mut self, window: &Window<A, Carried>) {
        while let (Some(&sequence), Some(sink)) = (self.unsent.front(), &self.sink) {
            let Some(carried) = window.item(sequence) else {
                self.unsent.pop_front();
                continue;
            };
            let Err(refused) = sink.try_send(carried.record.clone(), self.answers.receipt(sequence)) else {
                self.unsent.pop_front();
                continue;
            };
            let (full, why) = (refused.is_full(), words(&refused.error));
            self.count(refused.error.reason());
            // The receipt's answer would be taken for the record's: nobody waits for it.
            refused.receipt.forget();
            if full {
                let soon = self.outfit.context.clock.monotonic() + FULL_AGAIN;
                self.again_at = self.again_at.or(Some(soon));
            } else {
                self.give_up_writer(&why, window.len());
            }
            return;
        }
    }

    fn count(&self, reason: &'static str) {
        self.outfit.metrics.log_errors.get_or_create(&Reason { reason }).inc();
    }
}

fn is_unwritten_letter<A>(sequence: u64, error: &DeliveryError, window: &Window<A, Carried>) -> bool {
    matches!(error, DeliveryError::Unavailable { .. })
        && window.item(sequence).is_some_and(|item| item.dead_letter.is_some())
}
