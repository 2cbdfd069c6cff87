//! Sessions of our own: opened by an API key or a one-time secret, refreshed, and ended.
//!
//! An access token is verified by its signature, without a look at the store. That a session has ended is remembered here for
//! longer than its last access token is accepted, and learned from the other instances within seconds.

mod keys;
mod memory;
mod no_store;
mod shared;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::session::{self, Claims, Presented, RefreshToken, Session};
use access::{ApiKeys, Caller, Refusal, TokenCache};
use anyhow::Context as _;
use parking_lot::Mutex;
use rand::TryRng as _;
use rate::Lru;
use runtime::{Clock, Shutdown, Tasks, Watched};
use tokio::sync::Notify;

use crate::metrics::{OutcomeLabel, PusherMetrics};
use crate::redis::Redis;
use keys::Keys;
#[cfg(feature = "services")]
pub(crate) use keys::check;
use memory::Memory;
use no_store::NoStore;
use shared::Shared;
use store::{MAX_OF_KEY, Store};

/// Time between two looks at what other instances have ended.
const INTERVAL: Duration = Duration::from_secs(2);
/// Verified access tokens that are remembered.
const MAX_CACHED_TOKENS: usize = 10_000;
/// Ended sessions that are remembered.
const MAX_ENDED: usize = 50_000;
/// Ended sessions whose WebSockets are still to be closed.
const MAX_TO_CLOSE: usize = 10_000;

/// Opens, verifies and ends sessions.
pub(crate) struct Sessions {
    keys: Keys,
    api_keys: Arc<Watched<ApiKeys>>,
    store: Store,
    verified: Mutex<Verified>,
    ended: Mutex<Lru<bool>>,
    to_close: Mutex<Vec<Arc<str>>>,
    wake: Notify,
    clock: Clock,
    metrics: PusherMetrics,
}

/// The tokens that were verified with one content of the file of API keys.
struct Verified {
    file: Arc<ApiKeys>,
    cache: TokenCache,
}

/// What a client gets.
pub(crate) struct Granted {
    pub(crate) session: Arc<str>,
    pub(crate) access_token: String,
    pub(crate) expires_at_s: u64,
    pub(crate) refresh_token: String,
    pub(crate) refresh_expires_at_s: u64,
}

/// A refresh token that is good.
pub(crate) struct Refreshable {
    pub(crate) session: Arc<str>,
    /// Whose session it is, as the file of API keys says now.
    pub(crate) caller: Arc<Caller>,
    known: Session,
}

/// Why a session is not opened or refreshed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The secret is not good. `Some`: the key whose session it is.
    #[error("{0}")]
    Refused(Refusal, Option<String>),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] NoStore),
    /// There is no randomness, or the library cannot sign.
    #[error("a token cannot be made")]
    NoToken,
}

impl Sessions {
    /// Reads the file of signing keys.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) fn open(
        signing_keys: Option<&Path>,
        api_keys: Arc<Watched<ApiKeys>>,
        redis: Option<Redis>,
        clock: Clock,
        metrics: PusherMetrics,
    ) -> anyhow::Result<Self> {
        let keys = Keys::open(signing_keys)?;
        let store = match redis {
            Some(redis) => Store::Shared(Shared::new(redis, MAX_OF_KEY)),
            None => Store::Memory(Memory::new(MAX_OF_KEY)),
        };
        let verified = Verified { file: api_keys.value(), cache: TokenCache::new(MAX_CACHED_TOKENS) };
        Ok(Self {
            keys,
            api_keys,
            store,
            verified: Mutex::new(verified),
            ended: Mutex::new(Lru::new(MAX_ENDED)),
            to_close: Mutex::default(),
            wake: Notify::new(),
            clock,
            metrics,
        })
    }

    /// Reads the file of signing keys again when it changes, until stopped.
    pub(crate) fn spawn(&self, tasks: &mut Tasks) {
        if let Keys::File(file) = &self.keys {
            let (file, clock) = (file.clone(), self.clock.clone());
            tasks.spawn("session keys", |stop| file.run(clock, stop));
        }
    }

    /// Whose access token it is, where it was verified before.
    pub(crate) fn remembered(&self, presented: &str) -> Option<Result<Arc<Caller>, Refusal>> {
        let (keys, file) = (self.keys.value(), self.api_keys.value());
        let mut verified = self.verified.lock();
        verified.keep_up_with(&file);
        let caller = verified.cache.get(presented, keys.public(), self.now_s())?;
        Some(self.unless_ended(caller))
    }

    /// Whose access token it is.
    ///
    /// # Errors
    /// It is not good, or its session has ended.
    pub(crate) fn verify(&self, presented: &str) -> Result<Arc<Caller>, Refusal> {
        let (keys, file, now_s) = (self.keys.value(), self.api_keys.value(), self.now_s());
        let claims = session::verify(presented, keys.public(), now_s)?;
        let of_key = file.of_session(&claims.key_id, now_s).ok_or(Refusal::NoSession)?;
        let caller = self.unless_ended(Arc::new(claims.caller(&of_key)))?;
        let mut verified = self.verified.lock();
        verified.keep_up_with(&file);
        verified.cache.insert(presented, keys.public(), caller.clone());
        Ok(caller)
    }

    fn unless_ended(&self, caller: Arc<Caller>) -> Result<Arc<Caller>, Refusal> {
        let has_ended = caller.session.as_ref().is_none_or(|session| self.has_ended(session));
        if has_ended { Err(Refusal::NoSession) } else { Ok(caller) }
    }

    /// Whether a session has ended before its time, as far as this instance knows.
    pub(crate) fn has_ended(&self, session: &str) -> bool {
        self.ended.lock().get(session.as_bytes()).is_some()
    }

    /// The name of a session that may be opened.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn new_id(&self) -> Result<Arc<str>, SessionError> {
        Ok(session::session_id(&random()?))
    }

    /// Whether a one-time secret has opened its session.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn is_spent(&self, key_id: &str) -> Result<bool, SessionError> {
        Ok(self.counted(self.store.is_spent(key_id).await)?)
    }

    /// Opens a session. Its audit record is in the log.
    ///
    /// # Errors
    /// The one-time secret was used at the same time, or the store does not answer.
    pub(crate) async fn create(&self, id: Arc<str>, login: &access::api_keys::Login) -> Result<Granted, SessionError> {
        let (now_s, key_id) = (self.now_s(), &login.caller.subject);
        let (refresh_token, first) = RefreshToken::make(id.clone(), &random()?);
        if let Some(until_s) = login.once_until_s
            && !self.counted(self.store.spend(key_id, until_s, now_s).await)?
        {
            return Err(SessionError::Refused(Refusal::Spent, Some(key_id.clone())));
        }
        let opened = Session::new(key_id, &first, now_s);
        let made_room = self.counted(self.store.add(&id, &opened, now_s).await)?;
        made_room.into_iter().for_each(|ended| self.mark_ended(&ended));
        self.count("created");
        self.grant(id, &opened, refresh_token)
    }

    /// Looks at a refresh token. One that was used before ends its session.
    ///
    /// # Errors
    /// It is not good, or the store does not answer.
    pub(crate) async fn find(&self, presented: &RefreshToken) -> Result<Refreshable, SessionError> {
        let (id, now_s) = (presented.session.clone(), self.now_s());
        let known = self.counted(self.store.find(&id).await)?;
        let known = known.ok_or(SessionError::Refused(Refusal::NoSession, None))?;
        match known.check(presented, now_s) {
            Presented::Current => {}
            Presented::Unknown => return Err(SessionError::Refused(Refusal::NoSession, None)),
            Presented::Used => return Err(self.reused(&id, &known.key_id).await),
            Presented::Expired => return Err(SessionError::Refused(Refusal::Expired, Some(known.key_id))),
        }
        let Some(caller) = self.api_keys.value().of_session(&known.key_id, now_s) else {
            // Its key was taken out of the file.
            self.end(&id, &known.key_id).await?;
            return Err(SessionError::Refused(Refusal::NoSession, Some(known.key_id)));
        };
        Ok(Refreshable { session: id, caller, known })
    }

    /// Refreshes a session. Its audit record is in the log.
    ///
    /// # Errors
    /// Its refresh token was used at the same time, which ends it, or the store does not answer.
    pub(crate) async fn refresh(&self, refreshable: Refreshable) -> Result<Granted, SessionError> {
        let Refreshable { session: id, known, .. } = refreshable;
        let (refresh_token, next) = RefreshToken::make(id.clone(), &random()?);
        let now_s = self.now_s();
        let after = known.refreshed(&next, now_s);
        if !self.counted(self.store.replace(&id, &known, &after, now_s).await)? {
            return Err(self.reused(&id, &known.key_id).await);
        }
        self.count("refreshed");
        self.grant(id, &after, refresh_token)
    }

    async fn reused(&self, id: &Arc<str>, key_id: &str) -> SessionError {
        tracing::warn!(session = %id, key = key_id, "a refresh token was used twice: its session has ended");
        self.count("reused");
        match self.end(id, key_id).await {
            Ok(()) => SessionError::Refused(Refusal::Reused, Some(key_id.to_owned())),
            Err(error) => error,
        }
    }

    /// Ends a session. Independent of the answer of the store, this instance does not accept it any more.
    ///
    /// # Errors
    /// The store does not answer: its refresh token may still be good.
    pub(crate) async fn end(&self, id: &Arc<str>, key_id: &str) -> Result<(), SessionError> {
        self.mark_ended(id);
        self.counted(self.store.end(id, key_id).await)?;
        self.count("ended");
        Ok(())
    }

    fn mark_ended(&self, id: &Arc<str>) {
        let was_known = std::mem::replace(self.ended.lock().touch(id.as_bytes()).0, true);
        let mut to_close = self.to_close.lock();
        if !was_known && to_close.len() < MAX_TO_CLOSE {
            to_close.push(id.clone());
            self.wake.notify_one();
        }
    }

    /// Waits for sessions that have ended, here or at another instance: their WebSockets are to be closed. `None`: it is
    /// stopped.
    pub(crate) async fn next_ended(&self, stop: &Shutdown) -> Option<Vec<Arc<str>>> {
        loop {
            // While Redis is away nothing is learned from others; this instance's own are.
            if let Ok(ended) = stop.or(self.store.ended()).await? {
                ended.iter().for_each(|id| self.mark_ended(id));
            }
            let ended = std::mem::take(&mut *self.to_close.lock());
            if !ended.is_empty() {
                return Some(ended);
            }
            let next = async {
                tokio::select! {
                    () = self.clock.sleep(INTERVAL) => {}
                    () = self.wake.notified() => {}
                }
            };
            stop.or(next).await?;
        }
    }

    fn grant(&self, session: Arc<str>, opened: &Session, refresh_token: String) -> Result<Granted, SessionError> {
        let claims = Claims::new(&opened.key_id, &session, self.now_s());
        let access_token = claims.sign(&self.keys.value()).ok_or(SessionError::NoToken)?;
        let (expires_at_s, refresh_expires_at_s) = (claims.expires_at_s, opened.ends_at_s());
        Ok(Granted { session, access_token, expires_at_s, refresh_token, refresh_expires_at_s })
    }

    fn counted<T>(&self, answer: Result<T, NoStore>) -> Result<T, NoStore> {
        answer.inspect_err(|_| self.count("unavailable"))
    }

    /// Counts what became of a request for a session.
    pub(crate) fn count(&self, outcome: &'static str) {
        self.metrics.sessions.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    fn now_s(&self) -> u64 {
        self.clock.now_us() / 1_000_000
    }
}

impl Verified {
    /// Another content of the file may say something else of each key.
    fn keep_up_with(&mut self, file: &Arc<ApiKeys>) {
        if !Arc::ptr_eq(&self.file, file) {
            *self = Self { file: file.clone(), cache: TokenCache::new(MAX_CACHED_TOKENS) };
        }
    }
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], SessionError> {
    let mut bytes = [0; BYTES];
    match rand::rngs::SysRng.try_fill_bytes(&mut bytes).context("no randomness") {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a token cannot be made");
            Err(SessionError::NoToken)
        }
    }
}
