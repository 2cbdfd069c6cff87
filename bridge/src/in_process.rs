//! The input for a sender in the same process: messages through a bounded queue, each with its acknowledgement.
//!
//! The promise is the same as over a broker: an acknowledgement is given when the log has the message, in the order of
//! receipt. When the window is full nothing is taken from the queue, and its senders wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runtime::{Part, Shutdown};
use tokio::sync::mpsc;

use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::pipeline::Pipeline;
use crate::received::Received;

/// Messages between the senders and the window; when full, senders wait.
const QUEUE: usize = 256;
/// Messages taken from the queue at once: as many as the bound in bytes may be exceeded by.
const BATCH: usize = 64;
/// How long an orderly stop waits for the log to acknowledge the messages in flight.
const DRAIN: Duration = Duration::from_secs(10);

/// The sender of messages, to be notified of each one's acknowledgement.
pub trait AckHandler: Send + Sync {
    /// The log has the message. Called once for each message, from the bridge's own task: it must not block.
    fn on_acknowledged(&self, message_id: u64);
}

/// Acknowledges one message.
pub struct Acknowledgement {
    /// Who is notified.
    pub handler: Arc<dyn AckHandler>,
    /// The handler's id of the message.
    pub message_id: u64,
}

impl std::fmt::Debug for Acknowledgement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acknowledgement").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// A message for the bridge.
#[derive(Debug)]
pub struct Message {
    /// The MQTT topic.
    pub topic: Bytes,
    /// The payload, unchanged.
    pub payload: Bytes,
    /// `None`: QoS 0.
    pub acknowledgement: Option<Acknowledgement>,
}

/// The sending end. Clones share the queue.
pub type MessageSender = mpsc::Sender<Message>;

/// The bridge's end of the queue.
#[derive(Debug)]
pub struct MessageReceiver(mpsc::Receiver<Message>);

impl MessageReceiver {
    /// The next message, for other readers than the bridge. `None`: there is no sender any more.
    pub async fn next(&mut self) -> Option<Message> {
        self.0.recv().await
    }

    /// The next message where one waits.
    pub fn try_next(&mut self) -> Option<Message> {
        self.0.try_recv().ok()
    }
}

/// A queue into a bridge; it holds at most 256 messages.
pub fn message_channel() -> (MessageSender, MessageReceiver) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (sender, MessageReceiver(receiver))
}

pub(crate) struct InProcessForwarder {
    dependencies: Dependencies,
    pipeline: Pipeline<Acknowledgement>,
    messages: mpsc::Receiver<Message>,
}

impl InProcessForwarder {
    /// # Errors
    /// The log cannot open a sink.
    pub(crate) fn new(
        dependencies: Dependencies,
        options: &BridgeOptions,
        window: Part,
        message_receiver: MessageReceiver,
    ) -> anyhow::Result<Self> {
        let pipeline = Pipeline::new(dependencies.clone(), options, window)?;
        Ok(Self { dependencies, pipeline, messages: message_receiver.0 })
    }

    /// Runs until a stop is requested, or until there is no sender left.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.pipeline.process_answers(acknowledge);
            if let Some(why) = self.pipeline.fatal_error() {
                anyhow::bail!("{why}; start the process again");
            }
            let room = self.pipeline.room().min(BATCH);
            tokio::select! {
                biased;
                () = stop.requested() => break,
                taken = self.messages.recv_many(&mut batch, room), if room > 0 => {
                    if taken == 0 {
                        break;
                    }
                    self.take_in(&mut batch);
                }
                () = self.pipeline.wait_for_answers() => {}
            }
        }
        self.drain().await;
        Ok(())
    }

    fn take_in(&mut self, batch: &mut Vec<Message>) {
        let read_at = self.dependencies.context.clock.monotonic();
        for Message { topic, payload, acknowledgement } in batch.drain(..) {
            let received = Received { topic: &topic, payload: &payload, repeated: false, retained: false, read_at };
            // Never without room: only as many were taken as the window has room for.
            let decision = self.pipeline.decide(&received);
            self.pipeline.receive(&received, decision, acknowledgement, |_, _| false, acknowledge);
        }
    }

    /// Takes no more messages, and waits until the log has those in flight.
    async fn drain(&mut self) {
        self.messages.close();
        let clock = self.dependencies.context.clock.clone();
        let mut deadline = std::pin::pin!(clock.sleep(DRAIN));
        while !self.pipeline.window().is_empty() {
            tokio::select! {
                () = &mut deadline => {
                    let in_flight = self.pipeline.window().len();
                    return tracing::warn!(in_flight, "stopped before the log had acknowledged all");
                }
                () = self.pipeline.wait_for_answers() => {}
            }
            self.pipeline.process_answers(acknowledge);
        }
    }
}

fn acknowledge(acknowledgement: Acknowledgement) {
    acknowledgement.handler.on_acknowledged(acknowledgement.message_id);
}
