//! The faults, one function each: injects the fault and returns the time from its end to normal operation.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::wait_until;
use schemas::catalogue::topic;

use crate::clock;
use crate::publisher::Other;
use crate::rig::{Rig, WINDOW};

const KILLS: usize = 20;
const RESETS: usize = 10;
const QOS_0: usize = 500;
const POISON: usize = 100;

/// `kill -9` at random times; returns the longest recovery.
pub(crate) async fn kill_bridge(rig: &Rig) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for round in 0..KILLS {
        rig.wait_for_carried((RandomState::new().hash_one(round) % 600) as usize).await?;
        rig.bridge.service().kill().await?;
        let killed = clock::now();
        rig.bridge.service().start().await?;
        longest = longest.max(rig.wait_for_recovery(killed).await?);
    }
    Ok(longest)
}

/// SIGTERM, and a new start when the window is full.
pub(crate) async fn stop_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka.node(0).stop().await?;
    rig.wait_for_full_window().await?;
    rig.wait_until_not_ready("cannot reach").await?;
    rig.kafka.node(0).start().await?;
    rig.wait_for_recovery(clock::now()).await
}

/// SIGSTOP: connections stay open without answers.
pub(crate) async fn freeze_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka.node(0).freeze()?;
    rig.wait_for_full_window().await?;
    rig.wait_until_not_ready(&format!("the window of {WINDOW} messages has been full")).await?;
    rig.kafka.node(0).thaw()?;
    rig.wait_for_recovery(clock::now()).await
}

/// A full window drops QoS 0; QoS 1 waits at the broker.
pub(crate) async fn fill_window(rig: &Rig) -> Result<Duration> {
    let dropped = async || rig.bridge.metric("fanet_bridge_dropped_total", &[]).await;
    rig.kafka.node(0).freeze()?;
    rig.wait_for_full_window().await?;
    let before = dropped().await?;
    for number in 0..QOS_0 {
        let payload = crate::frames::payload(0)[..12].to_vec();
        // Each receiver stays within its limits.
        let topic = format!("fb/b/{}/f/1", number % 50).into_bytes();
        rig.publisher.also(Other { topic, payload, qos: 0 }).await?;
    }
    let all = async || (dropped().await.ok()? - before >= QOS_0 as f64).then_some(());
    wait_until(crate::TIMEOUT, "every QoS 0 message to be counted", all).await?;
    let in_flight = rig.bridge.metric("fanet_bridge_in_flight", &[]).await?;
    // Mosquitto 2.0.11 sends slightly more than Receive Maximum; the bridge's limit is twice that.
    ensure!(in_flight <= 2.0 * WINDOW as f64, "{in_flight} in flight");
    rig.kafka.node(0).thaw()?;
    rig.wait_for_recovery(clock::now()).await
}

/// Adds 300 ms in each direction.
pub(crate) async fn slow_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka_proxy().latency(Duration::from_millis(300));
    rig.wait_for_published(6000).await?;
    rig.kafka_proxy().heal();
    rig.wait_for_recovery(clock::now()).await
}

/// Resets the connections to Kafka repeatedly.
pub(crate) async fn reset_kafka(rig: &Rig) -> Result<Duration> {
    for _ in 0..RESETS {
        rig.kafka_proxy().reset();
        rig.wait_for_published(300).await?;
    }
    rig.wait_for_recovery(clock::now()).await
}

/// Forwards nothing in either direction, while the connections stay open.
pub(crate) async fn cut_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka_proxy().stall();
    rig.wait_for_full_window().await?;
    rig.kafka_proxy().heal();
    rig.wait_for_recovery(clock::now()).await
}

/// Restarts each node in turn, while the others run.
pub(crate) async fn roll_kafka(rig: &Rig) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for node in rig.kafka.nodes() {
        let stopped = clock::now();
        node.stop().await?;
        node.start().await?;
        longest = longest.max(rig.wait_for_recovery(stopped).await?);
    }
    Ok(longest)
}

/// SIGTERM, on which Mosquitto saves its state, and a new start.
pub(crate) async fn restart_mosquitto(rig: &Rig) -> Result<Duration> {
    rig.mosquitto.service().restart().await?;
    rig.wait_for_recovery(clock::now()).await
}

/// For longer than the bridge's time-out for the broker.
pub(crate) async fn freeze_mosquitto(rig: &Rig) -> Result<Duration> {
    rig.mosquitto.service().freeze()?;
    let not_ready = rig.wait_until_not_ready("mqtt://").await;
    rig.mosquitto.service().thaw()?;
    not_ready.context("a frozen broker")?;
    rig.wait_for_recovery(clock::now()).await
}

/// Resets connections and refuses new ones.
pub(crate) async fn cut_mqtt(rig: &Rig) -> Result<Duration> {
    rig.mqtt_proxy.cut();
    rig.wait_until_not_ready("mqtt://").await?;
    rig.wait_for_published(3000).await?;
    rig.mqtt_proxy.heal();
    rig.wait_for_recovery(clock::now()).await
}

/// Forwards nothing in either direction, while the connections stay open.
pub(crate) async fn silent_mqtt(rig: &Rig) -> Result<Duration> {
    rig.mqtt_proxy.stall();
    rig.wait_until_not_ready("has been silent").await?;
    rig.mqtt_proxy.heal();
    rig.wait_for_recovery(clock::now()).await
}

/// Publishes all kinds of unusable messages within the stream.
pub(crate) async fn poison(rig: &Rig) -> Result<Duration> {
    let good = crate::frames::payload(0);
    let kinds: [(&[u8], Vec<u8>, &str); 6] = [
        (b"fb/b/8896672/f/1", b"short".to_vec(), "mqtt_too_short"),
        (b"fb/b/8896672/f/1", Vec::new(), "mqtt_too_short"),
        (b"fb/b/8896672/f/1", vec![0xFF; 300], "mqtt_too_long"),
        (b"fb/b/8896672/f/1", vec![0xFF; 60_000], "mqtt_too_long"),
        (b"fb/b/8896672/f/not-a-type", good.clone(), "mqtt_topic"),
        (b"fb/b/88 96/f/1", good, "mqtt_topic"),
    ];
    let dead_letters = rig.records(topic::DEAD_LETTER).await?;
    let acknowledged = || rig.publisher.with_published(|published| published.others_acknowledged);
    let before = acknowledged();
    for _ in 0..POISON {
        for (topic, payload, _) in &kinds {
            rig.publisher.also(Other { topic: topic.to_vec(), payload: payload.clone(), qos: 1 }).await?;
        }
    }
    let published_count = POISON * kinds.len();
    let all = async || (acknowledged() - before >= published_count).then_some(());
    wait_until(crate::TIMEOUT, "the broker to accept the unusable messages", all).await?;
    let recovery = rig.wait_for_recovery(clock::now()).await?;
    // The rate of dead letters is limited: those above it are only counted.
    let count = async |name: &str, reason: &str| {
        rig.bridge.metric(name, &[&format!("reason=\"{reason}\"")]).await.unwrap_or_default()
    };
    let mut written = 0.0;
    for reason in ["mqtt_too_short", "mqtt_too_long", "mqtt_topic"] {
        let expected = kinds.iter().filter(|(.., of)| *of == reason).count() * POISON;
        let counted = async || {
            let dead_letters = count("fanet_bridge_dead_lettered_total", reason).await;
            let withheld = count("fanet_bridge_dead_letters_withheld_total", reason).await;
            (dead_letters + withheld == expected as f64).then_some(dead_letters)
        };
        written += wait_until(crate::TIMEOUT, &format!("{expected} of {reason}"), counted).await?;
    }
    ensure!(written >= 20.0, "only {written} dead letters");
    let records = rig.records(topic::DEAD_LETTER).await?;
    ensure!(
        records == dead_letters + written as u64,
        "{records} dead letters, expected {dead_letters} and {written} new ones"
    );
    Ok(recovery)
}
