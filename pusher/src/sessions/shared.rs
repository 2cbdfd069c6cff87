//! Sessions in Redis, for all instances. All of their keys are in one slot.

use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use access::session::{LONGEST_S, Session};
use parking_lot::Mutex;
use redis::streams::StreamRangeReply;
use redis::{RedisError, Script};
use schemas::redis::{ENDED_SESSIONS_KEY, session_key, sessions_of_key, spent_secret_key};

use super::no_store::NoStore;
use crate::redis::Redis;

/// For each step. A Redis that takes longer does not answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// Ended sessions that the stream has: more than end within the time of an access token.
const MAX_ENDED: usize = 10_000;
/// How long the stream stays after the last one.
const ENDED_FOR_S: u64 = 86_400;
/// Read at a time.
const PAGE: usize = 1_000;

/// Replaces a value where it is as it was.
static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
         return 1",
    )
});

/// The store in Redis.
pub(super) struct Shared {
    redis: Redis,
    max_per_key: usize,
    /// The last entry of the stream of ended sessions that was read.
    read: Mutex<String>,
}

impl Shared {
    pub(super) fn new(redis: Redis, max_per_key: usize) -> Self {
        Self { redis, max_per_key, read: Mutex::new("0-0".to_owned()) }
    }

    pub(super) async fn add(&self, id: &Arc<str>, session: &Session, now_s: u64) -> Result<Vec<Arc<str>>, NoStore> {
        let of_key = sessions_of_key(&session.key_id);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("SET").arg(session_key(id)).arg(text(session)).arg("EX").arg(left_s(session, now_s)).ignore();
        pipe.cmd("ZADD").arg(&of_key).arg(now_s).arg(&**id).ignore();
        pipe.cmd("EXPIRE").arg(&of_key).arg(LONGEST_S).ignore();
        pipe.cmd("ZRANGE").arg(&of_key).arg(0).arg(-1 - i64::try_from(self.max_per_key).unwrap_or(i64::MAX - 1));
        let mut connection = self.redis.connection();
        let (oldest,): (Vec<String>,) = in_time(pipe.query_async(&mut connection)).await?;
        for oldest in &oldest {
            self.end(oldest, &session.key_id).await?;
        }
        Ok(oldest.into_iter().map(Arc::from).collect())
    }

    pub(super) async fn find(&self, id: &str) -> Result<Option<Session>, NoStore> {
        let mut command = redis::cmd("GET");
        command.arg(session_key(id));
        let mut connection = self.redis.connection();
        let found: Option<String> = in_time(command.query_async(&mut connection)).await?;
        // What is no session of ours is none.
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(super) async fn replace(
        &self,
        id: &str,
        before: &Session,
        after: &Session,
        now_s: u64,
    ) -> Result<bool, NoStore> {
        let mut invocation = REPLACE.key(session_key(id));
        invocation.arg(text(before)).arg(text(after)).arg(left_s(after, now_s));
        let mut connection = self.redis.connection();
        in_time(invocation.invoke_async::<bool>(&mut connection)).await
    }

    pub(super) async fn end(&self, id: &str, key_id: &str) -> Result<(), NoStore> {
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("DEL").arg(session_key(id)).ignore();
        pipe.cmd("ZREM").arg(sessions_of_key(key_id)).arg(id).ignore();
        pipe.cmd("XADD")
            .arg(ENDED_SESSIONS_KEY)
            .arg("MAXLEN")
            .arg("~")
            .arg(MAX_ENDED)
            .arg("*")
            .arg("id")
            .arg(id)
            .ignore();
        pipe.cmd("EXPIRE").arg(ENDED_SESSIONS_KEY).arg(ENDED_FOR_S).ignore();
        let mut connection = self.redis.connection();
        in_time(pipe.query_async::<()>(&mut connection)).await
    }

    pub(super) async fn is_spent(&self, key_id: &str) -> Result<bool, NoStore> {
        let mut command = redis::cmd("EXISTS");
        command.arg(spent_secret_key(key_id));
        let mut connection = self.redis.connection();
        in_time(command.query_async(&mut connection)).await
    }

    pub(super) async fn spend(&self, key_id: &str, until_s: u64, now_s: u64) -> Result<bool, NoStore> {
        // A day more than it could be used: the clocks of instances differ.
        let left_s = until_s.saturating_sub(now_s).saturating_add(86_400);
        let mut command = redis::cmd("SET");
        command.arg(spent_secret_key(key_id)).arg(now_s).arg("NX").arg("EX").arg(left_s);
        let mut connection = self.redis.connection();
        let set: Option<String> = in_time(command.query_async(&mut connection)).await?;
        Ok(set.is_some())
    }

    pub(super) async fn ended(&self) -> Result<Vec<Arc<str>>, NoStore> {
        let mut all = Vec::new();
        loop {
            let after = format!("({}", self.read.lock());
            let mut command = redis::cmd("XRANGE");
            command.arg(ENDED_SESSIONS_KEY).arg(after).arg("+").arg("COUNT").arg(PAGE);
            let mut connection = self.redis.connection();
            let page: StreamRangeReply = in_time(command.query_async(&mut connection)).await?;
            let Some(last) = page.ids.last() else { return Ok(all) };
            last.id.clone_into(&mut self.read.lock());
            let is_last = page.ids.len() < PAGE;
            all.extend(page.ids.iter().filter_map(|entry| entry.get::<String>("id")).map(Arc::from));
            if is_last {
                return Ok(all);
            }
        }
    }
}

fn text(session: &Session) -> String {
    serde_json::to_string(session).expect("strings and numbers")
}

fn left_s(session: &Session, now_s: u64) -> u64 {
    session.ends_at_s().saturating_sub(now_s).max(1)
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, NoStore> {
    match tokio::time::timeout(DEADLINE, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "Redis does not answer for sessions");
            Err(NoStore)
        }
        Err(_) => Err(NoStore),
    }
}
