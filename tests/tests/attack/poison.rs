//! Payloads that no release can read, and some that are cut off.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};
use serde_json::Value;

use crate::flight::Flight;
use crate::sender::Sender;
use crate::watcher::Watcher;
use crate::{REGION, SOON, ensure_ready, fly, see, setting};

const POISON: usize = 20_000;
const LOUD: &str = "66601";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_of_one_receiver_stops_nobody() -> Result<()> {
    // All of it is to reach the processor.
    let stage = Stage::start_with("poison", [setting("UPDRAFT_BRIDGE_RECEIVER_RATE", "0")]).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA03, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("before")?;

    let mut stranger = Sender::start(&stage, "stranger");
    for number in 0..POISON {
        if number % 5_000 == 2_500 {
            fly(&stage, &mut flight, 1).await?;
            see(&map, &flight).await.context("in the middle of it")?;
        }
        stranger.send(LOUD, poison(number)).await?;
    }
    stranger.all_taken().await?;
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("afterwards")?;

    let rejected = async || stage.processor.metric("fanet_processor_rejected_total", &[]).await.ok();
    let all = async || rejected().await.filter(|count| *count >= POISON as f64);
    wait_until(SOON, "all of it to be counted", all).await?;
    ensure_ready(&stage.processor).await?;
    ensure_ready(&stage.bridge).await?;
    ensure!(
        stage.processor.metric("fanet_processor_reject_alarm", &[]).await? == 0.0,
        "one receiver is no bad release"
    );
    let withheld = stage.processor.metric("fanet_processor_dead_letters_withheld_total", &[]).await?;

    let named = async || set_aside(&stage).ok().flatten();
    let state = wait_until(SOON, "the receiver's state to name the trouble", named).await?;
    let reason = state["set_aside_reason"].as_str().unwrap_or_default();
    ensure!(["frame_too_short", "truncated_payload"].contains(&reason), "{state}");

    let letters = stage.topic("fanet.dead-letter.v1")?.len();
    ensure!((20..=1_000).contains(&letters), "{letters} dead letters");
    ensure!(letters as f64 + withheld >= POISON as f64, "{letters} written and {withheld} withheld of {POISON}");

    stage.processor.service().kill().await?;
    stage.processor.service().start().await.context("the same records do not end it")?;
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("after a restart")?;
    // A good frame under the same id counts.
    let index = flight.advance().await;
    stage.publish(&format!("fb/b/{LOUD}/f/1"), &flight.payload(index)).await?;
    see(&map, &flight).await.context("heard by the receiver that is set aside")?;
    ensure_ready(&stage.processor).await?;
    println!("{POISON} unreadable payloads: {letters} dead letters, {withheld} withheld");
    map.end().await
}

/// Half of it too short for any release, half of it cut off, from many addresses.
fn poison(number: usize) -> Vec<u8> {
    let mut payload = vec![0x55; 8];
    let [low, high] = (number as u16).to_le_bytes();
    payload.extend([0x01, 0x11, low, high, 0xAF]);
    payload.truncate(if number.is_multiple_of(2) { 9 } else { 13 });
    payload
}

/// The newest state of the loud receiver, once all is in it.
fn set_aside(stage: &Stage) -> Result<Option<Value>> {
    let states = stage.topic("fanet.state.receiver.v1")?;
    let newest = states.iter().rev().find(|record| record.key() == LOUD).map(|record| record.0["value"].clone());
    let all = |state: &Value| state["unusable_frames"].as_str().and_then(|count| count.parse().ok()) == Some(POISON);
    let named = |state: &Value| state["set_aside_since_us"].as_str().is_some();
    Ok(newest.filter(|state| all(state) && named(state)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_bounds_its_own_dead_letters() -> Result<()> {
    let stage = Stage::start_with("letters", [setting("UPDRAFT_BRIDGE_RECEIVER_RATE", "0")]).await?;
    let mut stranger = Sender::start(&stage, "stranger");
    for _ in 0..2_000 {
        stranger.send(LOUD, b"short".to_vec()).await?;
    }
    stranger.all_taken().await?;
    let counted = async || {
        let withheld = stage.bridge.metric("fanet_bridge_dead_letters_withheld_total", &[]).await.ok()?;
        let written = stage.bridge.metric("fanet_bridge_dead_lettered_total", &[]).await.ok()?;
        (withheld + written >= 2_000.0).then_some(written)
    };
    let written = wait_until(Duration::from_secs(30), "all of it to be counted", counted).await?;
    ensure!((20.0..=60.0).contains(&written), "{written} dead letters");
    ensure_ready(&stage.bridge).await
}
