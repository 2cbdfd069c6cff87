//! Whether the program can do its work now, and if not, why not.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;

use crate::{Clock, Metrics};

/// All parts of a program that must be ready. Clones share one state.
#[derive(Clone, Debug)]
pub struct Readiness {
    clock: Clock,
    parts: Arc<Mutex<BTreeMap<&'static str, PartState>>>,
    ready: Family<PartLabel, Gauge>,
    degraded: Family<PartLabel, Gauge>,
}

/// A part's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

/// The state of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartState {
    /// Whether the part can do its work.
    pub ready: bool,
    /// Since when, microseconds since the epoch.
    pub since_us: u64,
    /// Why it is not ready; or its last error, where it is ready again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// What is missing, where it can do its work without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
}

impl Readiness {
    /// No parts yet: not ready, since the program has not begun.
    pub fn new(clock: Clock, metrics: &Metrics) -> Self {
        Self {
            clock,
            parts: Arc::default(),
            ready: metrics.register("ready", "1 while a part of the program can do its work", Family::default()),
            degraded: metrics.register(
                "degraded",
                "1 while a part of the program can do its work, but one of its dependencies is missing",
                Family::default(),
            ),
        }
    }

    /// Adds a part, not ready until it says so. The same name gives the same part.
    pub fn part(&self, name: &'static str) -> Part {
        let now_us = self.clock.now_us();
        let starting =
            || PartState { ready: false, since_us: now_us, last_error: Some("starting".into()), degraded: None };
        self.parts.lock().entry(name).or_insert_with(starting);
        // Shown from the beginning.
        for gauges in [&self.ready, &self.degraded] {
            drop(gauges.get_or_create(&PartLabel { part: name }));
        }
        Part { name, readiness: self.clone() }
    }

    /// Every part's state by name.
    pub fn parts(&self) -> BTreeMap<&'static str, PartState> {
        self.parts.lock().clone()
    }

    /// Whether there are parts, and all are ready. A program names all of its parts before it waits for the first.
    pub fn is_ready(&self) -> bool {
        let parts = self.parts.lock();
        !parts.is_empty() && parts.values().all(|part| part.ready)
    }

    fn set(&self, name: &'static str, ready: bool, error: Option<String>, degraded: Option<String>) {
        let now_us = self.clock.now_us();
        let mut parts = self.parts.lock();
        let Some(part) = parts.get_mut(name) else { return };
        if part.degraded.is_some() != degraded.is_some() {
            self.degraded.get_or_create(&PartLabel { part: name }).set(i64::from(degraded.is_some()));
        }
        part.degraded = degraded;
        let changed = part.ready != ready;
        if changed {
            (part.ready, part.since_us) = (ready, now_us);
            self.ready.get_or_create(&PartLabel { part: name }).set(i64::from(ready));
        }
        if let Some(error) = error {
            let is_change = changed || part.last_error.as_ref() != Some(&error);
            if is_change {
                tracing::warn!(part = name, error, "not ready");
            }
            part.last_error = Some(error);
        } else if changed {
            tracing::info!(part = name, "ready");
            part.last_error = part.last_error.take().filter(|error| error != "starting");
        }
    }
}

/// One part's handle.
#[derive(Clone, Debug)]
pub struct Part {
    name: &'static str,
    readiness: Readiness,
}

impl Part {
    /// The part can do its work. Logged when that has changed.
    pub fn ready(&self) {
        self.readiness.set(self.name, true, None, None);
    }

    /// The part can do its work, but something is missing: `/ready` reports it and stays 200.
    pub fn degraded(&self, reason: impl std::fmt::Display) {
        self.readiness.set(self.name, true, None, Some(reason.to_string()));
    }

    /// The part cannot do its work, and why. Logged when the reason has changed.
    pub fn not_ready(&self, reason: impl std::fmt::Display) {
        self.readiness.set(self.name, false, Some(reason.to_string()), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ready_only_while_every_part_is() {
        let clock = Clock::manual(5_000_000);
        let metrics = Metrics::new();
        let readiness = Readiness::new(clock.clone(), &metrics);
        assert!(!readiness.is_ready(), "not begun");
        let (kafka, redis) = (readiness.part("kafka"), readiness.part("redis"));
        kafka.ready();
        assert!(!readiness.is_ready());
        redis.ready();
        assert!(readiness.is_ready());
        let text = metrics.to_text();
        assert!(text.contains("fanet_ready{part=\"redis\"} 1\n"), "{text}");
        assert_eq!(readiness.parts()["redis"].last_error, None);

        clock.advance(Duration::from_secs(1));
        redis.not_ready("cannot reach redis://nowhere");
        assert!(!readiness.is_ready());
        assert!(metrics.to_text().contains("fanet_ready{part=\"redis\"} 0\n"));
        let state = readiness.parts()["redis"].clone();
        assert_eq!((state.since_us, state.last_error.as_deref()), (6_000_000, Some("cannot reach redis://nowhere")));

        clock.advance(Duration::from_secs(1));
        redis.not_ready("cannot reach redis://nowhere");
        assert_eq!(readiness.parts()["redis"].since_us, 6_000_000, "the same trouble is not a new one");
        redis.ready();
        assert!(readiness.is_ready());
        assert!(readiness.parts()["redis"].last_error.is_some(), "the last trouble stays readable");

        kafka.degraded("stale");
        assert!(readiness.is_ready());
        assert_eq!(readiness.parts()["kafka"].degraded.as_deref(), Some("stale"));
        kafka.ready();
        assert_eq!(readiness.parts()["kafka"].degraded, None);
    }

    #[test]
    fn degraded_is_exported_until_it_ends() {
        let metrics = Metrics::new();
        let feed = Readiness::new(Clock::manual(0), &metrics).part("feed");
        let exported = |ready: u8, degraded: u8| {
            let text = metrics.to_text();
            text.contains(&format!("fanet_ready{{part=\"feed\"}} {ready}\n"))
                && text.contains(&format!("fanet_degraded{{part=\"feed\"}} {degraded}\n"))
        };
        assert!(exported(0, 0));
        feed.degraded("stale");
        feed.degraded("still stale");
        assert!(exported(1, 1));
        feed.not_ready("cannot reach the log");
        assert!(exported(0, 0));
        feed.degraded("stale");
        feed.ready();
        assert!(exported(1, 0));
    }
}
