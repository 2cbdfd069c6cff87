//! Reads and stores all observations, to check that they are complete and that repetitions are equal.

use std::collections::{BTreeMap, HashMap, HashSet};
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

use crate::raw_topic::RawFrames;

const TOPICS: [&str; 2] = ["fanet.observation.v1", "fanet.private.observation.v1"];
const PARTITIONS: u32 = 24;

#[derive(Debug, Default)]
struct Seen {
    /// The topic and bytes of each observation.
    observations: HashMap<u64, (Arc<str>, Bytes)>,
    /// The highest raw offset by raw partition.
    highest: BTreeMap<u32, u64>,
    repeated: usize,
    /// Ids that were repeated with other bytes or in another topic.
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
        let mut partitions = Vec::new();
        for topic in TOPICS {
            let name: Arc<str> = format!("{prefix}{topic}").into();
            partitions.extend((0..PARTITIONS).map(|at| (TopicPartition::new(name.clone(), at), SeekTo::Beginning)));
        }
        let mut source = log.read(partitions).await?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok(event) = source.next().await {
                    if let Event::Records(records) = event {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        for record in records {
                            seen.record(&record.topic, record.value.expect("observations have values"));
                        }
                    }
                }
            }
        });
        Ok(Self { seen, task })
    }

    /// Whether every partition has an observation of a frame after these offsets.
    pub(crate) fn has_passed(&self, newest_offsets: &BTreeMap<u32, u64>) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // All partitions, even before frames are sent.
        let has_passed = |at: u32| seen.highest.get(&at) > newest_offsets.get(&at);
        (0..PARTITIONS).all(has_passed)
    }

    /// Waits for an observation of each frame, and compares them.
    pub(crate) async fn wait_for_all(&self, raw: &RawFrames, timeout: Duration) -> Result<()> {
        let expected = raw.first_copies.iter().map(|(partition, offset)| id(*partition, *offset).0);
        let expected: HashSet<u64> = expected.collect();
        let complete = wait_until(timeout, "all observations", async || {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            expected.iter().all(|id| seen.observations.contains_key(id)).then_some(())
        })
        .await;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = sorted(expected.iter().filter(|id| !seen.observations.contains_key(id)));
        let unexpected = sorted(seen.observations.keys().filter(|id| !expected.contains(id)));
        complete.with_context(|| format!("missing: {missing:?}; unexpected: {unexpected:?}"))?;
        ensure!(unexpected.is_empty(), "unexpected: {unexpected:?}");
        ensure!(seen.changed.is_empty(), "repeated with other bytes: {:?}", seen.changed);
        ensure!(seen.repeated > 0, "expected repeated observations: the faults had no effect");
        Ok(())
    }

    /// The number of observations, and of repetitions.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.observations.len(), seen.repeated)
    }
}

fn id(partition: u32, offset: u64) -> RecordId {
    RecordId::new(u16::try_from(partition).expect("the number of a partition fits 16 bits"), offset)
}

fn sorted<'a>(ids: impl Iterator<Item = &'a u64>) -> Vec<RecordId> {
    let mut ids: Vec<_> = ids.map(|id| RecordId(*id)).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids
}

impl Seen {
    fn record(&mut self, topic: &Arc<str>, value: Bytes) {
        let framed = framing::decode(&value).expect("in the wire format");
        let observation = Observation::decode(framed.payload).expect("an observation");
        let id = RecordId(observation.observation_id);
        let highest = self.highest.entry(id.partition().into()).or_default();
        *highest = (*highest).max(id.offset());
        match self.observations.get(&id.0) {
            None => drop(self.observations.insert(id.0, (topic.clone(), value))),
            Some(known) => {
                self.repeated += 1;
                if *known != (topic.clone(), value) {
                    self.changed.push(id);
                }
            }
        }
    }
}
