//! Records as rows: a pure function, since the rows of a range of offsets must be the same each time.

use history::{
    AlertRow, BlockRows, ErasureRow, GroundPositionRow, NameRow, PositionRow, ReceiverRow, ReceptionRow, ThermalRow,
    WeatherRow, flag,
};
use prost::Message;
use schemas::catalogue::topic;
use schemas::v1::observation::Body;
use schemas::v1::reception::Content;
use schemas::v1::{
    AircraftPosition, AlertState, GroundPosition, HeardFrame, Observation, ObservationFlag, Position,
    ReceiverPositionSource, ReceiverState, Reception, ThermalState, WeatherReading,
};
use streams::Incoming;
use streams::registry::TopicCodec;

use crate::decode::Reject;

/// The topics that make rows, by their names in the catalogue.
pub const TOPICS: [&str; 6] =
    [topic::OBSERVATION, topic::PRIVATE_OBSERVATION, topic::RECEPTION, topic::RECEIVER, topic::THERMAL, topic::ALERT];

/// Event times further from the time of ingest are moved there: a receiver whose clock is years off must not spread rows
/// over partitions of as many days. Milliseconds, before and after.
const EARLIEST_MS: i64 = 7 * 86_400_000;
const LATEST_MS: i64 = 3_600_000;
/// 2000-01-01 and 2100-01-01, milliseconds: what the stores' times can hold with room to add a retention.
const TIMES_MS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// Adds the rows of one record of a topic (its name in the catalogue).
///
/// # Errors
/// The record cannot be read, or a value has no place in its column.
pub fn add(topic: &str, codec: &TopicCodec, record: &Incoming, rows: &mut BlockRows) -> Result<(), Reject> {
    // Tombstones end states, not history.
    let Some(value) = &record.value else { return Ok(()) };
    let unreadable = |error: streams::framing::FramingError| Reject::new(error.reason(), error.to_string());
    fn read<M: Message + Default>(
        codec: &TopicCodec,
        value: &bytes::Bytes,
    ) -> Result<M, streams::framing::FramingError> {
        codec.decode(value)
    }
    match topic {
        topic::OBSERVATION | topic::PRIVATE_OBSERVATION => {
            let observation: Observation = read(codec, value).map_err(unreadable)?;
            // What stands in the private topic is private, whatever it says.
            let private = observation.private || topic == topic::PRIVATE_OBSERVATION;
            add_observation(&observation, private, rows)
        }
        topic::RECEPTION => add_reception(read(codec, value).map_err(unreadable)?, rows),
        topic::RECEIVER => add_receiver(read(codec, value).map_err(unreadable)?, rows),
        topic::THERMAL => add_thermal(&read(codec, value).map_err(unreadable)?, rows),
        topic::ALERT => add_alert(read(codec, value).map_err(unreadable)?, rows),
        other => Err(Reject::new("unknown_topic", format!("{other} makes no rows"))),
    }
}

/// What all rows of observations share.
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
        let told_ms = i64::try_from(observation.event_at_us / 1_000).unwrap_or(i64::MAX);
        let event_at_ms = told_ms.clamp(ingested_at_ms - EARLIEST_MS, ingested_at_ms + LATEST_MS);
        let mut flags = if event_at_ms == told_ms { 0 } else { flag::CLAMPED };
        for told in observation.flags() {
            flags |= match told {
                ObservationFlag::Unspecified => 0,
                ObservationFlag::Delayed => flag::DELAYED,
                ObservationFlag::HistoryOnly => flag::HISTORY_ONLY,
                ObservationFlag::Relayed => flag::RELAYED,
                ObservationFlag::Implausible => flag::IMPLAUSIBLE,
                ObservationFlag::Signed => flag::SIGNED,
                ObservationFlag::Untrusted => flag::UNTRUSTED,
            };
        }
        Ok(Self {
            device: whole("device", observation.device, 0x00FF_FFFF_u32)?,
            event_at_ms,
            observation_id: whole("observation_id", observation.observation_id, u64::MAX >> 1)?,
            // Within the limits above, it fits.
            ingest_delay_ms: i32::try_from(ingested_at_ms - event_at_ms).unwrap_or(i32::MAX),
            flags,
            score: observation.score.map(|score| narrow("score", score)).transpose()?,
            source: narrow("source", observation.source)?,
            private,
        })
    }
}

fn add_observation(observation: &Observation, private: bool, rows: &mut BlockRows) -> Result<(), Reject> {
    let Some(body) = &observation.body else { return Ok(()) };
    match body {
        Body::Position(told) => rows.positions.push(position(Common::of(observation, private)?, told)?),
        Body::GroundPosition(told) => rows.ground_positions.push(ground(Common::of(observation, private)?, told)?),
        Body::Weather(told) => rows.weather.push(weather(Common::of(observation, private)?, told)?),
        Body::Name(told) => {
            let Common { device, event_at_ms, observation_id, private, .. } = Common::of(observation, private)?;
            rows.names.push(NameRow { device, event_at_ms, observation_id, name: told.name.clone(), private });
        }
        Body::Erased(_) => {
            let Common { device, event_at_ms, observation_id, .. } = Common::of(observation, private)?;
            rows.erasures.push(ErasureRow { device, observation_id, erased_at_ms: event_at_ms });
        }
        // The log keeps them for 30 days; nobody asks for them later.
        Body::Message(_)
        | Body::Thermal(_)
        | Body::Hardware(_)
        | Body::Landmark(_)
        | Body::RemoteConfiguration(_)
        | Body::Acknowledgement(_)
        | Body::Other(_) => {}
    }
    Ok(())
}

fn position(common: Common, told: &AircraftPosition) -> Result<PositionRow, Reject> {
    let place = Place::needed(told.position.as_ref())?;
    Ok(PositionRow {
        device: common.device,
        event_at_ms: common.event_at_ms,
        observation_id: common.observation_id,
        ingest_delay_ms: common.ingest_delay_ms,
        latitude_e7: place.latitude_e7,
        longitude_e7: place.longitude_e7,
        altitude_m: place.altitude_m,
        speed_dkmh: scaled("speed_kmh", told.speed_kmh, 10.0)?,
        climb_cmps: scaled("climb_mps", told.climb_mps, 100.0)?,
        course_cdeg: told.course_deg.map(|course| scaled("course_deg", course, 100.0)).transpose()?,
        turn_rate_cdps: told.turn_rate_dps.map(|rate| scaled("turn_rate_dps", rate, 100.0)).transpose()?,
        qne_offset_m: told.qne_offset_m.map(|offset| scaled("qne_offset_m", offset, 1.0)).transpose()?,
        aircraft_kind: narrow("aircraft_kind", told.aircraft_kind)?,
        flags: common.flags,
        score: common.score,
        source: common.source,
        online_tracking: told.online_tracking,
        private: common.private,
    })
}

fn ground(common: Common, told: &GroundPosition) -> Result<GroundPositionRow, Reject> {
    let place = Place::needed(told.position.as_ref())?;
    Ok(GroundPositionRow {
        device: common.device,
        event_at_ms: common.event_at_ms,
        observation_id: common.observation_id,
        ingest_delay_ms: common.ingest_delay_ms,
        latitude_e7: place.latitude_e7,
        longitude_e7: place.longitude_e7,
        altitude_m: place.altitude_m,
        ground_type: narrow("ground_type", told.ground_type)?,
        flags: common.flags,
        score: common.score,
        source: common.source,
        online_tracking: told.online_tracking,
        private: common.private,
    })
}

fn weather(common: Common, told: &WeatherReading) -> Result<WeatherRow, Reject> {
    let place = Place::optional(told.position.as_ref())?;
    Ok(WeatherRow {
        device: common.device,
        event_at_ms: common.event_at_ms,
        observation_id: common.observation_id,
        ingest_delay_ms: common.ingest_delay_ms,
        latitude_e7: place.as_ref().map(|place| place.latitude_e7),
        longitude_e7: place.as_ref().map(|place| place.longitude_e7),
        altitude_m: place.and_then(|place| place.altitude_m),
        temperature_c: maybe("temperature_c", told.temperature_c)?,
        wind_from_deg: maybe("wind_from_deg", told.wind_from_deg)?,
        wind_speed_kmh: maybe("wind_speed_kmh", told.wind_speed_kmh)?,
        wind_gust_kmh: maybe("wind_gust_kmh", told.wind_gust_kmh)?,
        humidity_pct: maybe("humidity_pct", told.humidity_pct)?,
        pressure_hpa: maybe("pressure_hpa", told.pressure_hpa)?,
        state_of_charge_pct: maybe("state_of_charge_pct", told.state_of_charge_pct)?,
        internet_gateway: told.internet_gateway,
        flags: common.flags,
        private: common.private,
    })
}

fn add_reception(reception: Reception, rows: &mut BlockRows) -> Result<(), Reject> {
    let Reception { reception_id, receiver_id, ingested_at_us, content } = reception;
    let Some(Content::HeardFrame(heard)) = content else { return Ok(()) };
    let HeardFrame { observation_id, rssi_dbm, snr_db, receiver_stamp_s, relayed, packet_type, position } = heard;
    let place = Place::optional(position.as_ref())?;
    rows.receptions.push(ReceptionRow {
        receiver_id,
        ingested_at_ms: time_ms("ingested_at_us", ingested_at_us)?,
        reception_id: whole("reception_id", reception_id, u64::MAX >> 1)?,
        observation_id: observation_id.map(|id| whole("observation_id", id, u64::MAX >> 1)).transpose()?,
        rssi_dbm: narrow("rssi_dbm", rssi_dbm)?,
        snr_db: narrow("snr_db", snr_db)?,
        receiver_stamp_s,
        relayed,
        packet_type: packet_type.map(|number| narrow("packet_type", number)).transpose()?,
        latitude_e7: place.as_ref().map(|place| place.latitude_e7),
        longitude_e7: place.as_ref().map(|place| place.longitude_e7),
        altitude_m: place.and_then(|place| place.altitude_m),
    });
    Ok(())
}

fn add_receiver(state: ReceiverState, rows: &mut BlockRows) -> Result<(), Reject> {
    let place = Place::optional(state.position.as_ref())?;
    rows.receivers.push(ReceiverRow {
        version: whole("version", state.version, u64::MAX >> 1)?,
        last_seen_at_ms: time_ms("last_seen_at_us", state.last_seen_at_us)?,
        latitude_e7: place.as_ref().map(|place| place.latitude_e7),
        longitude_e7: place.as_ref().map(|place| place.longitude_e7),
        altitude_m: place.and_then(|place| place.altitude_m),
        configured: state.position_source() == ReceiverPositionSource::Configured,
        receiver_id: state.receiver_id,
    });
    Ok(())
}

fn add_thermal(state: &ThermalState, rows: &mut BlockRows) -> Result<(), Reject> {
    let place = Place::needed(state.position.as_ref())?;
    let altitude_m = state.position.as_ref().and_then(|position| position.altitude_m);
    rows.thermals.push(ThermalRow {
        thermal_id: whole("thermal_id", state.thermal_id, u64::MAX >> 1)?,
        version: whole("version", state.version, u64::MAX >> 1)?,
        first_seen_at_ms: time_ms("first_seen_at_us", state.first_seen_at_us)?,
        last_seen_at_ms: time_ms("last_seen_at_us", state.last_seen_at_us)?,
        latitude_e7: place.latitude_e7,
        longitude_e7: place.longitude_e7,
        altitude_m: maybe("altitude_m", altitude_m)?,
        radius_m: float("radius_m", state.radius_m)?,
        base_altitude_m: float("base_altitude_m", state.base_altitude_m)?,
        top_altitude_m: float("top_altitude_m", state.top_altitude_m)?,
        mean_climb_mps: float("mean_climb_mps", state.mean_climb_mps)?,
        max_climb_mps: float("max_climb_mps", state.max_climb_mps)?,
        wind_from_deg: maybe("wind_from_deg", state.wind_from_deg)?,
        wind_speed_kmh: maybe("wind_speed_kmh", state.wind_speed_kmh)?,
        pilots: state.pilots,
        reports: state.reports,
        confidence_pct: float("confidence_pct", state.confidence_pct)?,
        drift_course_deg: maybe("drift_course_deg", state.drift_course_deg)?,
        drift_speed_kmh: maybe("drift_speed_kmh", state.drift_speed_kmh)?,
    });
    Ok(())
}

fn add_alert(state: AlertState, rows: &mut BlockRows) -> Result<(), Reject> {
    let place = Place::optional(state.position.as_ref())?;
    let optional_ms = |name, at_us: Option<u64>| at_us.map(|at_us| time_ms(name, at_us)).transpose();
    rows.alerts.push(AlertRow {
        device: whole("device", state.device, 0x00FF_FFFF_u32)?,
        alert_id: whole("alert_id", state.alert_id, u64::MAX >> 1)?,
        version: whole("version", state.version, u64::MAX >> 1)?,
        alert_kind: narrow("alert_kind", state.alert_kind)?,
        status: narrow("status", state.status)?,
        opened_at_ms: time_ms("opened_at_us", state.opened_at_us)?,
        refreshed_at_ms: time_ms("refreshed_at_us", state.refreshed_at_us)?,
        latitude_e7: place.as_ref().map(|place| place.latitude_e7),
        longitude_e7: place.as_ref().map(|place| place.longitude_e7),
        altitude_m: place.and_then(|place| place.altitude_m),
        acknowledged_at_ms: optional_ms("acknowledged_at_us", state.acknowledged_at_us)?,
        resolved_at_ms: optional_ms("resolved_at_us", state.resolved_at_us)?,
        resolution: narrow("resolution", state.resolution.unwrap_or_default())?,
        unverified: state.unverified,
        acknowledged_by: state.acknowledged_by,
    });
    Ok(())
}

/// A place as it is stored.
struct Place {
    latitude_e7: i32,
    longitude_e7: i32,
    altitude_m: Option<i16>,
}

impl Place {
    fn optional(position: Option<&Position>) -> Result<Option<Self>, Reject> {
        let Some(position) = position else { return Ok(None) };
        let (latitude, longitude) = (position.latitude_deg, position.longitude_deg);
        if !geo::Position::new(latitude, longitude).is_on_earth() {
            return Err(Reject::new("out_of_range", format!("{latitude}, {longitude} is no place on Earth")));
        }
        let altitude_m = position.altitude_m.map(|altitude| scaled("altitude_m", altitude, 1.0)).transpose()?;
        let (latitude_e7, longitude_e7) =
            (scaled("latitude_deg", latitude, 1e7)?, scaled("longitude_deg", longitude, 1e7)?);
        Ok(Some(Self { latitude_e7, longitude_e7, altitude_m }))
    }

    fn needed(position: Option<&Position>) -> Result<Self, Reject> {
        Self::optional(position)?.ok_or_else(|| Reject::new("no_position", "a position without a place"))
    }
}

fn out_of_range(name: &str, value: impl std::fmt::Display) -> Reject {
    Reject::new("out_of_range", format!("{name} {value} has no place in its column"))
}

/// Microseconds as milliseconds.
fn time_ms(name: &str, at_us: u64) -> Result<i64, Reject> {
    let at_ms = i64::try_from(at_us / 1_000).ok().filter(|at_ms| TIMES_MS.contains(at_ms));
    at_ms.ok_or_else(|| out_of_range(name, at_us))
}

/// The nearest whole number of a scaled value. NaN is none.
fn scaled<T: TryFrom<i64>>(name: &str, value: f64, scale: f64) -> Result<T, Reject> {
    let whole = (value * scale).round();
    let whole = (whole.abs() < 9e15).then_some(whole as i64).and_then(|whole| T::try_from(whole).ok());
    whole.ok_or_else(|| out_of_range(name, value))
}

fn narrow<W: Copy + std::fmt::Display, T: TryFrom<W>>(name: &str, value: W) -> Result<T, Reject> {
    T::try_from(value).map_err(|_| out_of_range(name, value))
}

fn whole<T: PartialOrd + Copy + std::fmt::Display>(name: &str, value: T, highest: T) -> Result<T, Reject> {
    if value <= highest { Ok(value) } else { Err(out_of_range(name, value)) }
}

fn float(name: &str, value: f64) -> Result<f32, Reject> {
    let narrowed = value as f32;
    if narrowed.is_finite() { Ok(narrowed) } else { Err(out_of_range(name, value)) }
}

fn maybe(name: &str, value: Option<f64>) -> Result<Option<f32>, Reject> {
    value.map(|value| float(name, value)).transpose()
}

#[cfg(test)]
mod tests;
