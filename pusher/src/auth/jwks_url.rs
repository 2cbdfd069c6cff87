//! Keys of an identity provider at a URL. They are fetched by one task: at the start, from time to time, and when a token
//! is signed with a key that is not known, so that a rotation of keys is seen at once. While the URL does not answer the
//! known keys stay.

use std::sync::Arc;
use std::time::Duration;

use access::{KeySet, KeySetError};
use anyhow::{Context as _, ensure};
use parking_lot::{Mutex, RwLock};
use reqwest::redirect::Policy;
use runtime::{Clock, Shutdown};
use tokio::sync::{Notify, watch};
use url::{Host, Url};

use crate::metrics::{PusherMetrics, Reason};

/// How often the keys are fetched without a reason: withdrawn keys end within it.
const INTERVAL: Duration = Duration::from_secs(300);
/// The shortest time between two fetches, whatever clients send.
const SHORTEST: Duration = Duration::from_secs(30);
/// Of one fetch.
const DEADLINE: Duration = Duration::from_secs(5);
/// The largest answer.
const MAX_BYTES: usize = 256 << 10;

/// The keys at a URL.
pub(super) struct JwksUrl {
    url: Url,
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

/// Why keys were not fetched.
#[derive(Debug, thiserror::Error)]
enum NotFetched {
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("the answer has more than {} KiB", MAX_BYTES >> 10)]
    TooLarge,
    #[error(transparent)]
    Unreadable(#[from] KeySetError),
}

impl NotFetched {
    fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::Unreadable(error) => error.reason(),
        }
    }
}

/// Parses the URL: https, or http to this machine.
///
/// # Errors
/// The expected form.
pub(super) fn parse(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).context("--auth-jwks: not a URL")?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    // Who can change the answer on its way could sign any token.
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && is_local),
        "--auth-jwks: expected https://…, or http:// to this machine (localhost, 127.0.0.1, [::1])"
    );
    Ok(url)
}

impl JwksUrl {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// The URL is none that may be fetched.
    pub(super) fn new(text: &str, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().redirect(Policy::none()).timeout(DEADLINE).connect_timeout(DEADLINE);
        Ok(Self {
            url: parse(text)?,
            http: http.build().context("an HTTP client")?,
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
        let keys = Arc::new(KeySet::parse(&text)?);
        tracing::info!(keys = keys.len(), "the keys of the identity provider are new");
        *self.newest.write() = Newest { keys, text };
        Ok(())
    }

    async fn fetch(&self) -> Result<Vec<u8>, NotFetched> {
        let request = self.http.get(self.url.clone()).header("accept", "application/jwk-set+json, application/json");
        // Without the URL: it is in the settings, and may have a password.
        let unreachable = |error: reqwest::Error| NotFetched::Unreachable(error.without_url());
        let mut answer = request.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(NotFetched::Status(answer.status().as_u16()));
        }
        let mut text = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(unreachable)? {
            if text.len() + part.len() > MAX_BYTES {
                return Err(NotFetched::TooLarge);
            }
            text.extend_from_slice(&part);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in
            ["https://id.example.org/jwks", "http://localhost:8080/jwks", "http://127.0.0.1:1/", "http://[::1]/"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example.org/jwks", "ftp://localhost/jwks", "https://", "http://127.0.0.1.example.org/"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
