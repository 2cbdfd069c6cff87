//! How many watch, over all instances: each tells Redis how many connections it holds, and asks for those of the others.
//!
//! `fanet:{presence}:instances` is a sorted set of instances by when they were last heard of (Unix seconds), and
//! `fanet:{presence}:<instance>` holds one's connections until it expires. Only told, never decided by: while Redis is away
//! everything goes on, and the gauges of the whole say 0.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use redis::{RedisError, pipe};
use runtime::{Context, Shutdown};
use schemas::redis::{INSTANCES_KEY, instance_key};

use crate::metrics::PusherMetrics;
use crate::redis::Redis;

const ROUND: Duration = Duration::from_secs(5);
/// An instance that says nothing for so long is gone.
const EXPIRY_S: u64 = 15;

/// The task that tells and asks.
pub(crate) struct Presence {
    redis: Redis,
    context: Context,
    metrics: PusherMetrics,
    instance: String,
}

impl Presence {
    pub(crate) fn new(redis: Redis, context: Context, metrics: PusherMetrics) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self { redis, context, metrics, instance: format!("{random:016x}") }
    }

    /// Tells and asks until stopped; then takes its own away.
    ///
    /// # Errors
    /// Never: a Redis that is away is asked again.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut reached = true;
        loop {
            let outcome = self.round().await;
            let (instances, connections) = outcome.as_ref().copied().unwrap_or_default();
            self.metrics.instances.set(instances);
            self.metrics.connections_everywhere.set(connections);
            match &outcome {
                Err(error) if reached => tracing::info!(%error, "{} does not count who watches", self.redis.name()),
                Ok(_) if !reached => tracing::info!("{} counts again who watches", self.redis.name()),
                _ => {}
            }
            reached = outcome.is_ok();
            if stop.or(self.context.clock.sleep(ROUND)).await.is_none() {
                break;
            }
        }
        if reached && let Err(error) = self.leave().await {
            tracing::debug!(%error, "this instance is counted until it expires");
        }
        Ok(())
    }

    /// Tells of this instance; gives how many there are, and their connections.
    async fn round(&self) -> Result<(i64, i64), RedisError> {
        let mut connection = self.redis.connection();
        let now_s = self.context.clock.now_us() / 1_000_000;
        let (instances,): (Vec<String>,) = pipe()
            .cmd("SET")
            .arg(instance_key(&self.instance))
            .arg(self.metrics.connections.get())
            .arg("EX")
            .arg(EXPIRY_S)
            .ignore()
            .cmd("ZADD")
            .arg(INSTANCES_KEY)
            .arg(now_s)
            .arg(&self.instance)
            .ignore()
            .cmd("ZREMRANGEBYSCORE")
            .arg(INSTANCES_KEY)
            .arg("-inf")
            .arg(now_s.saturating_sub(EXPIRY_S))
            .ignore()
            .cmd("EXPIRE")
            .arg(INSTANCES_KEY)
            .arg(EXPIRY_S * 2)
            .ignore()
            .cmd("ZRANGE")
            .arg(INSTANCES_KEY)
            .arg(0)
            .arg(-1)
            .query_async(&mut connection)
            .await?;
        let mut counts = redis::cmd("MGET");
        for instance in &instances {
            counts.arg(instance_key(instance));
        }
        let counts: Vec<Option<i64>> = counts.query_async(&mut connection).await?;
        let known: Vec<i64> = counts.into_iter().flatten().collect();
        Ok((i64::try_from(known.len()).unwrap_or(i64::MAX), known.iter().sum()))
    }

    async fn leave(&self) -> Result<(), RedisError> {
        let mut connection = self.redis.connection();
        pipe()
            .cmd("ZREM")
            .arg(INSTANCES_KEY)
            .arg(&self.instance)
            .ignore()
            .cmd("DEL")
            .arg(instance_key(&self.instance))
            .ignore()
            .query_async(&mut connection)
            .await
    }
}
