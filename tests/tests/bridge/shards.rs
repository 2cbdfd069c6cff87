//! Several bridges in parallel: one of them forwards each frame.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use harness::{Program, wait_until};
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::fixture::{Fixture, TIMEOUT, parse};

const SHARDS: usize = 3;
const RECEIVERS: usize = 24;
const FRAMES_EACH: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_frame_is_forwarded_by_one_shard() -> Result<()> {
    let fixture = Fixture::new("shards", "").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let mut bridges = Vec::new();
    for index in 1..=SHARDS {
        let bridge = fixture.bridge().await?.env("UPDRAFT_BRIDGE_SHARD", format!("{index}/{SHARDS}"));
        bridges.push(Program::start(bridge).await?);
    }
    let publish = |round: usize| {
        let fixture = &fixture;
        async move {
            for receiver in 0..RECEIVERS {
                fixture.publish(&format!("fb/b/{receiver}/f/1"), &[round as u8; 20]).await?;
            }
            anyhow::Ok(())
        }
    };
    publish(0).await?;
    // Restart one bridge: its session stores its frames, and other bridges do not forward them.
    bridges[1].service().kill().await?;
    publish(1).await?;
    fixture.publish("fb/b/nonsense", b"poison").await?;
    bridges[1].service().start().await?;
    publish(2).await?;

    let raw = fixture.raw(RECEIVERS * FRAMES_EACH).await?;
    let mut rounds = BTreeMap::<String, BTreeSet<u8>>::new();
    for raw in &raw {
        let Some(Input::MqttFrame(frame)) = &raw.message.input else { panic!("{:?}", raw.message) };
        rounds.entry(raw.message.receiver_id.clone().unwrap_or_default()).or_default().insert(frame[0]);
    }
    assert_eq!(rounds.len(), RECEIVERS);
    assert!(rounds.values().all(|rounds| rounds.len() == FRAMES_EACH), "{rounds:?}");
    // The kill may have lost an acknowledgement: only such frames may be duplicates.
    assert!(raw.len() <= (RECEIVERS + 1) * FRAMES_EACH, "{} records", raw.len());

    for bridge in &bridges {
        assert!(bridge.metric("fanet_bridge_forwarded_total", &[]).await? > 0.0);
        assert!(bridge.metric("fanet_bridge_other_shards_total", &[]).await? > 0.0);
        let empty = async || (bridge.metric("fanet_bridge_in_flight", &[]).await.ok()? == 0.0).then_some(());
        wait_until(TIMEOUT, "all messages to be acknowledged, those of other shards included", empty).await?;
    }
    let ticking = async || {
        let records = fixture.records(topic::RAW).await.ok()?;
        let mut bridges = BTreeSet::new();
        for record in records {
            if let Some(Input::Tick(tick)) = parse(record).ok()?.message.input {
                bridges.insert(tick.bridge_id);
            }
        }
        (bridges.len() == SHARDS).then_some(bridges)
    };
    let ticking = wait_until(TIMEOUT, "ticks of all bridges", ticking).await?;
    assert!(ticking.contains("updraft-bridge-2of3"), "{ticking:?}");
    Ok(())
}
