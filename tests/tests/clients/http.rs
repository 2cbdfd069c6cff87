//! HTTP/2 and TLS with httpx and Node; positions of smartphones.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, python, tool_path, wait_until, workspace_dir};
use serde_json::json;

use crate::flight::Flight;
use crate::running::{Running, check, node};
use crate::stage::{KEY, SENDER, TIMEOUT, fly, stage, temporary_dir};

fn http2(url: &str, ca: Option<&Path>) -> Result<Command> {
    let mut command = Command::new(python()?);
    command.arg(workspace_dir().join("tests/clients/http2.py")).arg(url).args(ca);
    Ok(command)
}

/// Generates a self-signed certificate for this machine.
fn certificate(dir: &Path, name: &str) -> Result<()> {
    let generated = Command::new(tool_path("openssl")?)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(dir.join("cert.pem"))
        .arg("-keyout")
        .arg(dir.join("key.pem"))
        .output()
        .context("start openssl")?;
    ensure!(generated.status.success(), "openssl: {}", String::from_utf8_lossy(&generated.stderr));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn h2c_serves_a_hundred_streams() -> Result<()> {
    let stage = stage().await?;
    let output = check(http2(&stage.pusher.http_url(), None)?).await?;
    ensure!(output.contains("h2c"), "{output}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_certificates_are_reloaded() -> Result<()> {
    let stage = stage().await?;
    let dir = temporary_dir()?;
    certificate(&dir, "first")?;
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let options = ProgramOptions::new("pusher").args(["run"]).envs(stage.settings());
    let options = options.env("UPDRAFT_PUSHER_TLS_CERT", cert.display()).env("UPDRAFT_PUSHER_TLS_KEY", key.display());
    let pusher = Program::start(options).await?;
    let output = check(http2(&format!("https://{}", pusher.http_address()), Some(&cert))?).await?;
    ensure!(output.contains("ALPN"), "{output}");

    let mut watch = node("examples/clients/javascript/watch.mjs")?;
    watch.env("NODE_EXTRA_CA_CERTS", &cert).args([&format!("wss://{}", pusher.http_address()), "46.8", "9.8", "20"]);
    let client = Running::start("javascript", watch)?;
    let mut flight = Flight::new(0x11_AD01, (46.80, 9.80));
    fly(&stage, &mut flight, 3).await?;
    client.until(TIMEOUT, 0, "the aircraft over TLS", |event| event["id"] == flight.address()).await?;

    certificate(&dir, "second")?;
    let subject = async || {
        let mut show = Command::new(tool_path("openssl").ok()?);
        show.args(["s_client", "-connect", &pusher.http_address()]).stdin(std::process::Stdio::null());
        check(show).await.ok()?.replace(' ', "").contains("CN=second").then_some(())
    };
    wait_until(TIMEOUT, "the new certificate", subject).await?;
    let from = client.event_count();
    fly(&stage, &mut flight, 1).await?;
    client
        .until(TIMEOUT, from, "further updates on the open connection", |event| event["id"] == flight.address())
        .await?;

    let from = client.event_count();
    pusher.service().stop().await?;
    let closed = client.until(TIMEOUT, from, "closed", |event| event["event"] == "closed").await?;
    ensure!(closed["code"] == 1001, "expected the close frame of the server: {closed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_a_smartphone_is_on_the_map() -> Result<()> {
    let stage = stage().await?;
    let client = reqwest::Client::new();
    let url = stage.pusher.http_url();
    for step in 0..4_u32 {
        let body = json!({
            "positioned_at_us": now_us().to_string(), "latitude_deg": 47.0 + f64::from(step) * 1e-4, "longitude_deg": 7.0,
            "altitude_m": 1200.0, "speed_kmh": 36.0,
        });
        let sent = async || {
            let post = client.post(format!("{url}/api/v1/position")).bearer_auth(KEY);
            let answer = post.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
            // Too timeout after the one before: again.
            (answer.status() == 202).then_some(())
        };
        wait_until(TIMEOUT, "the position to be accepted", sent).await?;
    }
    let shown = async || {
        let (status, text) = stage.pusher.http(&format!("/api/v1/devices/{SENDER}")).await.ok()?;
        (status == 200).then_some(text)
    };
    let device: serde_json::Value =
        serde_json::from_str(&wait_until(TIMEOUT, "the smartphone on the map", shown).await?)?;
    assert_eq!((&device["aircraft"]["source"], &device["manufacturer"]), (&json!("app"), &json!("FANET+")));
    assert_eq!(device["aircraft"]["position"]["longitude_deg"], 7.0);
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "a smartphone uses real time")]
fn now_us() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_micros()
}
