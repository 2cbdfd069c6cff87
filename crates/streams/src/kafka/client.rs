//! What all sources and sinks of one cluster share: its settings, its health, and a client for questions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::ask::Scope;
use super::errors::classify;
use super::health::Monitor;
use super::lanes::HandOver;
use super::probe::{PATIENCE as PROBE_PATIENCE, Probe};
use super::producer::Producer;
use super::settings::{KafkaSettings, REQUEST_TIMEOUT};
use super::watch::Watch;
use crate::{GroupProgress, GroupSettings, StreamError, TopicPartition, Watermarks};

/// What all sources and sinks of one cluster share.
pub(super) struct SharedClient {
    pub(super) settings: KafkaSettings,
    pub(super) health: Arc<Monitor>,
    /// Asks for metadata, and notices by itself when the cluster comes and goes.
    watcher: Mutex<Arc<Producer>>,
    /// Over the groups that were joined, by name.
    watches: Mutex<BTreeMap<String, Watch>>,
    probe: OnceLock<Probe>,
}

impl SharedClient {
    pub(super) fn open(settings: KafkaSettings) -> Result<Arc<Self>, StreamError> {
        let health = Arc::new(Monitor::new(&settings.bootstrap));
        let watcher = Producer::open(&settings.for_watcher(), health.clone())?;
        let watcher = Mutex::new(Arc::new(watcher));
        let watches = Mutex::default();
        let client = Arc::new(Self { settings, health, watcher, watches, probe: OnceLock::new() });
        let asked = Arc::downgrade(&client);
        client.probe.get_or_init(|| Probe::start(move || asked.upgrade().map(|client| client.probe())));
        Ok(client)
    }

    /// For questions; another one where the last is broken.
    pub(super) fn watcher(&self) -> Result<Arc<Producer>, StreamError> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.outcomes().fatal().is_some() {
            *watcher = Arc::new(Producer::open(&self.settings.for_watcher(), self.health.clone())?);
        }
        Ok(watcher.clone())
    }

    /// A group's member goes on with this client; its progress is watched over from now on.
    pub(super) fn watch_over(&self, group: &GroupSettings, member: Arc<HandOver>) -> Result<(), StreamError> {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        if !watches.contains_key(&group.group) {
            let scope = Scope::Group { group: group.group.clone(), topics: group.topics.clone() };
            let watch = Watch::start(&self.settings, self.health.clone(), scope)?;
            watches.insert(group.group.clone(), watch);
        }
        watches[&group.group].attend(member);
        Ok(())
    }

    /// Asks something that blocks.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        attempted: &'static str,
        question: impl FnOnce(&Self) -> Result<T, StreamError> + Send + 'static,
    ) -> Result<T, StreamError> {
        let client = self.clone();
        let answer = tokio::task::spawn_blocking(move || question(&client)).await;
        answer.map_err(|cause| StreamError::transient("closed", attempted, cause))?
    }

    pub(super) async fn watermarks(self: &Arc<Self>, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        let partition = partition.clone();
        self.ask("ask for watermarks", move |client| {
            let (low, high) = client
                .watcher()?
                .client()
                .fetch_watermarks(&partition.topic, partition.partition.cast_signed(), REQUEST_TIMEOUT)
                .map_err(|error| classify(error, format!("ask for the watermarks of {partition}")))?;
            Ok(Watermarks { low: low.unsigned_abs(), high: high.unsigned_abs() })
        })
        .await
    }

    /// How a group that was joined gets on.
    pub(super) fn progress(&self, group: &str) -> Option<GroupProgress> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.get(group).map(Watch::progress)
    }

    /// Asks the cluster whether it answers, and notes it.
    fn probe(&self) {
        let Ok(watcher) = self.watcher() else { return };
        match watcher.client().fetch_metadata(None, PROBE_PATIENCE) {
            // A single node that stood still takes itself for dead at first: it answers, and names nobody.
            Ok(metadata) if metadata.brokers().is_empty() => self.health.silent("the cluster names no broker"),
            Ok(_) => self.health.up(),
            Err(error) => self.health.silent(&format!("no answer within {} s ({error})", PROBE_PATIENCE.as_secs())),
        }
    }
}
