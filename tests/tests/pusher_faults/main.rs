//! The effects of faults around the pusher on its clients, on the real stack: only those that the contract names.
//!
//! No test compares latencies: what a fault must not delay has to arrive before the fault ends. Those with thousands of
//! clients run one at a time.

#![allow(clippy::print_stdout, reason = "the number of clients and the measurements are part of the result")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::traffic::sky;
use harness::{Ending, Kafka, KafkaOptions, Redis, Stack, clock, let_pass, wait_until};
use tokio::sync::Mutex;

use crate::maps::Maps;
use crate::rig::{Rig, address, all_maps};

mod hostile;
mod maps;
mod rig;

const TIMEOUT: Duration = Duration::from_secs(120);
/// Held by the tests with thousands of clients.
static LARGE_CROWD: Mutex<()> = Mutex::const_new(());

/// A smaller number in debug builds.
fn fewer_in_debug(count: usize, debug: usize) -> usize {
    if cfg!(debug_assertions) { debug } else { count }
}

fn viewers(count: usize) -> Vec<String> {
    (0..u32::try_from(count).unwrap_or(0)).map(sky::viewer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_continue_at_another_instance() -> Result<()> {
    let _alone = LARGE_CROWD.lock().await;
    let count = fewer_in_debug(5_000, 2_000);
    let redis = Redis::start().await?;
    let rig = Rig::start(Stack::shared().kafka().await?.bootstrap(), &[("UPDRAFT_REDIS_URL", redis.url())]).await?;
    let (one, two) = (rig.pusher().await?, rig.pusher().await?);
    let (at_one, at_two) = (address(&one)?, address(&two)?);
    let maps = Maps::new(viewers(count), vec![at_two]);
    let crowd = rig.crowd(&maps, count, &[at_one, at_two]).await?;
    all_maps(&maps, "every client to have its token", |map| map.has_token()).await?;

    // Both instances count all clients.
    for pusher in [&one, &two] {
        let counted = async || {
            let connections = pusher.metric("fanet_pusher_presence_connections", &[]).await.ok()?;
            let instances = pusher.metric("fanet_pusher_presence_instances", &[]).await.ok()?;
            ((connections, instances) == (count as f64, 2.0)).then_some(())
        };
        wait_until(TIMEOUT, "presence to count the clients of both instances", counted).await?;
        let (status, presence) = pusher.http("/api/v1/presence").await?;
        let presence: serde_json::Value = serde_json::from_str(&presence)?;
        ensure!(
            (status, &presence["connections"], &presence["instances"]) == (200, &count.into(), &2.into()),
            "{presence}"
        );
    }
    // Redis is stopped; only the count is affected.
    redis.service().kill().await?;
    let uncounted = async || (one.metric("fanet_pusher_presence_instances", &[]).await.ok()? == 0.0).then_some(());
    wait_until(TIMEOUT, "presence to report that Redis is unavailable", uncounted).await?;
    ensure!(crowd.open() == count, "clients stay without Redis");
    ensure!(one.admin("/ready").await?.0 == 200, "it serves without Redis");
    redis.service().start().await?;
    let counted = async || (two.metric("fanet_pusher_presence_instances", &[]).await.ok()? == 2.0).then_some(());
    wait_until(TIMEOUT, "presence to count again", counted).await?;

    // One instance is killed, and some objects are removed before its clients are back.
    let killed = clock::now();
    one.service().kill().await?;
    for device in (0..400).step_by(37) {
        rig.remove(device).await?;
    }
    let all_there = async || (crowd.open() == count).then_some(());
    wait_until(TIMEOUT, "all clients to be at the other instance", all_there).await?;
    let half = count.div_ceil(2);
    let resumed = || maps.state().maps.iter().filter(|map| map.resumed == [true]).count();
    let all_resumed = async || (resumed() == half).then_some(());
    wait_until(TIMEOUT, "all of them to be resumed with their token", all_resumed).await?;
    println!("{half} of {count} clients lost their instance and were live at the other after {:?}", killed.elapsed());

    // The other instance shuts down: all clients must reconnect to the first one, which was started again.
    one.service().start().await?;
    maps.state().addresses = vec![at_one];
    let stopping = tokio::spawn(async move { two.service().stop().await });
    let moved = |map: &maps::Map| map.endings.contains(&Ending::Closed(1001)) && map.resumed.last() == Some(&true);
    all_maps(&maps, "every client to be sent away and resumed", moved).await?;
    stopping.await??;
    rig.stop_and_compare(&maps).await?;
    drop(crowd);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_reconnects_is_absorbed() -> Result<()> {
    const PER_SECOND: usize = 300;
    const MAX_BYTES: u64 = 40 << 10;
    let _alone = LARGE_CROWD.lock().await;
    let count = 5_000;
    let rig = Rig::start(Stack::shared().kafka().await?.bootstrap(), &[]).await?;
    let one = rig.pusher().await?;
    let two = rig.pusher_with(&[("UPDRAFT_PUSHER_MAX_HANDSHAKES", &PER_SECOND.to_string())]).await?;
    let maps = Maps::new(viewers(count), vec![address(&one)?]);
    let crowd = rig.crowd(&maps, count, &[address(&one)?]).await?;
    all_maps(&maps, "every client to be live and to have its token", |map| map.live_count == 1 && map.has_token())
        .await?;

    // Half of them reconnect with their token, the others are pages that are loaded again.
    maps.state().addresses = vec![address(&two)?];
    maps.state().half_without_token = true;
    let before = two.resident_bytes().unwrap_or_default();
    let killed = clock::now();
    one.service().kill().await?;
    let live_again = |map: &maps::Map| map.live_count >= 2;
    all_maps(&maps, "every client to be live again", live_again).await.with_context(|| {
        let live = maps.state().maps.iter().filter(|map| live_again(map)).count();
        format!("{live} of {count} are, {} are open", crowd.open())
    })?;
    let took = killed.elapsed();
    let grown = two.resident_bytes().unwrap_or_default().saturating_sub(before) / count as u64;
    // A metric without a count is not exported. Snapshots are counted several times a second.
    let counted = async |name: &str, label: &str| two.metric(name, &[label]).await.unwrap_or_default();
    let snapshots = async || {
        let new = counted("fanet_pusher_snapshots_total", "made=\"anew\"").await;
        let shared = counted("fanet_pusher_snapshots_total", "made=\"shared\"").await;
        ((new + shared) as usize == count).then_some(shared)
    };
    let shared = wait_until(TIMEOUT, "all snapshots to be counted", snapshots).await?;
    let refused = counted("fanet_pusher_handshakes_refused_total", "reason=\"rush\"").await;
    let complete = count / 2;
    println!(
        "{count} clients lost their instance at once and were live at the other after {took:?}: {PER_SECOND} a second"
    );
    println!(
        "{refused} handshakes were deferred, {shared} of {complete} complete snapshots shared, {grown} bytes per client"
    );
    ensure!(crowd.open() == count, "{} are open", crowd.open());
    let least = Duration::from_secs((count / PER_SECOND - 1) as u64);
    ensure!(took >= least && refused > 0.0, "expected at most {PER_SECOND} a second, not {count} in {took:?}");
    // Two of three clients share a region with others; the others have a separate snapshot.
    ensure!(shared >= complete as f64 / 4.0, "{shared} snapshots were shared");
    ensure!(grown < MAX_BYTES, "{grown} bytes per client");
    let resumed = maps.state().maps.iter().filter(|map| map.resumed == [true]).count();
    ensure!(resumed == count - complete, "{resumed} were resumed with their token");
    rig.stop_and_compare(&maps).await?;
    drop(crowd);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_clients_stay_and_catch_up() -> Result<()> {
    let count = 500;
    let kafka = Kafka::start(KafkaOptions::default()).await?;
    let rig = Rig::start(kafka.bootstrap(), &[("UPDRAFT_PUSHER_STALE_AFTER", "3s")]).await?;
    let pusher = rig.pusher().await?;
    let maps = Maps::new(viewers(count), Vec::new());
    let crowd = rig.crowd(&maps, count, &[address(&pusher)?]).await?;
    kafka.node(0).kill().await?;
    all_maps(&maps, "every client to receive that the data is stale", |map| map.stale).await?;
    let (status, text) = pusher.admin("/ready").await?;
    ensure!(
        status == 200 && text.contains("stale"),
        "it serves the last state and reports it as stale: {status} {text}"
    );
    // A minute in release builds: the connections to Kafka pass all steps of their backoff.
    let away = Duration::from_secs(fewer_in_debug(60, 10) as u64);
    let_pass(away).await;
    let (status, _) = pusher.http("/api/v1/pilots?bounds=43,5,49,15").await?;
    ensure!((crowd.open(), status) == (count, 200), "all stay, and REST answers");
    kafka.node(0).start().await?;
    let back = clock::now();
    all_maps(&maps, "every client to receive that the data is fresh", |map| !map.stale).await?;
    println!("{count} clients; Kafka was away for {away:?} and more; fresh {:?} after its return", back.elapsed());
    // The picture is fresh as soon as one connection to Kafka is back; the coordinator's can follow some seconds later.
    let is_whole = async || {
        let (_, text) = pusher.admin("/ready").await.ok()?;
        (!text.contains("degraded")).then_some(())
    };
    wait_until(TIMEOUT, "a pusher that reports no part as degraded", is_whole).await?;
    rig.stop_and_compare(&maps).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_slows_no_other() -> Result<()> {
    let (count, not_reading) = (fewer_in_debug(1_000, 300), fewer_in_debug(100, 30));
    let rig = Rig::start(Stack::shared().kafka().await?.bootstrap(), &[("UPDRAFT_PUSHER_SLOW_FOR", "10s")]).await?;
    let pusher = rig.pusher().await?;
    // All of the Alps: unread data fills the kernel's buffers within seconds.
    let queries = vec!["bounds=43,5,49,15".to_owned(); count];
    let maps = Maps::new(queries, Vec::new());
    let crowd = rig.crowd(&maps, count, &[address(&pusher)?]).await?;
    all_maps(&maps, "every client to be live", |map| map.live_count > 0).await?;
    let before_rss = pusher.resident_bytes().unwrap_or_default();
    crowd.read(0..not_reading, false);
    maps.take_p95_ms();
    let stopped_us = clock::unix_us();
    // A metric without a count is not exported.
    let slow =
        async || pusher.metric("fanet_pusher_connections_closed_total", &["reason=\"slow\""]).await.unwrap_or_default();
    let served =
        async || maps.state().maps[not_reading..].iter().all(|map| map.is_served_since(stopped_us)).then_some(());
    wait_until(TIMEOUT, "the others to have newer positions", served).await?;
    ensure!(slow().await == 0.0, "the others had newer positions only after the slow clients were disconnected");
    let all_slow = async || (slow().await == not_reading as f64).then_some(());
    wait_until(TIMEOUT, "the slow clients to be disconnected", all_slow).await?;
    let (during_ms, during_rss) = (maps.take_p95_ms(), pusher.resident_bytes().unwrap_or_default());
    println!("{not_reading} of {count} stop reading: p95 of the others {during_ms:.0} ms meanwhile");
    let grown = during_rss.saturating_sub(before_rss);
    ensure!(grown < 32 << 20, "the pusher grew by {grown} bytes");
    let others = maps.state().maps[not_reading..].iter().all(|map| map.endings.is_empty());
    ensure!(others, "another client lost its connection");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_clients_do_not_affect_the_others() -> Result<()> {
    let count = 300;
    let rig = Rig::start(Stack::shared().kafka().await?.bootstrap(), &[]).await?;
    let pusher = rig.pusher().await?;
    let at = address(&pusher)?;
    let maps = Maps::new(viewers(count), Vec::new());
    let crowd = rig.crowd(&maps, count, &[at]).await?;
    all_maps(&maps, "every client to be live", |map| map.live_count > 0).await?;
    maps.take_p95_ms();
    let (began_us, before_rss) = (clock::unix_us(), pusher.resident_bytes().unwrap_or_default());
    let attacks = async { hostile::all(at).await.map(|sent| (sent, clock::now())) };
    let served = async {
        all_maps(&maps, "the others to have newer positions", |map| map.is_served_since(began_us)).await?;
        anyhow::Ok(clock::now())
    };
    let ((sent, ended), served) = tokio::try_join!(attacks, served)?;
    ensure!(served < ended, "the others had newer positions only after the attacks");
    let (during_ms, during_rss) = (maps.take_p95_ms(), pusher.resident_bytes().unwrap_or_default());
    println!("{sent}: p95 of {count} others {during_ms:.0} ms meanwhile");
    let grown = during_rss.saturating_sub(before_rss);
    println!("the pusher grew by {} KB", grown / 1024);
    ensure!(grown < 32 << 20, "the pusher grew by {grown} bytes");
    ensure!(crowd.open() == count, "another client lost its connection");
    rig.stop_and_compare(&maps).await
}
