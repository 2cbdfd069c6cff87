//! The speed of the core and the cost of a device: prints `bench: <name> <value> <unit>` lines.

#[path = "../tests/support/traffic.rs"]
mod traffic;

use std::hint::black_box;
use std::time::Instant;

use air::core::{Core, Outputs, RawInput, Settings};
use prost::Message as _;
use schemas::v1::{ProcessorState, RawRecord};
use streams::partitioner::partition_of;
use traffic::{Plan, START_US};

const PARTITIONS: u32 = 24;

/// Records in the order of ingest, with their partitions.
fn traffic(devices: u32, seconds: u64) -> Vec<(u32, RawRecord)> {
    let plan = Plan { devices, seconds, receivers: 3, seed: 1, start_us: START_US };
    let mut records = Vec::new();
    for sent in traffic::records(plan) {
        match &sent.key {
            Some(key) => records.push((partition_of(key.as_bytes(), PARTITIONS), sent.record)),
            None => records.extend((0..PARTITIONS).map(|partition| (partition, sent.record.clone()))),
        }
    }
    records
}

fn cores() -> Vec<Core> {
    (0..PARTITIONS).map(|partition| Core::new(partition as u16, Settings::default())).collect()
}

/// Applies records to their cores, in one thread; the outputs made.
fn apply(cores: &mut [Core], records: &[(u32, RawRecord)], first_offset: u64) -> usize {
    let (mut out, mut made) = (Outputs::default(), 0);
    for (index, (partition, record)) in records.iter().enumerate() {
        let input = RawInput { offset: first_offset + index as u64, record };
        cores[*partition as usize].apply(&input, &mut out);
        made += out.observations.len() + out.states.len() + out.receptions.len();
        black_box(&out);
        out.clear();
    }
    made
}

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Frames per second of the second half of the records, when the cores know all devices.
fn frames_per_second(devices: u32, seconds: u64) -> f64 {
    let records = traffic(devices, seconds);
    let half = records.len() / 2;
    let mut cores = cores();
    apply(&mut cores, &records[..half], 0);
    let began = now();
    let made = apply(&mut cores, &records[half..], half as u64);
    let seconds = began.elapsed().as_secs_f64();
    assert!(made > half, "{made} outputs of {half} frames");
    (records.len() - half) as f64 / seconds
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() * 1_024
}

#[allow(clippy::print_stdout, reason = "the lines are what a bench is for")]
fn report(name: &str, value: f64, unit: &str) {
    println!("bench: {name} {value:.1} {unit}");
}

fn main() {
    let median = |devices: u32, seconds: u64, rounds: u32| {
        let mut rates: Vec<f64> = (0..rounds).map(|_| frames_per_second(devices, seconds)).collect();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let rate = median(10_000, 60, 3);
    report("core_frames_per_core", rate, "frames/s");
    // Each time about as many frames, all devices known when the measurement begins.
    report("core_ns_per_frame_1000", 1e9 / median(1_000, 600, 3), "ns");
    report("core_ns_per_frame_10000", 1e9 / rate, "ns");
    report("core_ns_per_frame_100000", 1e9 / median(100_000, 20, 3), "ns");
    memory_and_restore(60_000);
}

/// The memory of devices after a flight of a minute and a half, and the time to restore them from a checkpoint.
fn memory_and_restore(devices: u32) {
    let mut cores = cores();
    let records = traffic(devices, 90);
    let before = resident_bytes();
    apply(&mut cores, &records, 0);
    let grown = resident_bytes().saturating_sub(before);
    drop(records);
    report("core_bytes_per_device", grown as f64 / f64::from(devices), "bytes");
    let began = now();
    let checkpoint: Vec<Vec<u8>> = cores
        .iter_mut()
        .flat_map(|core| core.changed_checkpoints("bench"))
        .filter_map(|(_, part)| part.map(|part| part.encode_to_vec()))
        .collect();
    report("core_checkpoint_s", began.elapsed().as_secs_f64(), "s");
    let bytes: usize = checkpoint.iter().map(Vec::len).sum();
    report("core_checkpoint_bytes_per_device", bytes as f64 / f64::from(devices), "bytes");
    drop(cores);
    let began = now();
    let mut core = Core::new(0, Settings::default());
    for part in &checkpoint {
        core.restore(ProcessorState::decode(&part[..]).expect("as it was written"));
    }
    report("core_restore_100k_devices_s", began.elapsed().as_secs_f64() * 1e5 / f64::from(devices), "s");
    black_box(core.devices());
}
