//! Times selected of an archive.

use std::path::Path;
use std::process::{Command, Stdio};

use archive::{Border, Hour, HourFile, Location, S3Options, Store};
use bytes::Bytes;
use capture::{FileHeader, Framed, Record};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};

/// 2026-07-14T13:00:00Z.
const START_MS: i64 = 1_784_034_000_000;
const HOUR_MS: i64 = 3_600_000;

/// Archives an hour of one partition, whose records have these offsets and times.
fn put(store: &Store, hour: Hour, epoch: &str, records: &[(u64, i64)]) {
    let mut file = HourFile::create(1).expect("a temporary file");
    let first = records.first().map(|(offset, _)| *offset);
    let mut border = Border::new(hour, first, first.unwrap_or_default() + records.len() as u64);
    for (offset, timestamp_ms) in records {
        let input = Some(Input::Tick(Tick { bridge_id: "tests".into(), interval_s: 5 }));
        let record = RawRecord { ingested_at_us: *timestamp_ms as u64 * 1_000, input, ..RawRecord::default() };
        let value = Some(Framed { framing: Bytes::new(), record }.to_value());
        let (offset, timestamp_ms) = (*offset, *timestamp_ms);
        assert!(border.takes(offset, timestamp_ms));
        let record = Record { partition: 0, offset, timestamp_ms, key: None, value, headers: Vec::new() };
        file.add(&record).expect("taken");
    }
    border.close_at_end();
    let header =
        FileHeader { topic: "fanet.raw.v1".into(), epoch: epoch.to_owned(), partitions: 1, ..FileHeader::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(store.put(hour, &header, file, &[border])).expect("written");
}

/// The offsets that `replay cat` prints of a time.
fn offsets(archive: &Path, from: &str, to: &str) -> Vec<u64> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg("cat").arg(archive).args(["--json", "--from", from, "--to", to]).stdin(Stdio::null());
    let output = command.output().expect("replay starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    let offset = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["offset"].as_u64();
    text.lines().map(|line| offset(line).expect("a number")).collect()
}

#[test]
fn two_neighbouring_times_have_each_record_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Folder(folder.path().to_str().expect("text").to_owned());
    let store = Store::open(location, &S3Options::default()).expect("a folder");
    let (hour, border_ms) = (Hour::of_ms(START_MS), START_MS + HOUR_MS);
    put(&store, hour, "one", &[(0, START_MS), (1, border_ms - 5)]);
    // The second one is late: it is before the border, and stands behind it.
    put(&store, hour.next(), "one", &[(2, border_ms), (3, border_ms - 1), (4, border_ms + 1)]);
    put(&store, hour.next().next(), "two", &[(0, border_ms + HOUR_MS)]);

    assert_eq!(offsets(folder.path(), "2026-07-14T13", "2026-07-14T14"), [0, 1, 3]);
    // The hour after it is of another cluster.
    assert_eq!(offsets(folder.path(), "2026-07-14T14", "2026-07-14T15"), [2, 4]);
}
