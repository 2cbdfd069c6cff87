//! Client processes that print events as JSON lines.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::{beside_the_test, python, tool_path, wait_until, workspace_dir};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::stage::temporary_dir;

/// A running client. Dropping it ends the process.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    events: Arc<Mutex<Vec<Value>>>,
    _child: Child,
}

/// Starts the examples as in their README, with a region and devices to follow.
pub(crate) fn examples(url: &str, region: &[&str], follow: &[&str]) -> Result<Vec<Running>> {
    let arguments = || std::iter::once(url).chain(region.iter().copied()).chain(follow.iter().copied());
    let mut javascript = node("examples/clients/javascript/watch.mjs")?;
    javascript.args(arguments());
    let mut in_python = Command::new(python()?);
    in_python
        .arg(workspace_dir().join("examples/clients/python/watch.py"))
        .args(arguments())
        .env("PYTHONPATH", classes()?);
    let binary = beside_the_test("updraft-client")?;
    ensure!(binary.exists(), "{} is not built: cargo build -p updraft-client", binary.display());
    let mut rust = Command::new(binary);
    rust.args(arguments());
    [("javascript", javascript), ("python", in_python), ("rust", rust)]
        .into_iter()
        .map(|(name, command)| Running::start(name, command))
        .collect()
}

/// Runs a script with Node and the packages of the tests.
pub(crate) fn node(script: &str) -> Result<Command> {
    let mut command = Command::new(tool_path("node")?);
    command.arg(workspace_dir().join(script)).env("NODE_PATH", workspace_dir().join("tests/node/node_modules"));
    Ok(command)
}

/// Runs a command to its end and returns its output.
pub(crate) async fn check(mut command: Command) -> Result<String> {
    let what = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output()).await?.with_context(|| what.clone())?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{what}: {}\n{text}", output.status);
    Ok(text)
}

/// Generates the Python classes of the contract.
fn classes() -> Result<PathBuf> {
    let out = temporary_dir()?;
    let proto = workspace_dir().join("schemas/proto");
    let generated = Command::new(python()?)
        .args(["-m", "grpc_tools.protoc", "-I"])
        .arg(&proto)
        .arg(format!("--python_out={}", out.display()))
        .args(["updraft/v1/common.proto", "updraft/v1/live.proto"])
        .current_dir(&proto)
        .output()
        .context("start protoc")?;
    ensure!(generated.status.success(), "protoc: {}", String::from_utf8_lossy(&generated.stderr));
    Ok(out)
}

impl Running {
    pub(crate) fn start(name: &'static str, command: Command) -> Result<Self> {
        let mut command = tokio::process::Command::from(command);
        let child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.with_context(|| format!("start {name}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let sink = events.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }
        });
        Ok(Self { name, events, _child: child })
    }

    /// The number of events so far: the start for waits for later events.
    pub(crate) fn event_count(&self) -> usize {
        self.events().len()
    }

    /// Waits for an event after the first `from`.
    pub(crate) async fn until(
        &self,
        timeout: Duration,
        from: usize,
        what: &str,
        matches: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let found = async || self.events().iter().skip(from).find(|event| matches(event)).cloned();
        match wait_until(timeout, what, found).await {
            Ok(event) => Ok(event),
            Err(error) => {
                bail!(
                    "{}: {error:#}; its latest events: {:?}",
                    self.name,
                    self.events().iter().rev().take(12).collect::<Vec<_>>()
                )
            }
        }
    }

    fn events(&self) -> MutexGuard<'_, Vec<Value>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
