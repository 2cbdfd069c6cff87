//! Keeps in Redis which user sees which devices of which company, for programs that do not read `fanet.account.v1`.
//!
//! `fanet:{account}:user:<user>` is a hash: the company, and the addresses with spaces between them. The topic is the truth, and
//! nothing here is read back: a Redis that was flushed has no `fanet:{account}:complete`, and gets everything again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redis::{RedisError, pipe};
use runtime::{Context, Shutdown};
use schemas::DeviceAddress;
use schemas::redis::{ACCOUNTS_COMPLETE_KEY, account_user_key};

use crate::fleets::Fleets;
use crate::redis::Redis;

const INTERVAL: Duration = Duration::from_secs(2);
/// Users that are written with one round trip.
const BATCH: usize = 200;

/// The companies of a user, each with its devices as text.
type Companies = Vec<(String, String)>;

/// The task that writes them.
pub(crate) struct AccountCache {
    redis: Redis,
    fleets: Arc<Fleets>,
    context: Context,
    /// What this instance has written.
    written: HashMap<String, Companies>,
}

impl AccountCache {
    pub(crate) fn new(redis: Redis, fleets: Arc<Fleets>, context: Context) -> Self {
        Self { redis, fleets, context, written: HashMap::new() }
    }

    /// Writes what has changed until stopped.
    ///
    /// # Errors
    /// None: what was not written is written later.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let mut reached = true;
        while stop.or(self.context.clock.sleep(INTERVAL)).await.is_some() {
            let outcome = self.write().await;
            match &outcome {
                Err(error) if reached => {
                    tracing::info!(%error, "cannot write the fleets of users to {}", self.redis.name());
                }
                Ok(()) if !reached => tracing::info!("the fleets of users are in {} again", self.redis.name()),
                _ => {}
            }
            reached = outcome.is_ok();
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), RedisError> {
        let mut connection = self.redis.connection();
        let is_complete: bool = redis::cmd("EXISTS").arg(ACCOUNTS_COMPLETE_KEY).query_async(&mut connection).await?;
        if !is_complete {
            self.written.clear();
        }
        let present = self.fleets.read(|directory| {
            let members = directory.members();
            members.map(|(user, companies)| (user.to_owned(), texts(companies))).collect::<HashMap<_, _>>()
        });
        let ended = self.written.keys().filter(|user| !present.contains_key(*user)).cloned();
        let ended: Vec<(String, Companies)> = ended.map(|user| (user, Vec::new())).collect();
        let changed = present.iter().filter(|(user, companies)| self.written.get(*user) != Some(companies));
        let changed: Vec<_> = changed.map(|(user, companies)| (user.clone(), companies.clone())).chain(ended).collect();
        for batch in changed.chunks(BATCH) {
            let mut commands = pipe();
            for (user, companies) in batch {
                commands.cmd("DEL").arg(account_user_key(user)).ignore();
                if !companies.is_empty() {
                    commands.cmd("HSET").arg(account_user_key(user)).arg(companies).ignore();
                }
            }
            commands.exec_async(&mut connection).await?;
        }
        if !is_complete {
            redis::cmd("SET").arg(ACCOUNTS_COMPLETE_KEY).arg(1).exec_async(&mut connection).await?;
        }
        self.written = present;
        Ok(())
    }
}

fn texts(companies: BTreeMap<&str, BTreeSet<u32>>) -> Companies {
    let text = |devices: BTreeSet<u32>| {
        devices.into_iter().map(|device| DeviceAddress(device).to_string()).collect::<Vec<_>>().join(" ")
    };
    companies.into_iter().map(|(company, devices)| (company.to_owned(), text(devices))).collect()
}
