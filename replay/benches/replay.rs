//! What replaying costs, as lines `bench: <name> <value> <unit>`: making traffic, running a capture through the core, and
//! comparing two processors over it. Single core but for the comparison.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock of the machine")]
#![allow(clippy::print_stdout, reason = "its figures are its output")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use bytes::Bytes;
use capture::{Capture, FileHeader, Filter, Framed, Record, Writer};
use offline::{CoreOptions, OfflineCore, message_record};
use replay::generate::{Scenario, Simulation};
use streams::partitioner::partition_of;

const START_US: u64 = 1_784_000_000_000_000;
const PILOTS: usize = 5_000;
const RUN_S: u64 = 400;
const PARTITIONS: u32 = 6;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sky.capture");
    let frames = generate(&path);
    replay(&path, frames);
    diff(&path, frames);
}

/// Makes the traffic, and keeps it as a capture of the raw topic.
fn generate(path: &Path) -> u64 {
    let mut simulation = Simulation::of_world(Scenario::of(PILOTS, 1, START_US));
    let header = FileHeader { partitions: PARTITIONS, ..FileHeader::default() };
    let file = File::create(path).expect("a temporary file");
    let mut writer = Writer::new(BufWriter::new(file), &header).expect("the disk takes it");
    let mut offsets: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut frames, mut seconds) = (0, 0.0);
    for second in 1..=RUN_S {
        let started = Instant::now();
        let receptions = simulation.run_to(START_US + second * 1_000_000);
        seconds += started.elapsed().as_secs_f64();
        frames += receptions.len() as u64;
        for reception in receptions {
            let (key, record) =
                message_record(reception.at_us, &reception.topic, reception.payload).expect("a receiver's topic");
            let partition = partition_of(key.as_bytes(), PARTITIONS);
            let next = offsets.entry(partition).or_default();
            *next += 1;
            let record = Record {
                partition,
                offset: *next - 1,
                timestamp_ms: (record.ingested_at_us / 1000) as i64,
                key: Some(Bytes::from(key)),
                value: Some(Framed { framing: Bytes::new(), record }.to_value()),
                headers: Vec::new(),
            };
            writer.push(partition, &record).expect("the disk takes it");
        }
    }
    writer.finish().expect("the disk takes it");
    println!("bench: generate_frames_per_core {:.0} frames/s", frames as f64 / seconds);
    frames
}

fn replay(path: &Path, frames: u64) {
    let mut capture = Capture::open(std::io::BufReader::new(File::open(path).expect("made above"))).expect("a capture");
    let settings = CoreOptions::default().settings();
    let mut core = OfflineCore::new(&settings, Some(PARTITIONS));
    let mut observations = 0;
    let mut see = |applied: offline::Applied<'_>| {
        observations += applied.outputs.observations.len();
        Ok(())
    };
    let started = Instant::now();
    for record in capture.records(Filter::default()) {
        core.captured(&record.expect("undamaged"), false, &mut see).expect("a record of a partition");
    }
    println!("bench: replay_frames_per_core {:.0} frames/s", frames as f64 / started.elapsed().as_secs_f64());
    assert!(observations > 0, "the core saw nothing");
}

/// The processor of this build against itself.
fn diff(path: &Path, frames: u64) {
    let replay = Path::new(env!("CARGO_BIN_EXE_replay"));
    let processor = replay.with_file_name("processor");
    assert!(processor.exists(), "{} is missing: cargo build --release --workspace --bins", processor.display());
    let started = Instant::now();
    let output = Command::new(replay)
        .arg("diff")
        .arg("--left")
        .arg(&processor)
        .arg("--right")
        .arg(&processor)
        .arg(path)
        .output()
        .expect("replay starts");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("bench: diff_frames_per_second {:.0} frames/s", frames as f64 / seconds);
}
