//! Rows of receptions, states and commands.

use super::row::stored;
use flight::units::degrees;
use schemas::privacy::PublicPast;
use schemas::v1::PrivacyState;

stored! {
    /// One receiver hearing one frame; every copy is a row. Key: receiver_id, ingested_at, reception_id.
    ReceptionRow in "receptions" {
        /// The receiver.
        "receiver_id" receiver_id: String,
        /// Time of ingest, milliseconds since the epoch.
        "ingested_at" ingested_at_ms: i64,
        /// The raw record's id.
        "reception_id" reception_id: u64,
        /// The observation of which this is a copy; absent where the device is hidden.
        "observation_id" observation_id: Option<u64>,
        /// Signal strength, dBm.
        "rssi_dbm" rssi_dbm: i16,
        /// Signal-to-noise ratio, dB.
        "snr_db" snr_db: i16,
        /// By the receiver's clock, seconds since the epoch.
        "receiver_stamp_s" receiver_stamp_s: u32,
        /// Heard from a relay, not from the sender.
        "relayed" relayed: bool,
        /// FANET packet type; absent where the device is hidden.
        "packet_type" packet_type: Option<u8>,
        /// The sender's position, degrees north times 10^7.
        "latitude_e7" latitude_e7: Option<i32>,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: Option<i32>,
        /// Above mean sea level, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// Address of the sender; absent where the device is hidden.
        "device" device: Option<u32>,
    }
}

stored! {
    /// The newest state of a thermal. Key: thermal_id; the highest version stays.
    ThermalRow in "thermals" {
        /// The id of its first report.
        "thermal_id" thermal_id: u64,
        /// The offset of the report that made this state.
        "version" version: u64,
        /// Event time of its first report, milliseconds since the epoch.
        "first_seen_at" first_seen_at_ms: i64,
        /// Event time of its last report, milliseconds since the epoch.
        "last_seen_at" last_seen_at_ms: i64,
        /// Centre at `last_seen_at`, degrees north times 10^7.
        "latitude_e7" latitude_e7: i32,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: i32,
        /// Altitude of the newest report, metres.
        "altitude_m" altitude_m: Option<f32>,
        /// Metres.
        "radius_m" radius_m: f32,
        /// Lowest altitude of a climb in it, metres.
        "base_altitude_m" base_altitude_m: f32,
        /// Highest altitude of a climb in it, metres.
        "top_altitude_m" top_altitude_m: f32,
        /// Mean climb, m/s.
        "mean_climb_mps" mean_climb_mps: f32,
        /// Best climb, m/s.
        "max_climb_mps" max_climb_mps: f32,
        /// Degrees the wind blows from.
        "wind_from_deg" wind_from_deg: Option<f32>,
        /// Wind speed, km/h.
        "wind_speed_kmh" wind_speed_kmh: Option<f32>,
        /// Distinct devices.
        "pilots" pilots: u32,
        /// Reports.
        "reports" reports: u32,
        /// Confidence at `last_seen_at`, percent.
        "confidence_pct" confidence_pct: f32,
        /// Course of the centre's drift over ground, degrees true.
        "drift_course_deg" drift_course_deg: Option<f32>,
        /// Speed of the drift, km/h.
        "drift_speed_kmh" drift_speed_kmh: Option<f32>,
    }
}

stored! {
    /// One transition or refresh of an alert. Key: device, alert_id, version.
    AlertRow in "alerts" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// The id of the observation that raised it.
        "alert_id" alert_id: u64,
        /// The raw offset that made this state.
        "version" version: u64,
        /// Number of `schemas::v1::AlertKind`.
        "alert_kind" alert_kind: u8,
        /// Number of `schemas::v1::AlertStatus`.
        "status" status: u8,
        /// When it was raised, milliseconds since the epoch.
        "opened_at" opened_at_ms: i64,
        /// The newest frame that repeats it, milliseconds since the epoch.
        "refreshed_at" refreshed_at_ms: i64,
        /// The last known position, degrees north times 10^7.
        "latitude_e7" latitude_e7: Option<i32>,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: Option<i32>,
        /// Above mean sea level, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// When an operator acknowledged it, milliseconds since the epoch.
        "acknowledged_at" acknowledged_at_ms: Option<i64>,
        /// The operator who acknowledged it.
        "acknowledged_by" acknowledged_by: Option<String>,
        /// When it ended, milliseconds since the epoch.
        "resolved_at" resolved_at_ms: Option<i64>,
        /// Number of `schemas::v1::AlertResolution`; 0 while it is open.
        "resolution" resolution: u8,
        /// The device was not trusted when it was raised.
        "unverified" unverified: bool,
    }
}

stored! {
    /// The newest state of a receiver. Key: receiver_id; the highest version stays.
    ReceiverRow in "receivers" {
        /// The receiver.
        "receiver_id" receiver_id: String,
        /// The reception offset that made this state.
        "version" version: u64,
        /// Its last reception, milliseconds since the epoch.
        "last_seen_at" last_seen_at_ms: i64,
        /// Degrees north times 10^7.
        "latitude_e7" latitude_e7: Option<i32>,
        /// Degrees east times 10^7.
        "longitude_e7" longitude_e7: Option<i32>,
        /// Above mean sea level, metres.
        "altitude_m" altitude_m: Option<i16>,
        /// The position was configured, not estimated.
        "configured" configured: bool,
    }
}

stored! {
    /// A command to erase a device. Key: device, observation_id.
    ErasureRow in "erasures" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// Rows of its raw partition up to this id are erased.
        "observation_id" observation_id: u64,
        /// Time of the command, milliseconds since the epoch.
        "erased_at" erased_at_ms: i64,
    }
}

stored! {
    /// A device's public past. Key: device; the highest version stays. A device without a row was never hidden.
    PrivacyRow in "privacy" {
        /// Device address, 24 bit.
        "device" device: u32,
        /// The raw offset that made this state.
        "version" version: u64,
        /// Nothing of the device is public.
        "hidden" hidden: bool,
        /// Of a device that is not hidden: the start of its public past, milliseconds since the epoch.
        "public_since" public_since_ms: i64,
        /// The device's newest frame refuses online tracking.
        "refused" refused: bool,
        /// On the deny list.
        "denied" denied: bool,
        /// Hidden by a command.
        "hidden_by_command" hidden_by_command: bool,
        /// The last time at which it is known to have been hidden, milliseconds since the epoch.
        "hidden_until" hidden_until_ms: i64,
        /// An operator withholds its name and texts.
        "name_hidden" name_hidden: bool,
    }
}

impl PrivacyRow {
    /// The device's public past.
    pub fn public_past(&self) -> PublicPast {
        PublicPast::of(&self.state())
    }

    /// The state of the privacy topic, with milliseconds.
    pub fn state(&self) -> PrivacyState {
        let us = |at_ms: i64| u64::try_from(at_ms).unwrap_or_default() * 1_000;
        PrivacyState {
            device: self.device,
            version: self.version,
            hidden: self.hidden,
            public_since_us: us(self.public_since_ms),
            online_tracking: self.refused.then_some(false),
            denied: self.denied,
            hidden_by_command: self.hidden_by_command,
            hidden_until_us: us(self.hidden_until_ms),
            name_hidden: self.name_hidden,
        }
    }
}

impl ReceptionRow {
    /// The sender's position, degrees north.
    pub fn latitude_deg(&self) -> Option<f64> {
        self.latitude_e7.map(degrees)
    }

    /// The sender's position, degrees east.
    pub fn longitude_deg(&self) -> Option<f64> {
        self.longitude_e7.map(degrees)
    }
}

impl ThermalRow {
    /// Degrees north.
    pub fn latitude_deg(&self) -> f64 {
        degrees(self.latitude_e7)
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> f64 {
        degrees(self.longitude_e7)
    }
}
