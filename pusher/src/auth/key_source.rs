//! Where the public keys of the identity provider come from: a file, or a URL.

use std::path::Path;
use std::sync::Arc;

use access::KeySet;
use anyhow::Context as _;
use runtime::{Clock, Shutdown, Watched};

#[cfg(feature = "jwks")]
use super::discovery::Discovery;
#[cfg(feature = "jwks")]
use super::fetch;
#[cfg(feature = "jwks")]
use super::jwks_url::{JwksUrl, KeyUrl};
#[cfg(feature = "services")]
use crate::config::Keys;
use crate::metrics::PusherMetrics;

/// The newest good keys. Clones share them.
#[derive(Clone)]
pub(super) enum KeySource {
    File(Arc<Watched<KeySet>>),
    #[cfg(feature = "jwks")]
    Url(Arc<JwksUrl>),
}

impl KeySource {
    /// Reads the file; a URL is fetched when it runs.
    ///
    /// # Errors
    /// The file cannot be used, or the URL is none that may be.
    pub(super) fn open(location: &str, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        match is_url(location) {
            true => Self::of_url(location, clock, metrics),
            false => open_file(location).map(Self::File),
        }
    }

    #[cfg(feature = "jwks")]
    fn of_url(url: &str, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        let url = KeyUrl::Fixed(fetch::parse("--auth-jwks", url)?);
        Ok(Self::Url(Arc::new(JwksUrl::new(url, clock, metrics)?)))
    }

    /// The keys are where the provider says.
    ///
    /// # Errors
    /// The client's library cannot start.
    #[cfg(feature = "jwks")]
    pub(super) fn discovered(discovery: Arc<Discovery>, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        Ok(Self::Url(Arc::new(JwksUrl::new(KeyUrl::Discovered(discovery), clock, metrics)?)))
    }

    #[cfg(not(feature = "jwks"))]
    fn of_url(_: &str, _: Clock, _: PusherMetrics) -> anyhow::Result<Self> {
        anyhow::bail!(
            "--auth-jwks: this program was built without a client for URLs: give a file, or build it with \
             `cargo build --release -p standalone --features full`"
        )
    }

    /// The newest good keys; none where they are not there yet, or their file was deleted.
    pub(super) fn value(&self) -> Arc<KeySet> {
        match self {
            Self::File(file) => file.value(),
            #[cfg(feature = "jwks")]
            Self::Url(url) => url.value(),
        }
    }

    /// Newer keys than these, for a token whose key is not among them; `None`: there are none.
    pub(super) async fn newer_than(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let newest = match self {
            Self::File(file) => file.value(),
            #[cfg(feature = "jwks")]
            Self::Url(url) => url.after_fetch(known).await,
        };
        (!Arc::ptr_eq(&newest, known)).then_some(newest)
    }

    /// Keeps the keys new until stopped.
    ///
    /// # Errors
    /// None: what was read before stays.
    pub(super) async fn run(self, clock: Clock, stop: Shutdown) -> anyhow::Result<()> {
        match self {
            Self::File(file) => file.run(clock, stop).await,
            #[cfg(feature = "jwks")]
            Self::Url(url) => url.run(stop).await,
        }
    }
}

/// Whether the setting can be used.
///
/// # Errors
/// Why not.
#[cfg(feature = "services")]
pub(crate) fn check(keys: Keys<'_>) -> anyhow::Result<()> {
    let Keys::At(location) = keys else { return Ok(()) };
    match is_url(location) {
        true => fetch::parse("--auth-jwks", location).map(drop),
        false => open_file(location).map(drop),
    }
}

fn is_url(location: &str) -> bool {
    location.contains("://")
}

fn open_file(location: &str) -> anyhow::Result<Arc<Watched<KeySet>>> {
    let keys = Watched::open(vec![Path::new(location).to_owned()], parse).context("--auth-jwks")?;
    Ok(Arc::new(keys.revoked_by_deletion(KeySet::default)))
}

fn parse(contents: &[Vec<u8>]) -> anyhow::Result<KeySet> {
    Ok(KeySet::parse(&contents[0])?)
}
