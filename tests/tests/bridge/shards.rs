//! Several bridges beside each other: each frame goes through one of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use harness::{Program, wait_until};
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::desk::{Desk, SOON, parse};

const SHARDS: usize = 3;
const RECEIVERS: usize = 24;
const FRAMES_EACH: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_forwarded_by_exactly_one_shard_and_ticks_by_all() -> Result<()> {
    let desk = Desk::new("shards", "").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let mut bridges = Vec::new();
    for index in 1..=SHARDS {
        let bridge = desk.bridge().await?.env("UPDRAFT_BRIDGE_SHARD", format!("{index}/{SHARDS}"));
        bridges.push(Program::start(bridge).await?);
    }
    let publish = |round: usize| {
        let desk = &desk;
        async move {
            for receiver in 0..RECEIVERS {
                desk.publish(&format!("fb/b/{receiver}/f/1"), &[round as u8; 20]).await?;
            }
            anyhow::Ok(())
        }
    };
    publish(0).await?;
    // Away and back: its own session has kept its share, and the others do not take it.
    bridges[1].service().kill().await?;
    publish(1).await?;
    desk.publish("fb/b/nonsense", b"poison").await?;
    bridges[1].service().start().await?;
    publish(2).await?;

    let raw = desk.raw(RECEIVERS * FRAMES_EACH).await?;
    let mut rounds = BTreeMap::<String, BTreeSet<u8>>::new();
    for raw in &raw {
        let Some(Input::MqttFrame(frame)) = &raw.message.input else { panic!("{:?}", raw.message) };
        rounds.entry(raw.message.receiver_id.clone().unwrap_or_default()).or_default().insert(frame[0]);
    }
    assert_eq!(rounds.len(), RECEIVERS);
    assert!(rounds.values().all(|rounds| rounds.len() == FRAMES_EACH), "{rounds:?}");
    // The kill may have cost an acknowledgement on its way: nothing else goes twice.
    assert!(raw.len() <= (RECEIVERS + 1) * FRAMES_EACH, "{} records", raw.len());

    for bridge in &bridges {
        assert!(bridge.metric("fanet_bridge_forwarded_total", &[]).await? > 0.0);
        assert!(bridge.metric("fanet_bridge_other_shards_total", &[]).await? > 0.0);
        let empty = async || (bridge.metric("fanet_bridge_in_flight", &[]).await.ok()? == 0.0).then_some(());
        wait_until(SOON, "all to be acknowledged, what is another's too", empty).await?;
    }
    let ticking = async || {
        let records = desk.records(topic::RAW).await.ok()?;
        let mut bridges = BTreeSet::new();
        for record in records {
            if let Some(Input::Tick(tick)) = parse(record).ok()?.message.input {
                bridges.insert(tick.bridge_id);
            }
        }
        (bridges.len() == SHARDS).then_some(bridges)
    };
    let ticking = wait_until(SOON, "ticks of all bridges", ticking).await?;
    assert!(ticking.contains("updraft-bridge-2of3"), "{ticking:?}");
    Ok(())
}
