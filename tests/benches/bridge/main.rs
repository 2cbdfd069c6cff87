//! Measures the bridge on real services: throughput from MQTT to Kafka in frames per second, CPU time per frame
//! compared with a subscriber that only acknowledges, memory with a full window, and latency. Prints `bench: NAME VALUE
//! UNIT`.
//!
//! The bridge is the binary in the same target directory: run `cargo build --release` first, as `just bench` does.
//! Kafka, Mosquitto, the publisher and the reader run on the same machine and share its cores.

#![allow(clippy::print_stdout, reason = "prints the figures")]

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::traffic::{ledger, publisher};
use harness::{
    Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Stack, clock, cpu_seconds, unique_prefix, wait_until,
};
use schemas::catalogue::{self, topic};
use streams::SeekTo;

use crate::ledger::Ledger;
use crate::publisher::Publisher;

mod subscriber;
mod topics;

const WARM_UP: usize = 50_000;
const FRAMES: usize = 200_000;
/// The maximum number of frames between publisher and Kafka during the throughput measurement.
const MAX_IN_FLIGHT: usize = 6_000;
/// The number of polls (every 20 ms) without progress, after which frames count as dropped.
const QUIET_POLLS: u32 = 25;
const NO_LIMIT_HZ: u32 = 200_000;
const STEADY_HZ: u32 = 5_000;
const STEADY_FRAMES: usize = 10 * STEADY_HZ as usize;
const TIMEOUT: Duration = Duration::from_secs(120);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.iter().position(|argument| argument == subscriber::ARGUMENT) {
        Some(at) => runtime.block_on(subscriber::run(&arguments[at + 1..])),
        None => runtime.block_on(run()),
    }
}

async fn run() -> Result<()> {
    let services = Services::start().await?;
    services.throughput(1, WARM_UP, None).await?;
    services.latency().await?;
    services.throughput(1, FRAMES, Some("bridge_frames_per_second")).await?;
    services.throughput(0, FRAMES, Some("bridge_frames_per_second_qos0")).await?;
    services.memory().await?;
    services.bridge.service().stop().await?;
    subscriber::measure(&services.mosquitto, FRAMES).await
}

struct Services {
    kafka: Kafka,
    mosquitto: Mosquitto,
    bridge: Program,
    raw_topic: String,
    partitions: u32,
}

impl Services {
    async fn start() -> Result<Self> {
        let prefix = unique_prefix("bench");
        let kafka = Kafka::start(KafkaOptions { fast: true, ..KafkaOptions::default() }).await?;
        topics::create(&kafka, &prefix).await?;
        let mosquitto = Mosquitto::start().await?;
        let bridge = ProgramOptions::new("bridge")
            .env("UPDRAFT_KAFKA_BOOTSTRAP", kafka.bootstrap())
            .env("UPDRAFT_SCHEMA_REGISTRY_URL", Stack::shared().registry().await?.url())
            .env("UPDRAFT_TOPIC_PREFIX", &prefix)
            // 0: no limit, because each simulated receiver sends as many frames as thousands of real ones.
            .env("UPDRAFT_BRIDGE_RECEIVER_RATE", 0)
            .env("UPDRAFT_MQTT_URL", mosquitto.url());
        let bridge = Program::start(bridge).await?;
        let raw = catalogue::find(topic::RAW).context("the raw topic is not in the catalogue")?;
        Ok(Self { kafka, mosquitto, bridge, raw_topic: raw.full_name(&prefix), partitions: raw.partitions })
    }

    fn publisher(&self, name: &str, rate_hz: u32, qos: u8, limit: usize) -> Publisher {
        let (host, port) = self.mosquitto.host_port();
        Publisher::start_with(format!("{host}:{port}"), name, rate_hz, qos, limit)
    }

    async fn forwarded(&self) -> Result<usize> {
        Ok(self.bridge.metric("fanet_bridge_forwarded_total", &[]).await? as usize)
    }

    fn bridge_cpu_s(&self) -> Result<f64> {
        cpu_seconds(self.bridge.service().pid().context("the bridge has ended")?)
            .context("cannot read the CPU time of the bridge")
    }

    /// Maximum throughput with `MAX_IN_FLIGHT` frames in flight, and the bridge's CPU time.
    /// `name`: of the printed figure; `None`: a warm-up, prints nothing.
    async fn throughput(&self, qos: u8, frames: usize, name: Option<&str>) -> Result<()> {
        let before = (self.forwarded().await?, self.bridge_cpu_s()?);
        let started = clock::now();
        let publisher = self.publisher(&format!("fast-{qos}"), NO_LIMIT_HZ, qos, MAX_IN_FLIGHT);
        let (last, quiet, republished) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let all_forwarded = async || {
            let forwarded_frames = self.forwarded().await.ok()? - before.0;
            quiet.set(if forwarded_frames == last.replace(forwarded_frames) { quiet.get() + 1 } else { 0 });
            // The broker may drop frames at QoS 0: publish as many again.
            if qos == 0 && quiet.get() >= QUIET_POLLS {
                republished.set(republished.get() + MAX_IN_FLIGHT);
                quiet.set(0);
            }
            publisher.allow((forwarded_frames + MAX_IN_FLIGHT).min(frames) + republished.get());
            (forwarded_frames >= frames).then_some(())
        };
        wait_until(TIMEOUT, "all frames to be in Kafka", all_forwarded).await?;
        let seconds = started.elapsed().as_secs_f64();
        let Some(name) = name else { return Ok(()) };
        println!("bench: {name} {:.0} frames/s", frames as f64 / seconds);
        let suffix = if qos == 0 { "_qos0" } else { "" };
        let cpu_us = (self.bridge_cpu_s()? - before.1) * 1e6 / frames as f64;
        println!("bench: bridge_cpu_us_per_frame{suffix} {cpu_us:.2} us");
        Ok(())
    }

    /// Latency from the publisher's socket to a reader of the raw topic.
    async fn latency(&self) -> Result<()> {
        let publisher = self.publisher("steady", STEADY_HZ, 1, STEADY_FRAMES);
        let ledger = Ledger::open_from(self.kafka.bootstrap(), &self.raw_topic, self.partitions, SeekTo::End).await?;
        let cpu_s = self.bridge_cpu_s()?;
        let all = async || ledger.with_entries(|entries| (entries.first_seen.len() >= STEADY_FRAMES).then_some(()));
        wait_until(TIMEOUT, "all frames to be read", all).await?;
        let cpu_us = (self.bridge_cpu_s()? - cpu_s) * 1e6 / STEADY_FRAMES as f64;
        let mut latencies_ms: Vec<f64> = publisher.with_published(|published| {
            ledger.with_entries(|entries| {
                let latencies = published.at.iter().zip(&entries.first_seen);
                // Without the first second, in which the reader starts.
                let latencies = latencies.skip(STEADY_HZ as usize).filter_map(|(sent, seen)| Some((*seen)? - *sent));
                latencies.map(|latency| latency.as_secs_f64() * 1e3).collect()
            })
        });
        latencies_ms.sort_by(f64::total_cmp);
        let quantile = |share: f64| latencies_ms[((latencies_ms.len() - 1) as f64 * share) as usize];
        println!("bench: publish_to_kafka_p50_ms {:.2} ms", quantile(0.50));
        println!("bench: publish_to_kafka_p99_ms {:.2} ms", quantile(0.99));
        println!("bench: bridge_cpu_us_per_frame_at_5000hz {cpu_us:.2} us");
        Ok(())
    }

    /// Resident memory when Kafka is frozen and the window is full.
    async fn memory(&self) -> Result<()> {
        self.kafka.node(0).freeze()?;
        let window = self.bridge.metric("fanet_bridge_window", &[]).await?;
        let publisher = self.publisher("full", NO_LIMIT_HZ, 1, 2 * window as usize);
        let full = async || {
            let in_flight = self.bridge.metric("fanet_bridge_in_flight", &[]).await.ok()?;
            (in_flight >= window).then_some(())
        };
        let filled = wait_until(TIMEOUT, "the window to be full", full).await;
        let megabytes = self.bridge.resident_bytes().unwrap_or_default() as f64 / 1e6;
        self.kafka.node(0).thaw()?;
        filled?;
        println!("bench: bridge_rss_mb {megabytes:.1} MB");
        let empty = async || (self.bridge.metric("fanet_bridge_in_flight", &[]).await.ok()? == 0.0).then_some(());
        wait_until(TIMEOUT, "the window to be empty", empty).await?;
        drop(publisher);
        Ok(())
    }
}
