//! Settings of the stream core.

use std::time::Duration;

use air::core::{Bounds, Lifetimes, Settings};
use clap::{Args, ValueEnum};
use runtime::settings::{duration_text, parse_duration};

/// Whether pilots' consent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Privacy {
    /// Who does not consent is hidden.
    #[default]
    On,
    /// For private networks: everybody is shown.
    Off,
}

/// Settings of the stream core. All processors of one cluster need the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Core")]
pub struct CoreOptions {
    /// Whether pilots' consent counts. off is for private networks only: it shows everybody.
    #[arg(long, env = "UPDRAFT_PROCESSOR_PRIVACY", value_enum, default_value_t)]
    pub privacy: Privacy,
    /// An aircraft without a position ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_AIRCRAFT_LIFETIME", value_name = "DURATION", default_value = lifetime(Lifetimes::default().aircraft_us), value_parser = parse_duration)]
    pub aircraft_lifetime: Duration,
    /// A ground object without a position ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_GROUND_LIFETIME", value_name = "DURATION", default_value = lifetime(Lifetimes::default().ground_us), value_parser = parse_duration)]
    pub ground_lifetime: Duration,
    /// A weather station without a reading ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_STATION_LIFETIME", value_name = "DURATION", default_value = lifetime(Lifetimes::default().station_us), value_parser = parse_duration)]
    pub station_lifetime: Duration,
    /// An alert whose device is silent is resolved after this, and goes after the same time again.
    #[arg(long, env = "UPDRAFT_PROCESSOR_ALERT_LIFETIME", value_name = "DURATION", default_value = lifetime(Lifetimes::default().alert_us), value_parser = parse_duration)]
    pub alert_lifetime: Duration,
    /// Name, consent and trust of a silent device are forgotten after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_DEVICE_LIFETIME", value_name = "DURATION", default_value = lifetime(Lifetimes::default().device_us), value_parser = parse_duration)]
    pub device_lifetime: Duration,
    /// Most devices that are remembered per raw partition, 1000 or more. Beyond, the least recently plausible are dropped
    /// before their time, never one with an open alert. More: more memory under a flood of made-up addresses, some 1 KB each.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_DEVICES", value_name = "DEVICES", default_value_t = Bounds::default().devices, value_parser = parse_bound)]
    pub max_devices: usize,
    /// Most receivers that are remembered per raw partition, 1000 or more. Beyond, those that have sent the least are
    /// dropped before their time. More: more memory under a flood of made-up receivers, and larger checkpoints.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_RECEIVERS", value_name = "RECEIVERS", default_value_t = Bounds::default().receivers, value_parser = parse_bound)]
    pub max_receivers: usize,
}

impl Default for CoreOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

/// A lifetime as the command line has it.
fn lifetime(us: u64) -> String {
    duration_text(Duration::from_micros(us))
}

impl CoreOptions {
    /// As the core takes them.
    pub fn settings(&self) -> Settings {
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4);
        Settings {
            privacy: self.privacy == Privacy::On,
            lifetimes: Lifetimes {
                aircraft_us: us(self.aircraft_lifetime),
                ground_us: us(self.ground_lifetime),
                station_us: us(self.station_lifetime),
                device_us: us(self.device_lifetime),
                alert_us: us(self.alert_lifetime),
                resolved_alert_us: us(self.alert_lifetime),
            },
            bounds: Bounds { devices: self.max_devices, receivers: self.max_receivers },
            ..Settings::default()
        }
    }
}

/// A bound below which an ordinary day does not fit.
///
/// # Errors
/// No number from 1000 to 10000000.
pub fn parse_bound(text: &str) -> Result<usize, String> {
    let bound = text.parse().ok().filter(|bound| (1_000..=10_000_000).contains(bound));
    bound.ok_or_else(|| "a number from 1000 to 10000000 is".to_owned())
}
