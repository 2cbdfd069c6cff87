//! The historian from Kafka into the ClickHouse engine, all on one machine: prints `bench: <name> <value> <unit>` lines.
//!
//! The topic is filled first; the measurement runs from the first to the last written row. `UPDRAFT_BENCH_ROWS`: number of rows.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures real time and prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Stack, unique_prefix, wait_until};
use history::{ClickHouse, Retention};
use processor::{HistorianOptions, serve_historian};
use runtime::{Clock, Context};
use schemas::catalogue::{self, topic};
use schemas::id::RecordId;
use schemas::v1::observation::Body;
use schemas::v1::{AircraftPosition, Observation, Position};
use streams::registry::Schemas;
use streams::{Cluster, Flush, Headers, KafkaLog, KafkaSettings, Log, Outgoing, SinkSettings};

const ROWS: u64 = 2_000_000;
const PARTITIONS: u64 = 24;
const DEVICES: u64 = 2_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rows = std::env::var("UPDRAFT_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let stack = Stack::shared();
    let (kafka, registry, engine) = (stack.kafka().await?, stack.registry().await?, stack.clickhouse().await?);
    let prefix = unique_prefix("bench");
    let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "bench"))?;
    processor::topics::create(&prefix, &log).await?;
    let schemas = Schemas::registry(registry.url())?;
    fill(&log, &schemas, &prefix, rows).await?;

    let url = format!("{}/{}", engine.url(), prefix.replace(['-', '.'], "_"));
    let history = ClickHouse::new(url.as_str(), Clock::system())?;
    history.migrate(&Retention::default(), false).await?;
    let context = Context::new(Clock::system());
    let cluster = Cluster::new(Arc::new(log), schemas, prefix);
    let (writer, name) = (Arc::new(history.clone()), history.name());
    let work = tokio::spawn(serve_historian(HistorianOptions::default(), writer, name, cluster, context.clone()));
    let written = async || {
        let text = context.metrics.to_text();
        let line = text.lines().find(|line| line.starts_with("fanet_historian_rows_total{table=\"positions\"}"))?;
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let limit = Duration::from_secs(300);
    let first = wait_until(limit, "the first rows", async || written().await.filter(|count| *count > 0)).await?;
    let began = Instant::now();
    wait_until(limit, "the last rows", async || written().await.filter(|count| *count >= rows)).await?;
    let seconds = began.elapsed().as_secs_f64();
    context.shutdown.request();
    work.await??;
    let kept = history.client().query("SELECT count() FROM positions FINAL").fetch_one::<u64>().await?;
    anyhow::ensure!(kept == rows, "{kept} of {rows} rows");
    println!("bench: historian_rows_per_second {:.0} rows/s", (rows - first) as f64 / seconds);
    Ok(())
}

async fn fill(log: &KafkaLog, schemas: &Schemas, prefix: &str, rows: u64) -> anyhow::Result<()> {
    let topic = catalogue::find(topic::OBSERVATION).expect("in the catalogue");
    let codec = schemas.prepare(prefix, &topic).await?;
    let (sink, flush) = (log.sink(SinkSettings::new("fill"))?, Flush::new());
    let name: Arc<str> = topic.full_name(prefix).into();
    // Times of today: Kafka deletes records by their timestamps.
    let start_us = Clock::system().now_us() - 3_600_000_000;
    for number in 0..rows {
        let (device, step) = (number % DEVICES, number / DEVICES);
        let partition = device % PARTITIONS;
        let at_us = start_us + step * 3_000_000 + device * 1_000;
        let observation = Observation {
            observation_id: RecordId::new(partition as u16, number / PARTITIONS).0,
            event_at_us: at_us,
            ingested_at_us: at_us,
            device: 0x11_0000 + device as u32,
            packet_type: Some(1),
            source: 1,
            score: Some(95),
            receiver_id: Some("Receiver1".into()),
            body: Some(Body::Position(AircraftPosition {
                position: Some(Position {
                    latitude_deg: 45.0 + step as f64 * 0.000_4,
                    longitude_deg: 6.0 + device as f64 * 0.001,
                    altitude_m: Some(1_500.0 + (step % 500) as f64),
                }),
                online_tracking: true,
                aircraft_kind: 2,
                speed_kmh: 36.0,
                climb_mps: 1.2,
                course_deg: Some(90.0),
                ..AircraftPosition::default()
            })),
            ..Observation::default()
        };
        let record = Outgoing {
            topic: name.clone(),
            partition: Some(partition as u32),
            key: Some(format!("{:06X}", observation.device).into()),
            value: Some(codec.encode(&observation)),
            headers: Headers::new(),
            timestamp_ms: (at_us / 1_000).cast_signed(),
        };
        sink.send(record, flush.receipt()).await?;
    }
    Ok(flush.wait().await?)
}
