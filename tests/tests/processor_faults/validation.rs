//! A device's trust: seen by operators, reset by them, and only where that is allowed. From the radio to Redis and back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stage, wait_until};
use serde_json::Value;

use crate::traffic;

const PATIENCE: Duration = Duration::from_secs(30);
const DEVICE: u16 = 7;
const ADDRESS: &str = "FC0008";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_and_reset_the_trust_of_a_device() -> Result<()> {
    let open = [("UPDRAFT_PUSHER_OPEN_OPERATOR".to_owned(), "true".to_owned())];
    let stage = Stage::start_with("trust", open).await?;
    let path = format!("/api/v1/validation/{ADDRESS}");
    let known = async |program: &Program| -> Result<(u16, Value)> {
        let (status, body) = program.http(&path).await?;
        Ok((status, serde_json::from_str(&body).with_context(|| body.clone())?))
    };
    let (status, body) = known(&stage.pusher).await?;
    ensure!(status == 404 && body["code"] == "unknown_device", "{status} {body}");

    for round in 0..3 {
        stage.publish("fb/b/268/f/1", &traffic::payload(DEVICE, round)?).await?;
        // What comes within a second is not judged against what came before.
        let due = tokio::time::Instant::now() + Duration::from_millis(1_300);
        let is_due = async || (tokio::time::Instant::now() >= due).then_some(());
        wait_until(PATIENCE, "the next frame to be due", is_due).await?;
    }
    let scored = async |score: u64| known(&stage.pusher).await.ok().filter(|(_, body)| body["score"] == score);
    let trusted = wait_until(PATIENCE, "a score of 95", async || scored(95).await).await;
    let (_, body) = trusted
        .with_context(|| format!("{:?}", stage.redis(&["HGETALL", &format!("fanet:{{validation}}:{ADDRESS}")])))?;
    ensure!(body["device"] == ADDRESS && body["published"] == true && body["plausible_frames"] == "3", "{body}");

    let reset = async |program: &Program| -> Result<(u16, Value)> {
        let answer = reqwest::Client::new().post(format!("{}{path}/reset", program.http_url())).send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    };
    let settings = stage.settings().into_iter().filter(|(name, _)| name != "UPDRAFT_PUSHER_OPEN_OPERATOR");
    let settings: Vec<_> = settings.collect();
    let alone = ProgramOptions::new("pusher").envs(settings).env("UPDRAFT_REDIS_URL", "none");
    let closed = Program::start(alone).await?;
    let (status, body) = reset(&closed).await?;
    ensure!(
        status == 403 && body["detail"].as_str().is_some_and(|detail| detail.contains("--open-operator")),
        "{body}"
    );
    let (status, body) = known(&closed).await?;
    ensure!(status == 503 && body["code"] == "no_redis", "{status} {body}");
    ensure!(scored(95).await.is_some(), "refused, and reset all the same");

    let (status, body) = reset(&stage.pusher).await?;
    ensure!(status == 202, "{status} {body}");
    let (_, body) = wait_until(PATIENCE, "a score of 50", async || scored(50).await).await?;
    // Shown until it falls to where it is withdrawn.
    ensure!(body["published"] == true && body["plausible_frames"] == "0", "{body}");
    Ok(())
}
