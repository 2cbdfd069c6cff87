//! A client of another make as a process that says what happens, one JSON line each.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::{beside_the_test, python, tool_path, wait_until, workspace_dir};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::stage::own_dir;

/// A running client. Ends with this value.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    events: Arc<Mutex<Vec<Value>>>,
    _child: Child,
}

/// The examples, each as its README has it, on a region and with devices to follow.
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

/// Node, with the packages of the tests for those who look for them.
pub(crate) fn node(script: &str) -> Result<Command> {
    let mut command = Command::new(tool_path("node")?);
    command.arg(workspace_dir().join(script)).env("NODE_PATH", workspace_dir().join("tests/node/node_modules"));
    Ok(command)
}

/// A script of `tests/clients` to its end; what it printed.
pub(crate) async fn check(mut command: Command) -> Result<String> {
    let what = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output()).await?.with_context(|| what.clone())?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{what}: {}\n{said}", output.status);
    Ok(said)
}

/// The Python classes of the contract, made here and now.
fn classes() -> Result<PathBuf> {
    let out = own_dir()?;
    let proto = workspace_dir().join("schemas/proto");
    let made = Command::new(python()?)
        .args(["-m", "grpc_tools.protoc", "-I"])
        .arg(&proto)
        .arg(format!("--python_out={}", out.display()))
        .args(["updraft/v1/common.proto", "updraft/v1/live.proto"])
        .current_dir(&proto)
        .output()
        .context("start protoc")?;
    ensure!(made.status.success(), "protoc: {}", String::from_utf8_lossy(&made.stderr));
    Ok(out)
}

impl Running {
    pub(crate) fn start(name: &'static str, command: Command) -> Result<Self> {
        let mut command = tokio::process::Command::from(command);
        let child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.with_context(|| format!("start {name}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let heard = events.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }
        });
        Ok(Self { name, events, _child: child })
    }

    /// How much it has said so far: what is waited for from here on comes later.
    pub(crate) fn said(&self) -> usize {
        self.events().len()
    }

    /// Waits for an event after the first `from`.
    pub(crate) async fn until(
        &self,
        soon: Duration,
        from: usize,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let found = async || self.events().iter().skip(from).find(|event| is_it(event)).cloned();
        match wait_until(soon, what, found).await {
            Ok(event) => Ok(event),
            Err(error) => {
                bail!("{}: {error:#}; it said {:?}", self.name, self.events().iter().rev().take(12).collect::<Vec<_>>())
            }
        }
    }

    fn events(&self) -> MutexGuard<'_, Vec<Value>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
