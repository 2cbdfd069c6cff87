//! Two processors with failing services. After all faults:
//!
//! - each frame of the raw topic, without duplicates, has exactly one observation, with its own id;
//! - repeated observations are equal, byte for byte;
//! - the newest version of each state is the last one in its topic, in spite of late writes of former owners;
//! - Redis has exactly the live states of the state topics; `rebuild-redis` repairs damaged keys.
//!
//! A run prints a table.

mod raw_topic;
mod redis_picture;
mod rig;
mod table;
mod traffic;
mod validation;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::wait_until;

use crate::rig::Rig;
use crate::table::Table;

const KILLS: usize = 10;
/// The time limit for observations of new frames after each fault.
const TIMEOUT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_loses_or_changes_an_observation() -> Result<()> {
    let mut rig = Rig::start().await?;
    let mut table = Table::default();
    // The three nodes have just started.
    rig.wait_for_observations(3 * TIMEOUT).await.context("at first")?;

    for kill in 0..KILLS {
        rig.processors[kill % 2].service().kill().await?;
        rig.processors[kill % 2].service().spawn()?;
        // Sometimes kill the next one during the rebalance.
        let timeout = if kill % 3 == 2 { Duration::from_millis(500) } else { TIMEOUT };
        let _ = rig.wait_for_observations(timeout).await;
    }
    table.row("processor killed (SIGKILL) in mid-stream, 10 times", rig.wait_for_observations(TIMEOUT).await?);

    // Longer than its session: the other one takes over, and the records of the frozen one arrive late.
    rig.processors[0].service().freeze()?;
    let taken_over = rig.wait_for_observations(TIMEOUT).await?;
    rig.processors[0].service().thaw()?;
    table.row("processor frozen beyond its session, then thawed", taken_over);
    rig.wait_for_observations(TIMEOUT).await?;

    rig.traffic.hide_devices().await?;
    redis_faults(&rig, &mut table).await?;

    for node in 0..3 {
        rig.kafka.node(node).restart().await?;
    }
    table.row("three Kafka nodes restarted one by one", rig.wait_for_observations(TIMEOUT).await?);

    let sent = rig.traffic.stop().await?;
    let raw = raw_topic::read(&rig, &sent).await?;
    ensure!(raw.first_copies.len() > 5_000, "only {} frames in the raw topic", raw.first_copies.len());
    rig.watch.wait_for_all(&raw, TIMEOUT).await?;
    let last_states = rig.wait_for_newest_last(Duration::from_secs(60)).await?;
    let in_redis = redis_picture::wait_until_equal(&rig, Duration::from_secs(60)).await?;
    redis_picture::damage(&rig).await?;
    rig.command(&["rebuild-redis"]).await?;
    redis_picture::wait_until_equal(&rig, Duration::from_secs(60)).await.context("after rebuild-redis")?;
    ensure!(last_states.live > 100 && last_states.ended > 0, "{last_states:?}");
    table.print(&rig, &raw, &sent, &last_states, in_redis);
    Ok(())
}

async fn redis_faults(rig: &Rig, table: &mut Table) -> Result<()> {
    rig.redis.service().kill().await?;
    table.row("Redis killed", rig.wait_for_observations(TIMEOUT).await?);
    rig.redis.service().start().await?;
    redis_picture::flush(rig).await?;
    table.row("Redis started again and flushed", rig.wait_for_observations(TIMEOUT).await?);
    rig.redis_proxy.latency(Duration::from_millis(200));
    table.row("Redis slow, 400 ms there and back", rig.wait_for_observations(TIMEOUT).await?);
    let written = async || rig.written_to_redis().await.ok();
    let before = written().await.context("a counter")?;
    wait_until(TIMEOUT, "Redis to be written to, slowly", async || {
        written().await.filter(|now| *now > before).map(drop)
    })
    .await?;
    rig.redis_proxy.stall();
    table.row("Redis silent", rig.wait_for_observations(TIMEOUT).await?);
    rig.redis_proxy.reset();
    rig.redis_proxy.heal();
    Ok(())
}
