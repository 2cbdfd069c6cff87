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
use crate::flow::{Flow, Step};
use crate::full_timer::FullTimer;
use crate::gate::{Fate, Gate};
use crate::in_flight::InFlightMessage;
use crate::intake::Intake;
use crate::log_writer::LogWriter;
use crate::received::Received;
use crate::window::{Entered, Window};

/// How often the window is checked when nothing happens.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Maximum bytes in flight; beyond it, nothing more is read. Many times the size of 8,192 frames.
const MAX_BYTES: usize = 8 << 20;
/// Maximum bytes in the log's writer: the window twice (an older connection's messages too), each in its record.
const WRITER_BYTES: usize = 4 * MAX_BYTES;

/// The result of offering a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in the window, or is done.
    Yes,
    /// The window has no room: offer it again later, judged so.
    NoRoom(Fate),
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
    flow: Flow,
    flow_at: Duration,
    /// The error that only a restart of the process can fix.
    hopeless: Option<String>,
}

impl<A> Pipeline<A> {
    /// # Errors
    /// The log gives no writer.
    pub(crate) fn new(dependencies: Dependencies, options: &BridgeOptions, part: Part) -> anyhow::Result<Self> {
        let capacity = usize::from(options.window);
        dependencies.metrics.window_size.set(i64::from(options.window));
        part.ready();
        Ok(Self {
            intake: Intake::new(dependencies.clone(), options.topics.clone()),
            window: Window::new(capacity, MAX_BYTES),
            log_writer: LogWriter::new(dependencies.clone(), sink_settings(options))?,
            full_timer: FullTimer::default(),
            flow: Flow::default(),
            flow_at: Duration::ZERO,
            hopeless: None,
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

    /// Judges a message when it comes, once: its receiver's limit counts it.
    pub(crate) fn judge(&mut self, message: &Received<'_>) -> Fate {
        self.gate.fate(message)
    }

    /// Takes a judged message in. `same` recognises the acknowledgement of an earlier copy; `release` gets every
    /// acknowledgement that may leave now.
    pub(crate) fn receive(
        &mut self,
        message: &Received<'_>,
        fate: Fate,
        acknowledge: Option<A>,
        same: impl Fn(&A, &A) -> bool,
        release: impl FnMut(A),
    ) -> Taken {
        let is_acknowledged = acknowledge.is_some();
        if fate != Fate::Forwarded && !is_acknowledged {
            self.gate.leave(fate);
            return Taken::Yes;
        }
        let weight = message.topic.len() + message.payload.len();
        let in_flight = match fate {
            Fate::Forwarded => self.intake.in_flight(message.topic, message.payload),
            _ => self.intake.skipped(),
        };
        let fate = self.gate.with_letter(fate, in_flight.dead_letter, message);
        let same = |earlier: &A, _: &InFlightMessage, now: &A, _: &InFlightMessage| same(earlier, now);
        match self.window.enter(acknowledge, in_flight, weight, message.repeated, same) {
            Entered::New(sequence) if fate == Fate::Forwarded => {
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
                self.gate.leave(fate);
                self.window.complete(sequence, release);
            }
            Entered::Again => {
                self.dependencies.metrics.repeated.inc();
            }
            Entered::Full if !is_acknowledged => {
                self.dependencies.metrics.dropped.inc();
            }
            Entered::Full => return Taken::NoRoom(fate),
        }
        self.dependencies.metrics.received.inc();
        Taken::Yes
    }

    /// The sender may have queued messages for this time: it is credited to its receivers' limits.
    pub(crate) fn make_up_for(&mut self, away: Duration, now: Duration) {
        self.gate.make_up_for(away, now);
    }

    /// Applies the log's answers; `release` gets every acknowledgement that may leave now, in the order of receipt.
    pub(crate) fn work_off(&mut self, release: impl FnMut(A)) {
        self.log_writer.work_off(&mut self.window, &self.intake, release);
        let now = self.dependencies.context.clock.monotonic();
        let metrics = &self.dependencies.metrics;
        metrics.in_flight.set(i64::try_from(self.window.len()).unwrap_or(i64::MAX));
        let full_for = self.full_timer.update(self.window.is_full(), now);
        metrics.window_full.inc_by(full_for.as_secs_f64());
        if !full_for.is_zero() {
            self.gate.make_up_for(full_for, now);
        }
        self.gate.update_metrics();
        self.judge_flow(now);
        match (self.log_writer.trouble(), self.full_timer.is_full_too_long(now)) {
            (Some(trouble), _) => self.part.not_ready(trouble),
            (None, true) => self.part.not_ready(format!(
                "the window of {} is full: {} takes nothing, the sender's messages wait",
                self.capacity, self.dependencies.cluster.name
            )),
            (None, false) => self.part.ready(),
        }
    }

    /// Why the window stays stalled after all retries; then the process should end.
    pub(crate) fn hopeless(&self) -> Option<&str> {
        self.hopeless.as_deref()
    }

    /// Checks regularly whether the window makes progress.
    fn judge_flow(&mut self, now: Duration) {
        if now < self.flow_at {
            return;
        }
        self.flow_at = now + LOOK_AGAIN;
        let (waiting, answers) = (self.window.len(), self.dependencies.cluster.log.unavailable_reason().is_none());
        let why = "the window does not move though the log answers";
        match self.flow.judge(now, waiting, self.log_writer.done_count(), answers) {
            Step::None => {}
            Step::Replace => {
                self.dependencies.metrics.stalls.inc();
                self.log_writer.replace_writer(why, waiting);
            }
            Step::End => {
                self.hopeless = Some(format!("{why}, and other writers did not help: {waiting} messages wait"));
            }
        }
    }

    /// Waits for answers of the log; returns regularly also without, since deadlines can pass. Cancel-safe.
    pub(crate) async fn wait_for_answers(&self) {
        let clock = &self.dependencies.context.clock;
        let now = clock.monotonic();
        let due = self.log_writer.again_at().map_or(LOOK_AGAIN, |due| due.saturating_sub(now));
        let answers: Arc<Answers> = self.log_writer.answers();
        tokio::select! {
            () = answers.arrived() => {}
            () = clock.sleep(due) => {}
        }
    }

    /// A new connection of the sender: no acknowledgement of a message before it leaves any more.
    pub(crate) fn reconnected(&mut self) {
        self.window.reconnected();
    }
}

fn sink_settings(options: &BridgeOptions) -> SinkSettings {
    // Twice the window, so that a full window and the messages of an older connection both fit.
    let queue_records = usize::from(options.window) * 2 + 1000;
    SinkSettings { queue_records, queue_bytes: WRITER_BYTES, ..SinkSettings::new(options.client_id()) }
}
