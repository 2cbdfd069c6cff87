//! Wrong inputs and targets that refuse: each is one clear line and the documented exit code. What needs a Kafka or an
//! S3-compatible store is in `tests/tests/replay` and `tests/tests/generate`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use archive::{Border, Hour, HourFile, Location, S3Options, Store};
use bytes::Bytes;
use capture::{Capture, FileHeader, Framed, Record, Writer};
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

const START_MS: i64 = 1_784_034_000_000;
/// A position of 110B90.
const TRACKING: &str = "0111900b4caf411bc209a690030000";

fn replay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    replay(arguments).output().expect("replay starts")
}

/// It ended with this code, and said this.
fn check(arguments: &[&str], output: &Output, code: i32, text: &str) {
    let printed = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {printed}");
    assert!(printed.contains(text), "{arguments:?}: {printed}");
    assert!(!printed.contains("panicked"), "{arguments:?}: {printed}");
}

fn header() -> FileHeader {
    FileHeader { topic: "fanet.raw.v1".into(), epoch: "one".into(), partitions: 1, ..FileHeader::default() }
}

fn record(offset: u64) -> Record {
    let timestamp_ms = START_MS + offset as i64 * 1_000;
    let mut payload = ((timestamp_ms / 1_000) as u32).to_le_bytes().to_vec();
    payload.extend([0xA6, 0xFF, 6, 0]);
    payload.extend(hex::decode(TRACKING).expect("hex"));
    let record = RawRecord {
        ingested_at_us: timestamp_ms as u64 * 1_000,
        receiver_id: Some("8896672".to_owned()),
        origin_id: None,
        input: Some(Input::MqttFrame(payload.into())),
    };
    let value = Some(Framed { framing: Bytes::new(), record }.to_value());
    Record { partition: 0, offset, timestamp_ms, key: Some("110B90".into()), value, headers: Vec::new() }
}

/// A capture of three blocks with ten records each.
fn complete(header: &FileHeader) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header).expect("a Vec takes all");
    for offset in 0..30 {
        writer.push(0, &record(offset)).expect("a Vec takes all");
        if offset % 10 == 9 {
            writer.flush().expect("a Vec takes all");
        }
    }
    writer.finish().expect("a Vec takes all").0
}

/// Where the blocks of a capture begin.
fn blocks(bytes: &[u8]) -> Vec<usize> {
    let capture = Capture::open(std::io::Cursor::new(bytes)).expect("a capture");
    capture.index().blocks.iter().map(|entry| entry.start as usize).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

/// A processor, as far as `replay diff` is concerned.
fn processor(folder: &Path) -> PathBuf {
    let path = folder.join("processor");
    let script = format!("#!/bin/sh\nexec '{}' play \"$2\" --dry-run\n", env!("CARGO_BIN_EXE_replay"));
    std::fs::write(&path, script).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    path
}

/// The commands that read a capture, in the order of the exit codes of a case.
fn commands<'a>(input: &'a str, out: &'a str, processor: &'a str) -> [Vec<&'a str>; 7] {
    [
        vec!["info", input],
        vec!["cat", input],
        vec!["grep", "110B90", input],
        vec!["play", input, "--dry-run"],
        vec!["explain", "110B90", input],
        vec!["capture", input, "--force", "--out", out],
        vec!["diff", "--left", processor, "--right", processor, input],
    ]
}

#[test]
fn wrong_captures_are_named_by_each_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (out, processor) = (path("out.capture"), processor(folder.path()));
    let good = complete(&header());
    let starts = blocks(&good);
    let damaged = |mut bytes: Vec<u8>| {
        bytes[starts[1] + 40] ^= 0xFF;
        bytes
    };
    let mut newer = good.clone();
    newer[8] = 2;
    let (cut_off, without_index) = (good[..starts[2] + 40].to_vec(), good[..good.len() - 1].to_vec());
    let lines = b"\x89PNG\r\n\x1a\n and so on".to_vec();
    let refused = [1, 1, 2, 1, 1, 1, 2];
    let not_a_capture = "not a capture: it starts with";
    for (name, bytes, codes, line, line_of_capture) in [
        ("complete", good.clone(), [0; 7], "", ""),
        ("cut off", cut_off, [1, 0, 0, 0, 0, 0, 0], "", "bytes after the last complete block"),
        ("damaged", damaged(good.clone()), refused, "the checksum does not match", "the checksum does not match"),
        (
            "damaged without an index",
            damaged(without_index),
            refused,
            "the capture is damaged: bytes",
            "are unreadable",
        ),
        ("newer", newer, refused, "format version 2; this program reads version 1 to 1: use a newer one", "version 2"),
        ("header", good[..20].to_vec(), refused, "header is damaged: it is cut off", "header is damaged"),
        ("empty", Vec::new(), refused, not_a_capture, "has no lines"),
        ("of another program", lines, refused, not_a_capture, "is neither a capture nor lines of JSON"),
        ("text", b"time,lat,lon\n1,2,3\n".to_vec(), refused, not_a_capture, "line 1: invalid line: expected a JSON"),
    ] {
        let input = path(name);
        std::fs::write(&input, bytes).expect("written");
        let commands = commands(text(&input), text(&out), text(&processor));
        for (arguments, code) in commands.iter().zip(codes) {
            let line = if arguments[0] == "capture" { line_of_capture } else { line };
            check(arguments, &run(arguments), code, line);
        }
    }
    let missing = path("missing");
    for (arguments, code) in commands(text(&missing), text(&out), text(&processor)).iter().zip(refused) {
        check(arguments, &run(arguments), code, "cannot open");
    }
    // As much as can be read is read.
    for (name, records) in [("cut off", 20), ("damaged", 20), ("damaged without an index", 20)] {
        assert_eq!(run(&["cat", text(&path(name))]).stdout.iter().filter(|byte| **byte == b'\n').count(), records);
    }
    check(&["info"], &run(&["info", text(&path("cut off"))]), 1, "no: cut off");
    let reported = run(&["cat", text(&path("cut off"))]);
    check(&["cat"], &reported, 0, "bytes after the last complete block");
    check(&["grep"], &run(&["grep", "no such text", text(&path("complete"))]), 1, "");
    check(&["explain"], &run(&["explain", "110B91", text(&path("complete"))]), 1, "does not occur there");
}

/// An hour with ten records.
fn put_hour(store: &Store, hour: Hour, epoch: &str) {
    let mut file = HourFile::create(1).expect("a temporary file");
    let mut border = Border::new(hour, Some(0), 10);
    for offset in 0..10 {
        let record = Record { timestamp_ms: hour.start_ms() + offset as i64, ..record(offset) };
        assert!(border.takes(offset, record.timestamp_ms));
        file.add(&record).expect("taken");
    }
    border.close_at_end();
    let header = FileHeader { epoch: epoch.to_owned(), ..header() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(store.put(hour, &header, file, &[border])).expect("written");
}

#[test]
fn wrong_archives_are_named_by_each_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = |name: &str| {
        let path = folder.path().join(name);
        let store = Store::open(Location::Folder(text(&path).to_owned()), &S3Options::default()).expect("a folder");
        (path, store)
    };
    let hour = Hour::of_ms(START_MS);
    let file = |path: &Path, name: &str| {
        let day = hour.to_string()[..10].replace('-', "/");
        path.join(day).join(format!("{hour}{name}"))
    };
    let reading = |path: &Path, more: &[&str], code_of_cat: i32, line: &str| {
        for (command, code) in [("cat", code_of_cat), ("play", 1)] {
            let mut arguments = vec![command, text(path)];
            arguments.extend(if command == "play" { &["--dry-run"][..] } else { &[] });
            arguments.extend(more);
            check(&arguments, &run(&arguments), code, line);
        }
    };
    let (good, store) = archive("good");
    put_hour(&store, hour, "one");
    check(&["info"], &run(&["info", text(&good)]), 0, "2026-07-14T13");
    check(&["cat"], &run(&["cat", text(&good)]), 0, "110B90");
    let removed = ["--from", "2026-07-13T10", "--to", "2026-07-13T11"];
    reading(
        &good,
        &removed,
        1,
        "has no hour in the time selected with --from and --to: choose a time from 2026-07-14T13 to 2026-07-14T13",
    );

    let (empty, _) = archive("empty");
    reading(&empty, &[], 1, "is empty: expected hourly files");
    check(&["info"], &run(&["info", text(&empty)]), 1, "is empty: expected hourly files");
    let (damaged, store) = archive("damaged");
    put_hour(&store, hour, "one");
    let mut bytes = std::fs::read(file(&damaged, ".capture")).expect("it is there");
    bytes[60] ^= 0xFF;
    std::fs::write(file(&damaged, ".capture"), bytes).expect("written");
    reading(&damaged, &[], 1, "is damaged: its size or checksum is not that of its manifest");
    let (older, store) = archive("older");
    put_hour(&store, hour, "one");
    let manifest = std::fs::read_to_string(file(&older, ".manifest.json")).expect("it is there");
    std::fs::write(file(&older, ".manifest.json"), manifest.replace("\"format\": 2", "\"format\": 3"))
        .expect("written");
    reading(&older, &[], 1, "has archive format 3; this program reads 2");
    check(&["info"], &run(&["info", text(&older)]), 1, "has archive format 3; this program reads 2");
    let (moved, store) = archive("moved");
    put_hour(&store, hour, "one");
    put_hour(&store, hour.next(), "two");
    reading(&moved, &[], 1, "have different epochs");
    check(&["info"], &run(&["info", text(&moved)]), 1, "the cluster changed");
    let (gap, store) = archive("gap");
    put_hour(&store, hour, "one");
    put_hour(&store, hour.next().next(), "one");
    check(&["info"], &run(&["info", text(&gap)]), 1, "missing");
}

#[test]
fn files_that_belong_to_another_run_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (input, other, out) = (path("a.capture"), path("b.capture"), path("out.capture"));
    std::fs::write(&input, complete(&header())).expect("written");
    std::fs::write(&other, complete(&FileHeader { epoch: "two".to_owned(), ..header() })).expect("written");
    let capture = ["capture", text(&input), "--out", text(&out)];
    check(&capture, &run(&capture), 0, "30 records in");
    check(&capture, &run(&capture), 1, "exists: choose another --out, or give --append or --force");
    let append = ["capture", text(&other), "--append", "--out", text(&out)];
    check(&append, &run(&append), 1, "choose another --out");

    let broker = "mqtt://127.0.0.1:1";
    let progress = path("progress");
    let play = ["play", text(&input), "--mqtt", broker, "--resume", text(&progress)];
    std::fs::write(&progress, "my notes").expect("written");
    check(&play, &run(&play), 1, "is not a file of --resume: choose another file");
    std::fs::write(&progress, r#"{"of":"Capture(\"else\")","records":3,"shift_ms":null}"#).expect("written");
    check(&play, &run(&play), 1, "remove it to begin again");
    assert_eq!(std::fs::read(&progress).expect("it is there").first(), Some(&b'{'));

    // Messages without partitions have no place in Kafka.
    let from_mqtt = path("mqtt.capture");
    std::fs::write(&from_mqtt, complete(&FileHeader::default())).expect("written");
    let play = ["play", text(&from_mqtt), "--kafka-prefix", "debug."];
    check(&play, &run(&play), 1, "play it with --mqtt, the bridge then writes them");
}

#[test]
fn bad_usage_is_64_and_says_what_is_expected() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("a.capture");
    std::fs::write(&input, complete(&header())).expect("written");
    let input = text(&input);
    for (arguments, line) in [
        (&["play", input][..], "--kafka-prefix"),
        (&["play", input, "--dry-run", "--mqtt", "mqtt://localhost"], "--mqtt"),
        (&["play", input, "--mqtt", "localhost"], "expected mqtt://"),
        (&["play", input, "--dry-run", "--speed", "0"], "expected a number above 0, or max"),
        (&["play", input, "--mqtt", "mqtt://localhost", "--loop", "--resume", "x"], "--resume"),
        (&["play", input, "--dry-run", "--yes"], "--yes"),
        (&["play", input, "--dry-run", "--shift", "later"], "--shift"),
        (&["cat", input, "--json", "--lines"], "--lines"),
        (&["cat", input, "--from", "yesterday"], "expected a time in UTC"),
        (&["cat", input, "--from", "1-5", "--to", "2-9"], "are of different partitions"),
        (&["cat", input, "--device", "pilot"], "expected six hex digits"),
        (&["cat", input, "--type", "99"], "expected 0 to 63"),
        (&["cat", input, "--bounds", "1,2"], "expected four numbers"),
        (&["grep", input], "Usage"),
        (&["info", "s3//bucket"], "s3://bucket"),
        (&["info", "s3://bucket", "--s3-access-key-id", "id"], "go together"),
        (&["grep", "x", "s3://bucket", "--s3-access-key-id", "id"], "go together"),
        (&["capture", "kafka"], "--out"),
        (&["capture", "kafka", "--out", "x", "--append", "--force"], "--force"),
        (&["explain", "pilot", input], "expected six hex digits"),
        (&["diff", input], "--left"),
    ] {
        check(arguments, &run(arguments), 64, line);
    }
}

/// What a broker refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refused {
    Client,
    Message,
    Subscription,
}

/// The URL of a broker that refuses one thing, with the reason "not authorised" of MQTT 5.
fn broker(refused: Refused) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // It ends with its client.
            let _ = serve(stream.expect("a client"), refused);
        }
    });
    format!("mqtt://user:password@127.0.0.1:{port}")
}

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const NOT_AUTHORISED: u8 = 0x87;

fn serve(mut stream: TcpStream, refused: Refused) -> std::io::Result<()> {
    loop {
        let (kind, body) = packet(&mut stream)?;
        match kind {
            CONNECT => {
                let reason = if refused == Refused::Client { NOT_AUTHORISED } else { 0 };
                stream.write_all(&[0x20, 3, 0, reason, 0])?;
            }
            PUBLISH => {
                // Behind the topic.
                let at = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                stream.write_all(&[0x40, 4, body[at], body[at + 1], NOT_AUTHORISED, 0])?;
            }
            SUBSCRIBE => stream.write_all(&[0x90, 4, body[0], body[1], 0, NOT_AUTHORISED])?,
            _ => {}
        }
    }
}

/// The kind and body of the next packet.
fn packet(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0] >> 4;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7F) << shift;
        shift += 7;
        if byte[0] < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

#[test]
fn a_broker_that_refuses_ends_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (folder.path().join("a.capture"), folder.path().join("out.capture"));
    std::fs::write(&input, complete(&header())).expect("written");
    let (input, out) = (text(&input), text(&out));
    for (refused, line) in [
        (Refused::Client, "refuses this client (NotAuthorized): check user and password in its URL"),
        (Refused::Message, "refuses a message (NotAuthorized): check its rights"),
        (Refused::Subscription, "refuses the subscription to fb/b/# (NotAuthorized): check its rights"),
    ] {
        let url = broker(refused);
        let publishing = [&["play", input, "--speed", "max", "--mqtt", &url][..], &["generate", "--mqtt", &url]];
        let subscribing = ["capture", &url, "--force", "--out", out];
        for arguments in publishing.into_iter().filter(|_| refused != Refused::Subscription) {
            check(arguments, &run(arguments), 1, line);
        }
        if refused != Refused::Message {
            check(&subscribing, &run(&subscribing), 1, line);
        }
    }
}

#[test]
fn a_kafka_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (folder.path().join("a.capture"), folder.path().join("out.capture"));
    std::fs::write(&input, complete(&header())).expect("written");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let bootstrap = format!("127.0.0.1:{port}");
    let commands = [
        &["play", text(&input), "--kafka-prefix", "debug."][..],
        &["generate", "--for", "1s", "--kafka-prefix", "load."],
        &["capture", "kafka", "--out", text(&out)],
    ];
    // Each takes as long as it waits for an answer.
    let start = |arguments: &&[&str]| -> Child {
        let mut command = replay(arguments);
        command.args(["--kafka-bootstrap", &bootstrap]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("replay starts")
    };
    let running: Vec<Child> = commands.iter().map(start).collect();
    for (arguments, child) in commands.iter().zip(running) {
        check(arguments, &child.wait_with_output().expect("replay ends"), 1, &bootstrap);
    }
    assert!(!out.exists());
}
