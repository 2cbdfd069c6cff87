//! The scores of devices, in the memory of this process where there is no Redis.
//!
//! The core bounds their number: the score of a device that it removes is removed here, too.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::{Context, Shutdown};
use rustc_hash::FxHashMap;
use schemas::v1::ValidationView;

use crate::sinks::live::{LiveFeeds, LiveKind, LiveState, LiveUpdate, Pending};
use air::core::ScoreChange;

/// How long updates are collected.
const GATHER_TIME: Duration = Duration::from_millis(100);
/// Time between two removals of the scores of silent devices.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The newest score of each device. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Scores(Arc<Mutex<FxHashMap<u32, KnownScore>>>);

#[derive(Debug)]
struct KnownScore {
    version: u64,
    seen_us: u64,
    view: ValidationView,
}

impl Scores {
    /// The score of a device, without the time of the answer.
    pub fn score(&self, device: u32) -> Option<ValidationView> {
        self.0.lock().get(&device).map(|known| known.view.clone())
    }

    /// The scores that are wanted, without the time of the answer, in no order.
    pub fn matching(&self, is_wanted: impl Fn(&ValidationView) -> bool) -> Vec<ValidationView> {
        self.0.lock().values().map(|known| &known.view).filter(|view| is_wanted(view)).cloned().collect()
    }

    fn apply(&self, taken: Pending) {
        let mut scores = self.0.lock();
        for update in taken.updates.into_values() {
            let LiveUpdate { kind: LiveKind::Validation, id, version, state } = update else { continue };
            let Ok(device) = u32::try_from(id) else { continue };
            if scores.get(&device).is_some_and(|known| known.version > version) {
                continue;
            }
            match state {
                Some(LiveState::Validation(score)) => {
                    scores.insert(device, KnownScore { version, seen_us: taken.clock_us, view: view(&score) });
                }
                _ => drop(scores.remove(&device)),
            }
        }
    }

    fn remove_before(&self, before_us: u64) {
        self.0.lock().retain(|_, known| known.seen_us >= before_us);
    }
}

fn view(score: &ScoreChange) -> ValidationView {
    ValidationView {
        server_time: String::new(),
        device: score.device,
        score: score.score.into(),
        published: score.published,
        plausible_frames: score.plausible_frames.into(),
        implausible_frames: score.implausible_frames.into(),
        last_reason: score.last_reason.map(|reason| reason.as_str().to_owned()),
        address_conflict: score.address_conflict.as_deref().cloned(),
    }
}

/// The task that takes scores out of the feeds.
pub(crate) struct ScoreSink {
    pub(crate) feeds: LiveFeeds,
    pub(crate) scores: Scores,
    pub(crate) context: Context,
    /// The score of a device that is silent for this long is removed, microseconds.
    pub(crate) lifetime_us: u64,
}

impl ScoreSink {
    /// Takes scores until stopped.
    ///
    /// # Errors
    /// Never.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let clock = &self.context.clock;
        let mut next_sweep = clock.monotonic() + SWEEP_INTERVAL;
        loop {
            let collected = async {
                self.feeds.queued().await;
                clock.sleep(GATHER_TIME).await;
            };
            let pause = clock.sleep(next_sweep.saturating_sub(clock.monotonic()));
            let waited = async {
                tokio::select! {
                    () = collected => {}
                    () = pause => {}
                }
            };
            if stop.or(waited).await.is_none() {
                return Ok(());
            }
            let feeds = self.feeds.all();
            feeds.iter().for_each(|feed| self.scores.apply(feed.take()));
            if clock.monotonic() >= next_sweep {
                next_sweep = clock.monotonic() + SWEEP_INTERVAL;
                // By the clock of the partition that is furthest behind, as the core removes devices by its records.
                if let Some(clock_us) = feeds.iter().map(|feed| feed.clock_us()).filter(|us| *us > 0).min() {
                    self.scores.remove_before(clock_us.saturating_sub(self.lifetime_us));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(score: u8, version: u64) -> ScoreChange {
        ScoreChange {
            device: 7,
            version,
            score,
            published: score > 50,
            plausible_frames: 3,
            implausible_frames: 1,
            last_reason: None,
            address_conflict: None,
        }
    }

    fn pending(state: Option<ScoreChange>, version: u64, clock_us: u64) -> Pending {
        let update = match state {
            Some(score) => LiveUpdate { version, ..LiveUpdate::of_score(score) },
            None => LiveUpdate::score_ended(7, version),
        };
        let updates = [((update.kind, update.id), update)].into_iter().collect();
        Pending { updates, clock_us, ..Pending::default() }
    }

    #[test]
    fn the_newest_score_is_kept_until_it_ends() {
        let scores = Scores::default();
        scores.apply(pending(Some(score(90, 5)), 5, 1_000));
        scores.apply(pending(Some(score(20, 4)), 4, 1_000));
        let known = scores.score(7).expect("known");
        assert_eq!((known.score, known.published, known.plausible_frames), (90, true, 3));
        assert_eq!(scores.score(8), None);
        assert_eq!(scores.matching(|view| view.published).len(), 1);
        assert!(scores.matching(|view| !view.published).is_empty());
        scores.remove_before(1_000);
        assert!(scores.score(7).is_some());
        scores.apply(pending(None, 6, 2_000));
        assert_eq!(scores.score(7), None, "erased or removed");
        scores.apply(pending(Some(score(90, 7)), 7, 3_000));
        scores.remove_before(3_001);
        assert_eq!(scores.score(7), None, "silent for a lifetime");
    }
}
