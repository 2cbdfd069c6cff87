//! One pipeline for all tests of this binary: each uses devices and a region of its own.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};
use harness::{Stage, workspace_dir};
use tokio::sync::OnceCell;

use crate::flight::Flight;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
pub(crate) const KEY: &str = "a-key-for-the-tests-of-positions";
/// The device of the key.
pub(crate) const SENDER: &str = "11AB01";
/// For random requests.
pub(crate) const NOISE_KEY: &str = "a-key-for-the-noise-of-schemathesis";

/// Bridge, processor and pusher with real services. The pusher serves the example page instead of the map, and accepts
/// positions.
pub(crate) async fn stage() -> Result<Shared> {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let stage = STAGE
        .get_or_try_init(|| async {
            let keys = temporary_dir()?.join("keys.toml");
            let sender = |key: &str, device: &str| {
                format!("[[sender]]\nkey = \"{key}\"\ndevice = \"{device}\"\npublic = true\n")
            };
            std::fs::write(&keys, sender(KEY, SENDER) + &sender(NOISE_KEY, "11AB02"))?;
            let page = workspace_dir().join("examples/clients/javascript");
            let settings = [("UPDRAFT_PUSHER_POSITION_KEYS", keys), ("UPDRAFT_PUSHER_WEB_DIR", page)];
            let settings = settings.map(|(name, path)| (name.to_owned(), path.display().to_string()));
            // JSON as for log collectors: the harness parses it strictly.
            let json = ("UPDRAFT_LOG_FORMAT".to_owned(), "json".to_owned());
            Stage::start_with("clients", settings.into_iter().chain([json])).await
        })
        .await?;
    Ok(Shared(stage))
}

/// The pipeline for one test: dropping it checks the logs, since the pipeline does not end before the process.
pub(crate) struct Shared(&'static Stage);

impl Deref for Shared {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Err(error) = self.check_logs()
        {
            panic!("{error:#}");
        }
    }
}

/// A directory that is removed with the process.
pub(crate) fn temporary_dir() -> Result<PathBuf> {
    harness::supervise::fresh_dir("clients")
}

/// Publishes positions with a second between them.
pub(crate) async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
    }
    Ok(())
}

/// Publishes a frame without the consent to be shown.
pub(crate) async fn withdraw_consent(stage: &Stage, device: u32, flight: &mut Flight) -> Result<()> {
    let index = flight.advance().await;
    let (latitude_deg, longitude_deg) = flight.newest();
    let packet = Packet::Tracking(Tracking {
        position: Position { latitude_deg, longitude_deg },
        online_tracking: false,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1500,
        speed_kmh: 36.0,
        climb_mps: 1.0,
        heading_deg: 0.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    });
    let source = Address::new((device >> 16) as u8, (device & 0xFFFF) as u16);
    let mut payload = flight.payload(index)[..8].to_vec();
    payload.extend(Frame::new(Header::broadcast(source), packet).encode()?.to_vec());
    stage.publish("fb/b/8896672/f/1", &payload).await
}
