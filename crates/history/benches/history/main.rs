//! The stores under load: prints `bench: <name> <value> <unit>` lines.
//!
//! The flights are the IGC files in the folder `UPDRAFT_IGC_DIR`, repeated by many devices, or simulated without that
//! setting; sampled every 5 s and rounded as in FANET. `UPDRAFT_BENCH_ROWS` sets the number of positions (10 million).

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures real time and prints")]

mod flights;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use geo::Bounds;
use harness::ClickHouse as Engine;
use history::{
    Block, BlockRows, ClickHouse, HistoryReader, HistoryWriter, Period, PositionRow, RegionQuery, Retention, Sqlite,
    TrackQuery, Visibility,
};
use runtime::Clock;

use crate::flights::{START_MS, STEP_MS, Sky};

const ROWS: usize = 10_000_000;
/// Positions of one device: 12 h.
const TRACK: usize = 12 * 3_600_000 / STEP_MS as usize;
const BLOCK: usize = 20_000;
const SQLITE_ROWS: usize = 500_000;
const SQLITE_BLOCK: usize = 1_000;
const QUERIES: usize = 200;
const SEEKS: usize = 60;
/// What the map asks for first after a jump: half a minute before and after the time that is shown.
const SEEK_MS: i64 = 60_000;
const SEEK_PAGE: u64 = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    let rows = std::env::var("UPDRAFT_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let sky = Sky::new()?;
    sqlite(&sky).await?;
    clickhouse(&sky, rows).await
}

fn report(name: &str, value: f64, unit: &str) {
    println!("bench: {name} {value:.1} {unit}");
}

async fn sqlite(sky: &Sky) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Sqlite::open(Some(&dir.path().join("bench.sqlite")), Retention::default(), Clock::system())?;
    let blocks: Vec<Block> = blocks(sky, SQLITE_ROWS, SQLITE_BLOCK).collect();
    let began = Instant::now();
    for block in &blocks {
        store.write(block).await?;
    }
    report("sqlite_rows_per_second", SQLITE_ROWS as f64 / began.elapsed().as_secs_f64(), "rows/s");
    Ok(())
}

async fn clickhouse(sky: &Sky, rows: usize) -> Result<()> {
    let engine = Engine::start().await?;
    let store = ClickHouse::new(format!("{}/bench", engine.url()), Clock::system())?;
    store.migrate(&Retention { position_days: 0, reception_days: 0, statistics_days: 0 }, false).await?;
    let mut writing = 0.0;
    // Two blocks concurrently, as in the historian.
    let mut all = std::pin::pin!(futures::stream::iter(blocks(sky, rows, BLOCK)).ready_chunks(1));
    let mut pair = Vec::new();
    loop {
        let next = all.next().await;
        let ended = next.is_none();
        pair.extend(next.into_iter().flatten());
        if pair.len() == 2 || ended {
            let began = Instant::now();
            futures::future::try_join_all(pair.iter().map(|block| store.write(block))).await?;
            writing += began.elapsed().as_secs_f64();
            pair.clear();
        }
        if ended {
            break;
        }
    }
    report("history_insert_rows_per_second", rows as f64 / writing, "rows/s");
    wait_for_merges(&store).await?;
    let parts =
        "SELECT toFloat64(count()) FROM system.parts WHERE database = 'bench' AND table = 'positions' AND active";
    report("history_parts", store.client().query(parts).fetch_one::<f64>().await?, "parts");
    tracks(&store, rows / TRACK).await?;
    seeks(&store, &sky.position(0, 0, rows.div_ceil(TRACK)), rows).await?;
    size(&engine, sky).await
}

/// Each flight once, since repeated ones would compress too well.
async fn size(engine: &Engine, sky: &Sky) -> Result<()> {
    let store = ClickHouse::new(format!("{}/bench_size", engine.url()), Clock::system())?;
    store.migrate(&Retention { position_days: 0, reception_days: 0, statistics_days: 0 }, false).await?;
    let positions = sky.each_once();
    let rows = positions.len();
    let rows_of_block = BlockRows { positions, ..BlockRows::default() };
    store.write(&Block { token: "size-0-0-0".to_owned(), rows: rows_of_block }).await?;
    store.client().query("OPTIMIZE TABLE positions FINAL").execute().await?;
    // In the order of devices, and in that of time.
    let size = "SELECT toFloat64(sum(data_compressed_bytes)) / sumIf(rows, NOT is_second) FROM ( \
                SELECT data_compressed_bytes, rows, false AS is_second FROM system.parts \
                WHERE database = 'bench_size' AND table = 'positions' AND active \
                UNION ALL SELECT data_compressed_bytes, rows, true FROM system.projection_parts \
                WHERE database = 'bench_size' AND table = 'positions' AND active)";
    eprintln!("{rows} positions");
    report("history_bytes_per_position", store.client().query(size).fetch_one::<f64>().await?, "bytes");
    Ok(())
}

/// Waits for the merges after the load, since tracks are usually queried beside a low rate of inserts.
async fn wait_for_merges(store: &ClickHouse) -> Result<()> {
    let at_rest = async || {
        let merges = store.client().query("SELECT count() FROM system.merges").fetch_one::<u64>().await.ok()?;
        (merges == 0).then_some(())
    };
    harness::wait_until(Duration::from_secs(120), "the engine to have merged its parts", at_rest).await
}

/// Queries the tracks of many devices, one after the other, as a map does.
async fn tracks(store: &ClickHouse, devices: usize) -> Result<()> {
    // The cost of a query without a result: the request, the plan, and reading an index of every part.
    timed(store, "track_of_nobody", 0, |_| flights::device(devices)).await?;
    timed(store, "track_12h", TRACK * 9 / 10, |query| flights::device(query * 37 % devices)).await
}

async fn timed(store: &ClickHouse, name: &str, at_least: usize, device: impl Fn(usize) -> u32) -> Result<()> {
    let mut seconds = Vec::new();
    for query in 0..QUERIES {
        let query = TrackQuery {
            device: device(query),
            period: Period { from_ms: START_MS, to_ms: START_MS + 12 * 3_600_000 },
            visibility: Visibility::Public,
            plausible_only: true,
            limit: 100_000,
        };
        let began = Instant::now();
        let (mut rows, mut count) = (store.track(query), 0);
        while let Some(block) = rows.next().await {
            count += block?.len();
        }
        seconds.push(began.elapsed().as_secs_f64());
        anyhow::ensure!(count >= at_least, "a track of {count} positions");
    }
    seconds.sort_by(f64::total_cmp);
    report(&format!("{name}_p50_ms"), seconds[QUERIES / 2] * 1e3, "ms");
    report(&format!("{name}_p95_ms"), seconds[QUERIES * 95 / 100] * 1e3, "ms");
    Ok(())
}

/// Jumps to times of the past as the map's time travel does: the first page of what a region saw about that time.
async fn seeks(store: &ClickHouse, somewhere: &PositionRow, rows: usize) -> Result<()> {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    let (latitude_deg, longitude_deg) = (degrees(somewhere.latitude_e7), degrees(somewhere.longitude_e7));
    let bounds = Bounds::new(latitude_deg - 0.5, longitude_deg - 0.7, latitude_deg + 0.5, longitude_deg + 0.7)
        .context("bounds")?;
    // As in `blocks`: all devices send one position in a step.
    let length_ms = (rows / rows.div_ceil(TRACK)) as i64 * STEP_MS - SEEK_MS;
    let mut seconds = Vec::new();
    for seek in 0..SEEKS {
        let from_ms = START_MS + length_ms * seek as i64 / SEEKS as i64;
        let query = RegionQuery {
            bounds,
            period: Period { from_ms, to_ms: from_ms + SEEK_MS },
            step_ms: STEP_MS,
            after: None,
            limit: SEEK_PAGE,
        };
        let began = Instant::now();
        let (mut rows, mut count) = (store.positions_by_time(query), 0);
        while let Some(block) = rows.next().await {
            count += block?.len();
        }
        seconds.push(began.elapsed().as_secs_f64());
        anyhow::ensure!(count > 0, "no position at {from_ms}");
    }
    seconds.sort_by(f64::total_cmp);
    report("seek_p50_ms", seconds[SEEKS / 2] * 1e3, "ms");
    report("seek_p95_ms", seconds[SEEKS * 95 / 100] * 1e3, "ms");
    Ok(())
}

/// Positions in the order of the log: all devices in turn.
fn blocks(sky: &Sky, rows: usize, size: usize) -> impl Iterator<Item = Block> + '_ {
    let devices = rows.div_ceil(TRACK);
    let positions = move |range: std::ops::Range<usize>| -> Vec<PositionRow> {
        range.map(|number| sky.position(number % devices, number / devices, devices)).collect()
    };
    (0..rows.div_ceil(size)).map(move |number| {
        let range = number * size..((number + 1) * size).min(rows);
        let token = format!("bench-0-{}-{}", range.start, range.end - 1);
        Block { token, rows: BlockRows { positions: positions(range), ..BlockRows::default() } }
    })
}
