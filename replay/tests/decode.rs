//! The `replay decode` command as people and pipes use it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};

const TRACKING: &str = "0111900b4caf411bc209a690030000";

fn replay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it over `input` to the end.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = replay(arguments).spawn().expect("replay starts");
    // A child that refuses its arguments never reads.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("replay ends")
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(&output.stdout).expect("JSON is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one object per line")).collect()
}

#[test]
fn the_exit_code_says_whether_a_line_was_bad() {
    let good = run(&["decode"], &format!("{TRACKING}\n"));
    assert_eq!(good.status.code(), Some(0));
    let mixed = run(&["decode", "-"], &format!("{TRACKING}\nnonsense\n{TRACKING}\n"));
    assert_eq!(mixed.status.code(), Some(1));
    assert_eq!(lines(&mixed).len(), 3, "a bad line ends nothing");
}

#[test]
fn bad_usage_is_64_and_help_is_0() {
    for arguments in
        [&[][..], &["decode", "--unknown"], &["decode", "--wrapped", "--vectors"], &["decode", "--psk", "x"]]
    {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(run(&["decode", "--help"], "").status.code(), Some(0));
}

#[test]
fn files_are_read_in_turn_and_missing_ones_skipped() {
    let folder = std::env::temp_dir().join(format!("replay-decode-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let file = folder.join("frames.hex");
    std::fs::write(&file, format!("{TRACKING}\n")).expect("a file for the test");
    let file = file.to_str().expect("a plain path");
    let missing = folder.join("missing");
    let missing = missing.to_str().expect("a plain path");

    let output = run(&["decode", file, "-", file], "02110d0041\n");
    assert_eq!(output.status.code(), Some(0));
    let types: Vec<_> = lines(&output).iter().map(|object| object["type"].as_u64()).collect();
    assert_eq!(types, [Some(1), Some(2), Some(1)]);

    let output = run(&["decode", missing, file], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output).len(), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing"));
    std::fs::remove_dir_all(&folder).expect("the test's own folder");
}

#[test]
fn every_vector_is_answered_in_order() {
    let vectors = include_str!("../../crates/fanet/tests/fixtures/vectors.jsonl");
    let output = run(&["decode", "--vectors"], vectors);
    assert_eq!(output.status.code(), Some(1), "some vectors must be refused");
    let answers = lines(&output);
    assert_eq!(answers.len(), vectors.lines().count());
    for (vector, answer) in vectors.lines().zip(&answers) {
        let vector: serde_json::Value = serde_json::from_str(vector).expect("an object");
        assert_eq!(answer.get("error"), vector.get("expect_error"), "{}", vector["id"]);
        assert_eq!(answer.get("error_class"), vector.get("error_class"), "{}", vector["id"]);
        if let Some(expected) = vector.get("expect") {
            for key in ["type_name", "source_address", "signature_valid", "timestamp_s", "trailing_hex"] {
                assert_eq!(answer.get(key), expected.get(key), "{} {key}", vector["id"]);
            }
        }
    }
}

#[test]
fn a_live_pipe_is_answered_line_by_line() {
    let mut child = replay(&["decode"]).spawn().expect("replay starts");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    for _ in 0..3 {
        writeln!(input, "{TRACKING}").expect("replay reads");
        let mut line = String::new();
        output.read_line(&mut line).expect("replay answers before the input ends");
        assert!(line.contains("110B90"));
    }
    drop(input);
    assert!(child.wait().expect("replay ends").success());
}

#[test]
fn a_closed_pipe_ends_it_without_an_error() {
    for explain in [&["decode"][..], &["decode", "--explain"]] {
        let mut child = replay(explain).spawn().expect("replay starts");
        let mut input = child.stdin.take().expect("piped");
        let mut first = [0];
        let mut output = child.stdout.take().expect("piped");
        writeln!(input, "{TRACKING}").expect("replay reads");
        output.read_exact(&mut first).expect("replay answers");
        drop(output);
        let many = format!("{TRACKING}\n").repeat(20_000);
        // Fails as soon as replay has noticed.
        let _ = input.write_all(many.as_bytes());
        drop(input);
        let ended = child.wait_with_output().expect("replay ends");
        assert_eq!(ended.status.code(), Some(0), "{explain:?}");
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn explanations_are_plain_and_coloured_on_demand() {
    let plain = run(&["decode", "--explain"], &format!("{TRACKING}\n"));
    assert!(String::from_utf8_lossy(&plain.stdout).contains("climb_mps"));
    assert!(!plain.stdout.contains(&0x1B));
    let coloured = run(&["decode", "--explain", "--color", "always"], &format!("{TRACKING}\n"));
    assert!(coloured.stdout.contains(&0x1B));
    let bad = run(&["decode", "--explain"], "01\n");
    assert_eq!(bad.status.code(), Some(1));
}
