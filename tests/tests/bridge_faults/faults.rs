//! The faults, one function each: what is done, and how long after its end the flow is normal again.

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

/// `kill -9` at moments that nobody chose; the longest recovery counts.
pub(crate) async fn kill_bridge(rig: &Rig) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for round in 0..KILLS {
        rig.carried((RandomState::new().hash_one(round) % 600) as usize).await?;
        rig.bridge.service().kill().await?;
        let killed = clock::now();
        rig.bridge.service().start().await?;
        longest = longest.max(rig.recovered(killed).await?);
    }
    Ok(longest)
}

/// SIGTERM, and back when the window is full.
pub(crate) async fn stop_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka.node(0).stop().await?;
    rig.full().await?;
    rig.complains("cannot reach").await?;
    rig.kafka.node(0).start().await?;
    rig.recovered(clock::now()).await
}

/// SIGSTOP: connections stay open and nothing answers.
pub(crate) async fn freeze_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka.node(0).freeze()?;
    rig.full().await?;
    rig.complains("the window of 2000 is full").await?;
    rig.kafka.node(0).thaw()?;
    rig.recovered(clock::now()).await
}

/// A full window takes no QoS 0 any more; QoS 1 waits at the broker.
pub(crate) async fn fill_window(rig: &Rig) -> Result<Duration> {
    let dropped = async || rig.bridge.metric("fanet_bridge_dropped_total", &[]).await;
    rig.kafka.node(0).freeze()?;
    rig.full().await?;
    let before = dropped().await?;
    for number in 0..QOS_0 {
        let payload = crate::frames::payload(0)[..12].to_vec();
        // Each receiver within its own limits.
        let topic = format!("fb/b/{}/f/1", number % 50).into_bytes();
        rig.publisher.also(Other { topic, payload, qos: 0 }).await?;
    }
    let all = async || (dropped().await.ok()? - before >= QOS_0 as f64).then_some(());
    wait_until(Duration::from_secs(20), "every QoS 0 message to be counted", all).await?;
    let in_flight = rig.bridge.metric("fanet_bridge_in_flight", &[]).await?;
    // Mosquitto 2.0.11 sends somewhat more than Receive Maximum; twice of it is the bridge's own bound.
    ensure!(in_flight <= 2.0 * WINDOW as f64, "{in_flight} in flight");
    rig.kafka.node(0).thaw()?;
    rig.recovered(clock::now()).await
}

/// 300 ms more in each direction.
pub(crate) async fn slow_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka_line().latency(Duration::from_millis(300));
    rig.published(6000).await?;
    rig.kafka_line().heal();
    rig.recovered(clock::now()).await
}

/// Its connections, again and again.
pub(crate) async fn reset_kafka(rig: &Rig) -> Result<Duration> {
    for _ in 0..RESETS {
        rig.kafka_line().reset();
        rig.published(300).await?;
    }
    rig.recovered(clock::now()).await
}

/// Nothing passes either way, and the connections do not know.
pub(crate) async fn cut_kafka(rig: &Rig) -> Result<Duration> {
    rig.kafka_line().stall();
    rig.full().await?;
    rig.kafka_line().heal();
    rig.recovered(clock::now()).await
}

/// Each node in turn, while the others go on.
pub(crate) async fn roll_kafka(rig: &Rig) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for node in rig.kafka.nodes() {
        let stopped = clock::now();
        node.stop().await?;
        node.start().await?;
        longest = longest.max(rig.recovered(stopped).await?);
    }
    Ok(longest)
}

/// SIGTERM, which writes what it holds, and a new start from there.
pub(crate) async fn restart_mosquitto(rig: &Rig) -> Result<Duration> {
    rig.mosquitto.service().restart().await?;
    rig.recovered(clock::now()).await
}

/// For longer than the bridge believes that it lives.
pub(crate) async fn freeze_mosquitto(rig: &Rig) -> Result<Duration> {
    rig.mosquitto.service().freeze()?;
    let complaint = rig.complains("mqtt://").await;
    rig.mosquitto.service().thaw()?;
    complaint.context("a frozen broker")?;
    rig.recovered(clock::now()).await
}

/// Connections reset, new ones refused.
pub(crate) async fn cut_mqtt(rig: &Rig) -> Result<Duration> {
    rig.mqtt_line.cut();
    rig.complains("mqtt://").await?;
    rig.published(3000).await?;
    rig.mqtt_line.heal();
    rig.recovered(clock::now()).await
}

/// Nothing passes either way, and the connections do not know.
pub(crate) async fn silent_mqtt(rig: &Rig) -> Result<Duration> {
    rig.mqtt_line.stall();
    rig.complains("has been silent").await?;
    rig.mqtt_line.heal();
    rig.recovered(clock::now()).await
}

/// Everything that a bridge cannot use, in the middle of the stream.
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
    let letters = rig.records(topic::DEAD_LETTER).await?;
    let acknowledged = || rig.publisher.look(|published| published.others_acknowledged);
    let before = acknowledged();
    for _ in 0..POISON {
        for (topic, payload, _) in &kinds {
            rig.publisher.also(Other { topic: topic.to_vec(), payload: payload.clone(), qos: 1 }).await?;
        }
    }
    let wanted = POISON * kinds.len();
    let all = async || (acknowledged() - before >= wanted).then_some(());
    wait_until(Duration::from_secs(20), "the broker to take the poison", all).await?;
    let recovery = rig.recovered(clock::now()).await?;
    // Dead letters are bounded in rate: what is over it is counted alone.
    let count = async |name: &str, reason: &str| {
        rig.bridge.metric(name, &[&format!("reason=\"{reason}\"")]).await.unwrap_or_default()
    };
    let mut written = 0.0;
    for reason in ["mqtt_too_short", "mqtt_too_long", "mqtt_topic"] {
        let due = kinds.iter().filter(|(.., of)| *of == reason).count() * POISON;
        let counted = async || {
            let letters = count("fanet_bridge_dead_lettered_total", reason).await;
            let withheld = count("fanet_bridge_dead_letters_withheld_total", reason).await;
            (letters + withheld == due as f64).then_some(letters)
        };
        written += wait_until(Duration::from_secs(20), &format!("{due} of {reason}"), counted).await?;
    }
    ensure!(written >= 20.0, "only {written} dead letters");
    let aside = rig.records(topic::DEAD_LETTER).await?;
    ensure!(aside == letters + written as u64, "{aside} dead letters, {letters} before and {written} counted");
    Ok(recovery)
}
