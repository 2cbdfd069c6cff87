//! Runs the program `replay` as its users do: with arguments and environment variables.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, ensure};
use harness::{Stack, beside_the_test, unique_prefix};

/// Environment variables, by name; of a name that is there twice the last one counts.
pub(crate) type Settings = [(String, String)];

/// Settings of the shared services with a topic prefix and a Redis database that no other test uses, for six
/// partitions.
pub(crate) async fn fresh_settings() -> Result<Vec<(String, String)>> {
    static DATABASES: AtomicU8 = AtomicU8::new(1);
    let stack = Stack::shared();
    let mut settings = stack.settings(&unique_prefix("replayed")).await?;
    let database = stack.redis().await?.database(DATABASES.fetch_add(1, Ordering::Relaxed));
    settings.push(("UPDRAFT_REDIS_URL".to_owned(), database));
    settings.push(("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), "6".to_owned()));
    Ok(settings)
}

/// The same settings without the topic prefix.
pub(crate) fn without_prefix(settings: &Settings) -> Vec<(String, String)> {
    settings.iter().filter(|(name, _)| name != "UPDRAFT_TOPIC_PREFIX").cloned().collect()
}

pub(crate) fn setting<'a>(settings: &'a Settings, name: &str) -> Result<&'a str> {
    let found = settings.iter().rev().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).with_context(|| format!("{name} is not set"))
}

pub(crate) fn prefix(settings: &Settings) -> Result<&str> {
    setting(settings, "UPDRAFT_TOPIC_PREFIX")
}

pub(crate) fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path of ours is text")
}

fn command(settings: &Settings, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(beside_the_test("replay")?);
    command.args(arguments).envs(settings.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Starts `replay` and does not wait for its end.
pub(crate) fn spawn(settings: &Settings, arguments: &[&str]) -> Result<Child> {
    command(settings, arguments)?.stderr(Stdio::null()).spawn().context("start replay")
}

/// Runs `replay` to its end.
pub(crate) fn output(settings: &Settings, arguments: &[&str]) -> Result<Output> {
    command(settings, arguments)?.output().context("start replay")
}

/// Runs `replay` to its end; any exit code but 0 is an error. Returns its standard output, or its standard error where
/// that is empty.
pub(crate) fn run(settings: &Settings, arguments: &[&str]) -> Result<String> {
    let output = output(settings, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "replay {arguments:?}: {}: {errors}", output.status);
    let printed = String::from_utf8(output.stdout)?;
    Ok(if printed.is_empty() { errors.into_owned() } else { printed })
}

/// Runs `replay` to its end, and checks its exit code and that its standard error contains `text`.
pub(crate) fn refuses(settings: &Settings, arguments: &[&str], code: i32, text: &str) -> Result<()> {
    let output = output(settings, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "replay {arguments:?}: {}: {errors}", output.status);
    ensure!(errors.contains(text), "replay {arguments:?}: {errors}");
    Ok(())
}
