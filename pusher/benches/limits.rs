//! The cost of a limit that instances share: checks that wait for a real Redis, many at a time, as a loaded server has them.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pusher::shared_limits::bare::BareLimits;
use rate::RateLimit;
use runtime::Context;

/// Requests at a time.
const CLIENTS: u32 = 256;
const CHECKS: u32 = 400;

#[tokio::main]
async fn main() -> Result<()> {
    let redis = harness::Redis::start().await?;
    let context = Context::new(runtime::Clock::system());
    let limits = BareLimits::start(redis.url(), context.shutdown.clone())?;
    let is_shared = async || limits.is_shared().then_some(());
    harness::wait_until(Duration::from_secs(20), "Redis to be asked", is_shared).await?;
    let limit = RateLimit::per_second(100, 200);
    let round = async || -> Result<Duration> {
        let started = Instant::now();
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let limits = limits.clone();
            clients.spawn(async move {
                let mut passed = 0;
                for check in 0..CHECKS {
                    // Ten requests of an address.
                    let address = [client.to_be_bytes(), (check / 10).to_be_bytes()].concat();
                    passed += u32::from(limits.take(&address, limit).await);
                }
                passed
            });
        }
        let passed: u32 = clients.join_all().await.iter().sum();
        ensure!(passed > 0, "all were refused");
        Ok(started.elapsed() / (CLIENTS * CHECKS))
    };
    round().await?;
    let mut times = [round().await?, round().await?, round().await?];
    times.sort_unstable();
    ensure!(limits.is_shared(), "Redis was away: nothing was measured");
    println!("bench: rate_limit_us {:.2} us", times[1].as_secs_f64() * 1e6);
    context.shutdown.request();
    Ok(())
}
