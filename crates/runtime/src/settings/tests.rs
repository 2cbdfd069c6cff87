use super::*;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

#[derive(Debug, Parser)]
#[command(name = "probe")]
struct Probe {
    #[command(flatten)]
    shell: ShellOptions,
    /// Where Kafka is.
    #[arg(long, env = "PROBE_KAFKA", default_value = "localhost:9092")]
    kafka: String,
    /// The password.
    #[arg(long, env = "PROBE_PASSWORD", hide_env_values = true)]
    password: Option<Redacted>,
    /// How long to wait.
    #[arg(long, env = "PROBE_WAIT", default_value = "5s", value_parser = parse_duration)]
    wait: Duration,
}

struct Variables(Vec<(&'static str, String)>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
    }
}

fn read_probe(arguments: &[&str], variables: Vec<(&'static str, String)>) -> Result<(Probe, String), Stop> {
    let arguments = std::iter::once("probe").chain(arguments.iter().copied()).map(OsString::from).collect();
    let matches = read(Probe::command(), arguments, &Variables(variables))?;
    let shown = effective(&Probe::command(), &matches);
    Ok((Probe::from_arg_matches(&matches).expect("already checked"), shown))
}

fn bad(arguments: &[&str], variables: Vec<(&'static str, String)>) -> String {
    match read_probe(arguments, variables) {
        Err(Stop::Bad(line)) => line,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_flag_beats_a_file_and_a_file_beats_the_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("probe.toml");
    std::fs::write(&file, "kafka = \"from-file:9092\"\nwait = \"7s\"\n").expect("written");
    let file = file.to_str().expect("plain");
    let (probe, _) = read_probe(&["--config", file, "--kafka", "flag:9092"], vec![]).expect("good");
    assert_eq!((probe.kafka.as_str(), probe.wait), ("flag:9092", Duration::from_secs(7)));
    let (probe, _) = read_probe(&[], vec![("UPDRAFT_CONFIG", file.to_owned())]).expect("good");
    assert_eq!(probe.kafka, "from-file:9092");
    let (probe, _) = read_probe(&[], vec![]).expect("good");
    assert_eq!(probe.kafka, "localhost:9092");
    assert_eq!(probe.shell.shutdown_deadline, Duration::from_secs(20));
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "s3cret\n").expect("written");
    let (probe, shown) =
        read_probe(&[], vec![("PROBE_PASSWORD_FILE", file.to_str().expect("plain").to_owned())]).expect("good");
    assert_eq!(probe.password.as_ref().map(Redacted::reveal), Some("s3cret"));
    assert!(shown.contains("password = ***\n") && shown.contains("wait = 5s\n"), "{shown}");
    assert!(!shown.contains("s3cret") && !format!("{probe:?}").contains("s3cret"));
}

#[test]
fn a_bad_setting_is_one_line_with_its_name_its_value_and_what_is_allowed() {
    let line = bad(&["--wait", "soon"], vec![]);
    assert_eq!(line.lines().count(), 1);
    for part in ["--wait", "'soon'", "250ms, 5s, 2m or 1h"] {
        assert!(line.contains(part), "{part:?} not in {line:?}");
    }
    assert!(bad(&["--no-such-thing"], vec![]).contains("--no-such-thing"));
    assert!(bad(&[], vec![("PROBE_PASSWORD_FILE", "/nowhere".into())]).starts_with("PROBE_PASSWORD_FILE: cannot read"));
}

#[test]
fn an_unknown_key_in_the_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("probe.toml");
    std::fs::write(&file, "kafak = \"typo:9092\"\n").expect("written");
    assert!(bad(&["--config", file.to_str().expect("plain")], vec![]).contains("\"kafak\""));
    assert!(bad(&["--config", "/nowhere.toml"], vec![]).contains("/nowhere.toml"));
}

#[test]
fn help_is_an_answer_and_no_error() {
    assert!(
        matches!(read_probe(&["--help"], vec![]), Err(Stop::Answer(help)) if help.to_string().contains("Where Kafka is"))
    );
}

#[test]
fn durations_and_sizes() {
    assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
    for text in ["", "5", "s", "-1s", "5 s", "99999999999999999999s", "18446744073709551615h"] {
        assert!(parse_duration(text).is_err(), "{text:?}");
    }
    assert_eq!(parse_bytes("4MiB"), Ok(4 << 20));
    assert_eq!(parse_bytes("17"), Ok(17));
    for text in ["", "MiB", "4MB", "-4", "18446744073709551615GiB"] {
        assert!(parse_bytes(text).is_err(), "{text:?}");
    }
    assert!(parse_share("0.5").is_ok() && parse_share("1.5").is_err() && parse_share("NaN").is_err());
}
