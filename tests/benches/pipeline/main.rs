//! Measures the complete pipeline on the real stack, as separate processes: throughput, latency from publication to the
//! maps per hop, and memory and CPU of each program. Prints `bench: NAME VALUE UNIT`.
//!
//! The programs are the binaries in the same target directory: run `cargo build --release` first, as `just bench` does.
//! Publisher and maps run on the same machine; the CPU figures list them as `load`.

#![allow(clippy::print_stdout, reason = "prints the figures")]

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use harness::traffic::warm_up::warm_up;
use harness::{Program, Stack, Stage};

use crate::fleet::Fleet;
use crate::hops::quantile;
use crate::listener::Listener;
use crate::publisher::Publisher;

mod clock;
mod fleet;
mod hops;
mod listener;
mod publisher;

/// Devices on the map.
const DEVICES: u32 = 2_500;
/// Maps with a region of 50 km.
const MAPS: u32 = 1_000;
const WARM_UP: Duration = Duration::from_secs(6);
const MEASURED_TIME: Duration = Duration::from_secs(20);
/// Frames of the throughput run.
const BURST_FRAMES: u32 = 100_000;
/// The number of partitions and the suffix of the figures: Compose's layout for one machine, and the catalogue's.
const LAYOUTS: [(u32, &str); 2] = [(6, ""), (24, "_24_partitions")];

fn main() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<()> {
    // First, while no other program needs the cores.
    warm_up(Stack::shared().kafka().await?.bootstrap()).await?;
    for (partitions, suffix) in LAYOUTS {
        measure(partitions, suffix).await?;
    }
    Ok(())
}

async fn measure(partitions: u32, suffix: &str) -> Result<()> {
    let layout = ("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), partitions.to_string());
    // Two receivers publish as many frames as hundreds.
    let unlimited = ("UPDRAFT_BRIDGE_RECEIVER_RATE".to_owned(), "0".to_owned());
    let stage = Stage::start_with("bench", [layout, unlimited]).await?;
    let mut fleet = Fleet::new(DEVICES);
    let publisher = Publisher::connect(&stage).await?;
    let listener = Listener::connect(&stage, MAPS).await?;
    // A device is shown only after several plausible frames at sufficient intervals.
    publisher.fly(&mut fleet, 1_000, WARM_UP * 3, &listener).await?;
    for (rate, rate_hz) in [("_1000hz", 1_000), ("", 5_000)] {
        publisher.fly(&mut fleet, rate_hz, WARM_UP, &listener).await?;
        latency(&stage, &format!("{rate}{suffix}"), rate_hz, &mut fleet, &publisher, &listener).await?;
    }
    memory(&stage, suffix);
    drop(listener);
    throughput(&stage, suffix, &mut fleet, &publisher).await
}

/// Latency from publication to socket at a steady rate.
async fn latency(
    stage: &Stage,
    suffix: &str,
    rate_hz: u32,
    fleet: &mut Fleet,
    publisher: &Publisher,
    listener: &Listener,
) -> Result<()> {
    listener.reset();
    let (messages, bytes) = (&listener.counts().messages, &listener.counts().bytes);
    let before = (messages.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed), cpu_s(stage));
    let started = clock::now();
    publisher.fly(fleet, rate_hz, MEASURED_TIME, listener).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = (messages.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed), cpu_s(stage));
    let (latencies, frames) = listener.results().await?;
    for (word, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        println!("bench: publish_to_socket{suffix}_{word}_ms {:.1} ms", quantile(&latencies, share));
    }
    println!("bench: publish_to_socket{suffix}_seen_share {:.4} share", listener.seen_share());
    println!("bench: maps_messages_per_second{suffix} {:.0} 1/s", (after.0 - before.0) as f64 / seconds);
    println!("bench: maps_bytes_per_second{suffix} {:.0} B/s", (after.1 - before.1) as f64 / seconds);
    for ((program, before), (_, after)) in before.2.iter().zip(&after.2) {
        println!("bench: cpu_{program}{suffix} {:.3} cores", (after - before) / seconds);
    }
    hops::print(stage, suffix, &frames).await
}

fn programs(stage: &Stage) -> [(&'static str, &Program); 3] {
    [("bridge", &stage.bridge), ("processor", &stage.processor), ("pusher", &stage.pusher)]
}

/// CPU seconds so far: each program, this process (publisher and maps), and the machine.
fn cpu_s(stage: &Stage) -> Vec<(&'static str, f64)> {
    let programs = programs(stage).map(|(name, program)| (name, program.cpu_seconds().unwrap_or_default()));
    let load_s = harness::cpu_seconds(std::process::id()).unwrap_or_default();
    programs
        .into_iter()
        .chain([("load", load_s), ("machine", harness::machine_cpu_seconds().unwrap_or_default())])
        .collect()
}

fn memory(stage: &Stage, suffix: &str) {
    for (name, program) in programs(stage) {
        let megabytes = program.resident_bytes().unwrap_or_default() as f64 / f64::from(1 << 20);
        println!("bench: {name}_rss_mb{suffix} {megabytes:.1} MB");
    }
}

/// Throughput: publishes at QoS 1 as fast as the broker accepts, until the processor has processed the last frame.
async fn throughput(stage: &Stage, suffix: &str, fleet: &mut Fleet, publisher: &Publisher) -> Result<()> {
    let before = processed(stage).await?;
    let started = clock::now();
    publisher.burst(fleet, BURST_FRAMES).await?;
    let all_done = async || {
        let done = processed(stage).await.ok()? - before;
        (done >= f64::from(BURST_FRAMES)).then_some(())
    };
    harness::wait_until(Duration::from_secs(300), "the processor to process the burst", all_done).await?;
    let frames_per_second = f64::from(BURST_FRAMES) / started.elapsed().as_secs_f64();
    println!("bench: pipeline_frames_per_second{suffix} {frames_per_second:.0} frames/s");
    Ok(())
}

/// The number of processed frames without ticks: each is one reception.
async fn processed(stage: &Stage) -> Result<f64> {
    stage.processor.metric("fanet_processor_receptions_total", &[]).await
}
