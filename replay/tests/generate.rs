//! `replay generate` as its users see it: the program, its files, its exit codes, and a real broker.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};

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
    ] {
        let output = run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {told}");
        assert!(told.contains(named), "{arguments:?}: {told}");
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("left out"));
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    // Twelve positions, each heard by most of three receivers.
    let positions = text.lines().filter(|line| line.contains("/f/1\"")).count();
    assert!((20..60).contains(&positions), "{positions}");
}

/// Flies over real recordings where a folder of them is named, or lies beside the repository.
#[test]
fn real_recordings_are_read_whole() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/igc");
    let folder = std::env::var_os("UPDRAFT_TEST_IGC").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("no recordings at {}: name a folder in UPDRAFT_TEST_IGC to try them", folder.display());
        return;
    }
    let fleet = replay::igc::Fleet::open(&folder, 0).expect("recordings");
    assert!(fleet.rejected().is_empty(), "{:?}", fleet.rejected());
    for recorded in fleet.flights() {
        let flight = &recorded.flight;
        assert!(flight.fixes.len() > 1_000 && flight.date.is_some(), "{}", recorded.name);
        assert!(flight.skipped * 100 < flight.fixes.len(), "{}: {} skipped", recorded.name, flight.skipped);
        assert!(flight.duration_s() < 12 * 3_600, "{} lasts {} s", recorded.name, flight.duration_s());
    }
}

#[tokio::test]
async fn a_broker_acknowledges_each_message_and_passes_each_on() {
    let mosquitto = harness::Mosquitto::start().await.expect("mosquitto starts");
    let (host, port) = mosquitto.host_port();
    let mut options = MqttOptions::new("listener", &host, port);
    options.set_keep_alive(Duration::from_secs(20));
    let (client, mut events) = AsyncClient::new(options, 16);
    client.subscribe("fb/b/+/f/+", QoS::AtLeastOnce).await.expect("queued");
    while !matches!(events.poll().await.expect("connected"), Event::Incoming(Incoming::SubAck(_))) {}

    let url = mosquitto.url().to_owned();
    let publishing = tokio::task::spawn_blocking(move || run(&["--for", "40s", "--speed", "10", "--mqtt", &url]));
    let mut receivers = HashSet::new();
    let mut frames = 0;
    let collect = async {
        loop {
            if let Ok(Event::Incoming(Incoming::Publish(publish))) = events.poll().await {
                let Some(fanet::Topic::Frame { receiver, .. }) = fanet::Topic::parse(&publish.topic) else {
                    panic!("a topic of no receiver: {}", publish.topic);
                };
                receivers.insert(receiver.to_owned());
                let wrapped = fanet::Wrapped::decode(&publish.payload).expect("a wrapper");
                fanet::Frame::decode(wrapped.frame).expect("a frame");
                frames += 1;
            }
        }
    };
    let output = tokio::select! {
        output = publishing => output.expect("replay ran"),
        () = collect => unreachable!("listening never ends"),
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let summary = told.lines().last().unwrap_or_default();
    let numbers: Vec<u64> = summary.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [sent, acknowledged, _] = numbers[..] else { panic!("a summary of three numbers: {told}") };
    assert_eq!(sent, acknowledged);
    // Hardware messages go to other topics; the last frames may still be on their way.
    assert!(frames > 800 && frames <= sent, "{frames} of {sent}");
    assert_eq!(receivers.len(), 8);
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let port = harness::free_port();
    let output = run(&["--for", "1s", "--mqtt", &format!("mqtt://127.0.0.1:{port}")]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("127.0.0.1:{port}")), "{told}");
}
