//! The group on receptions: what is known of each receiver, with its codecs.

mod coverage;
mod hearing;
mod places;

use std::sync::Arc;

use bytes::Bytes;
use runtime::{Context, Part};
use schemas::catalogue::topic;
use schemas::v1::{ReceiversState, Reception, receivers_state};
use streams::framing::FramingError;
use streams::registry::Schemas;
use streams::{Headers, Incoming, Outgoing};

use crate::pipeline::{Emission, Fit, Machine, Verdict, put_version};
use crate::sinks::live::LiveUpdate;
use crate::sinks::topics::Topic;

pub use hearing::{Hearing, ReceiverChange};
pub use places::Places;

/// The topics of the group.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the catalogue")]
pub struct ReceiverTopics {
    pub receptions: Topic,
    pub receivers: Topic,
    pub checkpoints: Topic,
}

impl ReceiverTopics {
    /// Registers all schemas. `None`: asked to stop.
    ///
    /// # Errors
    /// The registry refuses a schema for good.
    pub async fn prepare(
        context: &Context,
        part: &Part,
        schemas: &Schemas,
        prefix: &str,
    ) -> anyhow::Result<Option<Self>> {
        let prepare = |name| Topic::prepare(context, part, schemas, prefix, name);
        let Some(receptions) = prepare(topic::RECEPTION).await? else { return Ok(None) };
        let Some(receivers) = prepare(topic::RECEIVER).await? else { return Ok(None) };
        let Some(checkpoints) = prepare(topic::RECEIVERS_STATE).await? else { return Ok(None) };
        Ok(Some(Self { receptions, receivers, checkpoints }))
    }
}

/// The core of one reception partition between its topics.
#[derive(Debug)]
pub struct ReceiverMachine {
    hearing: Hearing,
    partition: u32,
    epoch: String,
    topics: Arc<ReceiverTopics>,
    changes: Vec<ReceiverChange>,
}

impl ReceiverMachine {
    /// A core that knows nothing but where some receivers stand.
    pub fn new(
        partition: u32,
        epoch: &str,
        places: Arc<Places>,
        lifetime_us: u64,
        topics: Arc<ReceiverTopics>,
    ) -> Self {
        let hearing = Hearing::new(places, lifetime_us);
        Self { hearing, partition, epoch: epoch.to_owned(), topics, changes: Vec::new() }
    }
}

fn told(topic: &Topic, partition: u32, change: ReceiverChange) -> Outgoing {
    let mut headers = Headers::new();
    put_version(&mut headers, change.version);
    match change.state {
        Some(state) => topic.record(Some(partition), change.receiver_id, &state, state.last_seen_at_us, headers),
        None => topic.tombstone(Some(partition), change.receiver_id, change.at_us, headers),
    }
}

impl Machine for ReceiverMachine {
    fn apply(&mut self, record: &Incoming, out: &mut Emission) {
        let value = record.value.clone().unwrap_or_default();
        match self.topics.receptions.codec.decode::<Reception>(&value) {
            Ok(reception) => self.hearing.apply(record.offset, &reception, &mut self.changes),
            Err(error) => {
                let (offset, reason) = (record.offset, error.reason());
                tracing::error!(offset, reason, "a reception of ours cannot be read: it is left out");
                out.verdict = Verdict::Rejected(reason);
                return;
            }
        }
        out.verdict = Verdict::Usable;
        let (topic, partition) = (&self.topics.receivers, self.partition);
        out.records.extend(self.changes.drain(..).map(|change| told(topic, partition, change)));
    }

    fn next_offset(&self) -> u64 {
        self.hearing.next_offset()
    }

    fn clock_us(&self) -> u64 {
        self.hearing.clock_us()
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        let codec = &self.topics.checkpoints.codec;
        let memories = self.hearing.changed_memories(&self.epoch);
        memories.into_iter().map(|(key, memory)| (key, memory.map(|memory| codec.encode(&memory)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<Fit, FramingError> {
        let memory: ReceiversState = self.topics.checkpoints.codec.decode(value)?;
        if let Some(receivers_state::Part::Partition(own)) = &memory.part
            && own.epoch != self.epoch
        {
            return Ok(Fit::OtherLog);
        }
        self.hearing.restore(memory);
        Ok(Fit::Ours)
    }

    fn takes_parts_ahead(&self) -> bool {
        false
    }

    fn checkpoint_all(&mut self) {
        self.hearing.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        vec![self.topics.receivers.name.clone()]
    }

    fn newest(&self, _topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let receiver_id = std::str::from_utf8(key).ok()?;
        Some(told(&self.topics.receivers, self.partition, self.hearing.newest(receiver_id)))
    }

    fn live(&self, _out: &mut Vec<LiveUpdate>) {}
}
