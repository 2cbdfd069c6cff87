//! Zones as an operator meets them: a file is imported, pilots enter it, and a restart keeps it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, free_port, wait_until};
use serde_json::Value;

use crate::program::{SOON, until_shown};

async fn start(folder: &str) -> Result<Program> {
    let listen = format!("127.0.0.1:{}", free_port());
    let options =
        ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--pilots", "5", "--data-dir", folder]);
    Program::start(options.env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true")).await
}

async fn get(program: &Program, path: &str) -> Result<Value> {
    let (status, body) = program.http(path).await?;
    ensure!(status == 200, "{path}: {status} {body}");
    Ok(serde_json::from_str(&body)?)
}

/// The devices that entered the zone, each time.
async fn entered(program: &Program) -> Option<Vec<String>> {
    let list = get(program, "/api/v1/zone-events?set=event").await.ok()?;
    let enters = list["events"].as_array()?.iter().filter(|event| event["event_kind"] == "enter");
    Some(enters.filter_map(|event| event["device"].as_str()).map(str::to_owned).collect())
}

#[tokio::test]
async fn imported_zones_have_events_and_outlive_the_program() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let program = start(&folder).await?;
    let pilots = until_shown(&program, "pilots", 3).await?;
    let degrees = |name: &str| pilots[0]["position"][name].as_f64().context("a position");
    let (lat, lon) = (degrees("latitude_deg")?, degrees("longitude_deg")?);
    let file = format!(
        "* The area of an event\r\nAC W\r\nAN Event\r\nAL GND\r\nAH UNL\r\nV X={lat:.5} N {lon:.5} E\r\nDC 200\r\n"
    );
    let url = format!("{}/api/v1/zones/event", program.http_url());
    let request = reqwest::Client::new().put(&url).header("content-type", "text/plain").body(file);
    let answer = request.send().await?;
    ensure!(answer.status() == 200, "{}", answer.text().await?);
    // Nobody leaves it: each pilot enters once, however often it is heard.
    let all = async || entered(&program).await.filter(|devices| devices.len() >= pilots.len());
    let devices = wait_until(SOON, "an event of each pilot", all).await?;
    let distinct: BTreeSet<&String> = devices.iter().collect();
    ensure!(distinct.len() == devices.len(), "some entered twice: {devices:?}");
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let program = start(&folder).await?;
    until_shown(&program, "pilots", 1).await?;
    let zones = get(&program, "/api/v1/zones").await?;
    ensure!(zones["features"][0]["properties"]["name"] == "Event", "{zones}");
    wait_until(SOON, "events after the restart", async || {
        entered(&program).await.filter(|devices| !devices.is_empty())
    })
    .await?;
    let answer = reqwest::Client::new().delete(format!("{}/api/v1/zones/event", program.http_url())).send().await?;
    ensure!(answer.status() == 204, "{}", answer.text().await?);
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let program = start(&folder).await?;
    until_shown(&program, "pilots", 1).await?;
    let zones = get(&program, "/api/v1/zones").await?;
    ensure!(zones["features"].as_array().is_some_and(Vec::is_empty), "removed: {zones}");
    Ok(())
}
