//! A thread that queries the offsets of a reader, measures its lag, has the [`Watchdog`] judge its progress, and makes a
//! stalled reader join again.
//!
//! It outlives the reader's clients and sessions, so that it also detects a reader without either.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::behind::{BehindSince, PartitionRead};
use super::hand_over::{Control, HandOver};
use super::health::HealthMonitor;
use super::query::{PartitionOffsets, QueryClient, Scope};
use super::settings::KafkaSettings;
use crate::watchdog::{PartitionStatus, ReaderStatus, Reason, Stall, Verdict, Watchdog, WatchdogLimits};
use crate::{GroupProgress, Lag, StreamError};

/// The time between two queries.
const INTERVAL: Duration = Duration::from_secs(2);
/// The query client is replaced when it gets no answer for this long while the cluster answers other clients.
const REPLACE_CLIENT_AFTER: Duration = Duration::from_secs(8);

/// The reason in the errors of a stalled reader.
pub(super) const STALLED: &str = "stalled";
/// The reason in the errors of a reader that stays stalled after joining again.
pub(super) const STUCK: &str = "stuck";

/// Observes one reader until it is dropped.
pub(super) struct WatchdogHandle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    stop: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// The reader's present consumer.
    member: Option<Arc<HandOver>>,
    progress: GroupProgress,
    /// `None` before the first answer of the cluster.
    lag: Option<Lag>,
}

impl WatchdogHandle {
    pub(super) fn start(
        settings: &KafkaSettings,
        health: Arc<HealthMonitor>,
        scope: Scope,
    ) -> Result<Self, StreamError> {
        let shared = Arc::new(Shared { state: Mutex::default(), stop: Condvar::new() });
        let runner = WatchdogThread {
            shared: shared.clone(),
            settings: settings.clone(),
            health,
            name: scope.to_string(),
            scope,
            watchdog: Watchdog::new(WatchdogLimits::default()),
            behind_since: BehindSince::default(),
            query_client: None,
            began: Instant::now(),
            answered_at: Instant::now(),
        };
        // Not joined: a query may be in progress when the handle is dropped. The thread ends by itself.
        let thread = std::thread::Builder::new().name("kafka-watchdog".into()).spawn(move || runner.run());
        thread.map_err(|cause| StreamError::fatal("closed", "start a watchdog's thread", cause))?;
        Ok(Self(shared))
    }

    /// The reader uses this consumer from now on.
    pub(super) fn set_member(&self, member: Arc<HandOver>) {
        self.0.lock().member = Some(member);
    }

    pub(super) fn progress(&self) -> GroupProgress {
        self.0.lock().progress.clone()
    }

    pub(super) fn lag(&self) -> Option<Lag> {
        self.0.lock().lag.clone()
    }
}

impl Drop for WatchdogHandle {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.stop.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next query. `false`: the thread must end.
    fn pause(&self) -> bool {
        let waited = self.stop.wait_timeout_while(self.lock(), INTERVAL, |state| !state.stopped);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }
}

struct WatchdogThread {
    shared: Arc<Shared>,
    settings: KafkaSettings,
    health: Arc<HealthMonitor>,
    name: String,
    scope: Scope,
    watchdog: Watchdog,
    behind_since: BehindSince,
    query_client: Option<QueryClient>,
    began: Instant,
    answered_at: Instant,
}

impl WatchdogThread {
    fn run(mut self) {
        while self.shared.pause() {
            let member = self.shared.lock().member.clone();
            let Some(member) = member.filter(|member| !member.with(|queues| queues.has_left())) else { continue };
            let status = self.status(&member);
            // Between two consumers this process has no member of the group; the program reports why.
            let is_closed = member.with(|queues| queues.is_closing());
            let judged = if is_closed { &ReaderStatus::Unavailable } else { &status };
            let verdict = self.watchdog.judge(self.began.elapsed(), judged);
            self.store(verdict);
            self.apply(&member, verdict);
        }
    }

    fn status(&mut self, member: &HandOver) -> ReaderStatus {
        if !self.health.now().is_up() {
            self.answered_at = Instant::now();
            return ReaderStatus::Unavailable;
        }
        match self.query(member) {
            Ok(status) => {
                self.answered_at = Instant::now();
                status
            }
            Err(error) => {
                tracing::debug!(reader = self.name, %error, "cannot query the offsets of a reader");
                if self.answered_at.elapsed() >= REPLACE_CLIENT_AFTER {
                    self.answered_at = Instant::now();
                    self.query_client = None;
                }
                ReaderStatus::Unavailable
            }
        }
    }

    fn query(&mut self, member: &HandOver) -> Result<ReaderStatus, rdkafka::error::KafkaError> {
        let query_client = match self.query_client.take() {
            Some(query_client) => query_client,
            None => QueryClient::open(&self.settings, self.scope.clone())?,
        };
        let query_client = self.query_client.insert(query_client);
        let offsets = query_client.offsets()?;
        let read: Vec<_> = offsets
            .into_iter()
            .map(|(partition, PartitionOffsets { low, end, committed })| {
                let (owned, read_to_ms) =
                    member.with(|queues| (queues.status(&partition, end), queues.read_to_ms(&partition)));
                PartitionRead { status: PartitionStatus { partition, low, end, committed, owned }, read_to_ms }
            })
            .collect();
        let is_group = matches!(self.scope, Scope::Group { .. });
        self.shared.lock().lag = Some(self.behind_since.observe(self.began.elapsed(), is_group, &read));
        let partitions: Vec<_> = read.into_iter().map(|read| read.status).collect();
        let owned = partitions.iter().filter(|status| status.owned.is_some()).count();
        let lags = |status: &PartitionStatus| status.owned.is_none() && status.lag() > 0;
        // Only where it matters, since it is the most expensive query.
        let others_own = match owned {
            _ if matches!(self.scope, Scope::Partitions(_)) => false,
            0 => query_client.members_that_own()? > 0,
            _ if partitions.iter().any(lags) => query_client.members_that_own()? > 1,
            _ => false,
        };
        Ok(ReaderStatus::Known { partitions, others_own })
    }

    fn store(&self, verdict: Verdict) {
        let mut state = self.shared.lock();
        let progress = &mut state.progress;
        match verdict {
            // Unchanged: health reports an unavailable cluster.
            Verdict::Unknown => {}
            Verdict::Healthy => progress.stall = None,
            Verdict::Stalled { stall, is_new } | Verdict::Rejoin { stall, is_new } => {
                progress.stalls += u64::from(is_new);
                progress.stall = Some(stall.to_string());
                if is_new {
                    tracing::warn!(reader = self.name, "stalled: {stall}");
                }
            }
            Verdict::End(stall) => progress.must_restart = Some(stall.to_string()),
        }
    }

    fn apply(&self, member: &HandOver, verdict: Verdict) {
        let (reason, stall) = match verdict {
            Verdict::Rejoin { stall, .. } => (STALLED, stall),
            Verdict::End(stall) => (STUCK, stall),
            Verdict::Unknown | Verdict::Healthy | Verdict::Stalled { .. } => return,
        };
        let error = StreamError::fatal(reason, format!("read as {}", self.name), advice(reason, stall));
        member.with(|queues| {
            if !queues.is_closing() {
                queues.control(Control::Failed(error));
            }
        });
    }
}

fn advice(reason: &str, stall: Stall) -> String {
    match (reason, stall.reason) {
        (STALLED, _) => format!("{stall}: open a new reader"),
        (_, Reason::NotTaken) => format!("{stall}: restart the process"),
        _ => format!("{stall}, and joining again did not help: restart the process"),
    }
}
