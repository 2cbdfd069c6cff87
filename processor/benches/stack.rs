//! The stream core with Kafka, the registry and Redis on the same machine: prints `bench: <name> <value> <unit>` lines.
//!
//! The raw topic is filled first; then one processor reads all of it. The clock runs from its first record until
//! everything it gave out is acknowledged, checkpointed and committed. [`failover`] then fills another one with 100,000
//! devices and takes their owners away.

#[path = "stack/failover.rs"]
mod failover;
#[path = "../tests/support/traffic.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Stack, unique_prefix, wait_until};
use processor::{CoreOptions, GroupOptions, Outfit, RedisOptions};
use runtime::{Clock, Context};
use schemas::catalogue::{self, topic};
use streams::registry::Schemas;
use streams::{Flush, Headers, KafkaLog, KafkaSettings, Log, Outgoing, SinkSettings, partitioner};
use traffic::Plan;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stack = Stack::shared();
    let (kafka, registry, redis) = (stack.kafka().await?, stack.registry().await?, stack.redis().await?);
    let prefix = unique_prefix("bench");
    let log = KafkaLog::connect(KafkaSettings {
        bootstrap: kafka.bootstrap().to_owned(),
        extra: Vec::new(),
        client_id: "bench".to_owned(),
    })?;
    processor::topics::create(&prefix, &log).await?;
    let schemas = Schemas::registry(registry.url())?;
    let plan = Plan { devices: 10_000, seconds: 60, receivers: 3, seed: 3, start_us: Clock::system().now_us() };
    let frames = fill(&log, &schemas, &prefix, plan).await?;

    let context = Context::new(Clock::system());
    let outfit = Outfit { context: context.clone(), log: Arc::new(log), schemas, topic_prefix: prefix };
    let redis_url = redis.url();
    let redis = RedisOptions { redis_url: redis_url.to_owned().into() };
    let work = tokio::spawn(processor::serve(CoreOptions::default(), GroupOptions::default(), redis, outfit));
    let read = async || counter(&context, "fanet_processor_records_in_total");
    let patience = Duration::from_secs(120);
    wait_until(patience, "the first record", async || read().await.filter(|count| *count > 0.0)).await?;
    let began = now();
    wait_until(patience, "the last record", async || read().await.filter(|count| *count >= frames as f64)).await?;
    context.shutdown.request();
    work.await??;
    let seconds = began.elapsed().as_secs_f64();
    report("processor_frames_per_second", frames as f64 / seconds, "frames/s");
    report("processor_stack_frames", frames as f64, "frames");
    failover::measure(kafka.bootstrap(), registry.url(), redis_url).await
}

/// Writes the traffic into the raw topic; how many records.
async fn fill(log: &KafkaLog, schemas: &Schemas, prefix: &str, plan: Plan) -> anyhow::Result<usize> {
    let raw = catalogue::find(topic::RAW).expect("in the catalogue");
    let codec = schemas.prepare(prefix, &raw).await?;
    let (sink, flush) = (log.sink(SinkSettings::new("fill"))?, Flush::new());
    let name: Arc<str> = raw.full_name(prefix).into();
    let mut count = 0;
    // Plans are of today: Kafka deletes by the records' own times.
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
