//! Reports the progress and the lag of a consumer group to `/ready` and the metrics; ends the process where joining again
//! does not help.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{Context, Part, Shutdown};
use streams::Log;

/// Time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Reports the progress and the lag of one group; only the lag on a log without a watchdog.
pub struct GroupProgress {
    /// The process.
    pub context: Context,
    /// The log.
    pub log: Arc<dyn Log>,
    /// The group's name in the log.
    pub group: String,
    /// The name of its part of `/ready`.
    pub part: &'static str,
    /// Times that it made no progress.
    pub stalls: Counter,
    /// Records that it has not read.
    pub lag: Gauge,
    /// How long ago the oldest of them was written.
    pub lag_seconds: Gauge<f64, AtomicU64>,
}

impl GroupProgress {
    /// Reports until stopped.
    ///
    /// # Errors
    /// The group makes no progress, and joining again has not helped.
    pub async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut part: Option<Part> = None;
        while stop.or(self.context.clock.sleep(REPORT_INTERVAL)).await.is_some() {
            if let Some(lag) = self.log.lag(&self.group) {
                self.lag.set(i64::try_from(lag.records).unwrap_or(i64::MAX));
                self.lag_seconds.set(lag.seconds(self.context.clock.now_us()));
            }
            let Some(progress) = self.log.progress(&self.group) else { continue };
            let part = part.get_or_insert_with(|| self.context.readiness.part(self.part));
            self.stalls.inc_by(progress.stalls.saturating_sub(self.stalls.get()));
            match &progress.stall {
                None => part.ready(),
                Some(why) => part.not_ready(format!("group {} makes no progress: {why}", self.group)),
            }
            if let Some(why) = progress.must_restart {
                anyhow::bail!(
                    "group {} makes no progress, and joining again has not helped: {why}; restart the process",
                    self.group
                );
            }
        }
        Ok(())
    }
}

/// The name of a group's part of `/ready`.
pub fn part_of(group: &str) -> &'static str {
    match group {
        "processor" => "processor progress",
        "thermals" => "thermals progress",
        "receivers" => "receivers progress",
        "historian" => "historian progress",
        "notify" => "notify progress",
        _ => "progress",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_group_of_a_process_has_its_part() {
        let parts = ["processor", "thermals", "receivers", "historian", "notify"].map(part_of);
        assert_eq!(BTreeSet::from(parts).len(), parts.len());
    }
}
