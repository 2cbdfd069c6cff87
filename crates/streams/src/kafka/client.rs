//! The settings, the health and the metadata client that all sources and sinks of one cluster share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::errors::classify;
use super::hand_over::HandOver;
use super::health::HealthMonitor;
use super::probe::{Probe, TIMEOUT as PROBE_TIMEOUT};
use super::producer::Producer;
use super::query::Scope;
use super::settings::{KafkaSettings, REQUEST_TIMEOUT};
use super::watchdog::WatchdogHandle;
use crate::{GroupProgress, GroupSettings, Lag, StreamError, TopicPartition, Watermarks};

/// The state that all sources and sinks of one cluster share.
pub(super) struct SharedClient {
    pub(super) settings: KafkaSettings,
    pub(super) health: Arc<HealthMonitor>,
    /// A client for metadata requests.
    metadata_client: Mutex<Arc<Producer>>,
    /// The watchdogs of the groups that were joined, by group.
    watchdogs: Mutex<BTreeMap<String, WatchdogHandle>>,
    probe: OnceLock<Probe>,
}

impl SharedClient {
    pub(super) fn open(settings: KafkaSettings) -> Result<Arc<Self>, StreamError> {
        let health = Arc::new(HealthMonitor::new(&settings.bootstrap));
        let metadata_client = Producer::open(&settings.for_metadata(), health.clone())?;
        let metadata_client = Mutex::new(Arc::new(metadata_client));
        let watchdogs = Mutex::default();
        let client = Arc::new(Self { settings, health, metadata_client, watchdogs, probe: OnceLock::new() });
        let probed = Arc::downgrade(&client);
        client.probe.get_or_init(|| Probe::start(move || probed.upgrade().map(|client| client.probe())));
        Ok(client)
    }

    /// The client for metadata requests; a broken one is replaced.
    pub(super) fn metadata_client(&self) -> Result<Arc<Producer>, StreamError> {
        let mut metadata_client = self.metadata_client.lock().unwrap_or_else(PoisonError::into_inner);
        if metadata_client.outcomes().fatal().is_some() {
            *metadata_client = Arc::new(Producer::open(&self.settings.for_metadata(), self.health.clone())?);
        }
        Ok(metadata_client.clone())
    }

    /// Observes the progress of a group, whose member uses this consumer from now on.
    pub(super) fn watch_group(&self, group: &GroupSettings, member: Arc<HandOver>) -> Result<(), StreamError> {
        let mut watchdogs = self.watchdogs.lock().unwrap_or_else(PoisonError::into_inner);
        if !watchdogs.contains_key(&group.group) {
            let scope = Scope::Group { group: group.group.clone(), topics: group.topics.clone() };
            let watchdog = WatchdogHandle::start(&self.settings, self.health.clone(), scope)?;
            watchdogs.insert(group.group.clone(), watchdog);
        }
        watchdogs[&group.group].set_member(member);
        Ok(())
    }

    /// Runs a blocking request off the async threads.
    pub(super) async fn run_blocking<T: Send + 'static>(
        self: &Arc<Self>,
        attempted: &'static str,
        request: impl FnOnce(&Self) -> Result<T, StreamError> + Send + 'static,
    ) -> Result<T, StreamError> {
        let client = self.clone();
        let answer = tokio::task::spawn_blocking(move || request(&client)).await;
        answer.map_err(|cause| StreamError::transient("closed", attempted, cause))?
    }

    pub(super) async fn watermarks(self: &Arc<Self>, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        let partition = partition.clone();
        self.run_blocking("request watermarks", move |client| {
            let (low, high) = client
                .metadata_client()?
                .client()
                .fetch_watermarks(&partition.topic, partition.partition.cast_signed(), REQUEST_TIMEOUT)
                .map_err(|error| classify(error, format!("request the watermarks of {partition}")))?;
            Ok(Watermarks { low: low.unsigned_abs(), high: high.unsigned_abs() })
        })
        .await
    }

    /// The progress of a group that was joined.
    pub(super) fn progress(&self, group: &str) -> Option<GroupProgress> {
        let watchdogs = self.watchdogs.lock().unwrap_or_else(PoisonError::into_inner);
        watchdogs.get(group).map(WatchdogHandle::progress)
    }

    /// The lag of a group that was joined.
    pub(super) fn lag(&self, group: &str) -> Option<Lag> {
        let watchdogs = self.watchdogs.lock().unwrap_or_else(PoisonError::into_inner);
        watchdogs.get(group).and_then(WatchdogHandle::lag)
    }

    /// Sends a request to the cluster and stores whether it was answered.
    fn probe(&self) {
        let Ok(metadata_client) = self.metadata_client() else { return };
        match metadata_client.client().fetch_metadata(None, PROBE_TIMEOUT) {
            // After a freeze, the controller of a single node first takes its broker for dead: it answers with an empty
            // list.
            Ok(metadata) if metadata.brokers().is_empty() => self.health.silent("the cluster lists no broker"),
            Ok(_) => self.health.up(),
            Err(error) => self.health.silent(&format!("no answer within {} s ({error})", PROBE_TIMEOUT.as_secs())),
        }
    }
}
