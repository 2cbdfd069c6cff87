//! The stream core with Kafka, the registry and Redis on the same machine: prints `bench: <name> <value> <unit>` lines.
//!
//! A raw topic is filled first; then one processor reads all of it. A pass is measured from its first record until all outputs
//! are acknowledged, checkpointed and committed. The first pass is with a broker that has just started; after several more
//! passes the broker is warm, and the median and the slowest pass are reported. [`failover`] then fills another topic with
//! 100,000 devices and ends their owners.

#[path = "stack/failover.rs"]
mod failover;
#[path = "../tests/support/traffic.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Stack, unique_prefix, wait_until};
use processor::{CoreOptions, GroupOptions, RedisOptions};
use runtime::{Clock, Context};
use schemas::catalogue::{self, topic};
use streams::registry::Schemas;
use streams::{Cluster, Flush, Headers, KafkaLog, KafkaSettings, Log, Outgoing, SinkSettings, partitioner};
use traffic::Plan;

/// A broker compiles its code while it works: in the tenth pass it is about twice as fast as in the first.
const WARM_UP_PASSES: usize = 9;
const WARM_PASSES: usize = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stack = Stack::shared();
    let (kafka, registry, redis) = (stack.kafka().await?, stack.registry().await?, stack.redis().await?);
    let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "bench"))?;
    let schemas = Schemas::registry(registry.url())?;
    let redis_url = redis.url();
    // A broker that has just started compiles beside its work: the first pass is reported separately.
    let cold = pass(&log, &schemas, redis_url).await?;
    report("processor_cold_frames_per_second", cold, "frames/s");
    for _ in 0..WARM_UP_PASSES {
        pass(&log, &schemas, redis_url).await?;
    }
    let mut warm = Vec::new();
    for _ in 0..WARM_PASSES {
        warm.push(pass(&log, &schemas, redis_url).await?);
    }
    warm.sort_by(f64::total_cmp);
    report("processor_frames_per_second", warm[WARM_PASSES / 2], "frames/s");
    report("processor_slowest_frames_per_second", warm[0], "frames/s");
    failover::measure(kafka.bootstrap(), registry.url(), redis_url).await
}

/// Processes the traffic of one topic with a new processor; frames per second.
async fn pass(log: &KafkaLog, schemas: &Schemas, redis_url: &str) -> anyhow::Result<f64> {
    let prefix = unique_prefix("bench");
    processor::topics::create(&prefix, log).await?;
    let plan = Plan { devices: 10_000, seconds: 60, receivers: 3, seed: 3, start_us: Clock::system().now_us() };
    let frames = fill(log, schemas, &prefix, plan).await?;

    let context = Context::new(Clock::system());
    let (log, schemas) = (Arc::new(log.clone()), schemas.clone());
    let cluster = Cluster::new(log, schemas, prefix);
    let redis = RedisOptions { redis_url: redis_url.to_owned().into() };
    let work = tokio::spawn(processor::serve(
        CoreOptions::default(),
        GroupOptions::default(),
        redis,
        cluster,
        context.clone(),
    ));
    let read = async || counter(&context, "fanet_processor_records_in_total");
    let limit = Duration::from_secs(120);
    wait_until(limit, "the first record", async || read().await.filter(|count| *count > 0.0)).await?;
    let began = now();
    wait_until(limit, "the last record", async || read().await.filter(|count| *count >= frames as f64)).await?;
    context.shutdown.request();
    work.await??;
    let rate = frames as f64 / began.elapsed().as_secs_f64();
    eprintln!("processor: a pass at {rate:.0} frames/s");
    Ok(rate)
}

/// Writes the traffic into the raw topic; returns the number of records.
async fn fill(log: &KafkaLog, schemas: &Schemas, prefix: &str, plan: Plan) -> anyhow::Result<usize> {
    let raw = catalogue::find(topic::RAW).expect("in the catalogue");
    let codec = schemas.prepare(prefix, &raw).await?;
    let (sink, flush) = (log.sink(SinkSettings::new("fill"))?, Flush::new());
    let name: Arc<str> = raw.full_name(prefix).into();
    let mut count = 0;
    // Plans have times of today: Kafka deletes records by their timestamps.
    for sent in traffic::records(plan) {
        let partitions = match &sent.key {
            Some(key) => vec![partitioner::partition_of(key.as_bytes(), raw.partitions)],
            None => (0..raw.partitions).collect(),
        };
        for partition in partitions {
            let record = Outgoing {
                topic: name.clone(),
                partition: Some(partition),
                key: sent.key.clone().map(Into::into),
                value: Some(codec.encode(&sent.record)),
                headers: Headers::new(),
                timestamp_ms: (sent.record.ingested_at_us / 1_000).cast_signed(),
            };
            sink.send(record, flush.receipt()).await?;
            count += 1;
        }
    }
    flush.wait().await?;
    Ok(count)
}

fn counter(context: &Context, name: &str) -> Option<f64> {
    let text = context.metrics.to_text();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "the lines are what a bench is for")]
fn report(name: &str, value: f64, unit: &str) {
    println!("bench: {name} {value:.1} {unit}");
}
