//! A broker whose settings break the promise: the bridge says which, and what to set.

use anyhow::Result;
use harness::Program;
use schemas::catalogue::topic;

use crate::desk::{Desk, says};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_with_its_default_limits_is_told_what_to_set() -> Result<()> {
    let desk = Desk::new("limits", "max_inflight_messages 20\nmax_queued_messages 10\nsys_interval 1\n").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = Program::start(desk.bridge().await?).await?;
    says(&bridge, "the broker allows 20 messages in flight, the window is 8192").await?;
    says(&bridge, "set max_inflight_messages 0 and max_queued_messages 0").await?;
    says(&bridge, "mosquitto version").await?;
    bridge.service().stop().await?;
    for _ in 0..40 {
        desk.publish("fb/b/1/f/1", &[1; 20]).await?;
    }
    bridge.service().start().await?;
    says(&bridge, "the broker dropped messages for one of its clients; Mosquitto: set max_queued_messages 0").await?;
    assert!(bridge.metric("fanet_bridge_broker_dropped_messages", &[]).await? >= 10.0);
    Ok(())
}
