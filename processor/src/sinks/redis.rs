//! Redis: the live states for readers outside, always a little behind the log and never in its way.
//!
//! One task per process takes what the partitions' tasks have left in their feeds. While Redis is away the feeds coalesce; when it
//! is back (or has lost its data, which its `complete` sets tell) the tasks hand over all that they have.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use redis::RedisError;
use redis_servers::{Connection, Servers, Timeouts};
use runtime::{Backoff, Context, Part, Redacted, Shutdown};
use schemas::redis::{Set, set_key};

use crate::metrics::RedisMetrics;
use crate::sinks::live::{LiveFeed, LiveFeeds, LiveKind, LiveUpdate, Pending};
use crate::sinks::redis_commands::{LIBRARY, SWEEP, id_in_partition, put, sweep};

/// How long Redis is waited for.
pub(crate) const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(3), answer: Duration::from_secs(5) };
/// How often Redis is looked after: complete sets, the dead.
const ROUND: Duration = Duration::from_secs(10);
/// News gathers so long: a call costs Redis more than an object of it, and maps do not wait for Redis.
const GATHER_TIME: Duration = Duration::from_millis(100);
/// Most objects in one call: a few milliseconds of Redis' time.
pub(crate) const CALL_OBJECTS: usize = 500;

/// How long states of a kind stay without a newer one, seconds.
#[derive(Clone, Copy, Debug)]
pub struct LiveLifetimes {
    /// Aircraft.
    pub aircraft_s: u64,
    /// Ground objects.
    pub ground_s: u64,
    /// Weather stations.
    pub station_s: u64,
    /// Thermals.
    pub thermal_s: u64,
    /// Trust.
    pub validation_s: u64,
}

impl LiveLifetimes {
    pub(crate) fn of(&self, kind: LiveKind) -> u64 {
        match kind {
            LiveKind::Aircraft => self.aircraft_s,
            LiveKind::Ground => self.ground_s,
            LiveKind::Station => self.station_s,
            LiveKind::Thermal => self.thermal_s,
            LiveKind::Validation => self.validation_s,
        }
    }
}

/// A connection to a Redis that knows our functions; of a cluster, every node that takes writes.
pub(crate) async fn connect(servers: &Servers) -> Result<Connection, RedisError> {
    let mut connection = servers.connect().await?;
    redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(LIBRARY).query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// The task that writes to Redis.
pub struct RedisSink {
    servers: Servers,
    /// For people: the URL without secrets.
    name: String,
    feeds: LiveFeeds,
    kinds: &'static [LiveKind],
    lifetimes: LiveLifetimes,
    context: Context,
    part: Part,
    metrics: RedisMetrics,
}

impl RedisSink {
    /// Does no I/O.
    ///
    /// # Errors
    /// The URL is none.
    pub fn new(
        url: &Redacted,
        feeds: LiveFeeds,
        kinds: &'static [LiveKind],
        lifetimes: LiveLifetimes,
        context: &Context,
        metrics: RedisMetrics,
    ) -> anyhow::Result<Self> {
        let servers = Servers::parse(url, TIMEOUTS).context("the Redis URL")?;
        let name = servers.name();
        let part = context.readiness.part("redis");
        Ok(Self { servers, name, feeds, kinds, lifetimes, context: context.clone(), part, metrics })
    }

    /// Writes until stopped.
    ///
    /// # Errors
    /// Never: a Redis that is away is waited for.
    pub async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut backoff = Backoff::for_services();
        while !stop.is_requested() {
            let Err(error) = self.serve(&stop, &mut backoff).await else { break };
            self.metrics.connected.set(0);
            self.metrics.failures.inc();
            self.part.not_ready(format!("cannot reach {}: {error}", self.name));
            tracing::debug!(error = %error, "{} does not answer", self.name);
            if stop.or(self.context.clock.sleep(backoff.next_delay())).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn serve(&self, stop: &Shutdown, backoff: &mut Backoff) -> Result<(), RedisError> {
        let mut connection = connect(&self.servers).await?;
        tracing::info!("{} answers", self.name);
        self.part.ready();
        self.metrics.connected.set(1);
        let mut next_round = self.context.clock.monotonic();
        loop {
            if self.context.clock.monotonic() >= next_round {
                self.look_after(&mut connection).await?;
                next_round = self.context.clock.monotonic() + ROUND;
            }
            for feed in self.feeds.all() {
                self.drain(&mut connection, &feed).await?;
            }
            backoff.reset();
            let pause = next_round.saturating_sub(self.context.clock.monotonic());
            let gathered = async {
                self.feeds.news().await;
                self.context.clock.sleep(GATHER_TIME).await;
            };
            tokio::select! {
                () = gathered => {}
                () = self.context.clock.sleep(pause) => {}
                // What is left in the feeds is in the log too, and in the states that the next owner writes.
                () = stop.requested() => return Ok(()),
            }
        }
    }

    async fn drain(&self, connection: &mut Connection, feed: &Arc<LiveFeed>) -> Result<(), RedisError> {
        let mut taken = feed.take();
        if taken.updates.is_empty() && taken.complete_at.is_none() {
            return Ok(());
        }
        let outcome = self.write(connection, feed, &mut taken).await;
        if outcome.is_err() {
            feed.give_back(taken);
        }
        outcome
    }

    /// Writes what was taken; what could not be written is still in it afterwards.
    async fn write(&self, connection: &mut Connection, feed: &LiveFeed, taken: &mut Pending) -> Result<(), RedisError> {
        if let Some(version) = taken.complete_at {
            self.find_dead(connection, feed, version, taken).await?;
        }
        for kind in self.kinds {
            let updates: Vec<LiveUpdate> =
                taken.updates.values().filter(|update| update.kind == *kind).cloned().collect();
            for some in updates.chunks(CALL_OBJECTS) {
                let began = self.context.clock.monotonic();
                put(*kind, some, taken.clock_us, self.lifetimes.of(*kind)).query_async::<()>(connection).await?;
                self.metrics.call_seconds.observe((self.context.clock.monotonic() - began).as_secs_f64());
                self.metrics.wrote(kind.as_str(), some.len());
                for update in some {
                    taken.updates.remove(&(update.kind, update.id));
                }
            }
        }
        if taken.complete_at.is_some() {
            // One call each: in a cluster every kind has a slot of its own.
            for kind in self.kinds {
                let mut add = redis::cmd("SADD");
                add.arg(set_key(kind.as_str(), Set::Complete)).arg(feed.partition);
                add.query_async::<()>(connection).await?;
            }
            taken.complete_at = None;
            self.metrics.refills.inc();
        }
        Ok(())
    }

    /// Adds the ends of what Redis has of the partition and the partition's core has not: tombstones that a former owner
    /// could not deliver.
    async fn find_dead(
        &self,
        connection: &mut Connection,
        feed: &LiveFeed,
        version: u64,
        taken: &mut Pending,
    ) -> Result<(), RedisError> {
        for kind in self.kinds.iter().filter(|kind| **kind != LiveKind::Validation) {
            let members: Vec<String> = redis::cmd("ZRANGE")
                .arg(set_key(kind.as_str(), Set::Seen))
                .arg(0)
                .arg(-1)
                .query_async(connection)
                .await?;
            let ours = |member: &String| id_in_partition(*kind, member, feed.partition, feed.of_partitions);
            for id in members.iter().filter_map(ours) {
                let end = LiveUpdate { kind: *kind, id, version, state: None };
                taken.updates.entry((*kind, id)).or_insert(end);
            }
        }
        Ok(())
    }

    /// Asks for all states of partitions that are not complete, and removes the dead.
    async fn look_after(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let feeds = self.feeds.all();
        for feed in &feeds {
            for kind in self.kinds {
                let mut ask = redis::cmd("SISMEMBER");
                ask.arg(set_key(kind.as_str(), Set::Complete)).arg(feed.partition);
                if !ask.query_async::<bool>(connection).await? {
                    feed.ask_for_all();
                    break;
                }
            }
        }
        // By the time of the partition that is furthest behind: what it has not seen for a lifetime is dead.
        let Some(clock_us) = feeds.iter().map(|feed| feed.clock_us()).filter(|clock_us| *clock_us > 0).min() else {
            return Ok(());
        };
        for kind in self.kinds {
            let before_us = clock_us.saturating_sub(self.lifetimes.of(*kind) * 1_000_000);
            loop {
                let removed: usize = sweep(*kind, before_us).query_async(connection).await?;
                self.metrics.swept.inc_by(removed as u64);
                if removed < SWEEP {
                    break;
                }
            }
        }
        Ok(())
    }
}
