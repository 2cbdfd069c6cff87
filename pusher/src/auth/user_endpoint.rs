//! Opaque access tokens: a user endpoint of the identity provider says whose they are.
//!
//! An answer holds for 5 minutes, that a token is unknown for 30 s. Answers are remembered by the hash of the token, in this
//! process and, where there is one, in Redis for all instances. While the endpoint is down an answer is used for up to an
//! hour, and tokens that are not remembered are neither good nor bad.

use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Hash, Refusal, hash, token};
use parking_lot::Mutex;
use rate::Lru;
use redis::RedisError;
use runtime::Clock;
use schemas::redis::user_key;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use url::Url;

use super::breaker::Breaker;
use super::fetch::{self, NotFetched};
use crate::metrics::{PusherMetrics, Reason};
use crate::redis::Redis;

/// How long an answer holds.
const FRESH_S: u64 = 300;
/// How long a refusal holds.
const REFUSED_S: u64 = 30;
/// How long an answer is used while the endpoint is down.
const STALE_S: u64 = 3_600;
/// Tokens that are remembered.
const MAX_TOKENS: usize = 10_000;
/// Requests at a time; more wait.
const MAX_REQUESTS: usize = 16;
const MAX_BYTES: usize = 16 << 10;
/// A Redis that takes longer is passed over.
const REDIS_DEADLINE: Duration = Duration::from_millis(250);

/// The endpoint, and what it has said.
pub(super) struct UserEndpoint {
    url: Url,
    http: reqwest::Client,
    redis: Option<Redis>,
    known: Mutex<Lru<Option<Known>>>,
    breaker: Mutex<Breaker>,
    slots: Semaphore,
    clock: Clock,
    metrics: PusherMetrics,
}

/// What is known of a token.
#[derive(Debug, Clone)]
struct Known {
    /// `Err`: the endpoint refuses it.
    caller: Result<Arc<Caller>, Refusal>,
    at_s: u64,
}

impl Known {
    fn is_fresh(&self, now_s: u64) -> bool {
        let holds_s = if self.caller.is_ok() { FRESH_S } else { REFUSED_S };
        now_s.saturating_sub(self.at_s) < holds_s
    }

    /// The caller, where the answer may still be used while the endpoint is down.
    fn stale(&self, now_s: u64) -> Option<Arc<Caller>> {
        let caller = self.caller.as_ref().ok()?;
        (now_s.saturating_sub(self.at_s) < STALE_S && caller.is_accepted(now_s)).then(|| caller.clone())
    }

    fn value(&self, now_s: u64) -> Result<Arc<Caller>, Refusal> {
        let caller = self.caller.clone()?;
        if caller.is_accepted(now_s) { Ok(caller) } else { Err(Refusal::Expired) }
    }
}

/// As Redis has it.
#[derive(Serialize, Deserialize)]
struct Stored {
    at_s: u64,
    /// The endpoint's answer; `None`: it refuses the token.
    user: Option<Value>,
}

impl UserEndpoint {
    /// Does no I/O.
    ///
    /// # Errors
    /// The URL is none that may be asked.
    pub(super) fn open(url: &str, redis: Option<Redis>, clock: Clock, metrics: PusherMetrics) -> anyhow::Result<Self> {
        Ok(Self {
            url: parse(url)?,
            http: fetch::client()?,
            redis,
            known: Mutex::new(Lru::new(MAX_TOKENS)),
            breaker: Mutex::default(),
            slots: Semaphore::new(MAX_REQUESTS),
            clock,
            metrics,
        })
    }

    /// Whose token it is, where this process knows it.
    pub(super) fn remembered(&self, presented: &str) -> Option<Result<Arc<Caller>, Refusal>> {
        let now_s = self.now_s();
        let known = self.local(&hash(presented)).filter(|known| known.is_fresh(now_s))?;
        self.count("local");
        Some(known.value(now_s))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// The endpoint does not know it, or cannot be asked.
    pub(super) async fn find(&self, presented: &str) -> Result<Arc<Caller>, Refusal> {
        let key = hash(presented);
        let shared = self.shared(&key).await;
        if let Some(known) = shared.as_ref().filter(|known| known.is_fresh(self.now_s())) {
            self.count("redis");
            self.remember(&key, known.clone());
            return known.value(self.now_s());
        }
        // The semaphore is never closed.
        let _slot = self.slots.acquire().await.map_err(|_| Refusal::NoUserEndpoint)?;
        // Another request has asked for the same token meanwhile.
        if let Some(answer) = self.remembered(presented) {
            return answer;
        }
        if !self.breaker.lock().may_ask(self.clock.monotonic()) {
            self.fail("not_asked");
            return self.without_endpoint(&key, shared.as_ref());
        }
        match self.ask(presented).await {
            Ok(answer) => {
                self.breaker.lock().succeeded();
                let now_s = self.now_s();
                let user = answer.as_deref();
                let caller = user.map_or(Err(Refusal::UnknownUser), |user| token::of_user_endpoint(user, now_s));
                self.count(if caller.is_ok() { "endpoint" } else { "refused" });
                let known = Known { caller: caller.map(Arc::new), at_s: now_s };
                self.remember(&key, known.clone());
                self.share(&key, user.filter(|_| known.caller.is_ok()), now_s).await;
                known.value(now_s)
            }
            Err(error) => {
                self.fail(error.reason());
                if self.breaker.lock().failed(self.clock.monotonic()) {
                    tracing::warn!(
                        reason = error.reason(),
                        "the user endpoint does not answer (--auth-userinfo): known tokens stay, others are answered with 503"
                    );
                }
                self.without_endpoint(&key, shared.as_ref())
            }
        }
    }

    /// `None`: the endpoint refuses the token.
    async fn ask(&self, presented: &str) -> Result<Option<Vec<u8>>, NotFetched> {
        let request = self.http.get(self.url.clone()).bearer_auth(presented).header("accept", "application/json");
        match fetch::body(request, MAX_BYTES).await {
            // The page of a proxy refuses nobody.
            Ok(answer) if serde_json::from_slice::<Map<String, Value>>(&answer).is_err() => {
                Err(NotFetched::Unusable { reason: "not_json", problem: "not a JSON object".to_owned() })
            }
            Ok(answer) => Ok(Some(answer)),
            // Not a failure of the endpoint, or clients could make it count as down.
            Err(NotFetched::Status(400 | 401 | 403)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn without_endpoint(&self, key: &Hash, shared: Option<&Known>) -> Result<Arc<Caller>, Refusal> {
        let now_s = self.now_s();
        let local = self.local(key);
        let stale = local.as_ref().into_iter().chain(shared).find_map(|known| known.stale(now_s));
        self.count(if stale.is_some() { "stale" } else { "unavailable" });
        stale.ok_or(Refusal::NoUserEndpoint)
    }

    fn local(&self, key: &Hash) -> Option<Known> {
        // A look adds no entry: made-up tokens evict none.
        self.known.lock().get(key).and_then(|known| known.clone())
    }

    fn remember(&self, key: &Hash, known: Known) {
        *self.known.lock().touch(key).0 = Some(known);
    }

    /// What Redis knows of a token.
    async fn shared(&self, key: &Hash) -> Option<Known> {
        let mut connection = self.redis.as_ref()?.connection();
        let mut command = redis::cmd("GET");
        command.arg(redis_key(key));
        let text: Option<String> = in_time(command.query_async(&mut connection)).await?;
        read_stored(&text?, self.now_s())
    }

    async fn share(&self, key: &Hash, user: Option<&[u8]>, now_s: u64) {
        let Some(redis) = &self.redis else { return };
        let user = user.and_then(|user| serde_json::from_slice::<Value>(user).ok());
        let expires_s = if user.is_some() { STALE_S } else { REFUSED_S };
        let Ok(text) = serde_json::to_string(&Stored { at_s: now_s, user }) else { return };
        let mut connection = redis.connection();
        let mut command = redis::cmd("SET");
        command.arg(redis_key(key)).arg(text).arg("EX").arg(expires_s);
        let _written: Option<()> = in_time(command.query_async(&mut connection)).await;
    }

    fn now_s(&self) -> u64 {
        self.clock.now_us() / 1_000_000
    }

    fn count(&self, reason: &'static str) {
        self.metrics.user_lookups.get_or_create(&Reason { reason }).inc();
    }

    fn fail(&self, reason: &'static str) {
        self.metrics.user_endpoint_failures.get_or_create(&Reason { reason }).inc();
    }
}

fn redis_key(key: &Hash) -> String {
    user_key(&key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// `None`: Redis does not answer, or has no such entry.
async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
    match tokio::time::timeout(REDIS_DEADLINE, answer).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "Redis does not answer: tokens are looked up by this process alone");
            None
        }
        Err(_) => None,
    }
}

/// `None`: it is no answer that this program has written.
fn read_stored(text: &str, now_s: u64) -> Option<Known> {
    let Stored { at_s, user } = serde_json::from_str(text).ok()?;
    let user = user.map(|user| token::of_user_endpoint(user.to_string().as_bytes(), now_s));
    Some(Known { caller: user.unwrap_or(Err(Refusal::UnknownUser)).map(Arc::new), at_s: at_s.min(now_s) })
}

/// Parses the URL.
///
/// # Errors
/// The expected form.
fn parse(url: &str) -> anyhow::Result<Url> {
    fetch::parse("--auth-userinfo", url)
}

/// Whether the setting can be used.
///
/// # Errors
/// Why not.
#[cfg(feature = "services")]
pub(crate) fn check(url: &str) -> anyhow::Result<()> {
    parse(url).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_800_000_000;

    #[test]
    fn an_answer_is_read_as_it_was_stored() {
        let user = serde_json::json!({ "sub": "ada", "roles": ["operator"] });
        let text = serde_json::to_string(&Stored { at_s: NOW_S, user: Some(user) }).unwrap();
        let known = read_stored(&text, NOW_S + 10).unwrap();
        assert_eq!(known.value(NOW_S).unwrap().subject, "ada");
        assert!(known.is_fresh(NOW_S + FRESH_S - 1) && !known.is_fresh(NOW_S + FRESH_S));
        assert!(known.stale(NOW_S + STALE_S - 1).is_some() && known.stale(NOW_S + STALE_S).is_none());
        let refused = serde_json::to_string(&Stored { at_s: NOW_S, user: None }).unwrap();
        let refused = read_stored(&refused, NOW_S).unwrap();
        assert_eq!(refused.value(NOW_S), Err(Refusal::UnknownUser));
        assert!(!refused.is_fresh(NOW_S + REFUSED_S) && refused.stale(NOW_S).is_none());
        for bad in ["", "{}", "[]", "nonsense"] {
            assert!(read_stored(bad, NOW_S).is_none(), "{bad}");
        }
        let future = format!(r#"{{"at_s":{},"user":null}}"#, u64::MAX);
        assert_eq!(read_stored(&future, NOW_S).unwrap().at_s, NOW_S, "no answer holds for ever");
    }
}
