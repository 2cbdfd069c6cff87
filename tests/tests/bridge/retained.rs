//! Retained messages on a real Mosquitto: old frames, which must not become new ones with each subscription.

use anyhow::{Result, ensure};
use harness::Program;
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::desk::{Desk, Raw};

const TOPIC: &str = "fb/b/8896672/f/1";

/// The first byte of each frame, in order: frames of different devices may be in different partitions, and arrive in any.
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
    let desk = Desk::new("retained", "").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    desk.publish_retained(TOPIC, &[1; 20]).await?;
    desk.publish_retained("fb/b/8896672/hw", b"{}").await?;
    let bridge = Program::start(desk.bridge().await?).await?;
    desk.publish(TOPIC, &[2; 20]).await?;
    assert_eq!(marks(&desk.raw(1).await?), [2], "what was retained before is not forwarded");
    // Published now: it is new, and the flag is for later subscribers.
    desk.publish_retained(TOPIC, &[3; 20]).await?;
    desk.raw(2).await?;
    // A session that begins again subscribes again.
    bridge.service().kill().await?;
    bridge.service().start().await?;
    desk.publish(TOPIC, &[4; 20]).await?;
    let all = marks(&desk.raw(3).await?);
    ensure!(all == [2, 3, 4], "{all:?}");
    let retained = bridge.metric("fanet_bridge_retained_total", &[]).await?;
    ensure!(retained == 0.0, "Mosquitto knows Retain Handling and sends none: {retained}");
    Ok(())
}
