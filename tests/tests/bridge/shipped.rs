//! The Mosquitto configuration of Compose: its permissions and limits.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use harness::{Mosquitto, Program, free_port, tool_path, wait_until};
use schemas::catalogue::topic;
use tokio::process::Command;

use crate::fixture::{Fixture, TIMEOUT};

const FRAME: [u8; 40] = [7; 40];

/// Runs one of Mosquitto's clients and returns its output.
async fn client(name: &str, port: u16, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(tool_path(name)?);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-V", "5"]).args(arguments).kill_on_drop(true);
    let output =
        tokio::time::timeout(TIMEOUT, command.output()).await.with_context(|| format!("{name} does not end"))??;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_publish_and_only_bridges_read() -> Result<()> {
    let bridges_port = free_port();
    let mosquitto = Mosquitto::start_shipped(bridges_port, 67_108_864).await?;
    let (_, port) = mosquitto.host_port();
    let fixture = Fixture::with(mosquitto, "shipped").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = fixture.bridge().await?.env("UPDRAFT_MQTT_URL", format!("mqtt://127.0.0.1:{bridges_port}"));
    let bridge = Program::start(bridge).await?;
    fixture.publish("fb/b/8896672/f/1", &FRAME).await?;
    fixture.publish("fb/b/8896672/f", &FRAME).await?;
    fixture.publish("fb/b/8896672/hw", b"{}").await?;
    assert_eq!(fixture.raw(3).await?.len(), 3);
    let log = bridge.service().log_tail(200);
    let warning = log.lines().find(|line| line.contains("WARN") && line.contains("broker"));
    ensure!(warning.is_none(), "unexpected warning about the broker's settings: {warning:?}");
    ensure!(log.contains("the broker reports its version"), "expected the permission to read the version:\n{log}");

    // Mosquitto allows any subscription, but must send nothing, not even messages queued meanwhile.
    for (number, filter) in ["#", "fb/b/+/f/#", "$share/g/fb/b/+/f", "$SYS/#"].into_iter().enumerate() {
        let id = format!("outsider-{number}");
        let session = ["-i", &id, "-x", "3600", "-q", "1", "-t", filter, "-c"];
        client("mosquitto_sub", port, &[&session[..], &["-E"]].concat()).await?;
        fixture.publish("fb/b/8896672/f", &FRAME).await?;
        let received = client("mosquitto_sub", port, &[&session[..], &["-W", "2"]].concat()).await?;
        ensure!(received.trim() == "Timed out", "{filter}: {received:?}");
    }
    for topic in ["fb/b/1", "fb/b/1/f/1/2", "other", "$SYS/broker/version"] {
        let refused = client("mosquitto_pub", port, &["-t", topic, "-m", "x", "-q", "1"]).await?;
        ensure!(refused.contains("Not authorized"), "{topic}: {refused:?}");
    }
    let refused = client("mosquitto_pub", bridges_port, &["-t", "fb/b/1/f", "-m", "x", "-q", "1"]).await?;
    ensure!(refused.contains("Not authorized"), "expected that the port of bridges refuses PUBLISH: {refused:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_for_an_absent_bridge_is_bounded() -> Result<()> {
    let (bridges_port, max_messages) = (free_port(), 250);
    let mosquitto = Mosquitto::start_shipped(bridges_port, max_messages * FRAME.len() as u32).await?;
    let (_, port) = mosquitto.host_port();
    let session = ["-i", "bridge", "-x", "3600", "-q", "1", "-t", "fb/b/+/f/#", "-c"];
    client("mosquitto_sub", bridges_port, &[&session[..], &["-E"]].concat()).await?;

    // One connection and one message per line: 1,000 frames of 40 bytes.
    let mut publisher = Command::new(tool_path("mosquitto_pub")?)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1", "-t", "fb/b/1/f", "-l"])
        .stdin(Stdio::piped())
        .spawn()?;
    let lines = format!("{}\n", "f".repeat(FRAME.len())).repeat(1_000);
    tokio::io::AsyncWriteExt::write_all(&mut publisher.stdin.take().context("piped")?, lines.as_bytes()).await?;
    ensure!(publisher.wait().await?.success(), "expected acknowledgements to the publisher");

    let received = client("mosquitto_sub", bridges_port, &[&session[..], &["-W", "3"]].concat()).await?;
    let stored = received.lines().filter(|line| line.starts_with("fff")).count();
    ensure!(stored == max_messages as usize, "{stored} of {max_messages} frames were stored");
    let dropped = async || {
        let topic = "$SYS/broker/publish/messages/dropped";
        let count = client("mosquitto_sub", bridges_port, &["-t", topic, "-C", "1", "-W", "3"]).await.ok()?;
        count.lines().any(|line| line.parse::<u32>() == Ok(750)).then_some(())
    };
    wait_until(TIMEOUT, "the broker to report the dropped messages", dropped).await
}
