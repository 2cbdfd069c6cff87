//! The whole pipeline as separate processes on the shared services, under a prefix of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::log::{NOTHING, check_log};
use crate::{Mosquitto, Program, ProgramOptions, Redis, Stack, unique_prefix};

mod captured;
mod record;

pub use captured::captured_messages;
pub use record::Record;

/// Bridge, processor (core, thermals, receivers) and pusher, each a process; Mosquitto and Redis of their own, Kafka and
/// the registry shared.
pub struct Stage {
    /// MQTT to Kafka.
    pub bridge: Program,
    /// The core (`processor run`).
    pub processor: Program,
    /// Serves maps.
    pub pusher: Program,
    thermals: Program,
    receivers: Program,
    /// The settings of each program.
    settings: Vec<(String, String)>,
    prefix: String,
    /// Not shared, since the bridge would receive the frames of other stages.
    mosquitto: Mosquitto,
    redis: Redis,
}

impl Stage {
    /// Starts all programs; topics, groups and client ids begin with `name`.
    ///
    /// # Errors
    /// When a service or a program does not become ready.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, []).await
    }

    /// As [`start`](Self::start), with more settings (environment variables), which override its own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(name: &str, extra: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let stack = Stack::shared();
        let prefix = unique_prefix(name);
        let (mosquitto, redis) = tokio::try_join!(Mosquitto::start(), Redis::start())?;
        // Later values override.
        let mut settings = stack.settings(&prefix).await?;
        settings.extend([
            ("UPDRAFT_MQTT_URL".to_owned(), mosquitto.url().to_owned()),
            ("UPDRAFT_REDIS_URL".to_owned(), redis.url().to_owned()),
            ("UPDRAFT_BRIDGE_CLIENT_ID".to_owned(), format!("{prefix}bridge")),
            // As in Compose.
            ("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), "6".to_owned()),
        ]);
        settings.extend(extra);
        apply_topics(&settings)?;
        let program = |name: &str| ProgramOptions::new(name).envs(settings.clone());
        // Each waits for its partitions and its first reading: together they wait once.
        let (processor, thermals, receivers, pusher, bridge) = tokio::try_join!(
            Program::start(program("processor").args(["run"])),
            Program::start(program("processor").args(["thermals"])),
            Program::start(program("processor").args(["receivers"])),
            Program::start(program("pusher")),
            Program::start(program("bridge")),
        )?;
        Ok(Self { bridge, processor, pusher, thermals, receivers, settings, prefix, mosquitto, redis })
    }

    /// Fails when the log of one of its programs has unannounced errors. Checked when it is dropped; tests that share a
    /// stage call it themselves.
    ///
    /// # Errors
    /// With the lines.
    pub fn check_logs(&self) -> Result<()> {
        self.programs().into_iter().try_for_each(|program| program.service().check_log())
    }

    /// All programs.
    pub fn programs(&self) -> [&Program; 5] {
        [&self.bridge, &self.processor, &self.thermals, &self.receivers, &self.pusher]
    }

    /// Host and port of the MQTT broker.
    pub fn mqtt(&self) -> (String, u16) {
        self.mosquitto.host_port()
    }

    /// The prefix of topics, groups and client ids.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The environment of the programs, for more programs.
    pub fn settings(&self) -> Vec<(String, String)> {
        self.settings.clone()
    }

    /// Publishes at QoS 1 with mosquitto_pub; returns when the broker has the message.
    ///
    /// # Errors
    /// When the program is missing or the broker refuses.
    pub async fn publish(&self, topic: &str, payload: &[u8]) -> Result<()> {
        let (host, port) = self.mosquitto.host_port();
        let arguments = ["-h", &host, "-p", &port.to_string(), "-V", "mqttv5", "-q", "1", "-t", topic, "-s"];
        let mut command = tokio::process::Command::new(crate::tool_path("mosquitto_pub")?);
        let mut child = command.args(arguments).stdin(Stdio::piped()).spawn().context("start mosquitto_pub")?;
        tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().context("piped")?, payload).await?;
        let status = child.wait().await?;
        ensure!(status.success(), "mosquitto_pub {topic}: {status}");
        Ok(())
    }

    /// Every captured frame, on the topic it was captured on.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_captured(&self) -> Result<()> {
        for (topic, payload) in captured_messages()? {
            self.publish(&topic, &payload).await?;
        }
        Ok(())
    }

    /// All records of a topic, read by confluent-kafka with the schemas of the registry.
    ///
    /// # Errors
    /// When a record other than a dead letter cannot be decoded.
    pub fn topic(&self, name: &str) -> Result<Vec<Record>> {
        let full_name = format!("{}{name}", self.prefix);
        let (bootstrap, registry) =
            (self.setting("UPDRAFT_KAFKA_BOOTSTRAP")?, self.setting("UPDRAFT_SCHEMA_REGISTRY_URL")?);
        let script = crate::workspace_dir().join("tests/services/kcat.py");
        let output = Command::new(crate::python()?)
            .arg(script)
            .args([&full_name, "--from-beginning", "--until-end", "--timeout", "30"])
            .args(["--bootstrap", bootstrap, "--registry", registry])
            .output()
            .context("start kcat.py")?;
        ensure!(output.status.success(), "{full_name}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = std::str::from_utf8(&output.stdout)?.lines();
        let records = lines.map(|line| Ok(Record(serde_json::from_str(line)?))).collect::<Result<Vec<_>>>()?;
        let undecoded = records.iter().find(|record| record.0.get("why").is_some() && name != "fanet.dead-letter.v1");
        ensure!(
            undecoded.is_none(),
            "{full_name}: not decoded: {}",
            undecoded.map_or(&Value::Null, |record| &record.0)
        );
        Ok(records)
    }

    /// The last value of a setting.
    fn setting(&self, name: &str) -> Result<&str> {
        let given = self.settings.iter().rev().find(|(key, _)| key == name);
        given.map(|(_, value)| value.as_str()).with_context(|| format!("{name} is not set"))
    }

    /// The output of redis-cli, a line per element.
    ///
    /// # Errors
    /// When it fails.
    pub fn redis(&self, command: &[&str]) -> Result<String> {
        let output = Command::new(crate::tool_path("redis-cli")?).args(["-u", self.redis.url()]).args(command).output();
        let output = output.context("start redis-cli")?;
        ensure!(output.status.success(), "redis-cli {command:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// `processor topics apply`, as an operator runs it.
///
/// # Errors
/// When it is not built or fails; with its output.
pub fn apply_topics(settings: &[(String, String)]) -> Result<()> {
    let binary = beside_the_test("processor")?;
    let output = Command::new(binary)
        .args(["topics", "apply", "--new-prefix"])
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .context("start processor")?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "processor topics apply: {}\n{out}{err}", output.status);
    check_log("processor topics apply", &err, NOTHING)
}

/// The path of our program in the target directory of the running test.
///
/// # Errors
/// When the test is not in a target directory.
pub fn beside_the_test(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let profile = tests.ancestors().nth(2).context("a test binary is in target/<profile>/deps")?;
    Ok(profile.join(name))
}
