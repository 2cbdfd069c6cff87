//! A burst of frames with one receiver's id.

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};

use crate::flight::Flight;
use crate::sender::{Sender, tracking};
use crate::watcher::Watcher;
use crate::{REGION, TIMEOUT, ensure_ready, fly, wait_for_map};

const BURST: usize = 4_000;
const ATTACKER_ID: &str = "66602";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_one_receiver_affects_no_other() -> Result<()> {
    let stage = Stage::start("burst").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA04, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("before")?;

    let mut attacker = Sender::start(&stage, "attacker");
    for number in 0..BURST {
        attacker.send(ATTACKER_ID, tracking(0x20_0001 + number as u32 % 50, 46.1)?).await?;
        if number == BURST / 2 {
            fly(&stage, &mut flight, 1).await?;
            wait_for_map(&map, &flight).await.context("during the burst")?;
        }
    }
    attacker.wait_for_acknowledgements().await?;
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("afterwards")?;

    let limited = async || stage.bridge.metric("fanet_bridge_limited_total", &[]).await.ok();
    let counted = async || limited().await.filter(|count| *count > 0.0);
    wait_until(TIMEOUT, "frames over the limit to be counted", counted).await?;
    let received = stage.bridge.metric("fanet_mqtt_messages_received_total", &[]).await?;
    let forwarded = async || stage.bridge.metric("fanet_bridge_forwarded_total", &[]).await.ok();
    let all = async || Some((forwarded().await?, limited().await?)).filter(|(f, l)| f + l >= received);
    let (forwarded, limited) = wait_until(TIMEOUT, "every frame to be forwarded or counted", all).await?;
    ensure!(limited >= 1_000.0, "{limited} of {BURST} were over the limit");
    let log = std::fs::read_to_string(stage.bridge.service().log())?;
    let warnings = log.lines().filter(|line| line.contains("sends more frames than it may")).count();
    ensure!(
        warnings == 1 && log.contains(ATTACKER_ID),
        "one warning per incident, with the receiver's name: {warnings}"
    );
    ensure_ready(&stage.bridge).await?;
    println!("{BURST} frames of one receiver: {limited} dropped, {forwarded} forwarded of all");
    map.end().await
}
