//! A broker with unsuitable settings: the bridge logs them, and what to set.

use anyhow::Result;
use harness::Program;
use schemas::catalogue::topic;

use crate::fixture::{Fixture, wait_for_count, wait_for_log};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsuitable_broker_settings_are_logged() -> Result<()> {
    let fixture = Fixture::new("limits", "max_inflight_messages 20\nmax_queued_messages 10\nsys_interval 1\n").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = Program::start(fixture.bridge().await?).await?;
    wait_for_log(&bridge, "the broker allows 20 messages in flight, the window is 8192").await?;
    wait_for_log(&bridge, "set max_inflight_messages 0 and max_queued_messages 0").await?;
    wait_for_log(&bridge, "mosquitto version").await?;
    bridge.service().stop().await?;
    for _ in 0..40 {
        fixture.publish("fb/b/1/f/1", &[1; 20]).await?;
    }
    bridge.service().start().await?;
    wait_for_log(&bridge, "the broker dropped messages for one of its clients; Mosquitto: set max_queued_messages 0")
        .await?;
    // Its first report may come before the last messages.
    wait_for_count(&bridge, "fanet_bridge_broker_dropped_messages", 10.0).await
}
