//! The whole pipeline on the real stack, as separate processes: how many frames a second it carries, how long a frame takes
//! from its publication to the map, and what memory each program holds. Prints `bench: NAME VALUE UNIT` lines.
//!
//! The programs are those beside this binary, so `cargo build --release` comes first (`just bench` sees to it).

#![allow(clippy::print_stdout, reason = "the figures are what this prints")]

use std::time::Duration;

use anyhow::Result;

use crate::fleet::Fleet;
use crate::listener::Listener;
use harness::Stage;

mod clock;
mod fleet;
mod listener;
mod publisher;

/// Devices on the map.
const DEVICES: u32 = 1_000;
/// Frames a second while the latency is measured.
const RATE_HZ: u32 = 1_000;
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);
/// Frames of the throughput run.
const BURST_FRAMES: u32 = 100_000;

fn main() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<()> {
    let stage = Stage::start("bench").await?;
    let mut fleet = Fleet::new(DEVICES);
    let publisher = publisher::Publisher::connect(&stage).await?;
    let listener = Listener::connect(&stage, &fleet.region()).await?;

    latency(&mut fleet, &publisher, &listener).await?;
    memory(&stage);
    throughput(&stage, &mut fleet, &publisher).await
}

/// Publish to WebSocket, at a steady rate.
async fn latency(fleet: &mut Fleet, publisher: &publisher::Publisher, listener: &Listener) -> Result<()> {
    publisher.fly(fleet, RATE_HZ, WARM_UP, listener).await?;
    listener.forget();
    publisher.fly(fleet, RATE_HZ, MEASURED, listener).await?;
    let mut waits_ms = listener.settled().await?;
    waits_ms.sort_by(f64::total_cmp);
    let quantile = |share: f64| waits_ms[((waits_ms.len() - 1) as f64 * share) as usize];
    println!("bench: publish_to_websocket_p50_ms {:.1} ms", quantile(0.50));
    println!("bench: publish_to_websocket_p95_ms {:.1} ms", quantile(0.95));
    println!("bench: publish_to_websocket_seen_share {:.4} share", listener.seen_share());
    Ok(())
}

fn memory(stage: &Stage) {
    for (name, program) in [("bridge", &stage.bridge), ("processor", &stage.processor), ("pusher", &stage.pusher)] {
        let megabytes = program.resident_bytes().unwrap_or_default() as f64 / f64::from(1 << 20);
        println!("bench: {name}_rss_mb {megabytes:.1} MB");
    }
}

/// As fast as the broker takes them at QoS 1, until the processor has worked off the last one.
async fn throughput(stage: &Stage, fleet: &mut Fleet, publisher: &publisher::Publisher) -> Result<()> {
    let before = processed(stage).await?;
    let started = clock::now();
    publisher.burst(fleet, BURST_FRAMES).await?;
    let all_done = async || {
        let done = processed(stage).await.ok()? - before;
        (done >= f64::from(BURST_FRAMES)).then_some(())
    };
    harness::wait_until(Duration::from_secs(300), "the processor to work off the burst", all_done).await?;
    let frames_per_second = f64::from(BURST_FRAMES) / started.elapsed().as_secs_f64();
    println!("bench: pipeline_frames_per_second {frames_per_second:.0} frames/s");
    Ok(())
}

/// Frames, without ticks: each makes one reception.
async fn processed(stage: &Stage) -> Result<f64> {
    stage.processor.metric("fanet_processor_receptions_total", &[]).await
}
