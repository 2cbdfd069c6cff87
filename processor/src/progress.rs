//! How a group gets on, told to `/ready` and the metrics; and the end of a process that nothing else can help.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{Context, Part, Shutdown};
use streams::Log;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Tells how one group gets on. On a log that nobody watches over, nothing.
pub(crate) struct Progress {
    pub(crate) context: Context,
    pub(crate) log: Arc<dyn Log>,
    /// The group's name in the log.
    pub(crate) group: String,
    /// The name of its part of `/ready`.
    pub(crate) part: &'static str,
    pub(crate) stalls: Counter,
    pub(crate) lag: Gauge,
}

impl Progress {
    /// Until stopped.
    ///
    /// # Errors
    /// The group does not get on, and what could be done did not help.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut part: Option<Part> = None;
        while stop.or(self.context.clock.sleep(LOOK)).await.is_some() {
            let Some(progress) = self.log.progress(&self.group) else { continue };
            let part = part.get_or_insert_with(|| self.context.readiness.part(self.part));
            self.stalls.inc_by(progress.stalls.saturating_sub(self.stalls.get()));
            if let Some(lag) = progress.lag_records {
                self.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
            }
            match &progress.stall {
                None => part.ready(),
                Some(why) => part.not_ready(format!("group {} does not get on: {why}", self.group)),
            }
            if let Some(why) = progress.hopeless {
                anyhow::bail!(
                    "group {} does not get on, and nothing helps: {why}; start the process again",
                    self.group
                );
            }
        }
        Ok(())
    }
}

/// The name of a group's part of `/ready`.
pub(crate) fn part_of(group: &str) -> &'static str {
    match group {
        "processor" => "processor progress",
        "thermals" => "thermals progress",
        "receivers" => "receivers progress",
        "historian" => "historian progress",
        _ => "progress",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn groups_of_one_process_have_parts_of_their_own() {
        let parts = ["processor", "thermals", "receivers", "historian"].map(part_of);
        assert_eq!(BTreeSet::from(parts).len(), parts.len());
    }
}
