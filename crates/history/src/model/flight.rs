//! Flights, which are computed from positions.

use super::row::stored;
use flight::units::{degrees, mps};

stored! {
    /// One flight of a device, from take-off to landing (or to the last position so far). Key: device, take_off_at.
    FlightRow in "flights" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// First position of the flight, milliseconds since the epoch.
        "take_off_at" take_off_at_ms: i64,
        /// Last position of the flight, milliseconds since the epoch.
        "landed_at" landed_at_ms: i64,
        /// The first position, degrees north times 10^7.
        "take_off_latitude_e7" take_off_latitude_e7: i32,
        /// Degrees east times 10^7.
        "take_off_longitude_e7" take_off_longitude_e7: i32,
        /// The last position, degrees north times 10^7.
        "landing_latitude_e7" landing_latitude_e7: i32,
        /// Degrees east times 10^7.
        "landing_longitude_e7" landing_longitude_e7: i32,
        /// Length of the track over ground, metres.
        "distance_m" distance_m: u32,
        /// Highest altitude, metres.
        "max_altitude_m" max_altitude_m: Option<i16>,
        /// Best climb, cm/s.
        "max_climb_cmps" max_climb_cmps: i16,
        /// The number of positions.
        "positions" positions: u32,
        /// Number of `schemas::v1::AircraftKind`.
        "aircraft_kind" aircraft_kind: u8,
    }
}

impl FlightRow {
    /// From take-off to landing, milliseconds.
    pub fn duration_ms(&self) -> i64 {
        self.landed_at_ms - self.take_off_at_ms
    }

    /// Take-off: degrees north and east.
    pub fn take_off_deg(&self) -> (f64, f64) {
        (degrees(self.take_off_latitude_e7), degrees(self.take_off_longitude_e7))
    }

    /// The best climb, m/s.
    pub fn max_climb_mps(&self) -> f64 {
        mps(self.max_climb_cmps)
    }

    /// Landing: degrees north and east.
    pub fn landing_deg(&self) -> (f64, f64) {
        (degrees(self.landing_latitude_e7), degrees(self.landing_longitude_e7))
    }
}
