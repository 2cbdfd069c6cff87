//! A flood of invented device addresses and receiver ids.

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};

use crate::flight::Flight;
use crate::sender::{Sender, tracking};
use crate::watcher::Watcher;
use crate::{REGION, TIMEOUT, ensure_ready, fly, setting, wait_for_map};

const ADDRESSES: u32 = 50_000;
/// Each receiver stays within its limits.
const RECEIVERS: u32 = 200;
const MAX_DEVICES: u32 = 1_000;
const PARTITIONS: f64 = 6.0;
/// The limit for a debug build, which needs a third of it without the flood.
const MAX_BYTES: u64 = 400 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invented_addresses_use_bounded_memory() -> Result<()> {
    let bounds = [
        setting("UPDRAFT_PROCESSOR_MAX_DEVICES", &MAX_DEVICES.to_string()),
        setting("UPDRAFT_PROCESSOR_MAX_RECEIVERS", "1000"),
        setting("UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", "1s"),
        setting("UPDRAFT_BRIDGE_MAX_RECEIVERS", "100"),
    ];
    let stage = Stage::start_with("flood", bounds).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA05, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("before")?;
    let before = stage.processor.resident_bytes().context("the process has ended")?;

    let mut attacker = Sender::start(&stage, "attacker");
    for number in 0..ADDRESSES {
        let receiver = format!("made-up-{}", number % RECEIVERS);
        attacker.send(&receiver, tracking(0x20_0001 + number, 45.9 + f64::from(number % 500) * 0.001)?).await?;
        if number % 20_000 == 10_000 {
            fly(&stage, &mut flight, 1).await?;
            wait_for_map(&map, &flight).await.context("during the flood")?;
        }
    }
    attacker.wait_for_acknowledgements().await?;
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("afterwards")?;

    let metric = async |name: &str| stage.processor.metric(name, &[]).await.ok();
    let max_devices = f64::from(MAX_DEVICES) * PARTITIONS;
    let evicted = async || metric("fanet_processor_devices_evicted_total").await.filter(|count| *count > 20_000.0);
    let evicted = wait_until(TIMEOUT, "invented devices to be evicted", evicted).await?;
    let bounded = async || metric("fanet_processor_devices").await.filter(|count| *count <= max_devices);
    let devices = wait_until(TIMEOUT, "the number of devices to be within the limit", bounded).await?;
    ensure!(stage.bridge.metric("fanet_bridge_receivers_evicted_total", &[]).await? > 0.0);
    ensure!(stage.bridge.metric("fanet_bridge_receivers", &[]).await? <= 100.0);
    let after = stage.processor.resident_bytes().context("the process has ended")?;
    ensure!(after < MAX_BYTES, "{before} bytes before, {after} afterwards");
    for program in [&stage.bridge, &stage.processor, &stage.pusher] {
        ensure_ready(program).await?;
    }
    println!(
        "{ADDRESSES} invented addresses: {evicted} evicted, {devices} stored; the processor's memory {} MiB before, {} after",
        before >> 20,
        after >> 20
    );
    map.end().await
}
