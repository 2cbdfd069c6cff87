//! Computes the flights of devices whose rows have changed, by the rules of `crates/flight`, as SQLite and the live
//! core do: all agree on a take-off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use schemas::privacy::PublicPast;

use super::ClickHouse;
use super::read::Sql;
use super::write::DELETE_TIMEOUT;
use crate::dialect::{self, Dialect as _};
use crate::flights::find;
use crate::model::Stored;
use crate::{FlightRow, HistoryError, Period, PositionRow, PrivacyRow};

const DAY_MS: i64 = 86_400_000;
/// How often flights are computed.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Days whose rows have changed within this time are computed again, hours. It covers an outage that delays the
/// computation.
const TOUCHED_HOURS: u32 = 2;
/// The number of devices per query of positions.
const DEVICES: usize = 100;

impl ClickHouse {
    /// Computes flights, unless that was done less than ten minutes ago.
    pub(super) async fn refresh_flights_if_due(&self) -> Result<(), HistoryError> {
        if take_turn(&self.flights_due, self.clock.monotonic()) {
            self.refresh_flights().await?;
        }
        Ok(())
    }

    /// Computes the flights of all days whose rows have changed, and of the days beside them, since a flight can cross
    /// midnight.
    pub(super) async fn refresh_flights(&self) -> Result<(), HistoryError> {
        let touched = format!(
            "SELECT device, toInt64(toInt32(day)) AS day FROM touched_devices GROUP BY device, day \
             HAVING max(touched_at) > now() - INTERVAL {TOUCHED_HOURS} HOUR ORDER BY device, day"
        );
        let touched: Vec<(u32, i64)> = self.all(&touched, "find devices whose rows have changed").await?;
        let mut days: BTreeMap<u32, BTreeSet<i64>> = BTreeMap::new();
        for (device, day) in touched {
            days.entry(device).or_default().extend([day - 1, day, day + 1]);
        }
        let days: Vec<(u32, BTreeSet<i64>)> = days.into_iter().collect();
        for chunk in days.chunks(DEVICES) {
            self.refresh_flights_of(&chunk.iter().map(|(device, days)| (*device, days)).collect()).await?;
        }
        Ok(())
    }

    async fn refresh_flights_of(&self, days: &BTreeMap<u32, &BTreeSet<i64>>) -> Result<(), HistoryError> {
        let all = || days.values().flat_map(|days| days.iter());
        let (Some(first), Some(last)) = (all().min(), all().max()) else { return Ok(()) };
        let devices: Vec<u32> = days.keys().copied().collect();
        let period = Period { from_ms: (first - 1) * DAY_MS, to_ms: (last + 2) * DAY_MS };
        let privacy: Vec<PrivacyRow> =
            self.all(&dialect::privacy::<Sql>(&devices), "read whose past is public").await?;
        let pasts: BTreeMap<u32, PublicPast> = privacy.iter().map(|row| (row.device, row.public_past())).collect();
        let mut rows =
            self.rows::<PositionRow>(&dialect::track_positions::<Sql>(&devices, period), "read positions of flights");
        let (mut made, mut of_device) = (Vec::new(), Vec::new());
        let mut make = |positions: &mut Vec<PositionRow>| {
            made.extend(find(positions));
            positions.clear();
        };
        while let Some(block) = rows.next().await {
            for row in block? {
                if !pasts.get(&row.device).is_none_or(|past| past.shows_ms(row.event_at_ms)) {
                    continue;
                }
                if of_device.last().is_some_and(|last: &PositionRow| last.device != row.device) {
                    make(&mut of_device);
                }
                of_device.push(row);
            }
        }
        make(&mut of_device);
        made.retain(|flight| days[&flight.device].contains(&flight.take_off_at_ms.div_euclid(DAY_MS)));
        self.delete_former_flights(days, &made).await?;
        self.write_flights(&made).await
    }

    /// `flights_now` shows the newest result of a device and day. Deletes the former flights of days that have no
    /// flight any more.
    async fn delete_former_flights(
        &self,
        days: &BTreeMap<u32, &BTreeSet<i64>>,
        made: &[FlightRow],
    ) -> Result<(), HistoryError> {
        let devices: Vec<String> = days.keys().map(u32::to_string).collect();
        let sql = format!(
            "SELECT DISTINCT device, toInt64(toInt32(toDate(take_off_at))) AS day FROM flights WHERE device IN ({})",
            devices.join(", ")
        );
        let known: Vec<(u32, i64)> = self.all(&sql, "read former flights").await?;
        let still: BTreeSet<(u32, i64)> =
            made.iter().map(|flight| (flight.device, flight.take_off_at_ms.div_euclid(DAY_MS))).collect();
        for (device, day) in known.into_iter().filter(|(device, day)| days[device].contains(day)) {
            if !still.contains(&(device, day)) {
                let (from, to) = (Sql::time(day * DAY_MS), Sql::time((day + 1) * DAY_MS));
                let sql = format!(
                    "DELETE FROM flights WHERE device = {device} AND take_off_at >= {from} AND take_off_at < {to}"
                );
                self.execute(&sql, DELETE_TIMEOUT).await?;
            }
        }
        Ok(())
    }

    /// In one insert, so that all have the same time of computation.
    async fn write_flights(&self, flights: &[FlightRow]) -> Result<(), HistoryError> {
        if flights.is_empty() {
            return Ok(());
        }
        let computed_at = Sql::time(system_ms());
        let rows: Vec<String> = flights.iter().map(|flight| values(flight, &computed_at)).collect();
        let columns = FlightRow::COLUMNS.join(", ");
        let sql = format!("INSERT INTO flights ({columns}, computed_at) VALUES {}", rows.join(", "));
        self.execute(&sql, DELETE_TIMEOUT).await
    }
}

/// Whether the flights are due at this monotonic time; if so, sets when they are due next.
fn take_turn(due: &Mutex<Duration>, now: Duration) -> bool {
    let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = *due <= now;
    if is_due {
        *due = now + INTERVAL;
    }
    is_due
}

/// The time of computation orders the results of several writers: it is the system's, also under a test's clock.
fn system_ms() -> i64 {
    i64::try_from(runtime::Clock::system().now_us() / 1_000).unwrap_or(i64::MAX)
}

fn values(flight: &FlightRow, computed_at: &str) -> String {
    let FlightRow {
        device,
        take_off_at_ms,
        landed_at_ms,
        take_off_latitude_e7,
        take_off_longitude_e7,
        landing_latitude_e7,
        landing_longitude_e7,
        distance_m,
        max_altitude_m,
        max_climb_cmps,
        positions,
        aircraft_kind,
    } = flight;
    let (take_off_at, landed_at) = (Sql::time(*take_off_at_ms), Sql::time(*landed_at_ms));
    let max_altitude_m = max_altitude_m.map_or("NULL".to_owned(), |metres| metres.to_string());
    format!(
        "({device}, {take_off_at}, {landed_at}, {take_off_latitude_e7}, {take_off_longitude_e7}, \
         {landing_latitude_e7}, {landing_longitude_e7}, {distance_m}, {max_altitude_m}, {max_climb_cmps}, {positions}, \
         {aircraft_kind}, {computed_at})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flights_are_due_at_the_start_and_every_ten_minutes() {
        let due = Mutex::default();
        let turns = [0, 1, 599, 600, 601, 1_300].map(|seconds| take_turn(&due, Duration::from_secs(seconds)));
        assert_eq!(turns, [true, false, false, true, false, true]);
    }
}
