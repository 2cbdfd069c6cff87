//! A program for receivers of one's own, killed and restarted on its folder: acknowledged frames are recorded, and the map
//! continues.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fanet::Wrapped;
use harness::{Pace, Program, ProgramOptions, free_port, wait_until};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::Value;

use crate::program::{SOON, tracking, until_shown};

const RECEIVER: &str = "2900000001";
const PILOTS: u32 = 8;
const FIRST_DEVICE: u32 = 0x07_B000;
/// The time between two frames of a pilot.
const STEP: Duration = Duration::from_millis(1_100);

async fn start(port: u16, folder: &str) -> Result<Program> {
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["--mqtt-listen", &listen, "--live", "--data-dir", folder];
    let options = ProgramOptions::new("updraft").args(arguments).env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true");
    Program::start(options).await
}

/// Devices that fly side by side; their frames are published one after the other, each when the one before is acknowledged.
struct Flight {
    client: AsyncClient,
    events: EventLoop,
    pace: Pace,
    step: u32,
    /// Device and step of the acknowledged frames.
    acknowledged: BTreeSet<(u32, u32)>,
}

impl Flight {
    fn new(port: u16) -> Self {
        let (client, events) = AsyncClient::new(MqttOptions::new("receiver", "127.0.0.1", port), 16);
        Self { client, events, pace: Pace::every(STEP), step: 0, acknowledged: BTreeSet::new() }
    }

    /// The next frames of the first so many pilots.
    async fn fly(&mut self, pilots: u32) -> Result<()> {
        self.pace.next().await;
        self.step += 1;
        for device in FIRST_DEVICE..FIRST_DEVICE + pilots {
            let frame = tracking(device, self.step, true);
            let timestamp_s = 1_780_308_000 + self.step;
            let payload = Wrapped { timestamp_s, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode();
            self.client.publish(format!("fb/b/{RECEIVER}/f"), QoS::AtLeastOnce, false, payload).await?;
            while !matches!(self.events.poll().await?, Event::Incoming(Packet::PubAck(_))) {}
            self.acknowledged.insert((device, self.step));
        }
        Ok(())
    }

    /// To the next program.
    fn on(self, port: u16) -> Self {
        Self { step: self.step, acknowledged: self.acknowledged, ..Self::new(port) }
    }
}

/// Device and step of the recorded positions.
async fn recorded(program: &Program) -> Option<BTreeSet<(u32, u32)>> {
    let (status, table) = program.http("/api/v1/export?kind=positions&hours=1").await.ok()?;
    (status == 200).then_some(())?;
    let names: Vec<&str> = table.lines().next()?.split(',').collect();
    let [device, longitude] = ["device", "longitude_deg"].map(|wanted| names.iter().position(|name| *name == wanted));
    let (device, longitude) = (device?, longitude?);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
        let degrees: f64 = cells.get(longitude)?.parse().ok()?;
        Some((u32::from_str_radix(cells.get(device)?, 16).ok()?, ((degrees - 8.0) * 1e4).round() as u32))
    };
    table.lines().skip(1).map(row).collect()
}

async fn all_recorded(program: &Program, flight: &Flight) -> Result<()> {
    let all = async || recorded(program).await.filter(|rows| flight.acknowledged.is_subset(rows)).map(|_| ());
    let found = wait_until(SOON, "every acknowledged frame in the history", all).await;
    if found.is_err() {
        let rows = recorded(program).await.unwrap_or_default();
        let lost: Vec<_> = flight.acknowledged.difference(&rows).collect();
        bail!("of {} acknowledged frames {lost:?} are not in the history", flight.acknowledged.len());
    }
    Ok(())
}

async fn get(program: &Program, path: &str) -> Result<Value> {
    let (status, body) = program.http(path).await?;
    ensure!(status == 200, "{path}: {status} {body}");
    Ok(serde_json::from_str(&body)?)
}

/// The frames that the receiver has delivered since it was first heard.
async fn frames_of_receiver(program: &Program) -> Result<u64> {
    let list = get(program, "/api/v1/receivers?bounds=-90,-180,90,180").await?;
    let receivers = list["receivers"].as_array().context("a list")?;
    let receiver = receivers.iter().find(|receiver| receiver["receiver_id"] == RECEIVER).context("no receiver")?;
    receiver["frames"].as_str().context("a count")?.parse().context("a number")
}

#[tokio::test]
async fn acknowledged_frames_outlive_kills() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let port = free_port();
    let mut program = start(port, &folder).await?;
    let mut flight = Flight::new(port);
    for round in 1..=3 {
        for _ in 0..4 {
            flight.fly(PILOTS).await?;
        }
        // In the middle of a step, right after an acknowledgement.
        flight.fly(round * 2).await?;
        program.service().kill().await?;
        drop(program);
        let port = free_port();
        program = start(port, &folder).await?;
        // Before any frame after the restart.
        let pilots = until_shown(&program, "pilots", PILOTS as usize).await?;
        ensure!(pilots.len() == PILOTS as usize, "{pilots:?}");
        all_recorded(&program, &flight).await?;
        flight = flight.on(port);
    }
    flight.fly(PILOTS).await?;
    all_recorded(&program, &flight).await?;
    let rows = recorded(&program).await.context("the history")?;
    ensure!(rows == flight.acknowledged, "more than was sent: {:?}", rows.difference(&flight.acknowledged));
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    Ok(())
}

#[tokio::test]
async fn states_scores_and_counters_survive_a_restart() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let port = free_port();
    let program = start(port, &folder).await?;
    let mut flight = Flight::new(port);
    let validation = format!("/api/v1/validation/{FIRST_DEVICE:06X}");
    // The score is full, and the receiver has counted all.
    let settled = async |program: &Program, frames: u64| {
        let score = get(program, &validation).await.ok()?["score"].as_u64()?;
        (score == 100 && frames_of_receiver(program).await.ok()? == frames).then_some(())
    };
    for _ in 0..6 {
        flight.fly(PILOTS).await?;
    }
    let frames = flight.acknowledged.len() as u64;
    wait_until(SOON, "full scores and counts", async || settled(&program, frames).await).await?;
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let port = free_port();
    let program = start(port, &folder).await?;
    until_shown(&program, "pilots", PILOTS as usize).await?;
    wait_until(SOON, "the scores and counts of before", async || settled(&program, frames).await).await?;
    let mut flight = flight.on(port);
    flight.fly(PILOTS).await?;
    let frames = flight.acknowledged.len() as u64;
    wait_until(SOON, "counts that continue", async || settled(&program, frames).await).await?;
    Ok(())
}

/// A folder belongs to one program at a time.
#[tokio::test]
async fn a_second_program_on_the_folder_is_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let _first = start(free_port(), &folder).await?;
    let [mqtt, http, admin] = [free_port(), free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let ports = ["--mqtt-listen", &mqtt, "--http-listen", &http, "--admin-listen", &admin];
    let arguments = ports.into_iter().chain(["--live", "--data-dir", &folder]);
    let second = ProgramOptions::new("updraft").args(arguments).expects_errors("another process uses it").run().await;
    let error = format!("{:#}", second.err().context("the second one runs")?);
    ensure!(error.contains("another process uses it"), "{error}");
    Ok(())
}
