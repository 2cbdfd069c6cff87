//! Whose credentials a request has: access tokens of the identity provider, API keys, position keys.

mod api_key_file;
#[cfg(feature = "jwks")]
mod breaker;
mod credentials;
mod denied;
#[cfg(feature = "jwks")]
mod discovery;
#[cfg(feature = "jwks")]
mod fetch;
#[cfg(feature = "jwks")]
mod jwks_url;
mod key_source;
mod offer;
#[cfg(feature = "jwks")]
mod sign_in;
#[cfg(feature = "jwks")]
mod user_endpoint;

use std::path::Path;
use std::sync::Arc;

use access::api_keys::Login;
use access::token::{self, TokenSettings};
use access::{ApiKeys, Caller, Credential, Limited, Refusal, Scope, Scopes, TokenCache, api_keys, session};
#[cfg(feature = "jwks")]
use anyhow::Context as _;
use parking_lot::Mutex;
use runtime::{Clock, Shutdown, Tasks, Watched};

use crate::config::{AccessOptions, Keys};
use crate::metrics::{PusherMetrics, Reason};
use crate::positions;
use crate::redis::Redis;
use crate::sessions::Sessions;
use crate::throttle::{Client, Throttle};
#[cfg(feature = "services")]
pub(crate) use api_key_file::check as check_api_keys;
pub(crate) use credentials::{Presented, of_request, of_websocket};
pub(crate) use denied::Denied;
#[cfg(feature = "jwks")]
use discovery::Discovery;
use key_source::KeySource;
#[cfg(feature = "services")]
pub(crate) use key_source::check as check_token_keys;
pub(crate) use offer::SignIn;
#[cfg(feature = "jwks")]
use sign_in::SignInPoint;
#[cfg(feature = "services")]
pub(crate) use sign_in::check as check_issuer;
#[cfg(feature = "jwks")]
use user_endpoint::UserEndpoint;
#[cfg(feature = "services")]
pub(crate) use user_endpoint::check as check_user_endpoint;

#[cfg(not(feature = "jwks"))]
const NO_CLIENT: &str = "this program was built without a client for URLs";
/// Verified tokens that are remembered.
const MAX_CACHED_TOKENS: usize = 10_000;

/// What credentials are checked with.
pub(crate) struct Auth {
    tokens: Option<Tokens>,
    #[cfg(feature = "jwks")]
    sign_in: Option<Arc<SignInPoint>>,
    #[cfg(feature = "jwks")]
    users: Option<UserEndpoint>,
    api_keys: Option<Arc<Watched<ApiKeys>>>,
    sessions: Option<Arc<Sessions>>,
    position_keys: Option<Arc<Watched<positions::Keys>>>,
    open_operator: bool,
    throttle: Arc<Throttle>,
    clock: Clock,
    metrics: PusherMetrics,
}

/// Access tokens.
struct Tokens {
    settings: TokenSettings,
    keys: KeySource,
    cache: Mutex<TokenCache>,
}

/// Why a caller is not known.
enum Failure {
    Refused(Refusal),
    Limited(Limited),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Auth {
    /// Reads the files; keys at a URL are fetched when it runs.
    ///
    /// # Errors
    /// A file cannot be used, or settings do not go together.
    pub(crate) fn open(
        options: &AccessOptions,
        position_keys: Option<&Path>,
        open_operator: bool,
        redis: Option<Redis>,
        throttle: Arc<Throttle>,
        clock: Clock,
        metrics: PusherMetrics,
    ) -> anyhow::Result<Self> {
        let accepted = options.tokens().map_err(anyhow::Error::msg)?;
        #[cfg(feature = "jwks")]
        let users = match options.user_endpoint() {
            Some(url) => Some(UserEndpoint::open(url, redis.clone(), clock.clone(), metrics.clone())?),
            None => None,
        };
        #[cfg(not(feature = "jwks"))]
        anyhow::ensure!(options.user_endpoint().is_none(), "--auth-userinfo: {NO_CLIENT}");
        #[cfg(not(feature = "jwks"))]
        anyhow::ensure!(options.sign_in().is_none(), "--auth-client-id: {NO_CLIENT}");
        #[cfg(feature = "jwks")]
        let discovery = match &accepted {
            Some((settings, Keys::Discovered)) => Some(Discovery::open(&settings.issuer, &clock, &metrics)?),
            _ => None,
        };
        #[cfg(feature = "jwks")]
        let sign_in = match options.sign_in() {
            Some(settings) => Some(Arc::new(SignInPoint::open(settings, discovery.clone(), &clock, &metrics)?)),
            None => None,
        };
        let tokens = match accepted {
            None => None,
            Some((settings, keys)) => {
                let keys = match keys {
                    Keys::At(location) => KeySource::open(location, clock.clone(), metrics.clone())?,
                    #[cfg(feature = "jwks")]
                    Keys::Discovered => {
                        let discovery = discovery.context("it was opened for these keys")?;
                        KeySource::discovered(discovery, clock.clone(), metrics.clone())?
                    }
                    #[cfg(not(feature = "jwks"))]
                    Keys::Discovered => anyhow::bail!("--auth-issuer without --auth-jwks: {NO_CLIENT}"),
                };
                Some(Tokens { settings, keys, cache: Mutex::new(TokenCache::new(MAX_CACHED_TOKENS)) })
            }
        };
        let api_keys = options.api_keys.as_deref().map(api_key_file::open).transpose()?;
        let sessions = match &api_keys {
            Some(api_keys) => {
                let (signing_keys, api_keys) = (options.session_keys(), api_keys.clone());
                Some(Arc::new(Sessions::open(signing_keys, api_keys, redis, clock.clone(), metrics.clone())?))
            }
            None => None,
        };
        let position_keys = position_keys.map(positions::open).transpose()?;
        if open_operator {
            tracing::warn!(
                "--open-operator: every client that reaches this port may see and reset the scores of devices, and change \
                 zones; for development only"
            );
        }
        Ok(Self {
            tokens,
            #[cfg(feature = "jwks")]
            sign_in,
            #[cfg(feature = "jwks")]
            users,
            api_keys,
            sessions,
            position_keys,
            open_operator,
            throttle,
            clock,
            metrics,
        })
    }

    /// Reads files again when they change, and fetches keys, until stopped.
    pub(crate) fn spawn(&self, tasks: &mut Tasks) {
        let clock = &self.clock;
        if let Some(keys) = self.position_keys.clone() {
            let clock = clock.clone();
            tasks.spawn("position keys", |stop| keys.run(clock, stop));
        }
        if let Some(keys) = self.api_keys.clone() {
            let clock = clock.clone();
            tasks.spawn("API keys", |stop| keys.run(clock, stop));
        }
        if let Some(sessions) = &self.sessions {
            sessions.spawn(tasks);
        }
        if let Some(tokens) = &self.tokens {
            let (keys, clock) = (tokens.keys.clone(), clock.clone());
            tasks.spawn("token keys", |stop: Shutdown| keys.run(clock, stop));
        }
        #[cfg(feature = "jwks")]
        if let Some(document) = self.sign_in.as_ref().and_then(|point| point.own_document()) {
            tasks.spawn("sign-in", |stop| document.run(stop));
        }
    }

    /// Whether one can sign in on the map page, and how.
    #[cfg(feature = "jwks")]
    pub(crate) fn sign_in(&self) -> SignIn {
        self.sign_in.as_ref().map_or(SignIn::Off, |point| point.value())
    }

    /// Nobody can: there is no client for URLs.
    #[cfg(not(feature = "jwks"))]
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn::Off
    }

    /// Sessions of our own; `None`: there are no API keys, which open them.
    pub(crate) fn sessions(&self) -> Option<&Arc<Sessions>> {
        self.sessions.as_ref()
    }

    /// Whether tokens or API keys are accepted.
    pub(crate) fn accepts_sign_in(&self) -> bool {
        #[cfg(feature = "jwks")]
        if self.users.is_some() {
            return true;
        }
        self.tokens.is_some() || self.api_keys.is_some()
    }

    /// Whose API keys there are, by id. `None`: no file of them is set.
    pub(crate) fn api_keys(&self) -> Option<Vec<Arc<Caller>>> {
        self.api_keys.as_ref().map(|keys| keys.value().callers())
    }

    /// The caller without credentials, where anyone is an operator.
    pub(crate) fn open_operator(&self) -> Option<Arc<Caller>> {
        self.open_operator.then(|| {
            Arc::new(Caller {
                subject: "open-operator".to_owned(),
                name: None,
                roles: Vec::new(),
                credential: Credential::OpenOperator,
                scopes: Scopes::PUBLIC
                    .with(Scope::ValidationRead)
                    .with(Scope::ValidationReset)
                    .with(Scope::ZoneWrite)
                    .with(Scope::ZoneWriteAny),
                company: None,
                devices: Vec::new(),
                pilot: access::Pilot::default(),
                session: None,
                expires_at_s: None,
                accepted_until_s: None,
            })
        })
    }

    /// Whose credentials they are.
    ///
    /// # Errors
    /// They are of nobody, or too many logins of this client have failed.
    pub(crate) async fn identify(&self, presented: &str, client: &Client) -> Result<Arc<Caller>, Denied> {
        let refusal = match self.find(presented, client).await {
            Ok(caller) => return Ok(caller),
            Err(Failure::Limited(limited)) => return Err(Denied::Limited(limited)),
            Err(Failure::Refused(refusal)) => refusal,
        };
        Err(self.refuse(refusal, client).0)
    }

    /// Whose session an API key or a one-time secret opens.
    ///
    /// # Errors
    /// It is of nobody: as [`Auth::refuse`].
    pub(crate) fn log_in(&self, presented: &str, client: &Client) -> Result<Login, (Denied, bool)> {
        let now_s = self.clock.now_us() / 1_000_000;
        let keys = self.api_keys.as_ref().ok_or(Refusal::NotAccepted);
        keys.and_then(|keys| keys.value().log_in(presented, now_s)).map_err(|refusal| self.refuse(refusal, client))
    }

    /// Counts a failed login. The answer to it, and whether a record may say so: where many fail, some of them do.
    pub(crate) fn refuse(&self, refusal: Refusal, client: &Client) -> (Denied, bool) {
        self.metrics.logins_refused.get_or_create(&Reason { reason: refusal.reason() }).inc();
        if refusal.is_transient() {
            return (Denied::NoKeys, false);
        }
        if let Err(limited) = self.throttle.may_log_in(client) {
            return (Denied::Limited(limited), false);
        }
        let is_recorded = self.throttle.login_failed(client);
        if is_recorded {
            tracing::info!(reason = refusal.reason(), client = %client.address, "credentials were refused: {refusal}");
        }
        (Denied::Unknown, is_recorded)
    }

    async fn find(&self, presented: &str, client: &Client) -> Result<Arc<Caller>, Failure> {
        if presented.len() > token::MAX_BYTES {
            return Err(Refusal::Oversized.into());
        }
        if let Some(sender) = self.position_keys.as_ref().and_then(|keys| keys.value().find(presented)) {
            return Ok(sender);
        }
        let now_s = self.clock.now_us() / 1_000_000;
        if presented.starts_with(api_keys::PREFIX) {
            let keys = self.api_keys.as_ref().ok_or(Refusal::NotAccepted)?;
            return Ok(keys.value().find(presented, now_s)?);
        }
        if session::is_access_token(presented) {
            let sessions = self.sessions.as_ref().ok_or(Refusal::NotAccepted)?;
            if let Some(answer) = sessions.remembered(presented) {
                return Ok(answer?);
            }
            self.throttle.may_log_in(client).map_err(Failure::Limited)?;
            return Ok(sessions.verify(presented)?);
        }
        #[cfg(feature = "jwks")]
        if let Some(users) = &self.users
            && (self.tokens.is_none() || !token::is_jwt(presented))
        {
            if let Some(answer) = users.remembered(presented) {
                return Ok(answer?);
            }
            // Anything else could not be sent, and would count as a failure of the endpoint.
            if !token::is_bearer(presented) {
                return Err(Refusal::Malformed.into());
            }
            self.throttle.may_log_in(client).map_err(Failure::Limited)?;
            return Ok(users.find(presented).await?);
        }
        let tokens = self.tokens.as_ref().ok_or(Refusal::NotAccepted)?;
        let keys = tokens.keys.value();
        if let Some(caller) = tokens.cache.lock().get(presented, &keys, now_s) {
            return Ok(caller);
        }
        // A signature costs some work. What is known already, and keys, are found without it, also meanwhile.
        self.throttle.may_log_in(client).map_err(Failure::Limited)?;
        let (caller, keys) = match token::verify(presented, &tokens.settings, &keys, now_s) {
            Ok(caller) => (caller, keys),
            Err(Refusal::UnknownKey) => {
                let newer = tokens.keys.newer_than(&keys).await.ok_or(Refusal::UnknownKey)?;
                (token::verify(presented, &tokens.settings, &newer, now_s)?, newer)
            }
            Err(refusal) => return Err(refusal.into()),
        };
        let caller = Arc::new(caller);
        tokens.cache.lock().insert(presented, &keys, caller.clone());
        Ok(caller)
    }
}
