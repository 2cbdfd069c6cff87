//! Recorded flights through the stack: the positions that the map client received are compared with the files.
//!
//! The flights belong to their pilots and are not part of this repository: set `UPDRAFT_IGC_DIR` to a directory of IGC
//! files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions};

use crate::watcher::{Aircraft, Picture, Watcher};
use harness::Stage;

/// Long enough for a device to be validated and seen often enough, with one frame every five to ten seconds.
const FLIGHT_TIME: &str = "90s";
const TIMEOUT: Duration = Duration::from_secs(120);
const POSITIONS: usize = 6;
/// The resolution of the longitude at the equator is 2.4 m on the radio and 1.9 m in files.
const TOLERANCE_M: f64 = 15.0;
/// Above 2,047 m the resolution of the altitude on the radio is 4 m.
const TOLERANCE_ALTITUDE_M: i32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn the_map_shows_the_recorded_positions() -> Result<()> {
    let Some(directory) = std::env::var_os("UPDRAFT_IGC_DIR").map(PathBuf::from) else {
        eprintln!("UPDRAFT_IGC_DIR is not set: nothing is tested");
        return Ok(());
    };
    let files = flights(&directory)?;
    let stage = Stage::start("recorded").await?;
    let regions: BTreeSet<String> = files.iter().map(|file| region(&file.fixes[0])).collect();
    let watchers: Vec<Watcher> =
        regions.iter().map(|region| Watcher::start(&stage.pusher, region, &[])).collect::<Result<_>>()?;
    let (host, port) = stage.mqtt();
    let arguments = ["generate", "--igc"].map(std::ffi::OsString::from).into_iter();
    let arguments = arguments.chain([directory.into_os_string()]);
    let arguments = arguments.chain(["--mqtt".into(), format!("mqtt://{host}:{port}").into()]);
    let arguments = arguments.chain(["--for", FLIGHT_TIME].map(std::ffi::OsString::from));
    let _generator = Program::spawn(ProgramOptions::new("replay").args(arguments))?;

    let all_seen = async || (devices(&watchers, POSITIONS).len() >= files.len()).then_some(());
    let seen = harness::wait_until(TIMEOUT, "every recorded flight on the map", all_seen).await;
    let seen_devices = devices(&watchers, POSITIONS);
    seen.with_context(|| {
        let counts = watchers.iter().flat_map(|watcher| watcher.look(Picture::track_lengths));
        format!(
            "{} flights, {} seen {POSITIONS} times: {:?}",
            files.len(),
            seen_devices.len(),
            counts.collect::<Vec<_>>()
        )
    })?;
    for device in seen_devices {
        let track = track(&watchers, &device);
        let matching = files.iter().filter(|file| track.iter().all(|aircraft| file.has(aircraft))).count();
        ensure!(matching >= 1, "{device}: its {} positions match no file", track.len());
    }
    Ok(())
}

/// The region around the flight's first fix; rounded, so that flights of one valley share a watcher.
fn region(fix: &Fix) -> String {
    format!("lat={}&lon={}&radius=200", fix.latitude_deg.round(), fix.longitude_deg.round())
}

/// Aircraft with at least this number of positions. The generator adds receivers, but no other aircraft.
fn devices(watchers: &[Watcher], positions: usize) -> BTreeSet<String> {
    let per_watcher = watchers.iter().map(|watcher| {
        watcher.look(|picture| {
            let tracks = picture.tracks.iter().filter(|(_, track)| track.len() >= positions);
            tracks.map(|(device, _)| device.clone()).collect::<Vec<_>>()
        })
    });
    per_watcher.flatten().collect()
}

fn track(watchers: &[Watcher], device: &str) -> Vec<Aircraft> {
    watchers
        .iter()
        .flat_map(|watcher| watcher.look(|picture| picture.tracks.get(device).cloned()).unwrap_or_default())
        .collect()
}

struct Flight {
    fixes: Vec<Fix>,
}

struct Fix {
    latitude_deg: f64,
    longitude_deg: f64,
    gnss_altitude_m: i32,
}

impl Flight {
    fn has(&self, aircraft: &Aircraft) -> bool {
        self.fixes.iter().any(|fix| {
            let north_m = (fix.latitude_deg - aircraft.latitude_deg) * 111_195.0;
            let east_m = (fix.longitude_deg - aircraft.longitude_deg) * 111_195.0 * fix.latitude_deg.to_radians().cos();
            let altitude_m = aircraft.altitude_m.unwrap_or(i32::MIN);
            north_m.hypot(east_m) <= TOLERANCE_M
                && (altitude_m - fix.gnss_altitude_m.max(0)).abs() <= TOLERANCE_ALTITUDE_M
        })
    }
}

fn flights(directory: &Path) -> Result<Vec<Flight>> {
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("read UPDRAFT_IGC_DIR {}", directory.display()))?;
    let mut flights = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("igc")) {
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            flights.push(Flight { fixes: text.lines().filter_map(fix).collect() });
        }
    }
    ensure!(!flights.is_empty(), "UPDRAFT_IGC_DIR {} has no .igc files", directory.display());
    Ok(flights)
}

/// A B record: `BHHMMSSDDMMmmmNDDDMMmmmEVPPPPPGGGGG`.
fn fix(line: &str) -> Option<Fix> {
    let degrees = |from: usize, digits: usize| {
        let degrees_part: f64 = line.get(from..from + digits)?.parse().ok()?;
        let thousandths: f64 = line.get(from + digits..from + digits + 5)?.parse().ok()?;
        let sign = if matches!(line.get(from + digits + 5..from + digits + 6)?, "S" | "W") { -1.0 } else { 1.0 };
        Some(sign * (degrees_part + thousandths / 60_000.0))
    };
    line.starts_with('B').then_some(())?;
    Some(Fix {
        latitude_deg: degrees(7, 2)?,
        longitude_deg: degrees(15, 3)?,
        gnss_altitude_m: line.get(30..35)?.parse().ok()?,
    })
}
