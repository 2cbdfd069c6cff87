//! Damaged dependencies: a malformed history, deleted keys, a low limit of open files; and what clients learn about
//! them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, beside_the_test, free_port, wait_until};
use reqwest::StatusCode;

use crate::TIMEOUT;

fn updraft(arguments: &[&str]) -> ProgramOptions {
    let listen = format!("127.0.0.1:{}", free_port());
    ProgramOptions::new("updraft").args(["--mqtt-listen", &listen]).args(arguments.iter().copied())
}

async fn wait_for_pilots(program: &Program) -> Result<()> {
    let shown = async || {
        let (status, body) = program.http("/api/v1/pilots?bounds=-90,-180,90,180").await.ok()?;
        (status == 200 && body.contains("\"device\"")).then_some(())
    };
    wait_until(TIMEOUT, "pilots on the map", shown).await
}

#[tokio::test]
async fn a_malformed_history_does_not_stop_the_map() -> Result<()> {
    for content in ["this is not a database, but long enough to be checked ".repeat(200), "short".to_owned()] {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("history.sqlite"), &content)?;
        let dir = directory.path().to_str().context("a path of UTF-8")?;
        let options = updraft(&["--pilots", "3", "--data-dir", dir]);
        let program = Program::start(options.expects_errors("the malformed history was moved aside")).await?;
        wait_for_pilots(&program).await?;
        let mut names = Vec::new();
        for file in std::fs::read_dir(directory.path())? {
            names.push(file?.file_name().to_string_lossy().into_owned());
        }
        let beside = |name: &str| name.ends_with("-wal") || name.ends_with("-shm");
        let moved = names.iter().find(|name| name.starts_with("history.sqlite.malformed-") && !beside(name));
        let moved = moved.with_context(|| format!("no file was moved: {names:?}"))?;
        ensure!(std::fs::read_to_string(directory.path().join(moved))? == content, "the moved file differs");
        let log = program.service().log_tail(200);
        ensure!(log.contains(moved), "the log does not name the file:\n{log}");
        ensure!(program.service().stop().await? == 0, "{}", program.service().log_tail(30));
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_key_is_revoked() -> Result<()> {
    const KEY: &str = "0123456789abcdef";
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("keys.toml");
    std::fs::write(&file, format!("[[sender]]\nkey = \"{KEY}\"\ndevice = \"110B90\"\npublic = true\n"))?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
    let options = updraft(&["--live"]).env("UPDRAFT_PUSHER_POSITION_KEYS", file.display());
    let program = Program::start(options).await?;
    ensure!(program.service().log_tail(100).contains("chmod 600"), "{}", program.service().log_tail(100));
    let url = format!("{}/api/v1/position", program.http_url());
    let client = reqwest::Client::new();
    let sent = async || {
        let body = r#"{"latitude_deg": 46.5, "longitude_deg": 8.0}"#;
        let request = client.post(&url).bearer_auth(KEY).header("content-type", "application/json").body(body);
        request.send().await.ok().map(|answer| answer.status())
    };
    let status = sent().await.context("an answer")?;
    ensure!(status != StatusCode::UNAUTHORIZED, "the key is refused: {status}");
    std::fs::remove_file(&file)?;
    let revoked = async || (sent().await? == StatusCode::UNAUTHORIZED).then_some(());
    wait_until(TIMEOUT, "the key to be revoked", revoked).await
}

#[tokio::test]
async fn clients_do_not_learn_internal_addresses() -> Result<()> {
    // No service listens on these ports.
    let settings = [
        ("UPDRAFT_KAFKA_BOOTSTRAP", "127.0.0.1:1"),
        ("UPDRAFT_SCHEMA_REGISTRY_URL", "http://127.0.0.1:2"),
        ("UPDRAFT_REDIS_URL", "redis://127.0.0.1:3"),
        ("UPDRAFT_CLICKHOUSE_URL", "http://127.0.0.1:4"),
    ];
    let options =
        settings.iter().fold(ProgramOptions::new("pusher"), |options, (name, value)| options.env(name, value));
    let program = Program::spawn(options)?;
    let reported = async || {
        let (status, body) = program.admin("/ready").await.ok()?;
        (status == 503 && body.contains("127.0.0.1:1") && body.contains("127.0.0.1:4")).then_some(())
    };
    wait_until(TIMEOUT, "/ready to report why it is not ready", reported).await?;
    for (path, expected) in [
        ("/ready", 503),
        ("/api/v1/pilots", 503),
        ("/api/v1/track/110B90", 503),
        ("/api/v1/flights?day=2026-07-14", 503),
        // For operators, and none is configured.
        ("/api/v1/validation/110B90", 403),
    ] {
        let (status, body) = program.http(path).await?;
        ensure!(status == expected && !body.contains("127.0.0.1"), "{path}: {status} {body}");
    }
    let (_, body) = program.http("/ready").await?;
    ensure!(body.contains("\"ready\":false") && body.contains("\"parts\""), "{body}");
    Ok(())
}

/// A process that ends with the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised() -> Result<()> {
    let ports = ["--http-listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 300 && exec \"$0\" \"$@\""])
        .arg(beside_the_test("updraft")?)
        .arg("--live")
        .args(ports);
    let started = Started(command.spawn().context("start sh")?);
    let limits = format!("/proc/{}/limits", started.0.id());
    let raised = async || {
        let text = std::fs::read_to_string(&limits).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        let mut numbers = line.split_whitespace();
        let (soft, hard) = (numbers.next()?, numbers.next()?);
        (soft == hard && soft != "300").then_some(())
    };
    wait_until(TIMEOUT, "the soft limit to be the hard one", raised).await
}
