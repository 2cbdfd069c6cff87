//! Flights of one device after the other, made anew for the days whose rows changed.

use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::flights::find;
use crate::model::Stored;
use crate::{FlightRow, PositionRow};

const DAY_MS: i64 = 86_400_000;

/// Makes one device's flights; whether there was one to do. A day is done with its neighbours, since a flight may go over
/// midnight.
pub(super) fn refresh_one(connection: &mut Connection) -> rusqlite::Result<bool> {
    let block = connection.transaction()?;
    let next = "SELECT device, min(day), max(day) FROM touched GROUP BY device LIMIT 1";
    let next = block.query_row(next, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((device, first_day, last_day)): Option<(u32, i64, i64)> = next else { return Ok(false) };
    let (from, to) = ((first_day - 1) * DAY_MS, (last_day + 2) * DAY_MS);
    let positions: Vec<PositionRow> = {
        let columns = PositionRow::COLUMNS.join(", ");
        let mut statement = block.prepare_cached(&format!(
            "SELECT {columns} FROM positions WHERE device = ?1 AND event_at >= ?2 AND event_at < ?3 AND NOT private \
             ORDER BY event_at, observation_id"
        ))?;
        let rows = statement.query_map(params![device, from - DAY_MS, to + DAY_MS], PositionRow::of_sqlite)?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let old = "DELETE FROM flights WHERE device = ?1 AND take_off_at >= ?2 AND take_off_at < ?3";
    block.execute(old, params![device, from, to])?;
    for flight in find(&positions).iter().filter(|flight| (from..to).contains(&flight.take_off_at_ms)) {
        let places = vec!["?"; FlightRow::COLUMNS.len()].join(", ");
        let columns = FlightRow::COLUMNS.join(", ");
        let mut statement =
            block.prepare_cached(&format!("INSERT OR REPLACE INTO flights ({columns}) VALUES ({places})"))?;
        statement.execute(params_from_iter(flight.values()))?;
    }
    block.execute("DELETE FROM touched WHERE device = ?1", [device])?;
    block.commit()?;
    Ok(true)
}
