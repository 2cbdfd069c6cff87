//! Settings of the core: privacy, lifetimes and bounds.

/// Microseconds in a second.
pub const SECOND_US: u64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR_US: u64 = 3_600 * SECOND_US;
/// Microseconds.
pub const MINUTE_US: u64 = 60 * SECOND_US;

/// Settings of a partition's core. The same raw records give the same outputs only under the same settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// False: a private network, whose devices are shown independent of their consent.
    pub privacy: bool,
    /// After which time objects expire, by the partition's clock.
    pub lifetimes: Lifetimes,
    /// How often the partition's clock is passed on, microseconds.
    pub clock_interval_us: u64,
    /// How much a partition's core remembers.
    pub bounds: Bounds,
}

/// The maximum that a partition's core remembers: anyone can make up addresses and receiver ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Devices. Those with an open alert or an operator's restriction are kept beyond that.
    pub devices: usize,
    /// Receivers.
    pub receivers: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { devices: 100_000, receivers: 10_000 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            privacy: true,
            lifetimes: Lifetimes::default(),
            clock_interval_us: 5 * SECOND_US,
            bounds: Bounds::default(),
        }
    }
}

/// Lifetimes in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of an aircraft without a position.
    pub aircraft_us: u64,
    /// Of a ground object without a position.
    pub ground_us: u64,
    /// Of a weather station without a reading.
    pub station_us: u64,
    /// Of what is known of a silent device: name, consent, score.
    pub device_us: u64,
    /// Of an alert whose device is silent; then it is resolved.
    pub alert_us: u64,
    /// Of an alert after it was resolved.
    pub resolved_alert_us: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            aircraft_us: 15 * 60 * SECOND_US,
            ground_us: 2 * HOUR_US,
            station_us: 24 * HOUR_US,
            device_us: 24 * HOUR_US,
            alert_us: 24 * HOUR_US,
            resolved_alert_us: 24 * HOUR_US,
        }
    }
}
