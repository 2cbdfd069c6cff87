//! The traffic: a simulated world, recorded flights, a capture, or none.

use std::net::SocketAddr;

use anyhow::Context as _;
use capture::Record;
use pusher::MapStart;
use replay::generate::{Faults, Scenario, Simulation};
use replay::igc::RecordedFlights;
use replay::play::{Playback, Speed, publish_playback};
use replay::publish::{MqttTarget, Pace, publish};
use replay::select::SelectArgs;
use replay::time::Bound;
use runtime::{Clock, Shutdown};

use crate::config;

/// The traffic, with its label.
#[derive(Debug)]
pub(crate) struct Traffic {
    flying: Flying,
    label: String,
    map_start: Option<MapStart>,
}

#[derive(Debug)]
enum Flying {
    Simulation(Box<Simulation>),
    Recording(Box<Playback>),
    /// Wait for real receivers.
    Nothing,
}

/// The clock of all programs: the system's, or where a capture is played the time of the recording.
///
/// # Errors
/// The capture cannot be read.
pub(crate) fn clock(settings: &config::Traffic, system: &Clock) -> anyhow::Result<Clock> {
    let Some(playback) = playback(settings) else { return Ok(system.clone()) };
    let records = playback.open(system).context("--capture")?;
    let first_ms = match (settings.at, records.first_ms) {
        (Some(at), first_ms) => at.resolve_ms(i64::try_from(system.now_us() / 1000)?, first_ms),
        (None, first_ms) => first_ms.context("--capture: the capture has no records")?,
    };
    Ok(Clock::scaled(u64::try_from(first_ms).unwrap_or_default() * 1000, settings.speed))
}

fn playback(settings: &config::Traffic) -> Option<Playback> {
    let input = settings.capture.clone()?;
    let select = SelectArgs { from: settings.at.map(Bound::Time), ..SelectArgs::default() };
    // The clock itself runs faster.
    let speed = Speed::Factor(1.0);
    Some(Playback { input, s3: Default::default(), select, speed, again: false, is_shifted: false })
}

impl Traffic {
    /// The traffic of the settings, from now on.
    ///
    /// # Errors
    /// The settings contradict each other: the error names them.
    pub(crate) fn new(settings: &config::Traffic, clock: &Clock) -> anyhow::Result<Self> {
        let start_us = clock.now_us();
        if settings.live {
            let label = "none simulated: waiting for your receivers".to_owned();
            return Ok(Self { flying: Flying::Nothing, label, map_start: None });
        }
        if let Some(playback) = playback(settings) {
            let records = playback.open(clock).context("--capture")?;
            let label = format!(
                "at most {} records of a capture, {} times as fast as it was",
                records.max_records, settings.speed
            );
            let position = records.filter_map(Result::ok).find_map(|record| position_of(&record));
            let map_start =
                position.map(|(latitude_deg, longitude_deg)| MapStart { latitude_deg, longitude_deg, zoom: 9.0 });
            return Ok(Self { flying: Flying::Recording(Box::new(playback)), label, map_start });
        }
        if let Some(folder) = &settings.igc {
            let flights = RecordedFlights::open(folder, start_us).context("--igc")?;
            for (path, error) in flights.rejected() {
                tracing::warn!(path = %path.display(), %error, "skipped a file without a flight");
            }
            let label = format!("{} recorded flights from {}", flights.flights().len(), folder.display());
            let map_start =
                flights.flights().first().and_then(|first| first.flight.fixes.first()).map(|fix| MapStart {
                    latitude_deg: fix.position.latitude_deg,
                    longitude_deg: fix.position.longitude_deg,
                    zoom: 9.0,
                });
            let flying = Flying::Simulation(Box::new(Simulation::of_recorded_flights(
                flights,
                settings.seed,
                Faults::default(),
            )));
            return Ok(Self { flying, label, map_start });
        }
        let scenario = Scenario::of(settings.pilots, settings.seed, start_us);
        scenario.check().context("--pilots")?;
        let label = format!(
            "{} simulated, with {} weather stations and {} receivers (seed {})",
            scenario.aircraft, scenario.stations, scenario.receivers, scenario.seed
        );
        let flying = Flying::Simulation(Box::new(Simulation::of_world(scenario)));
        Ok(Self { flying, label, map_start: None })
    }

    /// The number and source of the pilots.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// The first view of the map; `None`: the default, where simulated pilots fly.
    pub(crate) fn map_start(&self) -> Option<MapStart> {
        self.map_start
    }

    /// Publishes to the broker at an address until asked to stop.
    ///
    /// # Errors
    /// The MQTT client fails permanently.
    pub(crate) async fn fly(self, broker: SocketAddr, clock: Clock, stop: Shutdown) -> anyhow::Result<()> {
        let target = MqttTarget { host: broker.ip().to_string(), port: broker.port(), credentials: None };
        let mut simulation = match self.flying {
            Flying::Simulation(simulation) => simulation,
            Flying::Recording(playback) => {
                let played = publish_playback(&playback, &target, &clock, &stop).await?;
                tracing::info!(sent = played.sent, "the capture has been played");
                stop.requested().await;
                return Ok(());
            }
            Flying::Nothing => {
                stop.requested().await;
                return Ok(());
            }
        };
        let pace = Pace { speed: 1.0, until_us: None };
        let published = publish(&mut simulation, &target, pace, &clock, &stop).await?;
        tracing::info!(sent = published.sent, skipped = published.skipped, "the simulation has stopped");
        Ok(())
    }
}

/// Where the sender of a captured frame is, latitude and longitude in degrees.
fn position_of(record: &Record) -> Option<(f64, f64)> {
    let payload = replay::select::frame_of(record)?;
    let frame = fanet::Frame::decode(envelope::Wrapped::decode(&payload).ok()?.frame).ok()?;
    match frame.packet {
        fanet::Packet::Tracking(tracking) => Some((tracking.position.latitude_deg, tracking.position.longitude_deg)),
        _ => None,
    }
}
