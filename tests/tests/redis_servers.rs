//! Redis by TLS, and as a cluster: what the processor writes, a pusher without Kafka answers from.

#[path = "bridge/certificates.rs"]
#[allow(dead_code, reason = "these tests need a part of it")]
mod certificates;
#[path = "e2e/flight.rs"]
#[allow(dead_code, reason = "these tests need a part of it")]
mod flight;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, Redis, RedisCluster, Stage, wait_until};
use serde_json::Value;

use crate::certificates::Papers;
use crate::flight::Flight;

const SOON: Duration = Duration::from_secs(60);
const PILOTS: &str = "/api/v1/pilots?lat=45.9&lon=6.9&radius=5";

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_by_tls() -> Result<()> {
    let papers = Papers::issue()?;
    let redis =
        Redis::start_tls(&papers.path("server.pem"), &papers.path("server.key"), &papers.path("ca.pem")).await?;
    ensure!(redis.url().starts_with("rediss://"), "{}", redis.url());
    let settings = [("UPDRAFT_REDIS_URL", redis.url().to_owned()), ("SSL_CERT_FILE", papers.path("ca.pem"))];
    picture_goes_through(&settings).await?;
    refuses_a_stranger(&redis, &papers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_holds_the_picture() -> Result<()> {
    let cluster = RedisCluster::start(3).await?;
    let urls: Vec<&str> = cluster.nodes().iter().map(Redis::url).collect();
    // The first is there no more: another node tells of the cluster.
    let url = format!("redis://127.0.0.1:9,{},{}", urls[1], urls[2]);
    picture_goes_through(&[("UPDRAFT_REDIS_URL", url)]).await?;
    let mut holding = 0;
    for url in urls {
        let mut node = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let keys: u64 = redis::cmd("DBSIZE").query_async(&mut node).await?;
        holding += u32::from(keys > 0);
    }
    ensure!(holding >= 2, "the kinds are in slots of different nodes");
    Ok(())
}

/// Flies in front of a pipeline with this Redis; asks a pusher that has nothing but Redis, before and after Redis was
/// written anew by command.
async fn picture_goes_through(settings: &[(&str, String)]) -> Result<()> {
    let extra = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let stage = Stage::start_with("redis-servers", extra).await?;
    let mut flight = Flight::new(0x11_AE01, (45.90, 6.90));
    for _ in 0..3 {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
    }
    let without_kafka = stage.settings().into_iter().filter(|(name, _)| name != "UPDRAFT_KAFKA_BOOTSTRAP");
    let options = ProgramOptions::new("pusher").envs(without_kafka).env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9");
    let pusher = Program::spawn(options)?;
    until_in_redis(&pusher, &flight).await?;
    let score = pusher.http(&format!("/api/v1/validation/{}", flight.address())).await?;
    ensure!(score.0 == 200 && score.1.contains("\"published\":true"), "{score:?}");
    let rebuild = ProgramOptions::new("processor").args(["rebuild-redis"]).envs(stage.settings());
    let told = rebuild.run().await.context("rebuild-redis")?;
    ensure!(told.contains("aircraft: 1 in the log"), "{told}");
    ensure!(!told.contains("aircraft: 0 keys removed"), "the scan has found the keys of the kind: {told}");
    until_in_redis(&pusher, &flight).await
}

async fn until_in_redis(pusher: &Program, flight: &Flight) -> Result<()> {
    let (latitude, _) = flight.newest();
    let url = format!("{}{PILOTS}", pusher.http_url());
    let found = async || {
        let answer = reqwest::get(&url).await.ok()?;
        let from_redis = answer.headers().get("x-source").is_some_and(|source| source == "redis");
        let list: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        let here = list["pilots"].as_array()?.iter().find(|pilot| pilot["device"] == flight.address())?.clone();
        let newest = (here["position"]["latitude_deg"].as_f64()? - latitude).abs() < 1e-6;
        (from_redis && newest).then_some(())
    };
    wait_until(SOON, "the aircraft from Redis", found).await
}

/// Without the authority the server is not believed: no plain text, no shrug.
async fn refuses_a_stranger(redis: &Redis, papers: &Papers) -> Result<()> {
    let options = ProgramOptions::new("pusher")
        .env("UPDRAFT_REDIS_URL", redis.url())
        .env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9")
        .env("SSL_CERT_FILE", papers.path("stranger.pem"));
    let pusher = Program::spawn(options)?;
    let refused = async || {
        let (status, text) = pusher.http("/api/v1/validation/11AE01").await.ok()?;
        (status == 503 && text.contains("redis_unavailable")).then_some(())
    };
    wait_until(SOON, "the refusal", refused).await
}
