//! All three groups on an embedded log: from frames to thermals and receivers.

#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use processor::{CoreOptions, GroupOptions, ReceiverOptions, RedisOptions};
use runtime::{Clock, Context};
use schemas::v1::{ReceiverState, ThermalState};
use streams::registry::Schemas;
use streams::{
    Cluster, EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, Incoming, Log, Outgoing, SeekTo, SinkSettings,
    TopicPartition, partitioner,
};
use traffic::{Plan, START_US};

const PARTITIONS: u32 = 24;

async fn codec(topic: &str) -> streams::registry::TopicCodec {
    let topic = schemas::catalogue::find(topic).expect("in the catalogue");
    Schemas::local().prepare("", &topic).await.expect("a codec")
}

async fn send_traffic(log: &EmbeddedLog, plan: Plan) {
    let (codec, flush) = (codec("fanet.raw.v1").await, Flush::new());
    let sink = log.sink(SinkSettings::new("test")).expect("a sink");
    for sent in traffic::records(plan) {
        let partitions = match &sent.key {
            Some(key) => vec![partitioner::partition_of(key.as_bytes(), PARTITIONS)],
            None => (0..PARTITIONS).collect(),
        };
        for partition in partitions {
            let record = Outgoing {
                topic: "fanet.raw.v1".into(),
                partition: Some(partition),
                key: sent.key.clone().map(Into::into),
                value: Some(codec.encode(&sent.record)),
                headers: Headers::new(),
                timestamp_ms: 0,
            };
            sink.send(record, flush.receipt()).await.expect("sent");
        }
    }
    flush.wait().await.expect("written");
}

/// Reads a topic until its newest records per key are `enough`.
async fn newest_until(
    log: &EmbeddedLog,
    topic: &str,
    enough: impl Fn(&HashMap<Vec<u8>, Incoming>) -> bool,
) -> HashMap<Vec<u8>, Incoming> {
    let partitions = schemas::catalogue::find(topic).expect("in the catalogue").partitions;
    let from = (0..partitions).map(|at| (TopicPartition::new(topic, at), SeekTo::Beginning)).collect();
    let mut source = log.read(from).await.expect("a reader");
    let mut newest = HashMap::new();
    let wait = async {
        while !enough(&newest) {
            if let Event::Records(records) = source.next().await.expect("reads") {
                newest.extend(
                    records.into_iter().map(|record| (record.key.clone().unwrap_or_default().to_vec(), record)),
                );
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    assert!(waited.is_ok(), "{topic}: {} keys", newest.len());
    newest
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_become_thermals_and_receivers() {
    let log = EmbeddedLog::new(EmbeddedSettings::new(1_000));
    processor::topics::create("", &log).await.expect("topics");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log.clone()));
    let (group, redis) = (GroupOptions::default(), RedisOptions::none());
    let tasks = [
        tokio::spawn(processor::serve(
            CoreOptions::default(),
            group.clone(),
            redis.clone(),
            cluster.clone(),
            context.clone(),
        )),
        tokio::spawn(processor::serve_thermals(group.clone(), redis, cluster.clone(), context.clone())),
        tokio::spawn(processor::serve_receivers(ReceiverOptions::default(), group, cluster, context.clone())),
    ];
    send_traffic(&log, Plan { devices: 40, seconds: 240, receivers: 3, seed: 5, start_us: START_US }).await;

    let circling =
        |newest: &HashMap<Vec<u8>, Incoming>| newest.values().filter(|record| record.value.is_some()).count() >= 5;
    let thermals = newest_until(&log, "fanet.state.thermal.v1", circling).await;
    let thermal_codec = codec("fanet.state.thermal.v1").await;
    for (key, record) in &thermals {
        let Some(value) = &record.value else { continue };
        let state: ThermalState = thermal_codec.decode(value).expect("a thermal");
        assert_eq!(schemas::RecordId(state.thermal_id).to_string().as_bytes(), key);
        assert!(state.mean_climb_mps > 1.0 && state.reports >= 1 && state.pilots >= 1, "{state:?}");
        assert_eq!(
            record.headers.first("version").map(|version| version.to_vec()),
            Some(state.version.to_string().into())
        );
    }

    // 3 receivers per frame out of 24.
    let receivers = newest_until(&log, "fanet.state.receiver.v1", |newest| newest.len() == 24).await;
    let receiver_codec = codec("fanet.state.receiver.v1").await;
    for (key, record) in &receivers {
        let state: ReceiverState = receiver_codec.decode(record.value.as_ref().expect("a state")).expect("a receiver");
        assert_eq!((state.receiver_id.as_bytes(), state.frames > 0), (&key[..], true));
    }
    assert!(context.readiness.is_ready(), "{:?}", context.readiness.parts());
    context.shutdown.request();
    for task in tasks {
        task.await.expect("ends").expect("well");
    }
}
