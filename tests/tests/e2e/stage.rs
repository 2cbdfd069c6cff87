//! The whole pipeline as separate processes on the shared services, under a prefix of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use harness::{Mosquitto, Program, ProgramOptions, Redis, Stack, unique_prefix};

use serde_json::Value;

use crate::captured;
use crate::topics::Record;

pub(crate) struct Stage {
    pub(crate) bridge: Program,
    pub(crate) processor: Program,
    pub(crate) pusher: Program,
    _thermals: Program,
    _receivers: Program,
    prefix: String,
    /// Of this stage's own: another stage's frames would be heard too.
    mosquitto: Mosquitto,
    redis: Redis,
}

impl Stage {
    pub(crate) async fn start(name: &str) -> Result<Self> {
        let stack = Stack::shared();
        let prefix = unique_prefix(name);
        let (mosquitto, redis) = (Mosquitto::start().await?, Redis::start().await?);
        // Later ones win.
        let mut settings = stack.settings(&prefix).await?;
        settings.extend([
            ("UPDRAFT_MQTT_URL".to_owned(), mosquitto.url().to_owned()),
            ("UPDRAFT_REDIS_URL".to_owned(), redis.url().to_owned()),
            ("UPDRAFT_BRIDGE_CLIENT_ID".to_owned(), format!("{prefix}bridge")),
        ]);
        apply_topics(&settings)?;
        let program = |name: &str| ProgramOptions::new(name).envs(settings.clone());
        Ok(Self {
            processor: Program::start(program("processor").args(["run"])).await?,
            _thermals: Program::start(program("processor").args(["thermals"])).await?,
            _receivers: Program::start(program("processor").args(["receivers"])).await?,
            pusher: Program::start(program("pusher")).await?,
            bridge: Program::start(program("bridge")).await?,
            prefix,
            mosquitto,
            redis,
        })
    }

    /// Where frames are published.
    pub(crate) fn mqtt(&self) -> (String, u16) {
        self.mosquitto.host_port()
    }

    /// Publishes at QoS 1 with mosquitto_pub; when this returns the broker has it.
    pub(crate) async fn publish(&self, topic: &str, payload: &[u8]) -> Result<()> {
        let (host, port) = self.mosquitto.host_port();
        let arguments = ["-h", &host, "-p", &port.to_string(), "-V", "mqttv5", "-q", "1", "-t", topic, "-s"];
        let mut command = tokio::process::Command::new(harness::tool_path("mosquitto_pub")?);
        let mut child = command.args(arguments).stdin(Stdio::piped()).spawn().context("start mosquitto_pub")?;
        tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().context("piped")?, payload).await?;
        let status = child.wait().await?;
        ensure!(status.success(), "mosquitto_pub {topic}: {status}");
        Ok(())
    }

    /// Every captured frame, on the topic it was captured on.
    pub(crate) async fn publish_captured(&self) -> Result<()> {
        for (topic, payload) in captured::messages()? {
            self.publish(&topic, &payload).await?;
        }
        Ok(())
    }

    /// All records of a topic, read by confluent-kafka with the schemas of the registry.
    pub(crate) fn topic(&self, name: &str) -> Result<Vec<Record>> {
        let stack = Stack::shared();
        let full_name = format!("{}{name}", self.prefix);
        let (bootstrap, registry) = tokio::task::block_in_place(|| {
            let handle = tokio::runtime::Handle::current();
            handle.block_on(async {
                anyhow::Ok((stack.kafka().await?.bootstrap().to_owned(), stack.registry().await?.url().to_owned()))
            })
        })?;
        let script = harness::workspace_dir().join("tests/services/kcat.py");
        let output = Command::new(harness::python()?)
            .arg(script)
            .args([&full_name, "--from-beginning", "--until-end", "--timeout", "30"])
            .args(["--bootstrap", &bootstrap, "--registry", &registry])
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

    /// The answer of redis-cli, a line per element.
    pub(crate) fn redis(&self, command: &[&str]) -> Result<String> {
        let output =
            Command::new(harness::tool_path("redis-cli")?).args(["-u", self.redis.url()]).args(command).output();
        let output = output.context("start redis-cli")?;
        ensure!(output.status.success(), "redis-cli {command:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// `processor topics apply`, as an operator runs it.
pub(crate) fn apply_topics(settings: &[(String, String)]) -> Result<()> {
    let binary = beside_the_test("processor")?;
    let output = Command::new(binary)
        .args(["topics", "apply"])
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .context("start processor")?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "processor topics apply: {}\n{out}{err}", output.status);
    Ok(())
}

pub(crate) fn beside_the_test(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let profile = tests.ancestors().nth(2).context("a test binary lies in target/<profile>/deps")?;
    Ok(profile.join(name))
}
