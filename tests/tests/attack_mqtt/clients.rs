//! Third-party MQTT clients, as receivers use them: paho-mqtt and mosquitto_pub.

use anyhow::{Context as _, Result, ensure};
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position, Wrapped};
use harness::{python, tool_path, wait_until, workspace_dir};
use serde_json::Value;
use tokio::process::Command;

use crate::fixture::Fixture;
use crate::wire::{Client, TIMEOUT, publish};

const TOPIC: &str = "fb/b/2900000001/f/1";

/// The MQTT payload of a paraglider, with or without its consent to be shown.
fn message(device: u32, step: u32, online_tracking: bool) -> Vec<u8> {
    let tracking = Tracking {
        position: Position::new(46.5, 8.0 + f64::from(step) * 1e-4),
        online_tracking,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_800,
        speed_kmh: 30.0,
        climb_mps: 1.0,
        heading_deg: 90.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    };
    let source = Address::from_u32(device).expect("24 bits");
    let frame = Frame::new(Header::broadcast(source), Packet::Tracking(tracking)).encode().expect("encodable");
    Wrapped { timestamp_s: 1_780_308_000 + step, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode()
}

async fn paho(fixture: &Fixture, version: &str, qos: u8, keep_alive: u16, payloads: &[Vec<u8>]) -> Result<Value> {
    let script = workspace_dir().join("tests/clients/mqtt_publish.py");
    let mut command = Command::new(python()?);
    command.arg(script).args([&fixture.port.to_string(), version, &qos.to_string(), &keep_alive.to_string(), TOPIC]);
    let output = command.args(payloads.iter().map(hex::encode)).kill_on_drop(true).output().await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "paho {version}, QoS {qos}: {stderr}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("paho {version}: {stderr}"))
}

async fn forwarded(fixture: &Fixture) -> Result<f64> {
    fixture.program.metric("fanet_bridge_forwarded_total", &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paho_publishes_in_each_version_and_qos() -> Result<()> {
    let fixture = Fixture::start_with(&["--live"]).await?;
    let mut expected = 0.0;
    for (number, version) in ["3.1", "3.1.1", "5"].into_iter().enumerate() {
        for qos in 0..=2 {
            let device = 0x11_1000 + (number as u32) * 3 + u32::from(qos);
            let payloads: Vec<_> = (0..20).map(|step| message(device, step, true)).collect();
            let keep_alive = if qos == 0 { 0 } else { 30 };
            let result = paho(&fixture, version, qos, keep_alive, &payloads).await?;
            let refused = if version == "5" { 0x87 } else { 0x80 };
            ensure!(result["connack"] == "Success" && result["published"] == 20, "{version}, QoS {qos}: {result}");
            ensure!(result["suback"] == serde_json::json!([refused, refused]), "{version}: {result}");
            expected += 20.0;
            let all = async || (forwarded(&fixture).await.ok()? >= expected).then_some(());
            wait_until(TIMEOUT, "all frames in the log", all).await?;
            ensure!(
                forwarded(&fixture).await? == expected,
                "{version}, QoS {qos}: expected each frame once, and no will"
            );
        }
    }
    fixture.check_log(&["WARN", "ERROR", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_pub_publishes_in_each_version() -> Result<()> {
    let fixture = Fixture::start_with(&["--live"]).await?;
    for (number, version) in ["mqttv31", "mqttv311", "mqttv5"].into_iter().enumerate() {
        for qos in ["0", "1", "2"] {
            let file = tempfile::NamedTempFile::new()?;
            std::fs::write(file.path(), message(0x11_2000 + number as u32, 1, true))?;
            let port = fixture.port.to_string();
            let mut command = Command::new(tool_path("mosquitto_pub")?);
            command.args(["-h", "127.0.0.1", "-p", &port, "-V", version, "-q", qos, "-t", TOPIC, "-r", "-f"]);
            let output = command.arg(file.path()).kill_on_drop(true).output().await?;
            let stderr = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success() && stderr.is_empty(), "{version}, QoS {qos}: {stderr}");
        }
    }
    let all = async || (forwarded(&fixture).await.ok()? == 9.0).then_some(());
    wait_until(TIMEOUT, "nine frames in the log", all).await?;
    fixture.check_log(&["WARN", "ERROR", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_qos_2_message_counts_once() -> Result<()> {
    let fixture = Fixture::start_with(&["--live"]).await?;
    let frame = message(0x11_3000, 1, true);
    for connection in 0..5 {
        // The same packet id on each connection, since no PUBREL was sent.
        let mut client = Client::accepted(fixture.port, 4, "once", 60).await?;
        let mut bytes = publish(4, 2, 9, TOPIC, &frame);
        bytes[0] |= if connection > 0 { 8 } else { 0 };
        client.send(&bytes).await?;
        ensure!(client.receive().await? == (0x50, vec![0, 9]), "expected PUBREC");
    }
    let mut client = Client::accepted(fixture.port, 4, "once", 60).await?;
    client.send(&[0x62, 2, 0, 9]).await?;
    ensure!(client.receive().await? == (0x70, vec![0, 9]));
    ensure!(forwarded(&fixture).await? == 1.0, "expected one forwarded frame");
    client.send(&publish(4, 2, 9, TOPIC, &frame)).await?;
    ensure!(client.receive().await? == (0x50, vec![0, 9]));
    ensure!(forwarded(&fixture).await? == 2.0, "expected that the packet id can be reused");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_logged() -> Result<()> {
    let fixture = Fixture::start_with(&["--live"]).await?;
    let mut future = Client::open(fixture.port).await?;
    future.send(b"\x10\x0D\x00\x04MQTT\x09\x02\x00\x0A\x00\x01a").await?;
    ensure!(future.receive().await? == (0x20, vec![0, 1]), "expected CONNACK: unacceptable protocol version");
    let mut long = Client::open(fixture.port).await?;
    long.send(&crate::wire::connect(4, &"x".repeat(1_000), 10)).await?;
    ensure!(long.receive().await? == (0x20, vec![0, 2]), "expected CONNACK: identifier rejected");
    let mut other_topic = Client::accepted(fixture.port, 5, "other_topic", 10).await?;
    other_topic.send(&publish(5, 1, 3, "fanet/frames", b"x")).await?;
    ensure!(other_topic.receive().await?.1.starts_with(&[0, 3, 0x10]), "expected PUBACK: no matching subscribers");
    let all = async || {
        let log = fixture.program.service().log_tail(100);
        ["protocol level 9", "client id is too long, 1000 bytes", "fanet/frames"]
            .iter()
            .all(|line| log.contains(line))
            .then_some(())
    };
    wait_until(TIMEOUT, "the reasons in the log", all).await
}
