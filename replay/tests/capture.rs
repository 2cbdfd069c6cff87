//! `replay capture` into files that are there already.

use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bytes::Bytes;
use capture::{Capture, Ending, FileHeader, Filter, Framed, Record, Writer};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};

/// What is said of an output that is the input.
const INPUT: &str = "is the input: expected another file, choose another --out";
const START_MS: i64 = 1_784_034_000_000;

fn replay(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(arguments).stdin(Stdio::null()).output().expect("replay starts")
}

/// It ended with this code, and said this.
fn check(arguments: &[&str], code: i32, text: &str) {
    let output = replay(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    assert!(errors.contains(text), "{arguments:?}: {errors}");
}

fn header() -> FileHeader {
    FileHeader { topic: "fanet.raw.v1".into(), epoch: "one".into(), partitions: 2, ..FileHeader::default() }
}

fn record(partition: u32, offset: u64) -> Record {
    let timestamp_ms = START_MS + offset as i64 * 1_000;
    let input = Some(Input::Tick(Tick { bridge_id: "tests".into(), interval_s: 5 }));
    let record = RawRecord { ingested_at_us: timestamp_ms as u64 * 1_000, input, ..RawRecord::default() };
    let value = Some(Framed { framing: Bytes::new(), record }.to_value());
    Record { partition, offset, timestamp_ms, key: None, value, headers: Vec::new() }
}

/// A complete capture of records, by partition and offset.
fn write(path: &Path, header: &FileHeader, records: &[(u32, u64)]) {
    let mut writer = Writer::new(Vec::new(), header).expect("a Vec takes all");
    for (partition, offset) in records {
        writer.push(*partition, &record(*partition, *offset)).expect("a Vec takes all");
    }
    std::fs::write(path, writer.finish().expect("a Vec takes all").0).expect("written");
}

/// The header of a complete capture, and partition and offset of its records, by partition.
fn read(path: &Path) -> (FileHeader, Vec<(u32, u64)>) {
    let bytes = std::fs::read(path).expect("it is there");
    let mut capture = Capture::open(Cursor::new(bytes)).expect("a capture");
    assert_eq!(*capture.ending(), Ending::Complete);
    let records: Result<Vec<Record>, _> = capture.records(Filter::default()).collect();
    let mut positions: Vec<_> =
        records.expect("undamaged").iter().map(|record| (record.partition, record.offset)).collect();
    // The order within a partition stays.
    positions.sort_by_key(|(partition, _)| *partition);
    (capture.header().clone(), positions)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

#[test]
fn a_capture_without_records_is_continued_behind_its_own_header() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (folder.path().join("input"), folder.path().join("out"));
    let records = [(0, 0), (0, 1), (1, 0)];
    write(&input, &header(), &records);
    for source in ["", "a source with a text that is much longer than the one that this program writes"] {
        let old = FileHeader { source: source.repeat(5), ..header() };
        write(&out, &old, &[]);
        check(&["capture", text(&input), "--append", "--out", text(&out)], 0, "3 records in");
        assert_eq!(read(&out), (old, records.to_vec()), "{source:?}");
    }
}

#[test]
fn the_input_is_not_the_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let input = path("input");
    write(&input, &header(), &[(0, 0), (0, 1)]);
    let before = std::fs::read(&input).expect("it is there");
    std::os::unix::fs::symlink(&input, path("link")).expect("a link");
    std::fs::hard_link(&input, path("name")).expect("a second name");
    for out in ["input", "./input", "link", "name"] {
        let named = path(out);
        for how in ["--force", "--append"] {
            check(&["capture", text(&input), how, "--out", text(&named)], 64, INPUT);
            assert!(std::fs::read(&input).expect("it is there") == before, "{out} {how}");
        }
    }
    // An hour of the archive that is read.
    let archive = path("archive");
    let hour = archive.join("2026/07/14/2026-07-14T13.capture");
    std::fs::create_dir_all(hour.parent().expect("a folder")).expect("made");
    std::fs::copy(&input, &hour).expect("copied");
    check(&["capture", text(&archive), "--force", "--out", text(&hour)], 64, INPUT);
    assert!(std::fs::read(&hour).expect("it is there") == before);
}

#[test]
fn a_continued_capture_has_each_record_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (short, long, out) = (path("short"), path("long"), path("out"));
    let records = [(0, 3), (0, 4), (0, 9), (1, 0), (1, 1)];
    write(&short, &header(), &[(0, 3), (0, 4), (1, 0)]);
    write(&long, &header(), &records);
    let append = |input: &Path, text_of_it: &str| {
        check(&["capture", text(input), "--append", "--out", text(&out)], 0, text_of_it);
    };
    append(&short, "3 records in");
    append(&short, "skipped 3 records: the file has them, or later ones of their partition");
    append(&long, "2 records in");
    assert_eq!(read(&out).1, records);

    // Killed while it wrote the block of the second partition.
    let bytes = std::fs::read(&long).expect("it is there");
    let second = Capture::open(Cursor::new(&bytes)).expect("a capture").index().blocks[1].start;
    std::fs::write(&out, &bytes[..second as usize + 20]).expect("written");
    append(&long, "2 records in");
    assert_eq!(read(&out).1, records);
}

#[test]
fn messages_are_added_and_counted_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (messages, lines, out) = (path("messages"), path("lines"), path("out"));
    write(&messages, &FileHeader::default(), &[(0, 0), (0, 1)]);
    std::fs::write(&lines, "{\"at_us\":7000,\"topic\":\"fb/b/268/hw\",\"payload_hex\":\"00\"}\n").expect("written");
    for (input, line) in [(&messages, "2 records in"), (&messages, "2 records in"), (&lines, "1 records in")] {
        check(&["capture", text(input), "--append", "--out", text(&out)], 0, line);
    }
    assert_eq!(read(&out).1, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]);
}
