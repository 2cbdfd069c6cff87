//! Measures the pusher as a process with a real Kafka and up to thousands of viewers. Prints `bench: NAME VALUE UNIT`.
//!
//! Kafka, the writer of states and the clients run on the same machine: with two cores the latency is that of an
//! overloaded machine; the measured tick is printed, too.

#![allow(clippy::print_stdout, reason = "prints the figures")]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::traffic::sky;
use harness::{Kafka, KafkaOptions, Program, ProgramOptions, Stack, apply_topics, clock, unique_prefix};

use crate::sky::Sky;
use crate::viewers::Viewers;

mod viewers;

const AIRCRAFT: u32 = 5_000;
const GROWTH: [u32; 4] = [1_000, 5_000, 10_000, 19_000];
const SETTLE_TIME: Duration = Duration::from_secs(5);
const MEASURED_TIME: Duration = Duration::from_secs(10);
/// The duration of the comparison of the rate classes.
const RATES_TIME: Duration = Duration::from_secs(60);
const START_OBJECTS: u32 = 100_000;

fn main() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions { fast: true, ..KafkaOptions::default() }).await?;
    start(&kafka).await?;
    let (pusher, sky) = stage(&kafka, 0).await?;
    let base = rss(&pusher);
    println!("bench: pusher_base_rss_mb {:.1} MB", base / f64::from(1 << 20));
    sky.fill(AIRCRAFT).await?;
    wait_for_objects(&pusher, AIRCRAFT).await?;
    snapshots(&pusher).await?;
    rates(&pusher, &sky).await?;
    drop((pusher, sky));
    idle(&kafka).await?;
    for clients in GROWTH {
        busy(&kafka, clients).await?;
    }
    Ok(())
}

/// A pusher with its own topics, and a picture of this number of aircraft.
async fn stage(kafka: &Kafka, aircraft: u32) -> Result<(Program, Sky)> {
    let prefix = unique_prefix("bench");
    let settings = [
        ("UPDRAFT_KAFKA_BOOTSTRAP".to_owned(), kafka.bootstrap().to_owned()),
        ("UPDRAFT_TOPIC_PREFIX".to_owned(), prefix.clone()),
        ("UPDRAFT_SCHEMA_REGISTRY_URL".to_owned(), Stack::shared().registry().await?.url().to_owned()),
        ("UPDRAFT_REDIS_URL".to_owned(), "none".to_owned()),
        // The idle clients send no message.
        ("UPDRAFT_PUSHER_FIRST_MESSAGE_WITHIN".to_owned(), "1h".to_owned()),
        // All viewers connect at once, which this limit would refuse.
        ("UPDRAFT_PUSHER_MAX_HANDSHAKES".to_owned(), "100000".to_owned()),
    ];
    apply_topics(&settings)?;
    let sky = Sky::open(kafka.bootstrap(), &prefix).await?;
    if aircraft > 0 {
        sky.fill(aircraft).await?;
    }
    let began = clock::now();
    let pusher = Program::start(ProgramOptions::new("pusher").envs(settings)).await?;
    if aircraft > 0 {
        println!("bench: pusher_start_{}k_s {:.2} s", aircraft / 1_000, began.elapsed().as_secs_f64());
    }
    Ok((pusher, sky))
}

/// The time from the start of the process to `/ready` with a large picture, and the memory per object.
async fn start(kafka: &Kafka) -> Result<()> {
    let (empty, _) = stage(kafka, 0).await?;
    let before = rss(&empty);
    drop(empty);
    let (full, _) = stage(kafka, START_OBJECTS).await?;
    wait_for_objects(&full, START_OBJECTS).await?;
    println!("bench: pusher_bytes_per_object {:.0} bytes", (rss(&full) - before) / f64::from(START_OBJECTS));
    Ok(())
}

async fn wait_for_objects(pusher: &Program, count: u32) -> Result<()> {
    let all = async || {
        let seen = pusher.metric("fanet_pusher_objects", &[]).await.ok()?;
        (seen >= f64::from(count)).then_some(())
    };
    harness::wait_until(Duration::from_secs(60), "the picture to be complete", all).await
}

fn rss(pusher: &Program) -> f64 {
    pusher.resident_bytes().unwrap_or_default() as f64
}

fn address(pusher: &Program) -> Result<SocketAddr> {
    pusher.http_address().parse().context("the pusher's address")
}

/// Throughput of REST snapshots as compressed JSON, over four connections.
async fn snapshots(pusher: &Program) -> Result<()> {
    const CONNECTIONS: usize = 4;
    let url = format!("{}/api/v1/snapshot?lat=46.68&lon=7.86&radius=50", pusher.http_url());
    let until = clock::now() + SETTLE_TIME;
    let connections = (0..CONNECTIONS).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let (client, mut answers, mut bytes) = (reqwest::Client::new(), 0_u32, 0_usize);
            while clock::now() < until {
                let request = client.get(&url).header("accept-encoding", "gzip");
                let answer = request.send().await?.error_for_status()?;
                bytes += answer.bytes().await?.len();
                answers += 1;
            }
            anyhow::Ok((answers, bytes))
        })
    });
    let (mut answers, mut bytes) = (0, 0);
    for connection in connections.collect::<Vec<_>>() {
        let (more, more_bytes) = connection.await??;
        answers += more;
        bytes += more_bytes;
    }
    println!("bench: rest_snapshot_requests_per_second {:.0} 1/s", f64::from(answers) / SETTLE_TIME.as_secs_f64());
    println!("bench: rest_snapshot_bytes {:.0} bytes", bytes as f64 / f64::from(answers.max(1)));
    Ok(())
}

/// The traffic of one viewer of 50 km around a take-off site, for each rate class.
async fn rates(pusher: &Program, sky: &Sky) -> Result<()> {
    const CLASSES: [&str; 4] = ["live", "1s", "5s", "30s"];
    let queries = CLASSES.map(|class| format!("lat=46.68&lon=7.86&radius=50&rate={class}"));
    let viewers = Viewers::connect(address(pusher)?, queries.into()).await?;
    viewers.reset();
    sky.fly(AIRCRAFT, RATES_TIME).await?;
    for (viewer, class) in CLASSES.iter().enumerate() {
        let bytes = viewers.bytes(viewer) as f64 * 60.0 / RATES_TIME.as_secs_f64();
        println!("bench: bytes_per_minute_{class} {bytes:.0} bytes");
    }
    viewers.disconnect()
}

/// Memory of idle connections, at a new pusher.
async fn idle(kafka: &Kafka) -> Result<()> {
    const COUNT: u32 = 10_000;
    let (pusher, _) = stage(kafka, 0).await?;
    let before = rss(&pusher);
    // Without a region, the pusher sends nothing.
    let viewers = Viewers::connect(address(&pusher)?, vec![String::new(); COUNT as usize]).await?;
    println!("bench: pusher_idle_bytes_per_connection {:.0} bytes", (rss(&pusher) - before) / f64::from(COUNT));
    viewers.disconnect()
}

/// The pusher's counters.
struct Counters {
    cpu_s: f64,
    values: [f64; NAMES.len()],
}

const NAMES: [&str; 10] = [
    "updates_sent_total",
    "bytes_sent_total",
    "send_calls_total",
    "frames_sent_total",
    "tick_seconds_sum",
    "tick_seconds_count",
    "flush_seconds_sum",
    "send_seconds_sum",
    "sharing_saved_bytes_total",
    "compression_saved_bytes_total",
];

impl Counters {
    async fn read(pusher: &Program) -> Result<Self> {
        let mut values = [0.0; NAMES.len()];
        for (value, name) in values.iter_mut().zip(NAMES) {
            *value = pusher.metric(&format!("fanet_pusher_{name}"), &[]).await?;
        }
        Ok(Self { cpu_s: pusher.cpu_seconds().unwrap_or_default(), values })
    }
}

/// Load of this number of viewers, with one state per aircraft and second.
async fn busy(kafka: &Kafka, clients: u32) -> Result<()> {
    let (pusher, sky) = stage(kafka, 0).await?;
    sky.fill(AIRCRAFT).await?;
    wait_for_objects(&pusher, AIRCRAFT).await?;
    let before_rss = rss(&pusher);
    let viewers = Viewers::connect(address(&pusher)?, (0..clients).map(sky::viewer).collect()).await?;
    sky.fly(AIRCRAFT, SETTLE_TIME).await?;
    viewers.reset();
    let (before, began, load_before) =
        (Counters::read(&pusher).await?, clock::now(), harness::cpu_seconds(std::process::id()));
    sky.fly(AIRCRAFT, MEASURED_TIME).await?;
    let (after, seconds) = (Counters::read(&pusher).await?, began.elapsed().as_secs_f64());
    let load_cpu_s = harness::cpu_seconds(std::process::id()).unwrap_or_default() - load_before.unwrap_or_default();
    let cpu_s = after.cpu_s - before.cpu_s;
    let mut grown = [0.0; NAMES.len()];
    grown
        .iter_mut()
        .zip(after.values.iter().zip(before.values))
        .for_each(|(grown, (after, before))| *grown = after - before);
    let [updates, bytes, calls, frames, tick_s, ticks, flush_s, send_s, shared, deflated] = grown;
    let rss_now = rss(&pusher);
    let name = if clients == 10_000 { String::new() } else { format!("_{clients}") };
    let line = |figure: &str, value: f64, unit: &str| println!("bench: {figure}{name} {value:.3} {unit}");
    line("pusher_cpu_us_per_update", cpu_s * 1e6 / updates, "us");
    line("pusher_cpu_us_per_client_tick", cpu_s * 1e6 / calls, "us");
    line("pusher_cpu_cores", cpu_s / seconds, "cores");
    line("pusher_load_cpu_cores", load_cpu_s / seconds, "cores");
    line("pusher_bytes_per_update", bytes / updates, "bytes");
    line("pusher_updates_per_second", updates / seconds, "1/s");
    line("pusher_kernel_sends_per_second", calls / seconds, "1/s");
    line("pusher_frames_per_send", frames / calls, "frames");
    line("pusher_tick_mean_ms", tick_s * 1e3 / ticks, "ms");
    line("pusher_flush_mean_ms", flush_s * 1e3 / ticks, "ms");
    line("pusher_send_share_of_flush", send_s / flush_s, "share");
    line("pusher_sharing_saved_share", shared / bytes, "share");
    line("pusher_compression_saved_share", deflated / (bytes + deflated), "share");
    line("pusher_busy_bytes_per_connection", (rss_now - before_rss) / f64::from(clients), "bytes");
    let rss_name = if clients == 10_000 { "pusher_rss_mb_10k".to_owned() } else { format!("pusher_rss_mb_{clients}") };
    println!("bench: {rss_name} {:.1} MB", rss_now / f64::from(1 << 20));
    let latencies = viewers.latencies_ms();
    for (word, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        let latency =
            latencies.get((latencies.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or_default();
        line(&format!("kafka_to_socket_{word}_ms"), latency, "ms");
    }
    viewers.disconnect()
}
