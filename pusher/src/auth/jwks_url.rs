//! Keys of an identity provider at a URL. They are fetched by one task: at the start, from time to time, and when a token
//! is signed with a key that is not known, so that a rotation of keys is seen at once. While the URL does not answer the
//! known keys stay.

use std::sync::Arc;
use std::time::Duration;

use access::{KeySet, KeySetError};
use parking_lot::{Mutex, RwLock};
use runtime::{Clock, Shutdown};
use tokio::sync::{Notify, watch};
use url::Url;

use super::discovery::{self, Discovery};
use super::fetch::{self, NotFetched};
use crate::metrics::{PusherMetrics, Reason};

/// How often the keys are fetched without a reason: withdrawn keys end within it.
const INTERVAL: Duration = Duration::from_secs(300);
/// The shortest time between two fetches, independent of what clients send.
const SHORTEST: Duration = Duration::from_secs(30);
/// Of one fetch, with the look for its URL.
const DEADLINE: Duration = Duration::from_secs(2 * fetch::DEADLINE.as_secs());

/// The URL of the keys.
pub(super) enum KeyUrl {
    Fixed(Url),
    /// Where the provider says.
    Discovered(Arc<Discovery>),
}

/// The keys at a URL.
pub(super) struct JwksUrl {
    url: KeyUrl,
    http: reqwest::Client,
    clock: Clock,
    metrics: PusherMetrics,
    newest: RwLock<Newest>,
    fetches: Mutex<Fetches>,
    /// Wakes the task.
    wanted: Notify,
    /// Fetches that have ended.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct Newest {
    keys: Arc<KeySet>,
    /// What they were read from: the same answer is no change.
    text: Vec<u8>,
}

#[derive(Default)]
struct Fetches {
    is_running: bool,
    /// When the last one began.
    began: Option<Duration>,
}

impl Fetches {
    fn may_begin(&self, now: Duration) -> bool {
        self.began.is_none_or(|began| now.saturating_sub(began) >= SHORTEST)
    }
}

impl JwksUrl {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// The client's library cannot start.
    pub(super) fn new(url: KeyUrl, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        Ok(Self {
            url,
            http: fetch::client()?,
            clock,
            metrics,
            newest: RwLock::default(),
            fetches: Mutex::default(),
            wanted: Notify::new(),
            ended: watch::Sender::new(0),
        })
    }

    /// The newest good keys; none before the first answer.
    pub(super) fn value(&self) -> Arc<KeySet> {
        self.newest.read().keys.clone()
    }

    /// The newest keys after a fetch that is under way or may begin now. Where the last one has just been, no other is
    /// made: tokens with made-up keys cost the identity provider nothing.
    pub(super) async fn after_fetch(&self, known: &Arc<KeySet>) -> Arc<KeySet> {
        // Before the look: a fetch that ends after it is seen.
        let mut ended = self.ended.subscribe();
        let newest = self.value();
        if !Arc::ptr_eq(&newest, known) {
            return newest;
        }
        let (is_running, may_begin) = {
            let fetches = self.fetches.lock();
            (fetches.is_running, fetches.may_begin(self.clock.monotonic()))
        };
        if may_begin {
            self.wanted.notify_one();
        }
        if is_running || may_begin {
            tokio::select! {
                // The sender lives as long as this.
                _ = ended.changed() => {}
                () = tokio::time::sleep(DEADLINE) => {}
            }
        }
        self.value()
    }

    /// Fetches until stopped.
    ///
    /// # Errors
    /// None: a failure leaves the keys as they are.
    pub(super) async fn run(self: Arc<Self>, stop: Shutdown) -> anyhow::Result<()> {
        let mut pause = Duration::ZERO;
        loop {
            let next = async {
                tokio::select! {
                    () = self.clock.sleep(pause) => {}
                    () = self.wanted.notified() => {}
                }
            };
            if stop.or(next).await.is_none() {
                return Ok(());
            }
            if !self.begin() {
                continue;
            }
            let Some(outcome) = stop.or(self.fetch()).await else { return Ok(()) };
            pause = self.end(outcome);
        }
    }

    fn begin(&self) -> bool {
        let (mut fetches, now) = (self.fetches.lock(), self.clock.monotonic());
        if !fetches.may_begin(now) {
            return false;
        }
        *fetches = Fetches { is_running: true, began: Some(now) };
        true
    }

    /// How long until the next one.
    fn end(&self, outcome: Result<Vec<u8>, NotFetched>) -> Duration {
        let outcome = outcome.and_then(|text| self.take(text));
        let reason = outcome.as_ref().map_or_else(NotFetched::reason, |_| "ok");
        self.metrics.token_key_fetches.get_or_create(&Reason { reason }).inc();
        let pause = match outcome {
            Ok(()) => INTERVAL,
            Err(error) => {
                let known = self.value().len();
                tracing::warn!(
                    reason,
                    known,
                    error = format!("{:#}", anyhow::Error::new(error)),
                    "the keys of the identity provider cannot be fetched: those that are known stay"
                );
                SHORTEST
            }
        };
        self.fetches.lock().is_running = false;
        self.ended.send_modify(|ended| *ended += 1);
        pause
    }

    fn take(&self, text: Vec<u8>) -> Result<(), NotFetched> {
        if self.newest.read().text == text {
            return Ok(());
        }
        let unusable = |error: KeySetError| NotFetched::Unusable { reason: error.reason(), problem: error.to_string() };
        let keys = Arc::new(KeySet::parse(&text).map_err(unusable)?);
        tracing::info!(keys = keys.len(), "the keys of the identity provider are new");
        *self.newest.write() = Newest { keys, text };
        Ok(())
    }

    async fn fetch(&self) -> Result<Vec<u8>, NotFetched> {
        let url = match &self.url {
            KeyUrl::Fixed(url) => url.clone(),
            KeyUrl::Discovered(discovery) => self.discovered(discovery).await?,
        };
        let request = self.http.get(url).header("accept", "application/jwk-set+json, application/json");
        fetch::body(request, fetch::MAX_BYTES).await
    }

    /// Where the provider says that its keys are; while it says nothing, where they were.
    async fn discovered(&self, discovery: &Discovery) -> Result<Url, NotFetched> {
        let provider = match discovery.fetch().await {
            Ok(provider) => provider,
            Err(error) => {
                let known = discovery.value();
                if known.is_some() {
                    self.metrics.token_key_fetches.get_or_create(&Reason { reason: error.reason() }).inc();
                    discovery::warn(&error);
                }
                known.ok_or(error)?
            }
        };
        Ok(provider.jwks.clone())
    }
}
