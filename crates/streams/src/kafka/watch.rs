//! A thread that asks the cluster how a reader gets on, has the [`Watchdog`] judge it, and sees that it joins again.
//!
//! It outlives its reader's clients and sessions: that none comes back is what it is there to notice.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::ask::{Asker, Scope};
use super::health::Monitor;
use super::lanes::{Control, HandOver};
use super::settings::KafkaSettings;
use crate::watchdog::{PartitionSight, Patience, Reason, Sight, Stall, Verdict, Watchdog};
use crate::{GroupProgress, StreamError};

/// How often the cluster is asked.
const LOOK: Duration = Duration::from_secs(2);
/// An asking client that gets no answer for so long, where another one does, is replaced.
const ASKS_IN_VAIN: Duration = Duration::from_secs(8);

/// The reason in the errors of a reader that does not get on.
pub(super) const STALLED: &str = "stalled";
/// The same where joining again did not help.
pub(super) const STUCK: &str = "stuck";

/// Watches over one reader until it is dropped.
pub(super) struct Watch(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    stop: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// The reader's present client.
    member: Option<Arc<HandOver>>,
    progress: GroupProgress,
}

impl Watch {
    pub(super) fn start(settings: &KafkaSettings, health: Arc<Monitor>, scope: Scope) -> Result<Self, StreamError> {
        let shared = Arc::new(Shared { state: Mutex::default(), stop: Condvar::new() });
        let watcher = Watcher {
            shared: shared.clone(),
            settings: settings.clone(),
            health,
            name: scope.to_string(),
            scope,
            watchdog: Watchdog::new(Patience::default()),
            asker: None,
            answered_at: Instant::now(),
        };
        // Not joined: a question may be under way when nobody cares for its answer any more. It ends by itself.
        let thread = std::thread::Builder::new().name("kafka-watchdog".into()).spawn(move || watcher.run());
        thread.map_err(|cause| StreamError::fatal("closed", "start a watchdog's thread", cause))?;
        Ok(Self(shared))
    }

    /// The reader goes on with this client.
    pub(super) fn attend(&self, member: Arc<HandOver>) {
        self.0.lock().member = Some(member);
    }

    pub(super) fn progress(&self) -> GroupProgress {
        self.0.lock().progress.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.stop.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false`: it is time to end.
    fn pause(&self) -> bool {
        let waited = self.stop.wait_timeout_while(self.lock(), LOOK, |state| !state.stopped);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }
}

struct Watcher {
    shared: Arc<Shared>,
    settings: KafkaSettings,
    health: Arc<Monitor>,
    name: String,
    scope: Scope,
    watchdog: Watchdog,
    asker: Option<Asker>,
    answered_at: Instant,
}

impl Watcher {
    fn run(mut self) {
        let began = Instant::now();
        while self.shared.pause() {
            let member = self.shared.lock().member.clone();
            let Some(member) = member.filter(|member| !member.with(|lanes| lanes.has_left())) else { continue };
            let sight = self.look(&member);
            // Between two clients the group has no member here, for reasons that the program tells.
            let is_gone = member.with(|lanes| lanes.is_closing());
            let judged = if is_gone { &Sight::Silent } else { &sight };
            let verdict = self.watchdog.judge(began.elapsed(), judged);
            self.note(&sight, verdict);
            self.act(&member, verdict);
        }
    }

    fn look(&mut self, member: &HandOver) -> Sight {
        if !self.health.now().is_up() {
            self.answered_at = Instant::now();
            return Sight::Silent;
        }
        match self.ask(member) {
            Ok(sight) => {
                self.answered_at = Instant::now();
                sight
            }
            Err(error) => {
                tracing::debug!(reader = self.name, %error, "the cluster does not say how a reader gets on");
                if self.answered_at.elapsed() >= ASKS_IN_VAIN {
                    self.answered_at = Instant::now();
                    self.asker = None;
                }
                Sight::Silent
            }
        }
    }

    fn ask(&mut self, member: &HandOver) -> Result<Sight, rdkafka::error::KafkaError> {
        let asker = match self.asker.take() {
            Some(asker) => asker,
            None => Asker::open(&self.settings, self.scope.clone())?,
        };
        let asker = self.asker.insert(asker);
        let marks = asker.marks()?;
        let partitions: Vec<_> = marks
            .into_iter()
            .map(|(partition, marks)| {
                let owned = member.with(|lanes| lanes.sight(&partition, marks.end));
                PartitionSight { partition, low: marks.low, end: marks.end, committed: marks.committed, owned }
            })
            .collect();
        let owned = partitions.iter().filter(|seen| seen.owned.is_some()).count();
        let lags = |seen: &PartitionSight| seen.owned.is_none() && seen.lag() > 0;
        // Asked only where it matters: this is the dearest of the questions.
        let others_own = match owned {
            _ if matches!(self.scope, Scope::Partitions(_)) => false,
            0 => asker.members_that_own()? > 0,
            _ if partitions.iter().any(lags) => asker.members_that_own()? > 1,
            _ => false,
        };
        Ok(Sight::Seen { partitions, others_own })
    }

    fn note(&self, sight: &Sight, verdict: Verdict) {
        let mut state = self.shared.lock();
        let progress = &mut state.progress;
        if let Sight::Seen { partitions, .. } = sight {
            progress.lag_records = Some(partitions.iter().map(PartitionSight::lag).sum());
        }
        match verdict {
            // As it was: that the cluster is away is told elsewhere.
            Verdict::Unknown => {}
            Verdict::Healthy => progress.stall = None,
            Verdict::Stalled { stall, is_new } | Verdict::Rejoin { stall, is_new } => {
                progress.stalls += u64::from(is_new);
                progress.stall = Some(stall.to_string());
                if is_new {
                    tracing::warn!(reader = self.name, "does not get on: {stall}");
                }
            }
            Verdict::End(stall) => progress.hopeless = Some(stall.to_string()),
        }
    }

    fn act(&self, member: &HandOver, verdict: Verdict) {
        let (reason, stall) = match verdict {
            Verdict::Rejoin { stall, .. } => (STALLED, stall),
            Verdict::End(stall) => (STUCK, stall),
            Verdict::Unknown | Verdict::Healthy | Verdict::Stalled { .. } => return,
        };
        let error = StreamError::fatal(reason, format!("read as {}", self.name), advice(reason, stall));
        member.with(|lanes| {
            if !lanes.is_closing() {
                lanes.control(Control::Failed(error));
            }
        });
    }
}

fn advice(reason: &str, stall: Stall) -> String {
    match (reason, stall.reason) {
        (STALLED, _) => format!("{stall}; another client must take over"),
        (_, Reason::NotTaken) => format!("{stall}: the process must be restarted"),
        _ => format!("{stall}, and joining again did not help: the process must be restarted"),
    }
}
