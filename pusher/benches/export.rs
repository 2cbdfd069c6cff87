//! Exports a million rows of the history over HTTP in every format and measures the memory; reads a hundred tracks.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

#[path = "../tests/api/stage.rs"]
mod stage;

use std::sync::Arc;
use std::time::Instant;

use history::{Block, BlockRows, HistoryWriter as _, PositionRow, Retention, Sqlite};
use runtime::Clock;
use stage::Stage;

const ROWS: u32 = 1_000_000;
const BLOCK: u32 = 10_000;
const DEVICES: u32 = 500;

fn row(i: u32, start_ms: i64) -> PositionRow {
    let (device, step) = (i % DEVICES, i64::from(i / DEVICES));
    let wave = (i % 1_801) as i32;
    PositionRow {
        device: 0x11_0000 + device,
        event_at_ms: start_ms + step * 5_000,
        observation_id: u64::from(i),
        ingest_delay_ms: 300,
        latitude_e7: 460_000_000 + (device as i32) * 20_000 + wave * 37,
        longitude_e7: 80_000_000 + (step as i32) * 900 - wave * 11,
        altitude_m: Some(1_000 + (wave % 900) as i16),
        speed_dkmh: 360 + (i % 50) as u16,
        climb_cmps: (i % 600) as i16 - 300,
        course_cdeg: Some((i * 7_450 % 36_000) as u16),
        turn_rate_cdps: (i.is_multiple_of(3)).then_some(1_200),
        qne_offset_m: None,
        aircraft_kind: 2,
        flags: 0,
        score: Some(90),
        source: 1,
        online_tracking: true,
        private: false,
    }
}

/// Resident memory of this process, MiB: pusher, store and client.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
    kib / 1_024.0
}

async fn store() -> Arc<Sqlite> {
    let clock = Clock::system();
    let store = Sqlite::open(None, Retention::default(), clock.clone()).expect("a temporary file");
    let start_ms = i64::try_from(clock.now_us() / 1_000).expect("after 1970") - 6 * 3_600_000;
    for first in (0..ROWS).step_by(BLOCK as usize) {
        let positions = (first..first + BLOCK).map(|i| row(i, start_ms)).collect();
        let rows = BlockRows { positions, ..Default::default() };
        store.write(&Block { token: format!("bench-0-{first}"), rows }).await.expect("the block is written");
    }
    Arc::new(store)
}

#[tokio::main]
async fn main() {
    let stage = Stage::open_with_history(store().await, &[]).await;
    for format in ["csv", "parquet", "xlsx"] {
        let before = resident_mib();
        let started = Instant::now();
        let mut response = stage.get(&format!("/api/v1/export?hours=7&format={format}")).await;
        assert_eq!(response.status(), 200);
        let (mut bytes, mut highest) = (0, before);
        while let Some(piece) = response.chunk().await.expect("a complete table") {
            bytes += piece.len();
            highest = highest.max(resident_mib());
        }
        let per_second = f64::from(ROWS) / started.elapsed().as_secs_f64();
        let name = if format == "csv" { String::new() } else { format!("{format}_") };
        println!("bench: export_{name}rows_per_second {per_second:.0} rows/s");
        println!("bench: export_{name}size {:.1} MB", bytes as f64 / 1e6);
        println!("bench: export_{name}memory_growth {:.1} MiB", highest - before);
        println!("bench: export_{name}resident {highest:.1} MiB");
    }
    let mut times: Vec<f64> = Vec::new();
    for device in 0..100 {
        let started = Instant::now();
        let address = schemas::DeviceAddress(0x11_0000 + device);
        let track = stage.get(&format!("/api/v1/track/{address}?hours=12&max_points=1000")).await.bytes().await;
        assert!(track.expect("a track").len() > 100_000);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("bench: track_http_2000_points_p95 {:.2} ms", times[94]);
    stage.close().await;
}
