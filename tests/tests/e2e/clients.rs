//! The other side of each door, by programs of another make: mosquitto_pub, redis-cli, Python.

use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use harness::{Stack, python, tool_path, workspace_dir};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// Publishes one message at QoS 1 and returns when the broker has it.
pub(crate) async fn publish(topic: &str, payload: &[u8]) -> Result<()> {
    let (host, port) = Stack::shared().mosquitto().await?.host_port();
    let mut client = Command::new(tool_path("mosquitto_pub")?)
        .args(["-h", &host, "-p", &port.to_string(), "-q", "1", "-t", topic, "-s"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    client.stdin.take().context("stdin is piped")?.write_all(payload).await?;
    checked("mosquitto_pub", client.wait_with_output().await?).map(drop)
}

/// The answer of a Redis command, one line per element.
pub(crate) async fn redis(url: &str, command: &[&str]) -> Result<Vec<String>> {
    let output = Command::new(tool_path("redis-cli")?).args(["-u", url]).args(command).output().await?;
    let answer = checked("redis-cli", output)?;
    Ok(answer.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect())
}

/// All records of a topic so far, decoded by the registry's schema.
pub(crate) async fn records(topic: &str) -> Result<Vec<Value>> {
    let stack = Stack::shared();
    let output = Command::new(python()?)
        .arg(workspace_dir().join("tests/services/kcat.py"))
        .args([topic, "--from-beginning", "--until-end", "--timeout", "20"])
        .args(["--bootstrap", stack.kafka().await?.bootstrap(), "--registry", stack.registry().await?.url()])
        .output()
        .await?;
    let lines = checked("kcat", output)?;
    lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("kcat said {line}"))).collect()
}

fn checked(name: &str, output: Output) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// A WebSocket client that keeps everything it is told, over all its connections.
pub(crate) struct Listener {
    _client: Child,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Listener {
    /// Connects to `url`, such as `ws://127.0.0.1:8090/ws/v1/updates?lat=46&lon=7&radius=50`.
    pub(crate) fn start(url: &str) -> Result<Self> {
        let mut client = Command::new(python()?)
            .arg(workspace_dir().join("tests/fixtures/ws_client.py"))
            .arg(url)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(client.stdout.take().context("stdout is piped")?).lines();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let message = serde_json::from_str(&line).unwrap_or(Value::String(line));
                keep.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        });
        Ok(Self { _client: client, heard })
    }

    /// Everything so far.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All updates of one kind (`aircraft`, `ground`, ...) of a device, in snapshots and in batches, oldest first.
    pub(crate) fn updates(&self, kind: &str, device: &str) -> Vec<Value> {
        let objects = |message: &Value| {
            let holder = ["snapshot", "updates"].into_iter().map(|name| &message[name]).find(|value| value.is_object());
            holder.map(|holder| holder["objects"][kind].as_array().cloned().unwrap_or_default()).unwrap_or_default()
        };
        self.heard().iter().flat_map(objects).filter(|object| object["device"] == device).collect()
    }
}
