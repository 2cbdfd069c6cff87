//! Captures as lines, and lines as captures.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bytes::Bytes;
use capture::{FileHeader, Framed, Record, Writer};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};

fn replay(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("replay starts");
    child.stdin.take().expect("piped").write_all(input).expect("replay reads");
    child.wait_with_output().expect("replay ends")
}

fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = replay(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Records of three partitions; the highest is not the last one.
fn write_capture(path: &Path) {
    let header = FileHeader { topic: "fanet.raw.v1".into(), partitions: 3, ..FileHeader::default() };
    let mut writer = Writer::new(Vec::new(), &header).expect("a Vec takes all");
    for (offset, partition) in [(0, 0), (0, 2), (0, 1), (1, 0)] {
        let ingested_at_us = 1_784_034_000_000_000 + offset * 1_000_000 + u64::from(partition) * 1_000;
        let input = Some(Input::Tick(Tick { bridge_id: "tests".into(), interval_s: 5 }));
        let record = RawRecord { ingested_at_us, input, ..RawRecord::default() };
        let timestamp_ms = (ingested_at_us / 1_000) as i64;
        let value = Some(Framed { framing: Bytes::new(), record }.to_value());
        let record = Record { partition, offset, timestamp_ms, key: None, value, headers: Vec::new() };
        writer.push(partition, &record).expect("a Vec takes all");
    }
    std::fs::write(path, writer.finish().expect("a Vec takes all").0).expect("written");
}

#[test]
fn lines_of_a_capture_make_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    write_capture(Path::new(&path("first")));
    let lines = run(&["cat", "--lines", &path("first")], b"");
    std::fs::write(path("lines"), &lines).expect("written");
    run(&["capture", &path("lines"), "--out", &path("file")], b"");
    run(&["capture", "-", "--out", &path("pipe")], &[b"\n", &lines[..]].concat());
    for name in ["file", "pipe"] {
        assert!(run(&["cat", "--lines", &path(name)], b"") == lines, "{name}");
        let info = run(&["info", "--json", &path(name)], b"");
        let info: serde_json::Value = serde_json::from_slice(&info).expect("JSON");
        assert_eq!((&info["partitions"], &info["records"]), (&3.into(), &4.into()), "{name}");
    }
}

#[test]
fn messages_and_records_do_not_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let message = b"{\"at_us\":7000,\"topic\":\"fb/b/268/hw\",\"payload_hex\":\"00\"}\n";
    run(&["capture", "-", "--out", &path("messages")], &message.repeat(2));
    let info: serde_json::Value =
        serde_json::from_slice(&run(&["info", "--json", &path("messages")], b"")).expect("JSON");
    assert_eq!((&info["partitions"], &info["records"]), (&0.into(), &2.into()));

    write_capture(Path::new(&path("first")));
    let lines = run(&["cat", "--lines", &path("first")], b"");
    for mixed in [[&message[..], &lines].concat(), [&lines[..], message].concat()] {
        let output = replay(&["capture", "-", "--force", "--out", &path("mixed")], &mixed);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("expected the same form as the lines before"), "{errors}");
    }
}
