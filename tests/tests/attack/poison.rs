//! Payloads that cannot be decoded: too short, or truncated.

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};
use serde_json::Value;

use crate::flight::Flight;
use crate::sender::Sender;
use crate::watcher::Watcher;
use crate::{REGION, TIMEOUT, ensure_ready, fly, setting, wait_for_map};

const POISON: usize = 20_000;
const ATTACKER_ID: &str = "66601";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_frames_affect_no_other_receiver() -> Result<()> {
    // No limit in the bridge, so that all frames reach the processor.
    let stage = Stage::start_with("poison", [setting("UPDRAFT_BRIDGE_RECEIVER_RATE", "0")]).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA03, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("before")?;

    let mut attacker = Sender::start(&stage, "attacker");
    for number in 0..POISON {
        if number % 5_000 == 2_500 {
            fly(&stage, &mut flight, 1).await?;
            wait_for_map(&map, &flight).await.context("during the attack")?;
        }
        attacker.send(ATTACKER_ID, poison(number)).await?;
    }
    attacker.wait_for_acknowledgements().await?;
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("afterwards")?;

    let rejected = async || stage.processor.metric("fanet_processor_rejected_total", &[]).await.ok();
    let all = async || rejected().await.filter(|count| *count >= POISON as f64);
    wait_until(TIMEOUT, "all frames to be counted", all).await?;
    ensure_ready(&stage.processor).await?;
    ensure_ready(&stage.bridge).await?;
    ensure!(
        stage.processor.metric("fanet_processor_reject_alarm", &[]).await? == 0.0,
        "unexpected reject alarm for a single receiver"
    );
    let withheld = stage.processor.metric("fanet_processor_dead_letters_withheld_total", &[]).await?;

    let named = async || quarantined_state(&stage).ok().flatten();
    let state = wait_until(TIMEOUT, "the receiver's state to name the reason", named).await?;
    let reason = state["set_aside_reason"].as_str().unwrap_or_default();
    ensure!(["frame_too_short", "truncated_payload"].contains(&reason), "{state}");

    let dead_letters = stage.topic("fanet.dead-letter.v1")?.len();
    ensure!((20..=1_000).contains(&dead_letters), "{dead_letters} dead letters");
    ensure!(
        dead_letters as f64 + withheld >= POISON as f64,
        "{dead_letters} written and {withheld} withheld of {POISON}"
    );

    stage.processor.service().kill().await?;
    stage.processor.service().start().await.context("the same records must not end the processor")?;
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("after a restart")?;
    // A valid frame with the same receiver id is processed.
    let index = flight.advance().await;
    stage.publish(&format!("fb/b/{ATTACKER_ID}/f/1"), &flight.payload(index)).await?;
    wait_for_map(&map, &flight).await.context("from the receiver that is set aside")?;
    ensure_ready(&stage.processor).await?;
    println!("{POISON} unusable payloads: {dead_letters} dead letters, {withheld} withheld");
    map.end().await
}

/// Every second payload is too short, the others are truncated, from many addresses.
fn poison(number: usize) -> Vec<u8> {
    let mut payload = vec![0x55; 8];
    let [low, high] = (number as u16).to_le_bytes();
    payload.extend([0x01, 0x11, low, high, 0xAF]);
    payload.truncate(if number.is_multiple_of(2) { 9 } else { 13 });
    payload
}

/// The newest state of the attacker's receiver after all frames are counted.
fn quarantined_state(stage: &Stage) -> Result<Option<Value>> {
    let states = stage.topic("fanet.state.receiver.v1")?;
    let newest = states.iter().rev().find(|record| record.key() == ATTACKER_ID).map(|record| record.0["value"].clone());
    let all = |state: &Value| state["unusable_frames"].as_str().and_then(|count| count.parse().ok()) == Some(POISON);
    let named = |state: &Value| state["set_aside_since_us"].as_str().is_some();
    Ok(newest.filter(|state| all(state) && named(state)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_limits_its_dead_letters() -> Result<()> {
    let stage = Stage::start_with("dead_letters", [setting("UPDRAFT_BRIDGE_RECEIVER_RATE", "0")]).await?;
    let mut attacker = Sender::start(&stage, "attacker");
    for _ in 0..2_000 {
        attacker.send(ATTACKER_ID, b"short".to_vec()).await?;
    }
    attacker.wait_for_acknowledgements().await?;
    let counted = async || {
        let withheld = stage.bridge.metric("fanet_bridge_dead_letters_withheld_total", &[]).await.ok()?;
        let written = stage.bridge.metric("fanet_bridge_dead_lettered_total", &[]).await.ok()?;
        (withheld + written >= 2_000.0).then_some(written)
    };
    let written = wait_until(TIMEOUT, "all frames to be counted", counted).await?;
    ensure!((20.0..=60.0).contains(&written), "{written} dead letters");
    ensure_ready(&stage.bridge).await
}
