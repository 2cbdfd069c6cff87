//! The whole API as an operator uses it: a decision about a position, and every route against its document.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, free_port, python, wait_until, workspace_dir};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{SOON, until_shown};

/// The program with a history, notifications and the key of an operator.
struct Operated {
    program: Program,
    key: String,
    _folder: TempDir,
}

impl Operated {
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let new_key = ProgramOptions::new("pusher").args(["keys", "new", "--scope", "operator"]);
        let printed = new_key.start_within(SOON).run().await?;
        let key = printed.lines().find(|line| line.starts_with("updraft_")).context("a key")?.to_owned();
        let entry = printed.find("[[key]]").map(|at| &printed[at..]).context("its lines")?;
        let (keys, secrets) = (folder.path().join("api-keys.toml"), folder.path().join("notify-keys"));
        std::fs::write(&keys, entry)?;
        std::fs::write(&secrets, "5".repeat(64))?;
        let listen = format!("127.0.0.1:{}", free_port());
        let data = folder.path().join("data").display().to_string();
        let options = ProgramOptions::new("updraft")
            .args(["--mqtt-listen", &listen, "--pilots", "5", "--data-dir", &data])
            .env("UPDRAFT_PUSHER_API_KEYS", keys.display())
            .env("UPDRAFT_PUSHER_NOTIFY_KEYS", secrets.display());
        Ok(Self { program: Program::start(options).await?, key, _folder: folder })
    }

    /// Sends a request, again where it comes too soon after the command before it.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
        let answer = async || {
            let answer = self.ask_once(method, path, body.as_ref()).await;
            (!matches!(answer, Ok((429, _)))).then_some(answer)
        };
        wait_until(SOON, "a request that is not too soon", answer).await?
    }

    async fn ask_once(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let url = format!("{}/api/v1/{path}", self.program.http_url());
        let request = reqwest::Client::new().request(method.parse()?, url).bearer_auth(&self.key);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// The recorded positions of a device.
    async fn positions(&self, device: &str) -> Result<Vec<Value>> {
        let (status, list) = self.ask("GET", &format!("devices/{device}/positions?hours=1"), None).await?;
        ensure!(status == 200, "{status} {list}");
        Ok(list["positions"].as_array().cloned().unwrap_or_default())
    }

    /// Whether the track of a device has a position of this time, microseconds.
    async fn is_of_track(&self, device: &str, event_at_us: &str) -> Result<bool> {
        let (status, track) =
            self.ask("GET", &format!("track/{device}?hours=1&level=plausible&format=csv"), None).await?;
        ensure!(status == 200, "{status} {track}");
        let at_ms = event_at_us.parse::<u64>()? / 1_000;
        let at = humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + Duration::from_millis(at_ms)).to_string();
        Ok(track.as_str().context("a table")?.contains(at.trim_end_matches('Z')))
    }
}

#[tokio::test]
async fn operators_reject_correct_and_accept_a_position() -> Result<()> {
    let operated = Operated::start().await?;
    let pilots = until_shown(&operated.program, "pilots", 1).await?;
    let device = pilots[0]["device"].as_str().context("an address")?.to_owned();
    let some = async || operated.positions(&device).await.ok().filter(|positions| positions.len() >= 4);
    let positions = wait_until(SOON, "recorded positions", some).await?;
    let wrong = &positions[positions.len() - 3];
    let text = |name: &str| wrong[name].as_str().map(str::to_owned).with_context(|| format!("{name} in {wrong}"));
    let (id, event_at_us) = (text("observation_id")?, text("event_at_us")?);
    ensure!(operated.is_of_track(&device, &event_at_us).await?, "{wrong}");

    let path = |what: &str| format!("devices/{device}/positions/{id}/{what}");
    // Some fifty metres from the wrong one: what is far from the flight is no part of a plausible track.
    let degrees = |name: &str| wrong["position"][name].as_f64().context("degrees");
    let latitude_deg = ((degrees("latitude_deg")? + 0.000_5) * 1e7).round() / 1e7;
    let (longitude_deg, altitude_m) = (degrees("longitude_deg")?, wrong["position"]["altitude_m"].clone());
    let right = json!({ "latitude_deg": latitude_deg, "longitude_deg": longitude_deg, "altitude_m": altitude_m });
    let body = json!({ "event_at_us": event_at_us, "position": right, "remark": "seen from the launch" });
    let (status, receipt) = operated.ask("POST", &path("reject"), Some(body)).await?;
    ensure!(status == 202, "{status} {receipt}");
    let is_moved = async || {
        let positions = operated.positions(&device).await.ok()?;
        let of_time = |one: &&Value| one["event_at_us"] == event_at_us.as_str();
        let is_rejected = |one: &Value| one["observation_id"] == id.as_str() && one["of_track"] != true;
        let is_right = |one: &Value| one["source"] == "person" && one["of_track"] == true && one["position"] == right;
        let found: Vec<&Value> = positions.iter().filter(of_time).collect();
        (found.iter().any(|one| is_rejected(one)) && found.iter().any(|one| is_right(one))).then_some(())
    };
    wait_until(SOON, "the right position in place of the wrong one", is_moved).await?;
    ensure!(operated.is_of_track(&device, &event_at_us).await?, "the right one");

    // Without the right one the time has no position of the track; then the first is accepted again.
    let positions = operated.positions(&device).await?;
    let right = positions.iter().find(|one| one["source"] == "person").context("the right one")?;
    let right_id = right["observation_id"].as_str().context("an id")?;
    let of_right = format!("devices/{device}/positions/{right_id}/reject");
    let (status, receipt) = operated.ask("POST", &of_right, Some(json!({ "event_at_us": event_at_us }))).await?;
    ensure!(status == 202, "{status} {receipt}");
    let is_gone = async || (!operated.is_of_track(&device, &event_at_us).await.ok()?).then_some(());
    wait_until(SOON, "a track without the position", is_gone).await?;
    let (status, receipt) = operated.ask("POST", &path("accept"), Some(json!({ "event_at_us": event_at_us }))).await?;
    ensure!(status == 202, "{status} {receipt}");
    let is_back = async || operated.is_of_track(&device, &event_at_us).await.ok()?.then_some(());
    wait_until(SOON, "the position in the track again", is_back).await?;

    let (status, audit) = operated.ask("GET", &format!("audit?device={device}"), None).await?;
    ensure!(status == 200 && audit.to_string().contains("seen from the launch"), "{status} {audit}");
    let (status, problem) = operated.ask("POST", &path("reject"), Some(json!({ "event_at_us": "1" }))).await?;
    ensure!(status == 404 && problem["code"] == "unknown_position", "{status} {problem}");
    let code = operated.program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", operated.program.service().log_tail(30));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_operators_as_documented() -> Result<()> {
    let operated = Operated::start().await?;
    until_shown(&operated.program, "pilots", 1).await?;
    let mut command = Command::new(python()?);
    command.arg(workspace_dir().join("tests/clients/openapi.py")).arg(operated.program.http_url()).arg(&operated.key);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let code = operated.program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", operated.program.service().log_tail(30));
    Ok(())
}
