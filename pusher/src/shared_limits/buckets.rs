//! Token buckets in Redis, as `rate::TokenBucket` has them in memory: when each is full again, by the clock of Redis, which all
//! instances share. A full bucket is no key.

use std::sync::LazyLock;
use std::time::Duration;

use rate::RateLimit;
use redis::aio::ConnectionLike;
use redis::{RedisResult, Script};
use schemas::redis::limit_key;

/// KEYS: one bucket for each check. ARGV: of each check the period, and how far ahead of now the full time may be, both in
/// microseconds. Returns how long until each has a token, microseconds; 0: one was taken.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local waits = {}
         for index, key in ipairs(KEYS) do
           local period, tolerance = tonumber(ARGV[2 * index - 1]), tonumber(ARGV[2 * index])
           local full = tonumber(redis.call('GET', key) or now)
           full = math.min(math.max(full, now), now + tolerance + period)
           if full > now + tolerance then
             waits[index] = full - now - tolerance
           else
             full = full + period
             redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
             waits[index] = 0
           end
         end
         return waits",
    )
});
/// Of the hash of what a bucket is of, bytes: no two share one.
const HASH_BYTES: usize = 16;

/// A bucket, and how fast it fills.
pub(super) struct Bucket {
    key: String,
    limit: RateLimit,
}

impl Bucket {
    /// Of an address, a caller or a device: Redis gets a hash of it.
    pub(super) fn new(kind: &str, of: &[u8], limit: RateLimit) -> Self {
        use std::fmt::Write as _;
        let hash = access::hash_all(&[kind.as_bytes(), of]);
        let hash = hash[..HASH_BYTES].iter().fold(String::with_capacity(2 * HASH_BYTES), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { key: limit_key(&hash), limit }
    }
}

/// Takes a token of each bucket, in one call.
///
/// # Errors
/// Redis does not answer, or refuses.
pub(super) async fn take_all(connection: &mut impl ConnectionLike, buckets: &[&Bucket]) -> RedisResult<Vec<Duration>> {
    // A key in any case: it says which node of a cluster is asked.
    let mut call = TAKE.prepare_invoke();
    for bucket in buckets {
        call.key(&bucket.key).arg(bucket.limit.period_us()).arg(bucket.limit.tolerance_us());
    }
    if buckets.is_empty() {
        let mut probe = redis::cmd("EXISTS");
        probe.arg(limit_key("none"));
        let _: i64 = probe.query_async(connection).await?;
        return Ok(Vec::new());
    }
    let waits_us: Vec<u64> = call.invoke_async(connection).await?;
    Ok(waits_us.into_iter().map(Duration::from_micros).collect())
}
