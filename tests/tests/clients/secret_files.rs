//! Passwords that change while programs run: the files of secrets are read again for each connection.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, Redis, wait_until};
use redis_servers::{Servers, Timeouts};
use runtime::Redacted;

const TIMEOUT: Duration = Duration::from_secs(60);
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(5), answer: Duration::from_secs(5) };

#[tokio::test(flavor = "multi_thread")]
async fn a_new_redis_password_needs_no_restart() -> Result<()> {
    let redis = Redis::start().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("redis-url");
    std::fs::write(&file, redis.url_of("pusher"))?;
    let options = ProgramOptions::new("pusher")
        .env("UPDRAFT_REDIS_URL_FILE", file.display())
        .env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9")
        .env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true");
    let pusher = Program::spawn(options)?;
    wait_for_answer(&pusher, 404).await?;
    let servers = Servers::parse(&Redacted::from_file(&file)?, TIMEOUTS)?;
    servers.connect().await.context("with the first password")?;

    let mut operator = redis::Client::open(redis.url())?.get_multiplexed_async_connection().await?;
    redis::cmd("ACL").arg(&["SETUSER", "pusher", "resetpass", ">changed"]).exec_async(&mut operator).await?;
    redis::cmd("CLIENT").arg(&["KILL", "USER", "pusher"]).exec_async(&mut operator).await?;
    wait_for_answer(&pusher, 503).await?;
    ensure!(servers.connect().await.is_err(), "the first password is accepted");

    change_password(&file, &redis, "changed")?;
    wait_for_answer(&pusher, 404).await?;
    servers.connect().await.context("with the changed password")?;
    Ok(())
}

fn change_password(file: &Path, redis: &Redis, password: &str) -> Result<()> {
    Ok(std::fs::write(file, redis.url().replace("://", &format!("://pusher:{password}@")))?)
}

/// 404 is the answer of Redis, which has no score of this device; 503 that of a pusher that does not reach Redis.
async fn wait_for_answer(pusher: &Program, expected: u16) -> Result<()> {
    let answered = async || (pusher.http("/api/v1/validation/11AE01").await.ok()?.0 == expected).then_some(());
    wait_until(TIMEOUT, &format!("the answer {expected}"), answered).await
}
