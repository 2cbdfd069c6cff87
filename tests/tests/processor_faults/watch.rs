//! Reads all observations as they come and keeps each of them: complete, exact, the same when they come again?

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use harness::wait_until;
use prost::Message as _;
use schemas::RecordId;
use schemas::v1::Observation;
use streams::{Event, Log, SeekTo, TopicPartition, framing};
use tokio::task::JoinHandle;

use crate::traffic::Sent;

const TOPICS: [&str; 2] = ["fanet.observation.v1", "fanet.private.observation.v1"];
const PARTITIONS: u32 = 24;

#[derive(Debug, Default)]
struct Seen {
    /// Topic and bytes of each observation.
    observations: HashMap<u64, (Arc<str>, Bytes)>,
    /// The highest raw offset seen, by raw partition.
    highest: BTreeMap<u32, u64>,
    again: usize,
    /// Ids that came again with other bytes, or elsewhere.
    changed: Vec<RecordId>,
}

pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    pub(crate) async fn start(log: Arc<dyn Log>, prefix: &str) -> Result<Self> {
        let mut places = Vec::new();
        for topic in TOPICS {
            let name: Arc<str> = format!("{prefix}{topic}").into();
            places.extend((0..PARTITIONS).map(|at| (TopicPartition::new(name.clone(), at), SeekTo::Beginning)));
        }
        let mut source = log.read(places).await?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok(event) = source.next().await {
                    if let Event::Records(records) = event {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        for record in records {
                            seen.take(&record.topic, record.value.expect("observations have values"));
                        }
                    }
                }
            }
        });
        Ok(Self { seen, task })
    }

    /// Whether frames behind a mark have been observed in every partition of it.
    pub(crate) fn is_past(&self, mark: &BTreeMap<u32, u64>) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Of every partition, also at first, when nothing has been sent.
        let is_past = |at: u32| seen.highest.get(&at) > mark.get(&at);
        (0..PARTITIONS).all(is_past)
    }

    /// Waits until there are as many observations as there should be, then compares them one by one.
    pub(crate) async fn until_complete(&self, sent: &Sent, patience: Duration) -> Result<()> {
        let count = async || {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.observations.len() >= sent.first_copies.len()).then_some(())
        };
        let complete = wait_until(patience, "all observations", count).await;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = sent.first_copies.iter().map(|(partition, offset)| id(*partition, *offset));
        let missing: Vec<_> = expected.filter(|id| !seen.observations.contains_key(&id.0)).collect();
        complete.with_context(|| format!("{} are missing, such as {:?}", missing.len(), missing.first()))?;
        ensure!(missing.is_empty(), "{} are missing, such as {}", missing.len(), missing[0]);
        let more = seen.observations.len() - sent.first_copies.len();
        ensure!(more == 0, "{more} observations too many");
        ensure!(seen.changed.is_empty(), "given out again with other bytes: {:?}", seen.changed);
        ensure!(seen.again > 0, "no fault hit: nothing was given out twice");
        Ok(())
    }

    /// Observations, and how many came more than once.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.observations.len(), seen.again)
    }
}

fn id(partition: u32, offset: u64) -> RecordId {
    RecordId::new(u16::try_from(partition).expect("a topic has few partitions"), offset)
}

impl Seen {
    fn take(&mut self, topic: &Arc<str>, value: Bytes) {
        let framed = framing::decode(&value).expect("in the wire format");
        let observation = Observation::decode(framed.payload).expect("an observation");
        let id = RecordId(observation.observation_id);
        let highest = self.highest.entry(id.partition().into()).or_default();
        *highest = (*highest).max(id.offset());
        match self.observations.get(&id.0) {
            None => drop(self.observations.insert(id.0, (topic.clone(), value))),
            Some(known) => {
                self.again += 1;
                if *known != (topic.clone(), value) {
                    self.changed.push(id);
                }
            }
        }
    }
}
