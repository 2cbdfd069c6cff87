//! From a message's receipt to its acknowledgement, the same for both inputs: the window, the log, and their metrics.
//!
//! `A` is the acknowledgement of a message to its sender. The loops around it ([`crate::forward`] for a broker,
//! [`crate::in_process`] for a sender in this process) decide when to take more.

use std::sync::Arc;
use std::time::Duration;

use runtime::Part;
use streams::SinkSettings;

use crate::answers::Answers;
use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::full_timer::{FullTimer, REPORT_AFTER};
use crate::gate::{Decision, Gate};
use crate::in_flight::InFlightMessage;
use crate::intake::Intake;
use crate::log_writer::LogWriter;
use crate::received::Received;
use crate::stall::{StallDetector, Step};
use crate::window::{Entered, Window};

/// Checks for a stalled window are at least this far apart; also the longest wait for an answer of the log.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum bytes in flight; beyond it, nothing more is read. Many times the size of 8,192 frames.
const MAX_BYTES: usize = 8 << 20;
/// Maximum bytes in the queue of the log's sink. The window's messages are bounded by [`MAX_BYTES`]; in their records they
/// have keys, headers and framing besides, so this bound is reached after that one.
const SINK_BYTES: usize = 4 * MAX_BYTES;

/// The result of offering a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in the window or a copy of one there, or it was dropped and counted.
    Handled,
    /// The window has no room: offer it again later, with this decision.
    NoRoom(Decision),
}

pub(crate) struct Pipeline<A> {
    dependencies: Dependencies,
    gate: Gate,
    part: Part,
    capacity: usize,
    intake: Intake,
    window: Window<A, InFlightMessage>,
    log_writer: LogWriter,
    full_timer: FullTimer,
    stall_detector: StallDetector,
    next_check: Duration,
    /// The error that only a restart of the process can fix.
    fatal_error: Option<String>,
}

impl<A> Pipeline<A> {
    /// # Errors
    /// The log cannot open a sink.
    pub(crate) fn new(dependencies: Dependencies, options: &BridgeOptions, part: Part) -> anyhow::Result<Self> {
        let capacity = usize::from(options.window);
        dependencies.metrics.window_size.set(i64::from(options.window));
        part.ready();
        Ok(Self {
            intake: Intake::new(dependencies.clone(), options.topics.clone()),
            window: Window::new(capacity, MAX_BYTES),
            log_writer: LogWriter::new(dependencies.clone(), sink_settings(options))?,
            full_timer: FullTimer::default(),
            stall_detector: StallDetector::default(),
            next_check: Duration::ZERO,
            fatal_error: None,
            gate: Gate::new(dependencies.clone(), options),
            part,
            capacity,
            dependencies,
        })
    }

    /// The window, to ask it for room.
    pub(crate) fn window(&self) -> &Window<A, InFlightMessage> {
        &self.window
    }

    /// How many more messages may be taken before their sender has to wait.
    pub(crate) fn room(&self) -> usize {
        if self.window.has_room_for_bytes() { self.capacity.saturating_sub(self.window.len()) } else { 0 }
    }

    /// Decides about a message. To be called once per delivery: its receiver's limit counts each call.
    pub(crate) fn decide(&mut self, message: &Received<'_>) -> Decision {
        self.gate.decide(message)
    }

    /// Takes in a message with its decision. `is_redelivery` recognises the acknowledgement of an earlier copy; `send_ack`
    /// gets every acknowledgement that may leave now.
    pub(crate) fn receive(
        &mut self,
        message: &Received<'_>,
        decision: Decision,
        acknowledge: Option<A>,
        is_redelivery: impl Fn(&A, &A) -> bool,
        send_ack: impl FnMut(A),
    ) -> Taken {
        let expects_ack = acknowledge.is_some();
        if decision != Decision::Forwarded && !expects_ack {
            self.gate.leave(decision);
            self.dependencies.metrics.received.inc();
            return Taken::Handled;
        }
        let weight = message.topic.len() + message.payload.len();
        let in_flight = match decision {
            Decision::Forwarded => self.intake.in_flight(message.topic, message.payload),
            _ => self.intake.skipped(),
        };
        let decision = self.gate.decide_dead_letter(decision, in_flight.dead_letter, message);
        let is_redelivery =
            |earlier: &A, _: &InFlightMessage, now: &A, _: &InFlightMessage| is_redelivery(earlier, now);
        match self.window.enter(acknowledge, in_flight, weight, message.repeated, is_redelivery) {
            Entered::New(sequence) if decision == Decision::Forwarded => {
                let traces = &self.dependencies.traces;
                if traces.samples()
                    && let Some(in_flight) = self.window.item_mut(sequence)
                {
                    traces.begin(in_flight, message.topic, message.payload.len(), message.read_at);
                }
                self.log_writer.forward(sequence, &self.window);
            }
            // It is not written to the log, and acknowledged in order: a withheld acknowledgement would delay all later
            // ones.
            Entered::New(sequence) => {
                self.gate.leave(decision);
                self.window.complete(sequence, send_ack);
            }
            Entered::Redelivered => {
                self.dependencies.metrics.repeated.inc();
            }
            Entered::Full if !expects_ack => {
                self.dependencies.metrics.dropped.inc();
            }
            Entered::Full => return Taken::NoRoom(decision),
        }
        self.dependencies.metrics.received.inc();
        Taken::Handled
    }

    /// Credits the receivers' limits with a time in which the sender may have queued messages: its burst is not dropped.
    pub(crate) fn credit(&mut self, away: Duration, now: Duration) {
        self.gate.credit(away, now);
    }

    /// Applies the log's answers; `send_ack` gets every acknowledgement that may leave now, in the order of receipt.
    pub(crate) fn process_answers(&mut self, send_ack: impl FnMut(A)) {
        self.log_writer.process_answers(&mut self.window, &self.intake, send_ack);
        let now = self.dependencies.context.clock.monotonic();
        let metrics = &self.dependencies.metrics;
        metrics.in_flight.set(i64::try_from(self.window.len()).unwrap_or(i64::MAX));
        let full_for = self.full_timer.update(self.window.is_full(), now);
        metrics.window_full.inc_by(full_for.as_secs_f64());
        if !full_for.is_zero() {
            self.gate.credit(full_for, now);
        }
        self.gate.update_metrics();
        self.check_for_stall(now);
        match (self.log_writer.trouble(), self.full_timer.is_full_too_long(now)) {
            (Some(trouble), _) => self.part.not_ready(trouble),
            (None, true) => self.part.not_ready(format!(
                "the window of {} messages has been full for {} s or longer: {} acknowledges records too slowly or not at all; check its brokers",
                self.capacity,
                REPORT_AFTER.as_secs(),
                self.dependencies.cluster.name
            )),
            (None, false) => self.part.ready(),
        }
    }

    /// Why the window stays stalled after all retries; then the process should end.
    pub(crate) fn fatal_error(&self) -> Option<&str> {
        self.fatal_error.as_deref()
    }

    /// Replaces the sink of a stalled window.
    fn check_for_stall(&mut self, now: Duration) {
        if now < self.next_check {
            return;
        }
        self.next_check = now + CHECK_INTERVAL;
        let (waiting, answers) = (self.window.len(), self.dependencies.cluster.log.unavailable_reason().is_none());
        let why = "the window is stalled although the log answers";
        match self.stall_detector.observe(now, waiting, self.log_writer.done_count(), answers) {
            Step::None => {}
            Step::Replace => {
                self.dependencies.metrics.stalls.inc();
                self.log_writer.replace_sink(why, waiting);
            }
            Step::End => {
                self.fatal_error =
                    Some(format!("{why}, and new sinks did not help: {waiting} messages have no acknowledgement"));
            }
        }
    }

    /// Waits for answers of the log; returns regularly also without, since deadlines can pass. Cancel-safe.
    pub(crate) async fn wait_for_answers(&self) {
        let clock = &self.dependencies.context.clock;
        let now = clock.monotonic();
        let due = self.log_writer.again_at().map_or(CHECK_INTERVAL, |due| due.saturating_sub(now));
        let answers: Arc<Answers> = self.log_writer.answers();
        tokio::select! {
            () = answers.arrived() => {}
            () = clock.sleep(due) => {}
        }
    }

    /// The sender has a new connection: messages of earlier ones are acknowledged only when they are delivered again.
    pub(crate) fn reconnected(&mut self) {
        self.window.reconnected();
    }
}

fn sink_settings(options: &BridgeOptions) -> SinkSettings {
    // Twice the window, so that a full window and the messages of an older connection both fit.
    let queue_records = usize::from(options.window) * 2 + 1000;
    SinkSettings { queue_records, queue_bytes: SINK_BYTES, ..SinkSettings::new(options.client_id()) }
}
