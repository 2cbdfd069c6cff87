//! `GET /api/v1/history`: what was observed in a region by time, thinned, page by page.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::TryStreamExt as _;
use geo::{Bounds, Region};
use history::{GroundPositionRow, ObservedRow, Period, PositionKey, PositionRow, RegionQuery, Rows, WeatherRow};
use schemas::{DeviceAddress, RecordId, v1};

use super::decisions::ground_kind;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, Parameter, RADIUS};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{FROM, PublicHistory, TO, history_failed, ms_to_us};
use super::query::Query;
use super::weather_history::number;
use crate::app::App;
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/history",
    summary: "The recorded positions of aircraft, those of ground objects with their states, or the readings of weather \
              stations (`kind`) in a region and a time of at most 12 hours, the oldest first, at most one per device and \
              `step`, in pages: `next` of a page is the `cursor` of the following one, with the other parameters \
              unchanged and `from` and `to` as in the response. A page may have fewer than `limit` and a `next`. Hidden \
              devices have none.",
    path_parameters: &[],
    parameters: &[
        &LAT,
        &LON,
        &RADIUS,
        &BOUNDS,
        &FROM,
        &TO,
        &Parameter {
            name: "kind",
            kind: "string",
            about: "aircraft (the default), ground or weather: whether the page has `positions`, `ground` or `readings`.",
        },
        &Parameter {
            name: "step",
            kind: "integer",
            about: "Of each device the first position in each step of this number of seconds, 1 to 3,600; steps begin at \
                    multiples of it. Of ground objects the first position with each state. The default is the 720th \
                    part of the period: 60 for 12 hours, 5 for one.",
        },
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "Maximum number of positions or readings in a page, 1 to 10,000. The default is 10,000.",
        },
        &Parameter {
            name: "cursor",
            kind: "string",
            about: "`next` of the page before. The default is the first page.",
        },
    ],
    message: "RegionHistory",
};

const LONGEST_HOURS: i64 = 12;
const LONGEST_MS: i64 = LONGEST_HOURS * 3_600_000;
const MAX_STEP_S: u32 = 3_600;
/// Steps of a period, where the query does not choose.
const STEPS: u64 = 720;
const MAX_LIMIT: u64 = 10_000;
/// Pages of the store that are read for one of the client, where rows are left out.
const MAX_READS: usize = 20;

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let region = query.region()?;
    let step_s = query.number("step", 1..=MAX_STEP_S)?;
    let limit = query.number("limit", 1..=MAX_LIMIT)?.unwrap_or(MAX_LIMIT);
    let after = cursor(&query)?;
    let kind = Kind::parse(&query)?;
    let (history, period) = PublicHistory::open_for(&app, &query)?;
    if period.to_ms - period.from_ms > LONGEST_MS {
        return Err(Problem::bad_request(
            "period_too_long",
            format!("the period is too long: at most {LONGEST_HOURS} hours at once"),
        ));
    }
    let step_s = step_s.unwrap_or_else(|| default_step_s(period));
    let bounds = match &region {
        Some(Region::Bounds(bounds)) => *bounds,
        Some(Region::Circle(circle)) => circle.bounds(),
        None => Bounds::WORLD,
    };
    let query = RegionQuery { bounds, period, step_ms: i64::from(step_s) * 1_000, after, limit: limit + 1 };
    let reader = Reader { history: &history, region: region.as_ref(), query };
    let store = &history.store;
    let mut message = v1::RegionHistory {
        server_time: rfc3339(history.now_us),
        from: rfc3339(ms_to_us(period.from_ms)),
        to: rfc3339(ms_to_us(period.to_ms)),
        step_s,
        ..v1::RegionHistory::default()
    };
    let page = match kind {
        Kind::Aircraft => reader.page(|query| store.positions_by_time(query), position, &mut message.positions).await?,
        Kind::Ground => reader.page(|query| store.ground_by_time(query), ground_position, &mut message.ground).await?,
        Kind::Weather => reader.page(|query| store.weather_by_time(query), reading, &mut message.readings).await?,
    };
    message.names = names_of(&history, &page.keys).await?;
    message.next = page.next.map(write_cursor);
    Ok(message_response(&message, accepts_protobuf(&headers)))
}

/// What a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Aircraft,
    Ground,
    Weather,
}

impl Kind {
    fn parse(query: &Query) -> Result<Self, Problem> {
        match query.get("kind") {
            None | Some("aircraft") => Ok(Self::Aircraft),
            Some("ground") => Ok(Self::Ground),
            Some("weather") => Ok(Self::Weather),
            Some(other) => Err(Problem::invalid_parameter("kind", other, "aircraft, ground or weather")),
        }
    }
}

/// Reads a page, without what is outside of the region or hidden.
struct Reader<'a> {
    history: &'a PublicHistory,
    region: Option<&'a Region>,
    /// Its limit is one more than that of the page.
    query: RegionQuery,
}

/// What was read of a page.
struct Page {
    /// Of its rows.
    keys: Vec<PositionKey>,
    /// Where the following page begins, where there is one. It names a public row, or a time alone, and never a hidden device.
    next: Option<PositionKey>,
}

impl Reader<'_> {
    /// Adds the public rows of a page to `shown`, in the form of `view`. The store does not know which devices are hidden: where
    /// rows are left out, more are read.
    async fn page<T: ObservedRow, V>(
        &self,
        read: impl Fn(RegionQuery) -> Rows<T>,
        view: fn(&T) -> V,
        shown: &mut Vec<V>,
    ) -> Result<Page, Problem> {
        let limit = usize::try_from(self.query.limit - 1).unwrap_or(usize::MAX);
        let (mut query, mut keys) = (self.query, Vec::new());
        for _ in 0..MAX_READS {
            let rows = read(query).try_concat().await.map_err(|error| history_failed(&error))?;
            let last = rows.last().map(T::time_key).filter(|_| rows.len() as u64 >= query.limit);
            for row in rows.iter().filter(|row| self.shows(*row)) {
                if keys.len() == limit {
                    let next = keys.last().copied();
                    return Ok(Page { keys, next });
                }
                keys.push(row.time_key());
                shown.push(view(row));
            }
            let Some(last) = last else { return Ok(Page { keys, next: None }) };
            (query.after, query.limit) = (Some(last), MAX_LIMIT + 1);
        }
        // Behind the last row that was read. Where its device is hidden, at that time: rows of it may come twice.
        let of_time = |last: PositionKey| PositionKey { device: 0, observation_id: 0, ..last };
        let is_public = |last: &PositionKey| self.history.shows(last.device, last.event_at_ms);
        let next = query.after.map(|last| if is_public(&last) { last } else { of_time(last) });
        Ok(Page { keys, next })
    }

    fn shows(&self, row: &impl ObservedRow) -> bool {
        let PositionKey { device, event_at_ms, .. } = row.time_key();
        let Some((latitude_deg, longitude_deg)) = row.position_deg() else { return false };
        let is_inside = self.region.is_none_or(|region| region.contains(latitude_deg, longitude_deg));
        is_inside && self.history.shows(device, event_at_ms)
    }
}

/// The names that the devices of these rows had at the last of them, by device.
async fn names_of(history: &PublicHistory, keys: &[PositionKey]) -> Result<Vec<v1::PastName>, Problem> {
    let Some(last) = keys.last() else { return Ok(Vec::new()) };
    let mut devices: Vec<u32> = keys.iter().map(|key| key.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut names: Vec<_> = history.names_at(&devices, last.event_at_ms).await?.into_iter().collect();
    names.sort_unstable();
    Ok(names.into_iter().map(|(device, name)| v1::PastName { device, name }).collect())
}

fn position(row: &PositionRow) -> v1::PastPosition {
    v1::PastPosition {
        device: row.device,
        event_at_us: ms_to_us(row.event_at_ms),
        latitude_deg: row.latitude_deg(),
        longitude_deg: row.longitude_deg(),
        altitude_m: row.altitude_m.map(f64::from),
        speed_kmh: Some(row.speed_kmh()),
        climb_mps: Some(row.climb_mps()),
        course_deg: row.course_deg(),
        aircraft_kind: row.aircraft_kind.into(),
    }
}

fn ground_position(row: &GroundPositionRow) -> v1::PastGroundPosition {
    v1::PastGroundPosition {
        device: row.device,
        event_at_us: ms_to_us(row.event_at_ms),
        latitude_deg: row.latitude_deg(),
        longitude_deg: row.longitude_deg(),
        altitude_m: row.altitude_m.map(f64::from),
        ground_kind: ground_kind(row.ground_type),
    }
}

fn reading(row: &WeatherRow) -> v1::PastReading {
    v1::PastReading {
        device: row.device,
        event_at_us: ms_to_us(row.event_at_ms),
        latitude_deg: row.latitude_deg().unwrap_or_default(),
        longitude_deg: row.longitude_deg().unwrap_or_default(),
        altitude_m: row.altitude_m.map(f64::from),
        temperature_c: number(row.temperature_c),
        wind_from_deg: number(row.wind_from_deg),
        wind_speed_kmh: number(row.wind_speed_kmh),
        wind_gust_kmh: number(row.wind_gust_kmh),
        humidity_pct: number(row.humidity_pct),
        pressure_hpa: number(row.pressure_hpa),
        state_of_charge_pct: number(row.state_of_charge_pct),
    }
}

fn default_step_s(period: Period) -> u32 {
    let ms = (period.to_ms - period.from_ms).unsigned_abs();
    u32::try_from(ms.div_ceil(STEPS * 1_000)).unwrap_or(MAX_STEP_S).max(1)
}

/// `1780308000000.110B90.7-123`; opaque for clients.
fn write_cursor(key: PositionKey) -> String {
    format!("{}.{}.{}", key.event_at_ms, DeviceAddress(key.device), RecordId(key.observation_id))
}

fn cursor(query: &Query) -> Result<Option<PositionKey>, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let invalid = || Problem::invalid_parameter("cursor", text, "`next` of the page before");
    read_cursor(text).map(Some).ok_or_else(invalid)
}

fn read_cursor(text: &str) -> Option<PositionKey> {
    let mut parts = text.split('.');
    let event_at_ms = parts.next()?.parse::<i64>().ok().filter(|at_ms| *at_ms >= 0)?;
    let device: DeviceAddress = parts.next()?.parse().ok()?;
    let observation: RecordId = parts.next()?.parse().ok()?;
    let is_all = parts.next().is_none();
    is_all.then_some(PositionKey { event_at_ms, device: device.0, observation_id: observation.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        let key =
            PositionKey { event_at_ms: 1_780_308_000_000, device: 0x01_0B90, observation_id: RecordId::new(7, 123).0 };
        assert_eq!(write_cursor(key), "1780308000000.010B90.7-123");
        assert_eq!(read_cursor(&write_cursor(key)), Some(key));
        for bad in ["", "1.110B90", "1.110B90.7", "-1.110B90.7-1", "x.110B90.7-1", "1.110B90.7-1.9", "1.zz.7-1"] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_step_follows_from_the_period() {
        let step_s = |ms| default_step_s(Period { from_ms: 5, to_ms: 5 + ms });
        let hour_ms = 3_600_000;
        assert_eq!([1, 600_000, hour_ms, hour_ms + 1, LONGEST_MS].map(step_s), [1, 1, 5, 6, 60]);
    }
}
