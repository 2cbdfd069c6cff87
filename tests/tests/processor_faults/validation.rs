//! The validation score of a device: operators can read and reset it if that is allowed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stage, wait_until};
use serde_json::Value;

use crate::traffic;

const TIMEOUT: Duration = Duration::from_secs(90);
const DEVICE: u16 = 7;
const ADDRESS: &str = "FC0008";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_read_and_reset_a_validation_score() -> Result<()> {
    let open = [("UPDRAFT_PUSHER_OPEN_OPERATOR".to_owned(), "true".to_owned())];
    let stage = Stage::start_with("trust", open).await?;
    let path = format!("/api/v1/validation/{ADDRESS}");
    let validation = async |program: &Program| -> Result<(u16, Value)> {
        let (status, body) = program.http(&path).await?;
        Ok((status, serde_json::from_str(&body).with_context(|| body.clone())?))
    };
    let (status, body) = validation(&stage.pusher).await?;
    ensure!(status == 404 && body["code"] == "unknown_device", "{status} {body}");

    for round in 0..3 {
        stage.publish("fb/b/268/f/1", &traffic::payload(DEVICE, round)?).await?;
        // Frames within a second of the previous one are not validated.
        let due = tokio::time::Instant::now() + Duration::from_millis(1_300);
        let is_due = async || (tokio::time::Instant::now() >= due).then_some(());
        wait_until(TIMEOUT, "the next frame to be due", is_due).await?;
    }
    let scored = async |score: u64| validation(&stage.pusher).await.ok().filter(|(_, body)| body["score"] == score);
    let validated = wait_until(TIMEOUT, "a score of 95", async || scored(95).await).await;
    let (_, body) = validated
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
    let (status, body) = validation(&closed).await?;
    ensure!(status == 403 && body["code"] == "no_operator", "{status} {body}");
    ensure!(scored(95).await.is_some(), "expected no reset after the refusal");

    let (status, body) = reset(&stage.pusher).await?;
    ensure!(status == 202, "{status} {body}");
    let (_, body) = wait_until(TIMEOUT, "a score of 50", async || scored(50).await).await?;
    // Stays published until the score falls below the threshold.
    ensure!(body["published"] == true && body["plausible_frames"] == "0", "{body}");
    Ok(())
}
