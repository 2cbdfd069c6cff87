//! From radio frames to an IGC file: through the broker, Kafka, the processor, the historian and ClickHouse. A
//! third-party program parses the file, and each fix is compared.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stack, Stage, unique_prefix};
use serde_json::Value;

use crate::flight::Flight;

const TIMEOUT: Duration = Duration::from_secs(60);
const POSITIONS: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn an_igc_file_has_the_frames_of_the_flight() -> Result<()> {
    let engine = Stack::shared().clickhouse().await?.url();
    let database = unique_prefix("track").replace(['-', '.'], "_");
    let history = [("UPDRAFT_CLICKHOUSE_URL".to_owned(), format!("{engine}/{database}"))];
    let stage = Stage::start_with("track", history).await?;
    migrate(&stage)?;
    let historian = ProgramOptions::new("processor").args(["historian"]).envs(stage.settings());
    // The harness parses each line.
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
    let recorded = harness::wait_until(TIMEOUT, "the flight in the history", async || {
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
        // Two centimetres: the precision of the file and the store.
        assert!(off("latitude_deg", latitude) < 2e-7 && off("longitude_deg", longitude) < 2e-7, "{index}: {fix}");
        assert_eq!(fix["altitude_m"], flight.altitude_m());
    }
    let at = |fix: &Value| fix["at_s"].as_f64().unwrap_or_default();
    assert!(fixes.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])), "expected fixes in order");
    Ok(())
}

pub(crate) fn migrate(stage: &Stage) -> Result<()> {
    let processor = harness::beside_the_test("processor")?;
    let output = Command::new(processor).args(["migrate", "--new-database"]).envs(stage.settings()).output()?;
    let output_text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{output_text}");
    harness::check_log("processor migrate", &output_text, harness::NOTHING)
}

fn read_igc(text: &str) -> Result<Vec<Value>> {
    let script = harness::workspace_dir().join("tests/clients/igc.py");
    let mut reader =
        Command::new(harness::python()?).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    std::io::Write::write_all(&mut reader.stdin.take().context("piped")?, text.as_bytes())?;
    let output = reader.wait_with_output()?;
    ensure!(output.status.success(), "aerofiles cannot parse {text}");
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
