//! Counts the viewers of all instances: each instance writes its number of connections to Redis and reads the others'.
//!
//! `fanet:{presence}:instances` is a sorted set of the instances by the time of their last write (Unix seconds), and
//! `fanet:{presence}:<instance>` has the number of its connections until it expires. While Redis is unreachable everything else
//! works, and the gauges of all instances are 0. `fanet:{presence}:<instance>:connections` has what operators see of them.
//! `fanet:{presence}:<instance>:companies` has what the companies use: their limits are those of all instances, some seconds
//! late, and of each instance while Redis is unreachable.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use redis::{RedisError, pipe};
use runtime::{Context, Shutdown};
use schemas::redis::{INSTANCES_KEY, instance_companies_key, instance_connections_key, instance_key};
use schemas::v1::{ConnectionList, ConnectionView};

use crate::company_use::WrittenUse;
use crate::connection_list::ConnectionLister;
use crate::fleets::Fleets;
use crate::metrics::PusherMetrics;
use crate::redis::Redis;

const INTERVAL: Duration = Duration::from_secs(5);
/// An instance that writes nothing for this time expires.
const EXPIRY_S: u64 = 15;

/// The task that writes and reads the numbers.
pub(crate) struct Presence {
    redis: Redis,
    context: Context,
    metrics: PusherMetrics,
    lister: ConnectionLister,
    fleets: Arc<Fleets>,
}

impl Presence {
    pub(crate) fn new(
        redis: Redis,
        context: Context,
        metrics: PusherMetrics,
        lister: ConnectionLister,
        fleets: Arc<Fleets>,
    ) -> Self {
        Self { redis, context, metrics, lister, fleets }
    }

    /// Exchanges the numbers until stopped, then removes those of this instance.
    ///
    /// # Errors
    /// None: a failed exchange is repeated.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut reached = true;
        loop {
            let outcome = self.exchange().await;
            let (instances, connections) = outcome.as_ref().copied().unwrap_or_default();
            self.metrics.instances.set(instances);
            self.metrics.all_connections.set(connections);
            match &outcome {
                Err(error) if reached => {
                    self.fleets.company_use().set_elsewhere([]);
                    tracing::info!(%error, "cannot count the viewers of all instances in {}", self.redis.name());
                }
                Ok(_) if !reached => {
                    tracing::info!("viewers of all instances are counted in {} again", self.redis.name());
                }
                _ => {}
            }
            reached = outcome.is_ok();
            if stop.or(self.context.clock.sleep(INTERVAL)).await.is_none() {
                break;
            }
        }
        if reached && let Err(error) = self.remove().await {
            tracing::debug!(%error, "cannot remove this instance: it is counted until it expires");
        }
        Ok(())
    }

    /// Writes the number of this instance; returns the number of instances and of their connections.
    async fn exchange(&self) -> Result<(i64, i64), RedisError> {
        let mut connection = self.redis.connection();
        let now_s = self.context.clock.now_us() / 1_000_000;
        let instance = &*self.lister.instance;
        let total = self.metrics.connections.get();
        let list = ConnectionList {
            connections: self.lister.list().await,
            total: u32::try_from(total).unwrap_or_default(),
            ..ConnectionList::default()
        };
        let companies = serde_json::to_vec(&self.fleets.company_use().here()).expect("text and numbers");
        let (instances,): (Vec<String>,) = pipe()
            .cmd("SET")
            .arg(instance_key(instance))
            .arg(total)
            .arg("EX")
            .arg(EXPIRY_S)
            .ignore()
            .cmd("SET")
            .arg(instance_connections_key(instance))
            .arg(list.encode_to_vec())
            .arg("EX")
            .arg(EXPIRY_S)
            .ignore()
            .cmd("SET")
            .arg(instance_companies_key(instance))
            .arg(companies)
            .arg("EX")
            .arg(EXPIRY_S)
            .ignore()
            .cmd("ZADD")
            .arg(INSTANCES_KEY)
            .arg(now_s)
            .arg(instance)
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
        let (mut counts, mut companies) = (redis::cmd("MGET"), redis::cmd("MGET"));
        for instance in &instances {
            counts.arg(instance_key(instance));
            companies.arg(instance_companies_key(instance));
        }
        let counts: Vec<Option<i64>> = counts.query_async(&mut connection).await?;
        let companies: Vec<Option<Vec<u8>>> = companies.query_async(&mut connection).await?;
        let others = instances.iter().zip(companies).filter(|(other, _)| **other != *instance);
        // One of another version may not be readable.
        let read = |written: Vec<u8>| serde_json::from_slice::<WrittenUse>(&written).ok();
        self.fleets.company_use().set_elsewhere(others.filter_map(|(_, written)| read(written?)));
        let known: Vec<i64> = counts.into_iter().flatten().collect();
        Ok((i64::try_from(known.len()).unwrap_or(i64::MAX), known.iter().sum()))
    }

    async fn remove(&self) -> Result<(), RedisError> {
        let mut connection = self.redis.connection();
        pipe()
            .cmd("ZREM")
            .arg(INSTANCES_KEY)
            .arg(&*self.lister.instance)
            .ignore()
            .cmd("DEL")
            .arg(instance_key(&self.lister.instance))
            .arg(instance_connections_key(&self.lister.instance))
            .arg(instance_companies_key(&self.lister.instance))
            .ignore()
            .query_async(&mut connection)
            .await
    }
}

/// The connections of the other instances as they wrote them some seconds ago, and how many they have.
///
/// # Errors
/// Redis is unreachable.
pub(crate) async fn connections_of_others(
    redis: &Redis,
    instance: &str,
) -> Result<(Vec<ConnectionView>, u32), RedisError> {
    let mut connection = redis.connection();
    let instances: Vec<String> =
        redis::cmd("ZRANGE").arg(INSTANCES_KEY).arg(0).arg(-1).query_async(&mut connection).await?;
    let mut lists = redis::cmd("MGET");
    let mut has_others = false;
    for other in instances.iter().filter(|other| **other != instance) {
        lists.arg(instance_connections_key(other));
        has_others = true;
    }
    if !has_others {
        return Ok((Vec::new(), 0));
    }
    let lists: Vec<Option<Vec<u8>>> = lists.query_async(&mut connection).await?;
    // One of another version may not be readable.
    let lists = lists.into_iter().flatten().filter_map(|list| ConnectionList::decode(&list[..]).ok());
    Ok(lists.fold((Vec::new(), 0), |(mut connections, total), list| {
        connections.extend(list.connections);
        (connections, total.saturating_add(list.total))
    }))
}
