//! `updraft` with simulated pilots, and the checks after each attack.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, free_port, wait_until};
use serde_json::Value;

use crate::wire::{Client, TIMEOUT};

/// The limit of resident memory; without attacks it is about 100 MB.
const MAX_BYTES: u64 = 500 << 20;

pub(crate) struct Fixture {
    pub(crate) program: Program,
    pub(crate) port: u16,
}

impl Fixture {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(&["--pilots", "10"]).await
    }

    /// Starts `updraft` with these arguments and the default log.
    pub(crate) async fn start_with(arguments: &[&str]) -> Result<Self> {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["--mqtt-listen", &listen].into_iter().chain(arguments.iter().copied());
        let program = Program::start(ProgramOptions::new("updraft").args(arguments)).await?;
        Ok(Self { program, port })
    }

    /// A list of the API for the complete world.
    async fn list(&self, name: &str) -> Result<Vec<Value>> {
        let (status, body) = self.program.http(&format!("/api/v1/{name}?bounds=-90,-180,90,180")).await?;
        ensure!(status == 200, "{name}: {status} {body}");
        let body: Value = serde_json::from_str(&body)?;
        Ok(body[name].as_array().context("no list")?.clone())
    }

    async fn positions(&self) -> Option<BTreeMap<String, String>> {
        let pilots = self.list("pilots").await.ok()?;
        let position = |pilot: &Value| Some((pilot["device"].as_str()?.to_owned(), pilot["position"].to_string()));
        let found: BTreeMap<_, _> = pilots.iter().filter_map(position).collect();
        (!found.is_empty()).then_some(found)
    }

    /// Waits until a pilot has moved.
    pub(crate) async fn wait_for_movement(&self) -> Result<()> {
        let before = wait_until(TIMEOUT, "pilots on the map", async || self.positions().await).await?;
        let moved = async || {
            let now = self.positions().await?;
            before.iter().any(|(device, position)| now.get(device).is_some_and(|now| now != position)).then_some(())
        };
        wait_until(TIMEOUT, "pilots to move", moved).await
    }

    /// Checks that the map moves, a new client is accepted, `/ready` answers 200, memory is bounded, and the log has no
    /// error.
    pub(crate) async fn check_healthy(&self) -> Result<()> {
        self.wait_for_movement().await?;
        Client::accepted(self.port, 4, "afterwards", 10).await?;
        let (status, body) = self.program.admin("/ready").await?;
        ensure!(status == 200, "/ready: {status} {body}");
        let bytes = self.program.resident_bytes().context("it runs")?;
        ensure!(bytes < MAX_BYTES, "{} MB of memory", bytes >> 20);
        ensure!(self.program.metric("fanet_standalone_mqtt_panics_total", &[]).await? == 0.0, "a task panicked");
        self.check_log(&["ERROR", "panic", "not ready"])
    }

    pub(crate) fn check_log(&self, words: &[&str]) -> Result<()> {
        let log = std::fs::read_to_string(self.program.service().log())?;
        let found: Vec<&str> = log.lines().filter(|line| words.iter().any(|word| line.contains(word))).collect();
        ensure!(found.is_empty(), "unexpected lines in the log:\n{}", found.join("\n"));
        Ok(())
    }

    /// Waits until a connection has ended for this reason.
    pub(crate) async fn wait_for_end(&self, reason: &str) -> Result<()> {
        let label = format!("reason=\"{reason}\"");
        let ended = async || {
            let count = self.program.metric("fanet_standalone_mqtt_ended_total", &[&label]).await.ok()?;
            (count >= 1.0).then_some(())
        };
        wait_until(TIMEOUT, &format!("a connection to end as {reason}"), ended).await
    }
}
