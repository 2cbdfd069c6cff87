//! Writing to the embedded log. A thread answers the receipts, as in a Kafka client, so that a caller may hold a lock
//! of its own while it sends records, on either log.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::state::{Appended, Shared};
use crate::{DeliveryError, Outgoing, Receipt, SendRefused, Sink, SinkSettings, StreamError};

type Answer = (Receipt, Result<Appended, DeliveryError>);

pub(super) struct EmbeddedSink {
    log: Arc<Shared>,
    answers: SyncSender<Answer>,
    /// One permit per record whose receipt is not answered, so that the channel never blocks.
    room: Arc<Semaphore>,
    queue_records: u32,
}

impl EmbeddedSink {
    pub(super) fn open(log: Arc<Shared>, settings: &SinkSettings) -> Result<Self, StreamError> {
        let attempted = || format!("open sink {}", settings.client_id);
        let queue_records = u32::try_from(settings.queue_records)
            .ok()
            .filter(|records| *records > 0)
            .ok_or_else(|| StreamError::fatal("bad_settings", attempted(), "queue_records must be at least 1"))?;
        let (answers, to_answer) = sync_channel(settings.queue_records);
        let room = Arc::new(Semaphore::new(settings.queue_records));
        let thread = std::thread::Builder::new().name("embedded-receipts".into());
        let answered = room.clone();
        // The thread ends with the sink, whose drop closes the channel.
        thread
            .spawn(move || answer_all(&to_answer, &answered))
            .map_err(|cause| StreamError::fatal("closed", attempted(), cause))?;
        Ok(Self { log, answers, room, queue_records })
    }

    /// Requires a permit.
    fn append(&self, record: Outgoing, receipt: Receipt) {
        // One lock for both, so that the answers are in the order of the offsets.
        let mut log = self.log.lock();
        let outcome = log.append(record);
        self.answers.send((receipt, outcome)).expect("the receipts thread ends after its sink");
    }
}

fn answer_all(answers: &Receiver<Answer>, room: &Semaphore) {
    for (receipt, outcome) in answers {
        receipt.answer(outcome.and_then(|Appended { delivered, ticket }| match ticket {
            Some(ticket) if !ticket.wait() => Err(DeliveryError::Abandoned),
            _ => Ok(delivered),
        }));
        room.add_permits(1);
    }
}

#[async_trait]
impl Sink for EmbeddedSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        match self.room.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(full) => {
                let error = StreamError::transient("queue_full", "send a record", full);
                return Err(SendRefused { record, receipt, error });
            }
        }
        self.append(record, receipt);
        Ok(())
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.room.acquire().await.expect("never closed").forget();
        self.append(record, receipt);
        Ok(())
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        match tokio::time::timeout(deadline, self.room.acquire_many(self.queue_records)).await {
            Ok(_) => Ok(()),
            Err(elapsed) => Err(StreamError::transient("timeout", "flush", elapsed)),
        }
    }
}
