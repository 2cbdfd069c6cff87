//! What flies: a simulated world, recorded flights, or nothing.

use std::net::SocketAddr;

use anyhow::Context as _;
use pusher::MapStart;
use replay::generate::{Scenario, Simulation};
use replay::igc::Fleet;
use replay::publish::{MqttTarget, Pace, publish};
use runtime::{Clock, Shutdown};

use crate::config;

/// A simulation with words for it.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// `None`: wait for real receivers.
    simulation: Option<Simulation>,
    words: String,
    map_start: Option<MapStart>,
}

impl Traffic {
    /// The traffic that the settings ask for, from now on.
    ///
    /// # Errors
    /// The settings ask for what cannot be: the line names them.
    pub(crate) fn new(settings: &config::Traffic, clock: &Clock) -> anyhow::Result<Self> {
        let start_us = clock.now_us();
        if settings.live {
            let words = "none made up: waiting for your receivers".to_owned();
            return Ok(Self { simulation: None, words, map_start: None });
        }
        if let Some(folder) = &settings.igc {
            let fleet = Fleet::open(folder, start_us).context("--igc")?;
            for (path, error) in fleet.rejected() {
                tracing::warn!(path = %path.display(), %error, "left out a file that holds no flight");
            }
            let words = format!("{} recorded flights from {}", fleet.flights().len(), folder.display());
            let map_start = fleet.flights().first().and_then(|first| first.flight.fixes.first()).map(|fix| MapStart {
                latitude_deg: fix.place.latitude_deg,
                longitude_deg: fix.place.longitude_deg,
                zoom: 9.0,
            });
            return Ok(Self { simulation: Some(Simulation::of_fleet(fleet, settings.seed)), words, map_start });
        }
        let scenario = Scenario::of(settings.pilots, settings.seed, start_us);
        scenario.check().context("--pilots")?;
        let words = format!(
            "{} simulated, with {} weather stations and {} receivers (seed {})",
            scenario.aircraft, scenario.stations, scenario.receivers, scenario.seed
        );
        Ok(Self { simulation: Some(Simulation::of_world(scenario)), words, map_start: None })
    }

    /// How many fly, from where.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// Where the map is to begin; `None`: where it always does, which is where simulated pilots fly.
    pub(crate) fn map_start(&self) -> Option<MapStart> {
        self.map_start
    }

    /// Publishes to the broker at an address until asked to stop.
    ///
    /// # Errors
    /// The MQTT client fails for good.
    pub(crate) async fn fly(self, broker: SocketAddr, clock: Clock, stop: Shutdown) -> anyhow::Result<()> {
        let Some(mut simulation) = self.simulation else {
            stop.requested().await;
            return Ok(());
        };
        let target = MqttTarget { host: broker.ip().to_string(), port: broker.port(), credentials: None };
        let pace = Pace { speed: 1.0, until_us: None };
        let published = publish(&mut simulation, &target, pace, &clock, &stop).await?;
        tracing::info!(sent = published.sent, skipped = published.skipped, "the simulation has stopped");
        Ok(())
    }
}
