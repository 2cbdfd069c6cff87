//! Redis: the live states for external readers, a little behind the log. Redis never delays the log.
//!
//! One task per process takes the updates from the partitions' queues. While Redis is unreachable the queues coalesce; when it
//! is back, or its `complete` sets show that it has lost its data, the partitions' tasks queue all their states.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use redis::RedisError;
use redis_servers::{Connection, Servers, Timeouts};
use runtime::{Backoff, Context, Part, Redacted, Shutdown};
use schemas::object::Kind;
use schemas::redis::{Set, set_key};

use crate::metrics::RedisMetrics;
use crate::sinks::live::{LiveFeed, LiveFeeds, LiveKind, LiveUpdate, Pending};
use crate::sinks::redis_commands::{LIBRARY, SWEEP, id_in_partition, put, sweep};

/// Time limits of a connection attempt and of an answer.
pub(crate) const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(3), answer: Duration::from_secs(5) };
/// Time between two checks of Redis: for incomplete partitions and expired members.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);
/// How long updates are collected for a call: a call costs Redis more than an object in it, and maps do not wait for Redis.
const GATHER_TIME: Duration = Duration::from_millis(100);
/// The largest number of objects in one call: it takes Redis a few milliseconds.
pub(crate) const CALL_OBJECTS: usize = 500;

/// How long states of each kind stay without a newer one, seconds.
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
    /// Scores.
    pub validation_s: u64,
}

impl LiveLifetimes {
    pub(crate) fn of(&self, kind: LiveKind) -> u64 {
        match kind {
            LiveKind::Object(Kind::Aircraft) => self.aircraft_s,
            LiveKind::Object(Kind::Ground) => self.ground_s,
            LiveKind::Object(Kind::Station) => self.station_s,
            LiveKind::Object(Kind::Thermal) => self.thermal_s,
            // Redis does not hold them.
            LiveKind::Object(Kind::Receiver | Kind::Alert | Kind::Landmark) => 0,
            LiveKind::Validation => self.validation_s,
        }
    }
}

/// Connects, and loads our functions; in a cluster, into every node that accepts writes.
pub(crate) async fn connect(servers: &Servers) -> Result<Connection, RedisError> {
    let mut connection = servers.connect().await?;
    redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(LIBRARY).query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// The task that writes to Redis.
pub struct RedisSink {
    servers: Servers,
    /// The URL without secrets, for messages.
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
    /// The URL is invalid.
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
    /// Never: an unreachable Redis is retried.
    pub async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut backoff = Backoff::for_services();
        while !stop.is_requested() {
            let Err(error) = self.serve(&stop, &mut backoff).await else { break };
            self.metrics.connected.set(0);
            self.metrics.failures.inc();
            self.part.not_ready(format!("cannot reach {}: {error}", self.name));
            tracing::debug!(error = %error, "cannot reach {}", self.name);
            if stop.or(self.context.clock.sleep(backoff.next_delay())).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn serve(&self, stop: &Shutdown, backoff: &mut Backoff) -> Result<(), RedisError> {
        let mut connection = connect(&self.servers).await?;
        tracing::info!("connected to {}", self.name);
        self.part.ready();
        self.metrics.connected.set(1);
        let mut next_maintenance = self.context.clock.monotonic();
        loop {
            if self.context.clock.monotonic() >= next_maintenance {
                self.maintain(&mut connection).await?;
                next_maintenance = self.context.clock.monotonic() + MAINTENANCE_INTERVAL;
            }
            for feed in self.feeds.all() {
                self.drain(&mut connection, &feed).await?;
            }
            backoff.reset();
            let pause = next_maintenance.saturating_sub(self.context.clock.monotonic());
            let collected = async {
                self.feeds.queued().await;
                self.context.clock.sleep(GATHER_TIME).await;
            };
            tokio::select! {
                () = collected => {}
                () = self.context.clock.sleep(pause) => {}
                // The updates that are left are in the log, too, and the next owner writes them.
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
            feed.put_back(taken);
        }
        outcome
    }

    /// Writes the updates; those that could not be written remain in `taken`.
    async fn write(&self, connection: &mut Connection, feed: &LiveFeed, taken: &mut Pending) -> Result<(), RedisError> {
        if let Some(version) = taken.complete_at
            && !taken.has_ends
        {
            self.add_missing_ends(connection, feed, version, taken).await?;
            taken.has_ends = true;
        }
        for kind in self.kinds {
            let updates: Vec<LiveUpdate> =
                taken.updates.values().filter(|update| update.kind == *kind).cloned().collect();
            for chunk in updates.chunks(CALL_OBJECTS) {
                let began = self.context.clock.monotonic();
                put(*kind, chunk, taken.clock_us, self.lifetimes.of(*kind)).query_async::<()>(connection).await?;
                self.metrics.call_seconds.observe((self.context.clock.monotonic() - began).as_secs_f64());
                self.metrics.wrote(kind.as_str(), chunk.len());
                for update in chunk {
                    taken.updates.remove(&(update.kind, update.id));
                }
            }
        }
        if taken.complete_at.is_some() {
            // One call per kind: in a cluster every kind has a slot of its own.
            for kind in self.kinds {
                let mut add = redis::cmd("SADD");
                add.arg(set_key(kind.as_str(), Set::Complete)).arg(feed.partition);
                add.query_async::<()>(connection).await?;
            }
            (taken.complete_at, taken.has_ends) = (None, false);
            self.metrics.refills.inc();
        }
        Ok(())
    }

    /// Adds the ends of objects that Redis has of the partition and the partition's core does not have: a former owner could not
    /// deliver their tombstones.
    async fn add_missing_ends(
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
            let in_partition = |member: &String| id_in_partition(*kind, member, feed.partition, feed.of_partitions);
            for id in members.iter().filter_map(in_partition) {
                let end = LiveUpdate { kind: *kind, id, version, state: None };
                taken.updates.entry((*kind, id)).or_insert(end);
            }
        }
        Ok(())
    }

    /// Requests all states of partitions that are not complete, and removes expired members.
    async fn maintain(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let feeds = self.feeds.all();
        for feed in &feeds {
            for kind in self.kinds {
                let mut is_complete = redis::cmd("SISMEMBER");
                is_complete.arg(set_key(kind.as_str(), Set::Complete)).arg(feed.partition);
                if !is_complete.query_async::<bool>(connection).await? {
                    feed.request_all();
                    break;
                }
            }
        }
        // By the clock of the partition that is furthest behind: a member that was not seen for its lifetime has expired.
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
