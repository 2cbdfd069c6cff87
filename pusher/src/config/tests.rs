use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> Result<Config, String> {
    let arguments = std::iter::once("pusher").chain(arguments.iter().copied());
    Config::try_parse_from(arguments).map_err(|error| error.to_string())
}

#[test]
fn the_options_are_consistent() {
    Config::command().debug_assert();
}

#[test]
fn every_setting_stands_before_or_after_run() {
    assert_eq!(parse(&[]).unwrap().command, None);
    for arguments in [["run", "--tick", "50ms"], ["--tick", "50ms", "run"]] {
        let config = parse(&arguments).unwrap();
        assert_eq!((config.command, config.pusher.tick), (Some(Command::Run), Duration::from_millis(50)));
    }
    assert_eq!(parse(&["run"]).unwrap().asks(), None);
    assert_eq!(parse(&["health"]).unwrap().asks(), Some((9104, AdminRequest::Health)));
    assert_eq!(parse(&["log", "debug"]).unwrap().asks(), Some((9104, AdminRequest::LogFilter("debug".into()))));
    let command = Config::command();
    let not_global: Vec<_> =
        command.get_arguments().filter(|one| !one.is_global_set()).map(|one| one.get_id()).collect();
    assert!(not_global.is_empty(), "unknown after `pusher run`: {not_global:?}");
    assert!(parse(&["unknown"]).unwrap_err().contains("unknown"));
}

#[test]
fn tls_needs_both_files_and_redis_a_url() {
    assert!(parse(&["--tls-cert", "cert.pem"]).unwrap_err().contains("--tls-key"));
    assert!(parse(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).is_ok());
    assert!(parse(&["--redis-url", "none"]).unwrap().check().is_ok());
    assert!(parse(&["--redis-url", "localhost"]).unwrap().check().unwrap_err().contains("rediss://host:port"));
}

#[test]
fn defaults_work_on_one_machine() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.pusher.http_listen.port(), 8090);
    assert_eq!(config.pusher.tick, Duration::from_millis(10));
    assert!(config.pusher.compression);
    assert_eq!(config.pusher.session_limits(), SessionLimits::default(), "one set of defaults");
}

#[test]
fn an_invalid_setting_names_the_allowed_values() {
    let cases = [
        (["--tick", "2s"], "1ms to 1s"),
        (["--heartbeat", "1ms"], "1s or more"),
        (["--map-start", "99,0,1"], "latitude,longitude,zoom"),
        (["--compression", "maybe"], "true, false"),
    ];
    for (arguments, expected) in cases {
        let error = parse(&arguments).unwrap_err();
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let start = parse(&["--map-start", "-33.9,151.2,7"]).unwrap().pusher.map.map_start;
    assert_eq!(start.map(|start| start.longitude_deg), Some(151.2));
}
