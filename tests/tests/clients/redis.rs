//! REST answers from Redis, and says so, before the air picture is complete.

use anyhow::{Result, ensure};
use harness::{Program, ProgramOptions, wait_until};
use serde_json::Value;

use crate::flight::Flight;
use crate::stage::{TIMEOUT, fly, stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_pusher_without_kafka_answers_from_redis() -> Result<()> {
    let stage = stage().await?;
    let mut flight = Flight::new(0x11_AE01, (45.90, 6.90));
    fly(&stage, &mut flight, 3).await?;
    let settings = stage.settings().into_iter().filter(|(name, _)| name != "UPDRAFT_KAFKA_BOOTSTRAP");
    let options = ProgramOptions::new("pusher").envs(settings).env("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:9");
    let pusher = Program::spawn(options)?;
    let client = reqwest::Client::new();
    let ask = async |path: &str| client.get(format!("{}{path}", pusher.http_url())).send().await;

    let pilots = "/api/v1/pilots?lat=45.9&lon=6.9&radius=5";
    let (latitude, _) = flight.newest();
    let found = async || {
        let answer = ask(pilots).await.ok()?;
        let from_redis = answer.headers().get("x-source").is_some_and(|source| source == "redis");
        let list: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        let here = list["pilots"].as_array()?.iter().find(|pilot| pilot["device"] == flight.address())?.clone();
        let newest = (here["position"]["latitude_deg"].as_f64()? - latitude).abs() < 1e-6;
        (from_redis && newest).then_some(here)
    };
    let in_redis = wait_until(TIMEOUT, "the aircraft from Redis", found).await?;
    let (_, text) = stage.pusher.http(pilots).await?;
    let from_log: Value = serde_json::from_str(&text)?;
    assert_eq!(from_log["pilots"][0], in_redis, "expected the same state from the log and from Redis");

    let snapshot = ask("/api/v1/snapshot?lat=45.9&lon=6.9&radius=5").await?;
    ensure!(snapshot.headers().contains_key("x-source") && !snapshot.headers().contains_key("etag"));
    let snapshot: Value = serde_json::from_str(&snapshot.text().await?)?;
    assert_eq!((&snapshot["pilots"][0]["device"], &snapshot["resume"]), (&flight.address().into(), &"".into()));
    assert_eq!(ask(&format!("/api/v1/devices/{}", flight.address())).await?.status(), 200);
    for path in ["/api/v1/alerts", "/api/v1/receivers"] {
        assert_eq!(ask(path).await?.status(), 503, "{path} is not in Redis");
    }
    Ok(())
}
