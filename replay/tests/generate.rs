//! `replay generate` as its users see it: the program, its files, its exit codes. `tests/tests/generate` has a real broker
//! and a real Kafka.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use envelope::Wrapped;

fn replay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg("generate").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    replay(arguments).output().expect("replay starts")
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let lines = |seed: &str| {
        let output = run(&["--for", "2m", "--start", "2026-06-01T10:00:00Z", "--seed", seed, "--out", "-"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let first = lines("1");
    assert!(first.iter().filter(|byte| **byte == b'\n').count() > 1_000);
    assert!(first == lines("1"), "two runs with one seed differ");
    assert!(first != lines("2"), "two seeds give one world");
}

#[test]
fn the_truth_is_written_beside_the_messages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let output = run(&["--for", "10s", "--pilots", "8", "--out", &path("sky.jsonl"), "--truth", &path("truth.json")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth = std::fs::read(folder.path().join("truth.json")).expect("the truth is there");
    let truth: serde_json::Value = serde_json::from_slice(&truth).expect("JSON");
    assert_eq!(truth["pilots"].as_array().map(Vec::len), Some(8));
    assert!(truth["areas"][0]["thermals"][0]["core_mps"].as_f64().is_some_and(|mps| mps > 1.0));
    let sky = std::fs::read_to_string(folder.path().join("sky.jsonl")).expect("the messages are there");
    assert!(sky.lines().count() > 20);
}

/// Messages of a run of one minute, and its truth.
fn minute(arguments: &[&str]) -> (Vec<serde_json::Value>, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let truth = folder.path().join("truth.json");
    let fixed = ["--for", "60s", "--start", "2026-06-01T10:00:00Z", "--out", "-", "--truth"];
    let output = run(&[&fixed[..], &[truth.to_str().expect("UTF-8")], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    let messages = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (messages, serde_json::from_slice(&std::fs::read(truth).expect("the truth is there")).expect("JSON"))
}

#[test]
fn faults_do_what_the_truth_says() {
    let (clean, _) = minute(&[]);
    let faults = ["--corrupt", "0.1", "--limits", "0.2", "--clock-faults", "0.5", "--shared-addresses", "3"];
    let (messages, truth) = minute(&faults);
    assert_eq!(minute(&faults).0, messages, "two runs with one seed differ");
    assert!(messages.len() > clean.len(), "{} frames at their limits came on top", truth["faults"]["limit_frames"]);

    let frames: Vec<Vec<u8>> = messages
        .iter()
        .filter(|message| message["topic"].as_str().is_some_and(|topic| topic.contains("/f/")))
        .map(|message| hex::decode(message["payload_hex"].as_str().expect("text")).expect("hex"))
        .collect();
    let readable =
        |payload: &Vec<u8>| Wrapped::decode(payload).is_ok_and(|wrapped| fanet::Frame::decode(wrapped.frame).is_ok());
    let broken = frames.iter().filter(|payload| !readable(payload)).count();
    let corrupted = truth["faults"]["corrupted"].as_object().expect("an object");
    let corrupted: u64 = corrupted.values().filter_map(serde_json::Value::as_u64).sum();
    // Flipped bits often leave a frame that can be read, as on the air.
    assert!(broken as u64 <= corrupted && broken as u64 * 3 > corrupted, "{broken} of {corrupted}");
    let longest = frames.iter().filter(|payload| readable(payload)).map(Vec::len).max();
    assert!(longest.is_some_and(|bytes| bytes >= 254 + 8), "{longest:?}");

    let faulty = truth["receivers"].as_array().expect("a list").iter();
    assert!((1..=7).contains(&faulty.filter(|receiver| receiver["clock_fault"].is_object()).count()));
    let shared = truth["faults"]["shared_addresses"].as_array().expect("a list");
    let pilots = truth["pilots"].as_array().expect("a list");
    assert_eq!(shared.len(), 3);
    for address in shared {
        assert_eq!(pilots.iter().filter(|pilot| pilot["device"] == *address).count(), 2, "{address}");
    }
}

#[test]
fn a_world_has_the_requested_rate_and_area() {
    let (messages, truth) = minute(&["--rate", "100", "--area", "-33.9,150.2"]);
    let rate = messages.len() as f64 / 60.0;
    assert!((80.0..120.0).contains(&rate), "{rate} messages a second");
    for area in truth["areas"].as_array().expect("a list") {
        let degrees = |name: &str| area["launch"][name].as_f64().expect("degrees");
        assert!((degrees("latitude_deg") + 33.9).abs() < 2.0 && (degrees("longitude_deg") - 150.2).abs() < 2.5);
    }
}

#[test]
fn bad_settings_are_named_and_exit_with_64() {
    for (arguments, named) in [
        (&[][..], "--out"),
        (&["--out", "-", "--mqtt", "mqtt://localhost"], "--mqtt"),
        (&["--mqtt", "http://localhost"], "--mqtt"),
        (&["--out", "-", "--speed", "0"], "--speed"),
        (&["--out", "-", "--speed", "NaN"], "--speed"),
        (&["--out", "-", "--for", "ten"], "--for"),
        (&["--out", "-", "--start", "yesterday"], "--start"),
        (&["--out", "-", "--pilots", "400000"], "--pilots"),
        (&["--out", "-", "--igc", "/nowhere/at/all"], "--igc"),
        (&["--out", "-", "--igc", ".", "--pilots", "3"], "--igc"),
        (&["--out", "-", "--rate", "10", "--pilots", "3"], "--pilots"),
        (&["--out", "-", "--rate", "4000000"], "--rate 4000000"),
        (&["--out", "-", "--area", "91,0"], "--area"),
        (&["--out", "-", "--corrupt", "1.5"], "corrupted messages is 1.5"),
        (&["--out", "-", "--clock-faults", "2"], "faulty clocks is 2"),
        (&["--out", "-", "--shared-addresses", "30"], "expected at least 60 pilots"),
        (&["--out", "-", "--yes"], "--yes"),
        (&["--out", "-", "--partitions", "3"], "--partitions"),
        (&["--kafka-prefix", "load.", "--partitions", "0"], "--partitions"),
    ] {
        let output = run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child =
        replay(&["--for", "10m", "--out", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("replay");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("replay ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_folder_of_recordings_flies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixes =
        |minute: u32| (0..60).map(move |second| format!("B10{minute:02}{second:02}4658854N00925085EA0060200622\r\n"));
    let file: String = std::iter::once("HFDTE010625\r\n".to_owned()).chain((0..5).flat_map(fixes)).collect();
    std::fs::write(folder.path().join("one.igc"), &file).expect("written");
    std::fs::write(folder.path().join("none.igc"), "no flight").expect("written");
    let output = run(&["--igc", folder.path().to_str().expect("UTF-8"), "--for", "60s", "--out", "-"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("skipped"));
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    // Twelve positions, each heard by most of three receivers.
    let positions = text.lines().filter(|line| line.contains("/f/1\"")).count();
    assert!((20..60).contains(&positions), "{positions}");
}

/// Flies over real recordings where a folder of them is named, or lies beside the repository.
#[test]
fn real_recordings_are_read_completely() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/igc");
    let folder = std::env::var_os("UPDRAFT_TEST_IGC").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("no recordings at {}: name a folder in UPDRAFT_TEST_IGC to try them", folder.display());
        return;
    }
    let flights = replay::igc::RecordedFlights::open(&folder, 0).expect("recordings");
    assert!(flights.rejected().is_empty(), "{:?}", flights.rejected());
    for recorded in flights.flights() {
        let flight = &recorded.flight;
        assert!(flight.fixes.len() > 1_000 && flight.date.is_some(), "{}", recorded.name);
        assert!(flight.skipped * 100 < flight.fixes.len(), "{}: {} skipped", recorded.name, flight.skipped);
        assert!(flight.duration_s() < 12 * 3_600, "{} lasts {} s", recorded.name, flight.duration_s());
    }
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let output = run(&["--for", "1s", "--mqtt", &format!("mqtt://127.0.0.1:{port}")]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&format!("127.0.0.1:{port}")), "{stderr}");
}
