//! Two processors between real services that fail. Whatever was killed, frozen, slow or flushed, afterwards:
//!
//! - every frame of the raw topic that is no copy has its observation, under its own id, and nothing else has one;
//! - what was given out more than once is the same, byte for byte;
//! - the newest version of every state lies on top of its topic, late writes of the dead included;
//! - Redis holds what the state topics say, and nothing that has ended; one that was tampered with is mended by command.
//!
//! One run prints one table.

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
/// The flow of observations is back within this, whatever happened.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_changes_whatever_fails() -> Result<()> {
    let mut rig = Rig::start().await?;
    let mut table = Table::default();
    // Three nodes have only just started.
    rig.until_flowing(3 * PATIENCE).await.context("at first")?;

    for kill in 0..KILLS {
        rig.processors[kill % 2].service().kill().await?;
        rig.processors[kill % 2].service().spawn()?;
        // The next dies while partitions still move, now and then.
        let patience = if kill % 3 == 2 { Duration::from_millis(500) } else { PATIENCE };
        let _ = rig.until_flowing(patience).await;
    }
    table.row("processor killed (SIGKILL) in mid-stream, 10 times", rig.until_flowing(PATIENCE).await?);

    // Longer than its session lasts: the other one takes over, and what it still had under way comes late.
    rig.processors[0].service().freeze()?;
    let taken_over = rig.until_flowing(PATIENCE).await?;
    rig.processors[0].service().thaw()?;
    table.row("processor frozen beyond its session, then thawed", taken_over);
    rig.until_flowing(PATIENCE).await?;

    rig.traffic.hide_some().await?;
    redis_faults(&rig, &mut table).await?;

    for node in 0..3 {
        rig.kafka.node(node).restart().await?;
    }
    table.row("three Kafka nodes restarted one by one", rig.until_flowing(PATIENCE).await?);

    let sent = rig.traffic.stop().await?;
    ensure!(sent.first_copies.len() > 5_000, "only {} frames went into the raw topic", sent.first_copies.len());
    rig.watch.until_complete(&sent, PATIENCE).await?;
    let tops = rig.until_newest_on_top(Duration::from_secs(60)).await?;
    let in_redis = redis_picture::until_equal(&rig, Duration::from_secs(60)).await?;
    redis_picture::damage(&rig).await?;
    rig.command(&["rebuild-redis"]).await?;
    redis_picture::until_equal(&rig, Duration::from_secs(60)).await.context("after rebuild-redis")?;
    ensure!(tops.live > 100 && tops.ended > 0, "{tops:?}");
    table.print(&rig, &sent, &tops, in_redis);
    Ok(())
}

async fn redis_faults(rig: &Rig, table: &mut Table) -> Result<()> {
    rig.redis.service().kill().await?;
    table.row("Redis killed", rig.until_flowing(PATIENCE).await?);
    rig.redis.service().start().await?;
    redis_picture::flush(rig).await?;
    table.row("Redis started again and flushed", rig.until_flowing(PATIENCE).await?);
    rig.line_to_redis.latency(Duration::from_millis(200));
    table.row("Redis slow, 400 ms there and back", rig.until_flowing(PATIENCE).await?);
    let written = async || rig.written_to_redis().await.ok();
    let before = written().await.context("a counter")?;
    wait_until(PATIENCE, "Redis to be written to, slowly", async || {
        written().await.filter(|now| *now > before).map(drop)
    })
    .await?;
    rig.line_to_redis.stall();
    table.row("Redis silent", rig.until_flowing(PATIENCE).await?);
    rig.line_to_redis.reset();
    rig.line_to_redis.heal();
    Ok(())
}
