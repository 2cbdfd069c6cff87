//! Measures a jump into the past as its user sees it: from the click in a browser to the aircraft on the map, over the real
//! pusher and 10 million positions in ClickHouse. Prints `bench: NAME VALUE UNIT`.
//!
//! The programs are the binaries in the same target directory: run `cargo build --release` first, as `just bench` does.

#![allow(clippy::print_stdout, reason = "prints the figures")]

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{ClickHouse as Engine, Stage};
use history::{ClickHouse, Retention};
use runtime::Clock;

/// Devices over the Bernese Alps and around them, each with a position every `STEP_MS` of the last `HOURS` hours.
const DEVICES: i64 = 1_160;
const STEP_MS: i64 = 5_000;
/// As much as the map's slider shows.
const HOURS: i64 = 12;
const ROWS: i64 = DEVICES * HOURS * 3_600_000 / STEP_MS;

#[tokio::main]
async fn main() -> Result<()> {
    let engine = Engine::start().await?;
    let url = format!("{}/seek", engine.url());
    let clock = Clock::system();
    let store = ClickHouse::new(url.clone(), clock.clone())?;
    store.migrate(&Retention { position_days: 0, reception_days: 0, statistics_days: 0 }, false).await?;
    store.client().query(&circling_pilots(clock.now_us() as i64 / 1_000 - HOURS * 3_600_000)).execute().await?;
    let rows = store.client().query("SELECT count() FROM positions").fetch_one::<u64>().await?;
    ensure!(rows == ROWS as u64, "{rows} positions in the history, expected {ROWS}");
    wait_for_merges(&store).await?;

    let stage = Stage::start_with("seek", [("UPDRAFT_CLICKHOUSE_URL".to_owned(), url)]).await?;
    let script = harness::workspace_dir().join("pusher/web/benches/seek.mjs");
    let status = Command::new(harness::tool_path("node")?).arg(script).arg(stage.pusher.http_url()).status()?;
    ensure!(status.success(), "seek.mjs: {status}");
    Ok(())
}

/// Pilots who circle and drift, each in an area of its own, 2 degrees by 4; addresses from 120000 on.
fn circling_pilots(from_ms: i64) -> String {
    format!(
        "INSERT INTO positions (device, event_at, observation_id, ingest_delay_ms, latitude_e7, longitude_e7, altitude_m, \
             speed_dkmh, climb_cmps, course_cdeg, aircraft_kind, flags, source, online_tracking, private) \
         WITH number % {DEVICES} AS pilot, intDiv(number, {DEVICES}) AS step, pilot + step * 0.35 AS turn, \
             45.6 + (pilot * 769 % {DEVICES}) / {DEVICES} * 2 AS north, 5.8 + (pilot * 331 % {DEVICES}) / {DEVICES} * 4 AS east \
         SELECT 0x120000 + pilot, fromUnixTimestamp64Milli({from_ms} + toInt64(step * {STEP_MS} + pilot % 50 * 100)), number, 120, \
             toInt32((north + 0.0015 * sin(turn) + 0.02 * sin(step / 900 + pilot)) * 1e7), \
             toInt32((east + 0.0022 * cos(turn) + 0.03 * cos(step / 700 + pilot)) * 1e7), \
             toInt16(1500 + 900 * sin(step / 200 + pilot)), 380, toInt16(250 * cos(step / 200 + pilot)), \
             toUInt16(toInt64(step * 2000 + pilot * 31) % 36000), 2, 0, 1, true, false \
         FROM numbers({ROWS})"
    )
}

/// A history that has just been filled merges its parts for a while.
async fn wait_for_merges(store: &ClickHouse) -> Result<()> {
    let at_rest = async || {
        let merges = store.client().query("SELECT count() FROM system.merges").fetch_one::<u64>().await.ok()?;
        (merges == 0).then_some(())
    };
    harness::wait_until(Duration::from_secs(300), "the engine to have merged its parts", at_rest).await
}
