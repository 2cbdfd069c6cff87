//! Simulated aircraft over the Alps and the regions of their viewers, both mostly around take-off sites.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use schemas::DeviceAddress;
use schemas::catalogue::{self, topic};
use schemas::v1;
use streams::registry::{Schemas, TopicCodec};
use streams::{Flush, Headers, KafkaLog, KafkaSettings, Log as _, Outgoing, Sink, SinkSettings};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;

/// Take-off sites from the Maritime Alps to Slovenia, degrees.
const SITES: [(f64, f64); 20] = [
    (43.95, 6.52),
    (44.55, 6.40),
    (45.30, 5.89),
    (45.82, 6.22),
    (45.92, 6.87),
    (46.02, 7.12),
    (46.30, 7.53),
    (46.41, 8.13),
    (46.68, 7.86),
    (46.83, 9.02),
    (46.78, 9.83),
    (47.05, 9.60),
    (47.26, 11.40),
    (46.94, 11.39),
    (46.50, 11.78),
    (47.50, 10.29),
    (47.21, 12.40),
    (46.75, 12.90),
    (46.61, 13.85),
    (46.24, 13.72),
];

/// A pseudo-random number in 0..1.
fn spread(number: u32, step: f64) -> f64 {
    f64::from(number) * step % 1.0
}

/// A position: with probability 0.7 near a take-off site, else anywhere.
fn position(number: u32, around_deg: f64) -> (f64, f64) {
    let (north, east) = (spread(number, 0.618_034), spread(number, 0.754_878));
    if number % 10 < 7 {
        let (lat, lon) = SITES[number as usize % SITES.len()];
        return (lat + around_deg * (north - 0.5), lon + around_deg * 1.4 * (east - 0.5));
    }
    (44.0 + 4.0 * north, 5.5 + 9.0 * east)
}

/// The query of viewer `number`: a take-off site, which many viewers share, or another position, mostly with a radius
/// of 50 km.
pub fn viewer(number: u32) -> String {
    let (lat, lon) = position(number, 0.0);
    let radius = [20, 50, 50, 50, 50, 20, 50, 100, 50, 20][number as usize / 10 % 10];
    format!("lat={lat:.2}&lon={lon:.2}&radius={radius}")
}

/// Aircraft `device`, which moves a little each round, with the time as its version.
pub fn aircraft(device: u32, round: u32) -> v1::AircraftState {
    let (latitude_deg, longitude_deg) = position(device, 0.6);
    let drift_deg = f64::from(round % 600) * 1e-4;
    let now_us = clock::unix_us();
    v1::AircraftState {
        device,
        version: now_us,
        event_at_us: now_us,
        position: Some(v1::Position {
            latitude_deg: latitude_deg + drift_deg,
            longitude_deg: longitude_deg + drift_deg,
            altitude_m: Some(800.0 + 2_500.0 * spread(device, 0.569_840) + f64::from(round % 50)),
        }),
        aircraft_kind: v1::AircraftKind::Paraglider.into(),
        flight_phase: v1::FlightPhase::Flying.into(),
        speed_kmh: Some(25.0 + 20.0 * spread(device + round, 0.43)),
        climb_mps: Some(4.0 * spread(device + round, 0.37) - 1.5),
        course_deg: Some(360.0 * spread(device + round, 0.29)),
        name: Some(format!("Pilot {device}")),
        ..Default::default()
    }
}

/// Writes states as the processor does.
pub struct Sky {
    sink: std::sync::Arc<dyn Sink>,
    codec: TopicCodec,
    topic: std::sync::Arc<str>,
    flush: Flush,
}

impl Sky {
    /// Writes into the topics with this prefix.
    ///
    /// # Errors
    /// Kafka refuses the writer.
    pub async fn open(bootstrap: &str, prefix: &str) -> Result<Self> {
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "bench-sky"))?;
        let entry = catalogue::find(topic::AIRCRAFT).context("in the catalogue")?;
        let codec = Schemas::local().prepare("", &entry).await?;
        let topic = format!("{prefix}{}", topic::AIRCRAFT).into();
        Ok(Self { sink: log.sink(SinkSettings::new("bench-sky"))?, codec, topic, flush: Flush::new() })
    }

    /// Writes each aircraft once, as fast as possible.
    ///
    /// # Errors
    /// Kafka refuses a record.
    pub async fn fill(&self, aircraft: u32) -> Result<()> {
        for device in 0..aircraft {
            self.send(device, 0).await?;
        }
        Ok(self.flush.wait().await?)
    }

    /// Writes each aircraft once a second for this time.
    ///
    /// # Errors
    /// Kafka refuses a record.
    pub async fn fly(&self, aircraft: u32, time: Duration) -> Result<()> {
        const TURNS: u32 = 100;
        let mut turns = interval(Duration::from_secs(1) / TURNS);
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for turn in 0..u32::try_from(time.as_secs())? * TURNS {
            turns.tick().await;
            for device in (0..aircraft).filter(|device| device % TURNS == turn % TURNS) {
                self.send(device, turn / TURNS).await?;
            }
        }
        Ok(self.flush.wait().await?)
    }

    async fn send(&self, device: u32, round: u32) -> Result<()> {
        self.write(&aircraft(device, round)).await
    }

    /// Writes a state.
    ///
    /// # Errors
    /// Kafka refuses a record.
    pub async fn write(&self, state: &v1::AircraftState) -> Result<()> {
        self.record(state.device, state.version, Some(self.codec.encode(state))).await
    }

    /// Writes a tombstone.
    ///
    /// # Errors
    /// Kafka refuses a record.
    pub async fn remove(&self, device: u32) -> Result<()> {
        self.record(device, clock::unix_us(), None).await
    }

    /// Waits until all records are written.
    ///
    /// # Errors
    /// Kafka refuses a record.
    pub async fn written(&self) -> Result<()> {
        Ok(self.flush.wait().await?)
    }

    async fn record(&self, device: u32, version: u64, value: Option<Bytes>) -> Result<()> {
        let record = Outgoing {
            topic: self.topic.clone(),
            partition: None,
            key: Some(Bytes::from(DeviceAddress(device).to_string())),
            value,
            headers: Headers::new().with("way", format!("p={version}")).with("version", version.to_string()),
            timestamp_ms: i64::try_from(version / 1_000)?,
        };
        Ok(self.sink.send(record, self.flush.receipt()).await?)
    }
}
