//! Limits of all instances together: token buckets in Redis. One function call checks a batch of requests: those that came
//! while the call before was under way. So a loaded server pays a fraction of a round trip for each.
//!
//! Each instance asks its own buckets first, which have the same limits: what they refuse is not asked for here, and they hold
//! while Redis is away. No request waits for a Redis that is away; one call a second tries it.

pub mod bare;
mod buckets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access::Limited;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rate::RateLimit;
use runtime::Shutdown;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Reason;
use crate::redis::Redis;
use buckets::{Bucket, take_all};

/// A Redis that takes longer is away.
const DEADLINE: Duration = Duration::from_millis(100);
/// Time between two tries while it is.
const RETRY: Duration = Duration::from_secs(1);
/// Checks that wait for the call before; more are local.
const MAX_WAITING: usize = 4_096;
/// Checks of one call.
const MAX_BATCH: usize = 512;

/// The shared limits. Clones share the queue.
#[derive(Clone)]
pub(crate) struct SharedLimits {
    checks: mpsc::Sender<Check>,
    /// Redis has answered the last call.
    is_there: Arc<AtomicBool>,
    metrics: SharedMetrics,
}

/// What is counted.
#[derive(Clone, Debug)]
pub(crate) struct SharedMetrics {
    /// Checks by where they were made.
    pub(crate) checks: Family<Reason, Counter>,
    /// 1: the limits are those of all instances; 0: of this one.
    pub(crate) shared: Gauge,
}

/// One check, and who waits for it.
struct Check {
    bucket: Bucket,
    /// How long until there is a token; zero: one was taken.
    answer: oneshot::Sender<Duration>,
}

/// Asks Redis.
pub(crate) struct Asker {
    redis: Redis,
    checks: mpsc::Receiver<Check>,
    is_there: Arc<AtomicBool>,
    metrics: SharedMetrics,
}

/// Both ends. Nothing is asked before the second one runs.
pub(crate) fn open(redis: Redis, metrics: SharedMetrics) -> (SharedLimits, Asker) {
    let (sender, checks) = mpsc::channel(MAX_WAITING);
    let is_there = Arc::new(AtomicBool::new(false));
    let limits = SharedLimits { checks: sender, is_there: is_there.clone(), metrics: metrics.clone() };
    (limits, Asker { redis, checks, is_there, metrics })
}

impl SharedLimits {
    /// Takes a token of the bucket of these bytes. While Redis does not answer there is always one.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn take(&self, reason: &'static str, key: &[u8], limit: RateLimit) -> Result<(), Limited> {
        if !self.is_there.load(Ordering::Relaxed) {
            self.count("local");
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        if self.checks.try_send(Check { bucket: Bucket::new(reason, key, limit), answer }).is_err() {
            self.count("full");
            return Ok(());
        }
        match answered.await {
            Ok(retry_after) => {
                self.count("shared");
                if retry_after.is_zero() { Ok(()) } else { Err(Limited { reason, retry_after }) }
            }
            // The call failed.
            Err(_) => {
                self.count("local");
                Ok(())
            }
        }
    }

    fn count(&self, place: &'static str) {
        self.metrics.checks.get_or_create(&Reason { reason: place }).inc();
    }
}

impl Asker {
    /// Asks until stopped.
    ///
    /// # Errors
    /// None: while Redis is away the limits are local.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            if !self.is_there.load(Ordering::Relaxed) {
                let Some(answers) = stop.or(self.ask(&[])).await else { return Ok(()) };
                if answers.is_none() {
                    if stop.or(tokio::time::sleep(RETRY)).await.is_none() {
                        return Ok(());
                    }
                    continue;
                }
                tracing::info!("limits of clients are shared through {}", self.redis.name());
                self.set_there(true);
            }
            let Some(count) = stop.or(self.checks.recv_many(&mut batch, MAX_BATCH)).await else { return Ok(()) };
            if count == 0 {
                return Ok(());
            }
            let buckets: Vec<&Bucket> = batch.iter().map(|check| &check.bucket).collect();
            let Some(waits) = stop.or(self.ask(&buckets)).await else { return Ok(()) };
            match waits {
                Some(waits) => {
                    for (check, wait) in batch.drain(..).zip(waits) {
                        // An error: the client has disconnected.
                        let _ = check.answer.send(wait);
                    }
                }
                None => {
                    tracing::warn!(
                        "{} does not answer: limits of clients are those of this instance",
                        self.redis.name()
                    );
                    self.set_there(false);
                    // Those that wait learn it as the queue is emptied.
                    batch.clear();
                    while self.checks.try_recv().is_ok() {}
                }
            }
        }
    }

    async fn ask(&self, buckets: &[&Bucket]) -> Option<Vec<Duration>> {
        let mut connection = self.redis.connection();
        match tokio::time::timeout(DEADLINE, take_all(&mut connection, buckets)).await {
            Ok(Ok(waits)) if waits.len() == buckets.len() => Some(waits),
            Ok(Ok(_)) | Err(_) => None,
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis does not answer for limits");
                None
            }
        }
    }

    fn set_there(&self, is_there: bool) {
        self.is_there.store(is_there, Ordering::Relaxed);
        self.metrics.shared.set(i64::from(is_there));
    }
}
