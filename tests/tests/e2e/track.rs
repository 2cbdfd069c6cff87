//! From radio frames to a pilot's file: through the broker, Kafka, the core, the historian and ClickHouse into an IGC file,
//! which a program of another make reads back, point by point.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stack, Stage, unique_prefix};
use serde_json::Value;

use crate::flight::Flight;

const SOON: Duration = Duration::from_secs(60);
const POSITIONS: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn the_frames_of_a_flight_are_the_fixes_of_its_igc_file() -> Result<()> {
    let engine = Stack::shared().clickhouse().await?.url();
    let database = unique_prefix("track").replace(['-', '.'], "_");
    let history = [("UPDRAFT_CLICKHOUSE_URL".to_owned(), format!("{engine}/{database}"))];
    let stage = Stage::start_with("track", history).await?;
    migrate(&stage)?;
    let historian = ProgramOptions::new("processor").args(["historian"]).envs(stage.settings());
    // Every line of it is read by the harness.
    let historian = historian.env("UPDRAFT_LOG_FORMAT", "json");
    let historian = Program::start(historian).await?;

    let mut flight = Flight::new(0x11_AA07, (46.20, 13.60));
    for _ in 0..POSITIONS {
        let index = flight.advance().await;
        for receiver in ["8896672", "7048812"] {
            stage.publish(&format!("fb/b/{receiver}/f/1"), &flight.payload(index)).await?;
        }
    }
    let path = format!("/api/v1/track/{}?hours=1&level=raw", flight.address());
    let recorded = harness::wait_until(SOON, "the flight in the history", async || {
        let (status, body) = stage.pusher.http(&path).await.ok()?;
        let track: Value = (status == 200).then(|| serde_json::from_str(&body).ok())??;
        (track["recorded"] == POSITIONS.to_string().as_str()).then_some(track)
    });
    let track = recorded.await.with_context(|| historian.service().log_tail(20))?;
    ensure!(track["segments"].as_array().is_some_and(|segments| segments.len() == 1), "{track}");

    let (status, igc) = stage.pusher.http(&format!("{path}&format=igc")).await?;
    ensure!(status == 200, "{status}: {igc}");
    let fixes = read_igc(&igc)?;
    ensure!(fixes.len() == POSITIONS, "{} fixes of {POSITIONS} frames", fixes.len());
    for (index, fix) in fixes.iter().enumerate() {
        let (latitude, longitude) = flight.on_air(index);
        let off = |name: &str, wanted: f64| (fix[name].as_f64().unwrap_or(f64::NAN) - wanted).abs();
        // Two centimetres: what the digits of the file and of the store can tell.
        assert!(off("latitude_deg", latitude) < 2e-7 && off("longitude_deg", longitude) < 2e-7, "{index}: {fix}");
        assert_eq!(fix["altitude_m"], flight.altitude_m());
    }
    let at = |fix: &Value| fix["at_s"].as_f64().unwrap_or_default();
    assert!(fixes.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])), "in the order flown");
    Ok(())
}

fn migrate(stage: &Stage) -> Result<()> {
    let processor = harness::beside_the_test("processor")?;
    let output = Command::new(processor).args(["migrate", "--new-database"]).envs(stage.settings()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    harness::check_log("processor migrate", &said, harness::NOTHING)
}

fn read_igc(text: &str) -> Result<Vec<Value>> {
    let script = harness::workspace_dir().join("tests/clients/igc.py");
    let mut reader =
        Command::new(harness::python()?).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    std::io::Write::write_all(&mut reader.stdin.take().context("piped")?, text.as_bytes())?;
    let output = reader.wait_with_output()?;
    ensure!(output.status.success(), "aerofiles cannot read {text}");
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
