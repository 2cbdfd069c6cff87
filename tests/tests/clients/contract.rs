//! The documents of the contract are valid for third-party tools and match the running server.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{python, workspace_dir};
use serde_json::Value;

use crate::flight::Flight;
use crate::running::{check, node};
use crate::stage::{NOISE_KEY, fly, stage};

#[tokio::test(flavor = "multi_thread")]
async fn responses_match_the_openapi_document() -> Result<()> {
    let stage = stage().await?;
    let mut flight = Flight::new(0x11_AF01, (44.20, 5.10));
    stage.publish_captured().await?;
    fly(&stage, &mut flight, 3).await?;
    let mut command = Command::new(python()?);
    command.arg(workspace_dir().join("tests/clients/openapi.py")).arg(stage.pusher.http_url()).arg(NOISE_KEY);
    // Without a history database, these paths answer 503.
    command.arg("^/api/v1/(track|flights|export|weather|history|silent)");
    check(command).await.map(drop)
}

#[tokio::test]
async fn the_asyncapi_document_is_valid() -> Result<()> {
    let mut command = node("tests/node/asyncapi.mjs")?;
    command.arg(workspace_dir().join("schemas/asyncapi.yaml"));
    check(command).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn asyncapi_names_all_query_parameters() -> Result<()> {
    let stage = stage().await?;
    let answer = reqwest::Client::new()
        .get(format!("{}/ws/v1/updates?nonsense=1", stage.pusher.http_url()))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await?;
    let problem: Value = serde_json::from_str(&answer.text().await?)?;
    let mut known: Vec<&str> =
        problem["known_parameters"].as_array().context("a list")?.iter().filter_map(Value::as_str).collect();
    known.sort_unstable();
    let document = std::fs::read_to_string(workspace_dir().join("schemas/asyncapi.yaml"))?;
    let query = document.split("        query:\n").nth(1).context("the query of the channel")?;
    let documented = query.lines().take_while(|line| line.starts_with("          "));
    let is_name = |line: &&str| line.starts_with("            ") && !line.starts_with("             ");
    let mut documented: Vec<&str> = documented.filter(is_name).map(|line| line.trim().trim_end_matches(':')).collect();
    documented.sort_unstable();
    ensure!(documented == known, "the document has {documented:?}, the server {known:?}");
    Ok(())
}
