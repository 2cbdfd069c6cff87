//! Redis with TLS, and as a cluster: a pusher without Kafka answers from the keys that the processor writes.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, Redis, RedisCluster, Stage, wait_until};
use serde_json::Value;

use crate::certificates::Certificates;
use crate::flight::Flight;

const TIMEOUT: Duration = Duration::from_secs(60);
const PILOTS: &str = "/api/v1/pilots?lat=45.9&lon=6.9&radius=5";

#[tokio::test(flavor = "multi_thread")]
async fn redis_with_tls_works() -> Result<()> {
    let certificates = Certificates::issue()?;
    let redis = Redis::start_tls(
        &certificates.path("server.pem"),
        &certificates.path("server.key"),
        &certificates.path("ca.pem"),
    )
    .await?;
    ensure!(redis.url().starts_with("rediss://"), "{}", redis.url());
    let settings = [("UPDRAFT_REDIS_URL", redis.url().to_owned()), ("SSL_CERT_FILE", certificates.path("ca.pem"))];
    let pipeline = Pipeline::fly(&settings).await?;
    pipeline.rebuild_redis().await?;
    refuses_an_unknown_ca(&redis, &certificates).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stores_the_picture() -> Result<()> {
    let cluster = RedisCluster::start(3).await?;
    let urls: Vec<&str> = cluster.nodes().iter().map(Redis::url).collect();
    // The first node does not exist: another one returns the nodes of the cluster.
    let url = format!("redis://127.0.0.1:9,{},{}", urls[1], urls[2]);
    let pipeline = Pipeline::fly(&[("UPDRAFT_REDIS_URL", url)]).await?;
    // Before the rebuild, which writes the scores of the newest checkpoint: there may be none yet.
    let mut holding = 0;
    for url in urls {
        let mut node = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let keys: u64 = redis::cmd("DBSIZE").query_async(&mut node).await?;
        holding += u32::from(keys > 0);
    }
    ensure!(holding >= 2, "expected the kinds in slots of different nodes");
    pipeline.rebuild_redis().await
}

/// A pipeline that has heard a flight, and a pusher that has nothing but Redis.
struct Pipeline {
    stage: Stage,
    flight: Flight,
    pusher: Program,
}

impl Pipeline {
    /// Returns when the pusher shows the aircraft and its score.
    async fn fly(settings: &[(&str, String)]) -> Result<Self> {
        let extra = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let stage = Stage::start_with("redis-servers", extra).await?;
        let mut flight = Flight::new(0x11_AE01, (45.90, 6.90));
        for _ in 0..3 {
            let index = flight.advance().await;
            stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
        }
        let without_kafka = stage.settings().into_iter().filter(|(name, _)| name != "UPDRAFT_KAFKA_BOOTSTRAP");
        let options = ProgramOptions::new("pusher")
            .envs(without_kafka)
            .env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9")
            .env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true");
        let pusher = Program::spawn(options)?;
        wait_for_redis(&pusher, &flight).await?;
        let path = format!("/api/v1/validation/{}", flight.address());
        let scored = async || {
            let (status, body) = pusher.http(&path).await.ok()?;
            (status == 200 && body.contains("\"published\":true")).then_some(())
        };
        wait_until(TIMEOUT, "the score from Redis", scored).await?;
        Ok(Self { stage, flight, pusher })
    }

    /// Writes Redis again by command; the pusher shows the aircraft again.
    async fn rebuild_redis(&self) -> Result<()> {
        let rebuild = ProgramOptions::new("processor").args(["rebuild-redis"]).envs(self.stage.settings());
        let printed = rebuild.run().await.context("rebuild-redis")?;
        ensure!(printed.contains("aircraft: 1 in the log"), "{printed}");
        ensure!(!printed.contains("aircraft: 0 keys removed"), "the scan has found the keys of the kind: {printed}");
        wait_for_redis(&self.pusher, &self.flight).await
    }
}

async fn wait_for_redis(pusher: &Program, flight: &Flight) -> Result<()> {
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
    wait_until(TIMEOUT, "the aircraft from Redis", found).await
}

/// With another CA the pusher refuses the server, without a fallback to plain text.
async fn refuses_an_unknown_ca(redis: &Redis, certificates: &Certificates) -> Result<()> {
    let options = ProgramOptions::new("pusher")
        .env("UPDRAFT_REDIS_URL", redis.url())
        .env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9")
        .env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true")
        .env("SSL_CERT_FILE", certificates.path("other-ca.pem"));
    let pusher = Program::spawn(options)?;
    let refused = async || {
        let (status, text) = pusher.http("/api/v1/validation/11AE01").await.ok()?;
        (status == 503 && text.contains("redis_unavailable")).then_some(())
    };
    wait_until(TIMEOUT, "the refusal", refused).await
}
