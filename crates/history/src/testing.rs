//! Rows for tests: of one flight, a station, receivers.

use crate::{
    AlertRow, Block, BlockRows, ConfirmationRow, DecisionRow, ErasureRow, GroundPositionRow, NameRow, PositionRow,
    PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow, WeatherRow,
};

/// 2026-06-01 10:00:00 UTC.
pub const NOON_MS: i64 = 1_780_308_000_000;
/// The time of the stores' clocks, microseconds: two hours after that.
pub const NOW_US: u64 = (NOON_MS as u64 + 2 * 3_600_000) * 1_000;
/// The device of the flight.
pub const GLIDER: u32 = 0x11_0B90;

/// A block of these rows.
pub fn block(token: &str, rows: BlockRows) -> Block {
    Block { token: token.to_owned(), rows }
}

/// A block of positions.
pub fn positions_block(token: &str, positions: Vec<PositionRow>) -> Block {
    block(token, BlockRows { positions, ..BlockRows::default() })
}

/// A paraglider on its way north: 36 km/h, 50 m every 5 s, up one metre each.
pub fn position(device: u32, step: i64) -> PositionRow {
    PositionRow {
        device,
        event_at_ms: NOON_MS + step * 5_000,
        observation_id: 7 << 48 | step.unsigned_abs(),
        ingest_delay_ms: 120,
        latitude_e7: 470_000_000 + (step * 4_497) as i32,
        longitude_e7: 110_000_000,
        altitude_m: Some(1_000 + step as i16),
        speed_dkmh: 360,
        climb_cmps: 20,
        course_cdeg: Some(0),
        turn_rate_cdps: Some(-125),
        qne_offset_m: None,
        aircraft_kind: 2,
        flags: 0,
        score: Some(95),
        source: 1,
        online_tracking: true,
        private: false,
    }
}

/// The positions of some steps.
pub fn track(device: u32, steps: std::ops::Range<i64>) -> Vec<PositionRow> {
    steps.map(|step| position(device, step)).collect()
}

/// A position of a walking pilot.
pub fn ground(device: u32, step: i64) -> GroundPositionRow {
    GroundPositionRow {
        device,
        event_at_ms: NOON_MS + step * 5_000,
        observation_id: 6 << 48 | step.unsigned_abs(),
        ingest_delay_ms: 0,
        latitude_e7: 470_000_000,
        longitude_e7: 110_000_000,
        altitude_m: None,
        ground_type: 1,
        flags: 0,
        score: None,
        source: 1,
        online_tracking: true,
        private: false,
    }
}

/// The confirmation of a position by the next one.
pub fn confirmation(row: &PositionRow) -> ConfirmationRow {
    let PositionRow { device, event_at_ms, observation_id, private, .. } = *row;
    ConfirmationRow { device, event_at_ms: event_at_ms + 5_000, observation_id, private }
}

/// A person's decision about a position; the highest version counts.
pub fn decision(row: &PositionRow, version: u64, rejected: bool) -> DecisionRow {
    let PositionRow { device, event_at_ms, observation_id, .. } = *row;
    DecisionRow { device, event_at_ms, observation_id, version, rejected }
}

/// A reading of a station, every 40 s.
pub fn weather(device: u32, step: i64) -> WeatherRow {
    WeatherRow {
        device,
        event_at_ms: NOON_MS + step * 40_000,
        observation_id: 8 << 48 | step.unsigned_abs(),
        ingest_delay_ms: 0,
        latitude_e7: Some(470_500_000),
        longitude_e7: Some(110_500_000),
        altitude_m: None,
        temperature_c: Some(12.5),
        wind_from_deg: Some(270.0),
        wind_speed_kmh: Some(14.0),
        wind_gust_kmh: None,
        humidity_pct: Some(60.4),
        pressure_hpa: None,
        state_of_charge_pct: Some(93.3),
        internet_gateway: true,
        flags: 0,
        private: false,
    }
}

/// A name that a device sends at a step.
pub fn name(device: u32, step: i64, name: &str) -> NameRow {
    NameRow {
        device,
        event_at_ms: NOON_MS + step * 5_000,
        observation_id: 9 << 48 | step.unsigned_abs(),
        name: name.to_owned(),
        private: false,
    }
}

/// A receiver hears the position of a step.
pub fn reception(receiver: &str, step: i64) -> ReceptionRow {
    let heard = position(GLIDER, step);
    ReceptionRow {
        receiver_id: receiver.to_owned(),
        ingested_at_ms: heard.ingested_at_ms(),
        reception_id: heard.observation_id,
        observation_id: Some(heard.observation_id),
        rssi_dbm: -97,
        snr_db: 6,
        receiver_stamp_s: 1_780_308_000,
        relayed: false,
        packet_type: Some(1),
        latitude_e7: Some(heard.latitude_e7),
        longitude_e7: Some(heard.longitude_e7),
        altitude_m: heard.altitude_m,
        device: Some(heard.device),
    }
}

/// The privacy of a device that an operator hid.
pub fn privacy(device: u32, version: u64, hidden: bool, public_since_ms: i64) -> PrivacyRow {
    PrivacyRow {
        device,
        version,
        hidden,
        public_since_ms,
        refused: hidden,
        denied: false,
        hidden_by_command: true,
        hidden_until_ms: NOON_MS,
        name_hidden: false,
    }
}

/// A thermal with as many reports as its version says.
pub fn thermal(id: u64, version: u64) -> ThermalRow {
    ThermalRow {
        thermal_id: id,
        version,
        first_seen_at_ms: NOON_MS,
        last_seen_at_ms: NOON_MS + version as i64 * 1_000,
        latitude_e7: 470_000_000,
        longitude_e7: 110_000_000,
        altitude_m: Some(1_500.0),
        radius_m: 120.5,
        base_altitude_m: 900.0,
        top_altitude_m: 2_100.0,
        mean_climb_mps: 2.4,
        max_climb_mps: 4.5,
        wind_from_deg: None,
        wind_speed_kmh: Some(11.0),
        pilots: 3,
        reports: version as u32,
        confidence_pct: 80.0,
        drift_course_deg: None,
        drift_speed_kmh: None,
    }
}

/// An alert of a device; status 2 is acknowledged.
pub fn alert(device: u32, version: u64, status: u8) -> AlertRow {
    AlertRow {
        device,
        alert_id: 7 << 48 | 3,
        version,
        alert_kind: 15,
        status,
        opened_at_ms: NOON_MS,
        refreshed_at_ms: NOON_MS + version as i64,
        latitude_e7: Some(470_000_000),
        longitude_e7: Some(110_000_000),
        altitude_m: None,
        acknowledged_at_ms: (status == 2).then_some(NOON_MS + 5_000),
        acknowledged_by: (status == 2).then(|| "tower".to_owned()),
        resolved_at_ms: None,
        resolution: 0,
        unverified: false,
    }
}

/// A receiver near the flight.
pub fn receiver(id: &str) -> ReceiverRow {
    ReceiverRow {
        receiver_id: id.to_owned(),
        version: 1,
        last_seen_at_ms: NOON_MS,
        latitude_e7: Some(470_000_000),
        longitude_e7: Some(110_000_000),
        altitude_m: Some(800),
        configured: true,
    }
}

/// The erasure of a device up to an observation.
pub fn erasure(device: u32, observation_id: u64) -> ErasureRow {
    ErasureRow { device, observation_id, erased_at_ms: NOON_MS + 3_600_000 }
}
