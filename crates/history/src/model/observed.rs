//! Rows of observations.

use flight::units::{self, degrees};

use super::row::stored;

/// The place of an observation in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PositionKey {
    /// When it happened, milliseconds since the epoch.
    pub event_at_ms: i64,
    /// Device address.
    pub device: u32,
    /// The id of the observation.
    pub observation_id: u64,
}

/// A row of one observation of a device.
pub trait ObservedRow {
    /// Its place in the order of time.
    fn time_key(&self) -> PositionKey;
    /// Degrees north and east, where the position is known.
    fn position_deg(&self) -> Option<(f64, f64)>;
}

/// Rows of one observation each, and how they have their positions.
macro_rules! observed_rows {
    ($($row:ident: $position:expr),*) => {$(
        impl ObservedRow for $row {
            fn time_key(&self) -> PositionKey {
                let Self { event_at_ms, device, observation_id, .. } = *self;
                PositionKey { event_at_ms, device, observation_id }
            }

            fn position_deg(&self) -> Option<(f64, f64)> {
                $position(self)
            }
        }
    )*};
}

observed_rows!(
    PositionRow: |row: &Self| Some((row.latitude_deg(), row.longitude_deg())),
    GroundPositionRow: |row: &Self| Some((row.latitude_deg(), row.longitude_deg())),
    WeatherRow: |row: &Self| row.latitude_deg().zip(row.longitude_deg())
);

stored! {
    /// An aircraft's position (packet type 1, apps, feeds). Key: device, event_at, observation_id.
    PositionRow in "positions" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// Raw partition << 48 | raw offset.
        "observation_id" observation_id: u64,
        /// Time of ingest minus event time, milliseconds; 0 for frames that were not delayed.
        "ingest_delay_ms" ingest_delay_ms: i32,
        /// Degrees north times 10^7.
        "latitude_e7" latitude_e7: i32,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: i32,
        /// Above mean sea level by GPS, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// Ground speed, 0.1 km/h.
        "speed_dkmh" speed_dkmh: u16,
        /// Vertical speed, cm/s, up is positive.
        "climb_cmps" climb_cmps: i16,
        /// Course over ground, 0.01 degrees true.
        "course_cdeg" course_cdeg: Option<u16>,
        /// Turn rate, 0.01 degrees per second, clockwise positive.
        "turn_rate_cdps" turn_rate_cdps: Option<i16>,
        /// Pressure altitude (QNE) minus GPS altitude, metres.
        "qne_offset_m" qne_offset_m: Option<i16>,
        /// Number of `schemas::v1::AircraftKind`.
        "aircraft_kind" aircraft_kind: u8,
        /// Bits of [`crate::flag`].
        "flags" flags: u8,
        /// The device's trust score after this frame, 0 to 100.
        "score" score: Option<u8>,
        /// Number of `schemas::v1::SourceKind`.
        "source" source: u8,
        /// The pilot's consent bit in this frame.
        "online_tracking" online_tracking: bool,
        /// The device was hidden: the row expires after 24 h and is never public.
        "private" private: bool,
    }
}

stored! {
    /// A ground object's position (packet type 7). Key: device, event_at, observation_id.
    GroundPositionRow in "ground_positions" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// Raw partition << 48 | raw offset.
        "observation_id" observation_id: u64,
        /// Time of ingest minus event time, milliseconds.
        "ingest_delay_ms" ingest_delay_ms: i32,
        /// Degrees north times 10^7.
        "latitude_e7" latitude_e7: i32,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: i32,
        /// Above mean sea level, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// The protocol's ground type, 0 to 15.
        "ground_type" ground_type: u8,
        /// Bits of [`crate::flag`].
        "flags" flags: u8,
        /// The device's trust score after this frame, 0 to 100.
        "score" score: Option<u8>,
        /// Number of `schemas::v1::SourceKind`.
        "source" source: u8,
        /// The pilot's consent bit in this frame.
        "online_tracking" online_tracking: bool,
        /// The device was hidden: the row expires after 24 h and is never public.
        "private" private: bool,
    }
}

stored! {
    /// A weather reading (packet type 4). Key: device, event_at, observation_id.
    WeatherRow in "weather" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// Raw partition << 48 | raw offset.
        "observation_id" observation_id: u64,
        /// Time of ingest minus event time, milliseconds.
        "ingest_delay_ms" ingest_delay_ms: i32,
        /// Degrees north times 10^7.
        "latitude_e7" latitude_e7: Option<i32>,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: Option<i32>,
        /// Above mean sea level, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// Degrees Celsius.
        "temperature_c" temperature_c: Option<f32>,
        /// Degrees the wind blows from.
        "wind_from_deg" wind_from_deg: Option<f32>,
        /// Mean wind speed, km/h.
        "wind_speed_kmh" wind_speed_kmh: Option<f32>,
        /// Gusts, km/h.
        "wind_gust_kmh" wind_gust_kmh: Option<f32>,
        /// Relative humidity, percent.
        "humidity_pct" humidity_pct: Option<f32>,
        /// Pressure at sea level, hPa.
        "pressure_hpa" pressure_hpa: Option<f32>,
        /// State of charge, percent.
        "state_of_charge_pct" state_of_charge_pct: Option<f32>,
        /// The station is an internet gateway.
        "internet_gateway" internet_gateway: bool,
        /// Bits of [`crate::flag`].
        "flags" flags: u8,
        /// The device was hidden: the row expires after 24 h and is never public.
        "private" private: bool,
    }
}

stored! {
    /// A name that a device sent (packet type 2). Key: device, event_at, observation_id.
    NameRow in "names" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// Raw partition << 48 | raw offset.
        "observation_id" observation_id: u64,
        /// The name.
        "name" name: String,
        /// The device was hidden: the row expires after 24 h and is never public.
        "private" private: bool,
    }
}

stored! {
    /// A confirmation that an earlier observation is plausible, regardless of its flags. Key: device, observation_id.
    ConfirmationRow in "confirmations" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time of the confirming observation, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// The id of the confirmed observation.
        "observation_id" observation_id: u64,
        /// The device was hidden: the row expires after 24 h and is never public.
        "private" private: bool,
    }
}

stored! {
    /// A person's decision about a position, regardless of its flags. Key: device, observation_id; the highest version counts.
    DecisionRow in "decisions" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Event time of the position, milliseconds since the epoch.
        "event_at" event_at_ms: i64,
        /// The id of the position's observation.
        "observation_id" observation_id: u64,
        /// The id of the decision.
        "version" version: u64,
        /// Not part of the device's track. False: an earlier decision is taken back.
        "rejected" rejected: bool,
    }
}

impl PositionRow {
    /// Degrees north.
    pub fn latitude_deg(&self) -> f64 {
        degrees(self.latitude_e7)
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> f64 {
        degrees(self.longitude_e7)
    }

    /// Ground speed, km/h.
    pub fn speed_kmh(&self) -> f64 {
        units::kmh(self.speed_dkmh)
    }

    /// Vertical speed, m/s, up is positive.
    pub fn climb_mps(&self) -> f64 {
        units::mps(self.climb_cmps)
    }

    /// Course over ground, degrees true.
    pub fn course_deg(&self) -> Option<f64> {
        self.course_cdeg.map(units::course_deg)
    }

    /// Turn rate, degrees per second, clockwise positive.
    pub fn turn_rate_dps(&self) -> Option<f64> {
        self.turn_rate_cdps.map(units::dps)
    }

    /// Time of ingest, milliseconds since the epoch.
    pub fn ingested_at_ms(&self) -> i64 {
        self.event_at_ms + i64::from(self.ingest_delay_ms)
    }

    /// Whether it is part of the device's track: neither implausible nor unconfirmed.
    pub fn is_plausible(&self) -> bool {
        self.flags & crate::flag::NOT_OF_TRACK == 0
    }
}

impl GroundPositionRow {
    /// Degrees north.
    pub fn latitude_deg(&self) -> f64 {
        degrees(self.latitude_e7)
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> f64 {
        degrees(self.longitude_e7)
    }
}

impl WeatherRow {
    /// Degrees north.
    pub fn latitude_deg(&self) -> Option<f64> {
        self.latitude_e7.map(degrees)
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> Option<f64> {
        self.longitude_e7.map(degrees)
    }
}
