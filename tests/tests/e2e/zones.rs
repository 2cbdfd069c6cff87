//! A zone from an OpenAir file in the real services: a pilot flies into it and out of it, the topic has both events, and a
//! replay of the raw topic gives the same ids.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{ProgramOptions, Stage, wait_until};
use serde_json::Value;

use crate::flight::Flight;

const TIMEOUT: Duration = Duration::from_secs(60);
const TOPIC: &str = "fanet.zone-event.v1";
/// From 70 m to 180 m north of the start of a flight that goes north.
const FILE: &str = "AC R\r\nAN Test Meadow\r\nAL GND\r\nAH 2000 m MSL\r\nDP 46:12:02.3 N 013:35:00 E\r\n\
                    DP 46:12:02.3 N 013:37:00 E\r\nDP 46:12:05.8 N 013:37:00 E\r\nDP 46:12:05.8 N 013:35:00 E\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_gives_the_same_zone_events() -> Result<()> {
    let open = ("UPDRAFT_PUSHER_OPEN_OPERATOR".to_owned(), "true".to_owned());
    let stage = Stage::start_with("zones", [open]).await?;
    let url = format!("{}/api/v1/zones/meadows", stage.pusher.http_url());
    let request = reqwest::Client::new().put(&url).header("content-type", "text/plain").body(FILE);
    let answer = request.send().await?;
    ensure!(answer.status() == 200, "the import: {} {}", answer.status(), answer.text().await?);
    let zones: Value = serde_json::from_str(&stage.pusher.http("/api/v1/zones?bounds=46,13,47,14").await?.1)?;
    ensure!(zones["features"][0]["properties"]["name"] == "Test Meadow", "{zones}");

    let mut flight = Flight::new(0x11_AA21, (46.20, 13.60));
    let address = flight.address();
    let fly = async |flight: &mut Flight| {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await
    };
    for _ in 0..8 {
        fly(&mut flight).await?;
    }
    // The stay is in the checkpoint, or is made again from the raw topic.
    stage.processor.service().kill().await?;
    stage.processor.service().start().await?;
    for _ in 0..20 {
        fly(&mut flight).await?;
    }
    let written = async || Some(events(&stage, &address).ok()?).filter(|events| events.len() >= 2);
    let written = wait_until(TIMEOUT, "two zone events", written).await?;
    let kinds: Vec<&str> = written.iter().map(|(_, kind)| kind.as_str()).collect();
    ensure!(kinds == ["enter", "leave"], "{written:?}");

    let list = stage.pusher.http("/api/v1/zone-events?set=meadows").await?.1;
    let list: Value = serde_json::from_str(&list)?;
    let listed: Vec<&str> =
        list["events"].as_array().into_iter().flatten().filter_map(|e| e["event_id"].as_str()).collect();
    ensure!(listed.iter().eq(written.iter().map(|(id, _)| id)), "REST has {list}");

    let dir = harness::supervise::fresh_dir("zones")?;
    let capture = dir.join("hour.capture");
    let capture = capture.to_str().context("a path in UTF-8")?;
    let replay = |arguments: &[&str]| ProgramOptions::new("replay").args(arguments).envs(stage.settings());
    replay(&["capture", "kafka", "--from", "1h ago", "--out", capture]).run().await?;
    let printed = replay(&["play", capture, "--dry-run", "--only", &address]).run().await?;
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let replayed =
        lines.iter().filter(|line| line["to"] == TOPIC).filter_map(|line| line["value"]["event_id"].as_str());
    let replayed: Vec<&str> = replayed.collect();
    ensure!(replayed.iter().eq(written.iter().map(|(id, _)| id)), "replayed {replayed:?}, written {written:?}");
    Ok(())
}

/// Id and kind of each event of a device, repeated ones once.
fn events(stage: &Stage, address: &str) -> Result<Vec<(String, String)>> {
    let mut events = Vec::new();
    for record in stage.topic(TOPIC)?.iter().filter(|record| record.key() == address) {
        let event = (record.text("event_id"), kind(&record.text("event_kind")));
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}

/// `ZONE_EVENT_KIND_ENTER` and `enter` are the same, as Protobuf's own JSON and ours write it.
fn kind(text: &str) -> String {
    text.trim_start_matches("ZONE_EVENT_KIND_").to_lowercase()
}
