//! `processor rebuild-redis`: rebuilds Redis from the log.
//!
//! Folds the state topics (the newest version of each key), removes all keys of their kinds from Redis and writes the current
//! states. The partitions are not marked as complete, so that processors that run meanwhile, or start later, write the
//! changes since. Afterwards Redis has no state that the log does not have. This also corrects a Redis with the versions of a
//! former cluster, which would outrank those of this one.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use prost::Message;
use redis_servers::{Connection, Servers};
use schemas::catalogue::{self, topic};
use schemas::object::{Kind, State};
use schemas::redis::{holds, kind_pattern};
use schemas::v1::ProcessorState;
use streams::registry::{Schemas, TopicCodec};
use streams::{Event, Incoming, Log, SeekTo, TopicPartition, version_of};

use crate::sinks::live::{LiveKind, LiveUpdate};
use crate::sinks::redis::{CALL_OBJECTS, LiveLifetimes, connect};
use crate::sinks::redis_commands::put;
use air::core::{Core, Settings};

/// Keys removed with one call.
const REMOVE_KEYS: usize = 1_000;

/// The source of the states.
pub struct States<'a> {
    /// The log.
    pub log: &'a dyn Log,
    /// The schemas of the values.
    pub schemas: &'a Schemas,
    /// The prefix of every topic name.
    pub topic_prefix: &'a str,
}

/// The current states of one kind.
struct Fold {
    kind: LiveKind,
    updates: BTreeMap<u64, LiveUpdate>,
    /// The newest time of the records, microseconds.
    clock_us: u64,
}

/// Rebuilds Redis; prints a line for each step.
///
/// # Errors
/// The log, the registry or Redis cannot be reached or fails.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn rebuild(
    states: States<'_>,
    servers: &Servers,
    lifetimes: LiveLifetimes,
    settings: &Settings,
) -> anyhow::Result<()> {
    let mut connection = connect(servers).await.context("redis")?;
    let mut folds = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| holds(*kind)) {
        folds.push(states.fold(kind).await?);
    }
    folds.push(states.scores(settings).await?);
    for fold in folds {
        let name = fold.kind.as_str();
        println!("{name}: {} in the log", fold.updates.len());
        let removed = remove(&mut connection, fold.kind).await.context("redis")?;
        println!("{name}: {removed} keys removed from redis");
        write(&mut connection, &fold, lifetimes).await.context("redis")?;
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
async fn write(connection: &mut Connection, fold: &Fold, lifetimes: LiveLifetimes) -> Result<(), redis::RedisError> {
    let (total, lifetime_s) = (fold.updates.len(), lifetimes.of(fold.kind));
    let updates: Vec<LiveUpdate> = fold.updates.values().cloned().collect();
    let mut written = 0;
    for chunk in updates.chunks(CALL_OBJECTS) {
        put(fold.kind, chunk, fold.clock_us, lifetime_s).query_async::<()>(connection).await?;
        written += chunk.len();
        if written == total || written % (20 * CALL_OBJECTS) == 0 {
            println!("{}: {written} of {total} written", fold.kind.as_str());
        }
    }
    Ok(())
}

/// Removes all keys of a kind, including the marks of complete partitions.
async fn remove(connection: &mut Connection, kind: LiveKind) -> Result<usize, redis::RedisError> {
    let (pattern, mut cursor, mut removed) = (kind_pattern(kind.as_str()), 0_u64, 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(REMOVE_KEYS);
        let (next, keys): (u64, Vec<String>) = connection.query_node_of(&pattern, &scan).await?;
        if !keys.is_empty() {
            removed += redis::cmd("UNLINK").arg(&keys).query_async::<usize>(connection).await?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(removed);
        }
    }
}

impl States<'_> {
    async fn fold(&self, kind: Kind) -> anyhow::Result<Fold> {
        let name = kind.topic();
        let codec = self.codec(name).await?;
        let mut fold = Fold { kind: LiveKind::Object(kind), updates: BTreeMap::new(), clock_us: 0 };
        self.read(name, |record| {
            if let Some(update) = update_of(kind, &codec, &record) {
                fold.take(update, record.timestamp_ms);
            }
        })
        .await?;
        fold.updates.retain(|_, update| update.state.is_some());
        Ok(fold)
    }

    /// The scores of all devices, from the checkpoints of the stream core.
    async fn scores(&self, settings: &Settings) -> anyhow::Result<Fold> {
        let codec = self.codec(topic::PROCESSOR_STATE).await?;
        let mut newest: BTreeMap<(u32, bytes::Bytes), Option<ProcessorState>> = BTreeMap::new();
        self.read(topic::PROCESSOR_STATE, |record| {
            let Some(key) = record.key else { return };
            let part = record.value.and_then(|value| codec.decode(&value).ok());
            newest.insert((record.partition, key), part);
        })
        .await?;
        let mut cores: BTreeMap<u32, Core> = BTreeMap::new();
        for ((partition, _), part) in newest {
            let number = u16::try_from(partition).context("a topic has fewer than 65,536 partitions")?;
            let core = cores.entry(partition).or_insert_with(|| Core::new(number, settings.clone()));
            part.into_iter().for_each(|part| core.restore(part));
        }
        let mut fold = Fold { kind: LiveKind::Validation, updates: BTreeMap::new(), clock_us: 0 };
        for core in cores.values() {
            fold.clock_us = fold.clock_us.max(core.clock_us());
            for score in core.scores() {
                fold.updates.insert(score.device.into(), LiveUpdate::of_score(score));
            }
        }
        Ok(fold)
    }

    async fn codec(&self, name: &str) -> anyhow::Result<TopicCodec> {
        let topic = catalogue::find(name).with_context(|| format!("{name} is not in the catalogue"))?;
        // With a mistyped prefix the topic does not exist: fail before a schema is registered under the prefix.
        let full_name = topic.full_name(self.topic_prefix);
        self.log.partitions(&full_name).await.with_context(|| format!("read {full_name}"))?;
        let codec = self.schemas.prepare(self.topic_prefix, &topic).await;
        codec.with_context(|| format!("schema registry {}", self.schemas.name()))
    }

    /// Reads a topic from its beginning to its end at the time of the call.
    async fn read(&self, name: &str, mut take: impl FnMut(Incoming)) -> anyhow::Result<()> {
        let topic = catalogue::find(name).with_context(|| format!("{name} is not in the catalogue"))?;
        let full_name: Arc<str> = topic.full_name(self.topic_prefix).into();
        let read = async {
            let partitions = self.log.partitions(&full_name).await?;
            let from = (0..partitions).map(|at| (TopicPartition::new(full_name.clone(), at), SeekTo::Beginning));
            let mut source = self.log.read(from.collect()).await?;
            let mut remaining = partitions;
            while remaining > 0 {
                match source.next().await? {
                    Event::Records(records) => records.into_iter().for_each(&mut take),
                    Event::CaughtUp(_) => remaining -= 1,
                    _ => {}
                }
            }
            Ok::<(), streams::StreamError>(())
        };
        read.await.with_context(|| format!("read {full_name}"))
    }
}

impl Fold {
    fn take(&mut self, update: LiveUpdate, timestamp_ms: i64) {
        self.clock_us = self.clock_us.max(u64::try_from(timestamp_ms).unwrap_or_default() * 1_000);
        let is_newer = self.updates.get(&update.id).is_none_or(|known| known.version <= update.version);
        if is_newer {
            self.updates.insert(update.id, update);
        }
    }
}

/// `None`: the key or the value cannot be read.
fn update_of(kind: Kind, codec: &TopicCodec, record: &Incoming) -> Option<LiveUpdate> {
    let key = std::str::from_utf8(record.key.as_ref()?).ok()?;
    let id = kind.parse_key(key)?;
    let version = version_of(&record.headers).unwrap_or_default();
    let state = match &record.value {
        None => None,
        Some(value) => Some(match kind {
            Kind::Aircraft => State::Aircraft(decode(codec, value)?),
            Kind::Ground => State::Ground(decode(codec, value)?),
            Kind::Thermal => State::Thermal(decode(codec, value)?),
            Kind::Station => State::Station(decode(codec, value)?),
            Kind::Receiver => State::Receiver(decode(codec, value)?),
            Kind::Alert => State::Alert(decode(codec, value)?),
            Kind::Landmark => State::Landmark(decode(codec, value)?),
        }),
    };
    Some(LiveUpdate::of_object(kind, id, version, state))
}

fn decode<M: Message + Default>(codec: &TopicCodec, value: &bytes::Bytes) -> Option<M> {
    codec.decode(value).ok()
}
