//! Rows of observations.

use flight::units::{CDEG_PER_DEGREE, CDPS_PER_DPS, CMPS_PER_MPS, DKMH_PER_KMH};
use history::{
    BlockRows, ConfirmationRow, DecisionRow, ErasureRow, GroundPositionRow, NameRow, PositionRow, WeatherRow, flag,
};
use schemas::v1::observation::Body;
use schemas::v1::{AircraftPosition, GroundPosition, Observation, ObservationFlag, SourceKind, WeatherReading};

use super::columns::{
    OptionalPosition, StoredPosition, address, id, narrow, optional_float, optional_scaled, scaled, time_ms,
};
use air::decode::Reject;

/// Event times further from the ingestion time are moved to these limits: a receiver whose clock is wrong by years must not
/// spread rows over the partitions of as many days. Milliseconds, before and after.
const EARLIEST_MS: i64 = 7 * 86_400_000;
const LATEST_MS: i64 = 3_600_000;

/// Adds the rows of an observation; some bodies have none.
pub(super) fn add_observation(observation: &Observation, private: bool, rows: &mut BlockRows) -> Result<(), Reject> {
    let Some(body) = &observation.body else { return Ok(()) };
    for confirmed in &observation.confirms {
        let Common { device, event_at_ms, private, .. } = Common::of(observation, private)?;
        let observation_id = id("confirms", *confirmed)?;
        rows.confirmations.push(ConfirmationRow { device, event_at_ms, observation_id, private });
    }
    add_decisions(observation, body, rows)?;
    if let Some(name) = &observation.sent_name {
        let Common { device, event_at_ms, observation_id, private, .. } = Common::of(observation, private)?;
        rows.names.push(NameRow { device, event_at_ms, observation_id, name: name.clone(), private });
    }
    match body {
        Body::Position(report) => rows.positions.push(position(Common::of(observation, private)?, report)?),
        Body::GroundPosition(report) => {
            rows.ground_positions.push(ground(Common::of(observation, private)?, report)?);
        }
        Body::Weather(reading) => rows.weather.push(weather(Common::of(observation, private)?, reading)?),
        Body::Name(name) => {
            let Common { device, event_at_ms, observation_id, private, .. } = Common::of(observation, private)?;
            rows.names.push(NameRow { device, event_at_ms, observation_id, name: name.name.clone(), private });
        }
        Body::Erased(_) => {
            let Common { device, event_at_ms, observation_id, .. } = Common::of(observation, private)?;
            rows.erasures.push(ErasureRow { device, observation_id, erased_at_ms: event_at_ms });
        }
        // The log keeps the others for 30 days; the history does not need them.
        Body::Decision(_)
        | Body::Message(_)
        | Body::Thermal(_)
        | Body::Hardware(_)
        | Body::Landmark(_)
        | Body::RemoteConfiguration(_)
        | Body::Acknowledgement(_)
        | Body::Other(_) => {}
    }
    Ok(())
}

/// What a person decided about earlier positions.
fn add_decisions(observation: &Observation, body: &Body, rows: &mut BlockRows) -> Result<(), Reject> {
    let accepted = if matches!(body, Body::Decision(_)) { &observation.confirms[..] } else { &[] };
    let decided = observation.rejects.iter().map(|one| (one, true)).chain(accepted.iter().map(|one| (one, false)));
    for (position, rejected) in decided {
        rows.decisions.push(DecisionRow {
            device: address(observation.device)?,
            event_at_ms: time_ms("event_at_us", observation.event_at_us)?,
            observation_id: id("rejects", *position)?,
            version: id("observation_id", observation.observation_id)?,
            rejected,
        });
    }
    Ok(())
}

/// The columns that all rows of observations share.
struct Common {
    device: u32,
    event_at_ms: i64,
    observation_id: u64,
    ingest_delay_ms: i32,
    flags: u8,
    score: Option<u8>,
    source: u8,
    private: bool,
}

impl Common {
    fn of(observation: &Observation, private: bool) -> Result<Self, Reject> {
        let ingested_at_ms = time_ms("ingested_at_us", observation.ingested_at_us)?;
        let stated_ms = i64::try_from(observation.event_at_us / 1_000).unwrap_or(i64::MAX);
        let event_at_ms = match observation.source() {
            // Of any age: it is that of a position of the history.
            SourceKind::Person => time_ms("event_at_us", observation.event_at_us)?,
            _ => stated_ms.clamp(ingested_at_ms - EARLIEST_MS, ingested_at_ms + LATEST_MS),
        };
        let clamped = if event_at_ms == stated_ms { 0 } else { flag::CLAMPED };
        Ok(Self {
            device: address(observation.device)?,
            event_at_ms,
            observation_id: id("observation_id", observation.observation_id)?,
            // Fits because of the limits above.
            ingest_delay_ms: i32::try_from(ingested_at_ms - event_at_ms).unwrap_or(i32::MAX),
            flags: observation.flags().map(bit_of).fold(clamped, |flags, bit| flags | bit),
            score: observation.score.map(|score| narrow("score", score)).transpose()?,
            source: narrow("source", observation.source)?,
            private,
        })
    }
}

fn bit_of(observed: ObservationFlag) -> u8 {
    match observed {
        ObservationFlag::Unspecified => 0,
        ObservationFlag::Delayed => flag::DELAYED,
        ObservationFlag::HistoryOnly => flag::HISTORY_ONLY,
        ObservationFlag::Relayed => flag::RELAYED,
        ObservationFlag::Implausible => flag::IMPLAUSIBLE,
        ObservationFlag::Signed => flag::SIGNED,
        ObservationFlag::Untrusted => flag::UNTRUSTED,
        ObservationFlag::Unconfirmed | ObservationFlag::AddressConflict => flag::UNCONFIRMED,
    }
}

fn position(common: Common, report: &AircraftPosition) -> Result<PositionRow, Reject> {
    let Common { device, event_at_ms, observation_id, ingest_delay_ms, flags, score, source, private } = common;
    let StoredPosition { latitude_e7, longitude_e7, altitude_m } = StoredPosition::of(report.position.as_ref())?;
    Ok(PositionRow {
        device,
        event_at_ms,
        observation_id,
        ingest_delay_ms,
        latitude_e7,
        longitude_e7,
        altitude_m,
        speed_dkmh: scaled("speed_kmh", report.speed_kmh, DKMH_PER_KMH)?,
        climb_cmps: scaled("climb_mps", report.climb_mps, CMPS_PER_MPS)?,
        course_cdeg: optional_scaled("course_deg", report.course_deg, CDEG_PER_DEGREE)?,
        turn_rate_cdps: optional_scaled("turn_rate_dps", report.turn_rate_dps, CDPS_PER_DPS)?,
        qne_offset_m: optional_scaled("qne_offset_m", report.qne_offset_m, 1.0)?,
        aircraft_kind: narrow("aircraft_kind", report.aircraft_kind)?,
        flags,
        score,
        source,
        online_tracking: report.online_tracking,
        private,
    })
}

fn ground(common: Common, report: &GroundPosition) -> Result<GroundPositionRow, Reject> {
    let Common { device, event_at_ms, observation_id, ingest_delay_ms, flags, score, source, private } = common;
    let StoredPosition { latitude_e7, longitude_e7, altitude_m } = StoredPosition::of(report.position.as_ref())?;
    Ok(GroundPositionRow {
        device,
        event_at_ms,
        observation_id,
        ingest_delay_ms,
        latitude_e7,
        longitude_e7,
        altitude_m,
        ground_type: narrow("ground_type", report.ground_type)?,
        flags,
        score,
        source,
        online_tracking: report.online_tracking,
        private,
    })
}

fn weather(common: Common, reading: &WeatherReading) -> Result<WeatherRow, Reject> {
    let Common { device, event_at_ms, observation_id, ingest_delay_ms, flags, private, .. } = common;
    let OptionalPosition { latitude_e7, longitude_e7, altitude_m } = OptionalPosition::of(reading.position.as_ref())?;
    Ok(WeatherRow {
        device,
        event_at_ms,
        observation_id,
        ingest_delay_ms,
        latitude_e7,
        longitude_e7,
        altitude_m,
        temperature_c: optional_float("temperature_c", reading.temperature_c)?,
        wind_from_deg: optional_float("wind_from_deg", reading.wind_from_deg)?,
        wind_speed_kmh: optional_float("wind_speed_kmh", reading.wind_speed_kmh)?,
        wind_gust_kmh: optional_float("wind_gust_kmh", reading.wind_gust_kmh)?,
        humidity_pct: optional_float("humidity_pct", reading.humidity_pct)?,
        pressure_hpa: optional_float("pressure_hpa", reading.pressure_hpa)?,
        state_of_charge_pct: optional_float("state_of_charge_pct", reading.state_of_charge_pct)?,
        internet_gateway: reading.internet_gateway,
        flags,
        private,
    })
}
