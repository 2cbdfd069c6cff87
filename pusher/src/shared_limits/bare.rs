//! Shared limits without a server, for benches.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rate::RateLimit;
use runtime::{Redacted, Shutdown};

use super::{SharedLimits, SharedMetrics, open};
use crate::redis::Redis;

/// Shared limits of this Redis.
#[derive(Clone)]
pub struct BareLimits {
    limits: SharedLimits,
    metrics: SharedMetrics,
}

impl BareLimits {
    /// Starts to ask. Call it within a Tokio runtime.
    ///
    /// # Errors
    /// The URL is invalid.
    pub fn start(url: &str, stop: Shutdown) -> anyhow::Result<Self> {
        let metrics = SharedMetrics { checks: Family::default(), shared: Gauge::default() };
        let (limits, asker) = open(Redis::new(&Redacted::from(url.to_owned()))?, metrics.clone());
        tokio::spawn(asker.run(stop));
        Ok(Self { limits, metrics })
    }

    /// Whether Redis answers.
    pub fn is_shared(&self) -> bool {
        self.metrics.shared.get() == 1
    }

    /// Whether an address has a token.
    pub async fn take(&self, address: &[u8], limit: RateLimit) -> bool {
        self.limits.take("address", address, limit).await.is_ok()
    }
}
