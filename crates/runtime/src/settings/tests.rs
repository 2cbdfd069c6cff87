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
    /// A variable that every process has: clap reads variables itself.
    #[arg(long, env = "PATH")]
    path: Option<String>,
    /// Where the broker is.
    #[arg(long, env = "PROBE_BROKER", value_name = "URL", default_value = "mqtt://localhost")]
    broker: String,
    /// How long to wait.
    #[arg(long, env = "PROBE_WAIT", default_value = "5s", value_parser = parse_duration)]
    wait: Duration,
}

struct Variables(Vec<(&'static str, String)>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
    }

    fn names(&self) -> Vec<OsString> {
        self.0.iter().map(|(name, _)| name.into()).collect()
    }
}

fn read_probe(arguments: &[&str], variables: Vec<(&'static str, String)>) -> Result<(Probe, String), Stop> {
    let arguments = std::iter::once("probe").chain(arguments.iter().copied()).map(OsString::from).collect();
    let settings = read(Probe::command(), arguments, &Variables(variables))?;
    let shown = effective(&Probe::command(), &settings);
    Ok((Probe::from_arg_matches(&settings.matches).expect("already checked"), shown))
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
    let source = format!("password = ***  # file {}\n", file.display());
    assert!(shown.contains(&source) && shown.contains("wait = 5s  # default\n"), "{shown}");
    assert!(!shown.contains("s3cret") && !format!("{probe:?}").contains("s3cret"));
    let variables = vec![("PROBE_PASSWORD_FILE", file.to_str().expect("plain").to_owned())];
    let Err(Stop::Answer(help)) = read_probe(&["--help"], variables) else { panic!("help is an answer") };
    assert!(help.to_string().contains("The password") && !help.to_string().contains("s3cret"), "{help}");
}

#[test]
fn a_secret_is_read_again_from_its_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "first\n").expect("written");
    let variables = vec![("PROBE_PASSWORD_FILE", file.to_str().expect("plain").to_owned())];
    let (probe, _) = read_probe(&[], variables).expect("good");
    let password = probe.password.expect("given");
    assert!(password.is_from_file());
    for (text, expected) in [("second\n", "second"), ("", "first"), ("\n", "first"), ("third\r\n", "third")] {
        std::fs::write(&file, text).expect("written");
        assert_eq!((password.current().reveal(), password.reveal()), (expected, "first"), "{text:?}");
    }
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(password.current().reveal(), "first", "while the file is replaced");
    let (probe, _) = read_probe(&["--password", "plain"], vec![]).expect("good");
    let password = probe.password.expect("given");
    assert!(!password.is_from_file() && password.current().reveal() == "plain");
}

#[cfg(unix)]
#[test]
fn a_secret_that_everybody_reads_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "s3cret\n").expect("written");
    let warnings = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
        let path = file.to_str().expect("plain").to_owned();
        let variables = Variables(vec![("PROBE_PASSWORD_FILE", path.clone()), ("PROBE_KAFKA_FILE", path)]);
        read(Probe::command(), vec!["probe".into()], &variables).expect("good").warnings
    };
    assert_eq!(warnings(0o600), Vec::<String>::new());
    let found = warnings(0o644);
    assert!(found.len() == 1 && found[0].contains("chmod 600") && !found[0].contains("s3cret"), "{found:?}");
}

#[test]
fn a_secret_file_beats_a_key_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, secret) = (folder.path().join("probe.toml"), folder.path().join("password"));
    std::fs::write(&file, "password = \"toml\"\n").expect("written");
    std::fs::write(&secret, "s3cret\n").expect("written");
    let variables = vec![
        ("UPDRAFT_CONFIG", file.to_str().expect("plain").to_owned()),
        ("PROBE_PASSWORD_FILE", secret.to_str().expect("plain").to_owned()),
    ];
    let (probe, _) = read_probe(&[], variables).expect("good");
    assert_eq!(probe.password.as_ref().map(Redacted::reveal), Some("s3cret"));
}

#[test]
fn a_bad_setting_is_one_line_with_value_and_example() {
    let line = bad(&["--wait", "soon"], vec![]);
    assert_eq!(line.lines().count(), 1);
    for part in ["--wait", "'soon'", "250ms, 5s, 2m or 1h"] {
        assert!(line.contains(part), "{part:?} not in {line:?}");
    }
    assert!(bad(&["--no-such-thing"], vec![]).contains("--no-such-thing"));
    assert!(bad(&[], vec![("PROBE_PASSWORD_FILE", "/nowhere".into())]).starts_with("PROBE_PASSWORD_FILE: cannot read"));
}

#[test]
fn a_password_in_any_url_is_never_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("broker");
    std::fs::write(&file, "mqtt://map:s3cret@broker.example:1883\n").expect("written");
    let variables = || vec![("PROBE_BROKER_FILE", file.to_str().expect("plain").to_owned())];
    let (probe, shown) = read_probe(&[], variables()).expect("good");
    assert!(probe.broker.contains("s3cret"));
    assert!(
        shown.contains("broker = mqtt://map:***@broker.example:1883  # file") && !shown.contains("s3cret"),
        "{shown}"
    );
    let (_, shown) = read_probe(&["--broker", "https://tiles.example/style.json?key=s3cret"], vec![]).expect("good");
    assert!(shown.contains("broker = https://tiles.example/style.json?***  # flag"), "{shown}");
    let Err(Stop::Answer(help)) = read_probe(&["--help"], variables()) else { panic!("help is an answer") };
    assert!(!help.to_string().contains("s3cret"), "{help}");
}

#[test]
fn each_setting_is_shown_with_its_source() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("probe.toml");
    std::fs::write(&file, "log = \"debug\"\n").expect("written");
    let file = file.to_str().expect("plain");
    let (probe, shown) = read_probe(&["--config", file, "--wait", "7s"], vec![]).expect("good");
    let path = format!("path = {}  # environment, PATH\n", probe.path.expect("every process has a PATH"));
    for line in ["wait = 7s  # flag\n", &path, "log-format = text  # default\n"] {
        assert!(shown.contains(line), "{line:?} not in {shown}");
    }
    assert!(shown.contains(&format!("log = debug  # file {file}\n")), "{shown}");
}

#[test]
fn a_port_alone_gets_an_example_of_an_address() {
    let line = bad(&["--admin-listen", "9102"], vec![]);
    for part in ["--admin-listen", "'9102'", "0.0.0.0:9102", "127.0.0.1:9102"] {
        assert!(line.contains(part), "{part:?} not in {line:?}");
    }
    assert!(bad(&["--admin-listen", ":80"], vec![]).contains("0.0.0.0:80"));
    for good in ["127.0.0.1:1", "[::1]:9102"] {
        assert!(parse_address(good).is_ok(), "{good}");
    }
}

#[test]
fn a_mistyped_variable_is_a_warning() {
    let variables = Variables(vec![("UPDRAFT_LOG_FROMAT", "json".into()), ("UPDRAFT_PUSHER_TICK", "25ms".into())]);
    let settings = read(Probe::command(), vec!["probe".into()], &variables).expect("good");
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("UPDRAFT_LOG_FORMAT"), "{:?}", settings.warnings);
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
