//! A burst of frames under one receiver's id.

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};

use crate::flight::Flight;
use crate::sender::{Sender, tracking};
use crate::watcher::Watcher;
use crate::{REGION, SOON, ensure_ready, fly, see};

const BURST: usize = 4_000;
const LOUD: &str = "66602";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_one_receiver_hides_nobody() -> Result<()> {
    let stage = Stage::start("burst").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA04, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("before")?;

    let mut stranger = Sender::start(&stage, "stranger");
    for number in 0..BURST {
        stranger.send(LOUD, tracking(0x20_0001 + number as u32 % 50, 46.1)?).await?;
        if number == BURST / 2 {
            fly(&stage, &mut flight, 1).await?;
            see(&map, &flight).await.context("in the middle of it")?;
        }
    }
    stranger.all_taken().await?;
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("afterwards")?;

    let limited = async || stage.bridge.metric("fanet_bridge_limited_total", &[]).await.ok();
    let counted = async || limited().await.filter(|count| *count > 0.0);
    wait_until(SOON, "frames over the limit to be counted", counted).await?;
    let received = stage.bridge.metric("fanet_mqtt_messages_received_total", &[]).await?;
    let forwarded = async || stage.bridge.metric("fanet_bridge_forwarded_total", &[]).await.ok();
    let all = async || Some((forwarded().await?, limited().await?)).filter(|(f, l)| f + l >= received);
    let (forwarded, limited) = wait_until(SOON, "every frame to be forwarded or counted", all).await?;
    ensure!(limited >= 1_000.0, "{limited} of {BURST} were over the limit");
    let log = std::fs::read_to_string(stage.bridge.service().log())?;
    let told = log.lines().filter(|line| line.contains("sends more frames than it may")).count();
    ensure!(told == 1 && log.contains(LOUD), "an incident is told once, and by the receiver's name: {told}");
    ensure_ready(&stage.bridge).await?;
    println!("{BURST} frames of one receiver: {limited} dropped, {forwarded} forwarded of all");
    map.end().await
}
