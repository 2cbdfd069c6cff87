//! Retained messages: old frames, which must not be forwarded again with each subscription.

use anyhow::{Result, ensure};
use harness::Program;
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::fixture::{Fixture, Raw};

const TOPIC: &str = "fb/b/8896672/f/1";

/// The first byte of each frame, sorted: frames of different devices may be in different partitions.
fn marks(raw: &[Raw]) -> Vec<u8> {
    let mark = |raw: &Raw| match &raw.message.input {
        Some(Input::MqttFrame(frame)) => frame[0],
        other => panic!("{other:?}"),
    };
    let mut marks: Vec<u8> = raw.iter().map(mark).collect();
    marks.sort_unstable();
    marks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_frames_are_not_forwarded_again() -> Result<()> {
    let fixture = Fixture::new("retained", "").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    fixture.publish_retained(TOPIC, &[1; 20]).await?;
    fixture.publish_retained("fb/b/8896672/hw", b"{}").await?;
    let bridge = Program::start(fixture.bridge().await?).await?;
    fixture.publish(TOPIC, &[2; 20]).await?;
    assert_eq!(marks(&fixture.raw(1).await?), [2], "earlier retained messages are not forwarded");
    // A new message: the flag only matters for later subscribers.
    fixture.publish_retained(TOPIC, &[3; 20]).await?;
    fixture.raw(2).await?;
    // After a restart the bridge subscribes again.
    bridge.service().kill().await?;
    bridge.service().start().await?;
    fixture.publish(TOPIC, &[4; 20]).await?;
    let all = marks(&fixture.raw(3).await?);
    ensure!(all == [2, 3, 4], "{all:?}");
    let retained = bridge.metric("fanet_bridge_retained_total", &[]).await?;
    ensure!(retained == 0.0, "Mosquitto supports Retain Handling and should send none: {retained}");
    Ok(())
}
