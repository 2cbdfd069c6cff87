//! The program as a newcomer meets it: one command, a map with pilots on it, one key to end it.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fanet::packet::{AircraftType, GroundTracking, GroundType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position, Wrapped};
use harness::{Program, ProgramOptions, free_port, wait_until};
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

async fn start(mqtt_port: u16, arguments: &[&str]) -> Result<Program> {
    let listen = format!("127.0.0.1:{mqtt_port}");
    let arguments = ["--mqtt-listen", &listen].into_iter().chain(arguments.iter().copied());
    Program::start(ProgramOptions::new("updraft").args(arguments)).await
}

/// One list of the snapshot of the whole world.
async fn shown(program: &Program, list: &str) -> Result<Vec<Value>> {
    let (status, body) = program.http(&format!("/api/v1/{list}?bounds=-90,-180,90,180")).await?;
    ensure!(status == 200, "{list}: {status} {body}");
    let body: Value = serde_json::from_str(&body)?;
    Ok(body[list].as_array().context("no list")?.clone())
}

async fn until_shown(program: &Program, list: &'static str, least: usize) -> Result<Vec<Value>> {
    let what = format!("{least} {list} on the map");
    wait_until(SOON, &what, async || shown(program, list).await.ok().filter(|found| found.len() >= least)).await
}

#[tokio::test]
async fn simulated_pilots_stations_and_receivers_are_on_the_map_within_seconds() -> Result<()> {
    let program = start(free_port(), &[]).await?;
    let pilots = until_shown(&program, "pilots", 15).await?;
    until_shown(&program, "ground", 3).await?;
    until_shown(&program, "stations", 5).await?;
    until_shown(&program, "receivers", 8).await?;
    let log = program.service().log_tail(1_000);
    for line in ["map:    http://localhost:", "MQTT:   mqtt://localhost:", "pilots: 40 simulated"] {
        ensure!(log.contains(line), "{line:?} is missing in:\n{log}");
    }
    let devices: HashSet<&str> = pilots.iter().filter_map(|pilot| pilot["device"].as_str()).collect();
    ensure!(devices.len() == pilots.len(), "devices are doubled: {pilots:?}");
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    Ok(())
}

/// How many positions the track of a device has.
async fn recorded(program: &Program, device: &str) -> Option<u64> {
    let (status, body) = program.http(&format!("/api/v1/track/{device}?hours=1")).await.ok()?;
    let body: Value = serde_json::from_str(&body).ok()?;
    (status == 200).then_some(())?;
    body["recorded"].as_str()?.parse().ok()
}

#[tokio::test]
async fn tracks_are_recorded_and_outlive_the_program_in_its_folder() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let program = start(free_port(), &["--pilots", "5", "--data-dir", &folder]).await?;
    let pilots = until_shown(&program, "pilots", 1).await?;
    let device = pilots[0]["device"].as_str().context("no address")?.to_owned();
    let enough = async || recorded(&program, &device).await.filter(|count| *count >= 2);
    let before = wait_until(SOON, "a track", enough).await?;
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let program = start(free_port(), &["--pilots", "5", "--data-dir", &folder]).await?;
    let again = async || recorded(&program, &device).await.filter(|count| *count >= before);
    wait_until(SOON, "the track of before", again).await?;
    Ok(())
}

#[tokio::test]
async fn frames_of_real_receivers_arrive_and_the_hidden_do_not() -> Result<()> {
    let mqtt_port = free_port();
    let program = start(mqtt_port, &["--live"]).await?;
    let (client, mut events) = AsyncClient::new(MqttOptions::new("receiver", "127.0.0.1", mqtt_port), 16);
    let connection = async {
        while events.poll().await.is_ok() {}
        anyhow::bail!("the connection has ended")
    };
    let publishing = async {
        for step in 0..60_u32 {
            let frames = [tracking(0x11_0001, step, true), tracking(0x11_0002, step, false), walking(0x11_0003, step)];
            for frame in frames {
                let payload =
                    Wrapped { timestamp_s: 1_780_308_000 + step, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode();
                client.publish("fb/b/2900000001/f", QoS::AtLeastOnce, false, payload).await?;
            }
            let pilots = shown(&program, "pilots").await.unwrap_or_default();
            let ground = shown(&program, "ground").await.unwrap_or_default();
            if !pilots.is_empty() && !ground.is_empty() {
                return Ok((pilots, ground));
            }
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
        anyhow::bail!("nothing shown:\n{}", program.service().log_tail(30))
    };
    let (pilots, ground) = tokio::select! {
        shown = publishing => shown?,
        ended = connection => ended?,
    };
    assert_eq!((pilots.len(), ground.len()), (1, 1), "{pilots:?} {ground:?}");
    assert_eq!((pilots[0]["device"].as_str(), ground[0]["device"].as_str()), (Some("110001"), Some("110003")));
    Ok(())
}

#[tokio::test]
async fn recorded_flights_fly_under_their_numbers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for number in 1..=3 {
        std::fs::write(folder.path().join(format!("{number}.igc")), recording(number))?;
    }
    let program = start(free_port(), &["--igc", utf8(folder.path())?]).await?;
    let named = async || {
        let pilots = shown(&program, "pilots").await.ok()?;
        let names: HashSet<String> =
            pilots.iter().filter_map(|pilot| Some(pilot["name"].as_str()?.to_owned())).collect();
        (names.len() == 3).then_some(names)
    };
    let names = wait_until(SOON, "three names on the map", named).await?;
    assert_eq!(names, ["Pilot 01", "Pilot 02", "Pilot 03"].map(str::to_owned).into());
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let free = format!("127.0.0.1:{}", free_port());
    for (arguments, setting) in [
        (["--mqtt-listen", &address, "--http-listen", &free], "--mqtt-listen"),
        (["--mqtt-listen", &free, "--http-listen", &address], "--http-listen"),
    ] {
        let error =
            ProgramOptions::new("updraft").args(arguments).env("UPDRAFT_ADMIN_LISTEN", "127.0.0.1:0").run().await;
        let told = format!("{:#}", error.err().context("it started all the same")?);
        assert!(told.contains(setting) && told.contains(&address), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn bad_settings_are_told_in_one_line() -> Result<()> {
    for (arguments, named) in [
        (&["--pilots", "many"][..], "--pilots"),
        (&["--live", "--igc", "x"], "--igc"),
        (&["--igc", "/nowhere/at/all"], "--igc"),
        (&["--pilots", "900000"], "--pilots"),
    ] {
        let ports = ["--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let options = ProgramOptions::new("updraft").args(arguments.iter().chain(&ports).copied());
        let told = format!("{:#}", options.run().await.err().context("it started all the same")?);
        assert!(told.contains(named), "{arguments:?}: {told}");
    }
    Ok(())
}

fn encoded(device: u32, packet: Packet<'_>) -> Vec<u8> {
    let source = Address::from_u32(device).expect("24 bits");
    Frame::new(Header::broadcast(source), packet).encode().expect("it can be sent")
}

fn tracking(device: u32, step: u32, online_tracking: bool) -> Vec<u8> {
    let tracking = Tracking {
        position: Position::new(46.5, 8.0 + f64::from(step) * 1e-4),
        online_tracking,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_800 + step as i32,
        speed_kmh: 30.0,
        climb_ms: 1.0,
        heading_deg: 90.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    };
    encoded(device, Packet::Tracking(tracking))
}

fn walking(device: u32, step: u32) -> Vec<u8> {
    let position = Position::new(46.51, 8.0 + f64::from(step) * 2e-5);
    encoded(
        device,
        Packet::GroundTracking(GroundTracking { position, ground_type: GroundType::Walking, online_tracking: true }),
    )
}

/// Ten minutes of straight flight at 36 km/h, one fix per second.
fn recording(number: u32) -> String {
    let fix = |second: u32| {
        let (minute, second_of_minute) = (second / 60, second % 60);
        // Thousandths of a minute of longitude: about 1.27 m each at this latitude.
        let east = 10_000 + second * 8;
        format!("B10{minute:02}{second_of_minute:02}46{:02}000N008{east:05}EA0150001500\n", 20 + number)
    };
    std::iter::once("HFDTE010625\n".to_owned()).chain((0..600).map(fix)).collect()
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().context("a path of UTF-8")
}
