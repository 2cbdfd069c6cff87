//! Computes flights device by device, again for the days whose rows have changed.

use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::dialect;
use crate::flights::find;
use crate::model::Stored;
use crate::sqlite::read::Sql;
use crate::{FlightRow, Period, PositionRow, PrivacyRow};
use schemas::privacy::PublicPast;

const DAY_MS: i64 = 86_400_000;

/// Computes the flights of one device; returns whether there was one to do. A day is computed with the days beside it,
/// since a flight can cross midnight.
pub(super) fn refresh_one(connection: &mut Connection) -> rusqlite::Result<bool> {
    let block = connection.transaction()?;
    let next = "SELECT device, min(day), max(day) FROM touched GROUP BY device LIMIT 1";
    let next = block.query_row(next, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((device, first_day, last_day)): Option<(u32, i64, i64)> = next else { return Ok(false) };
    let (from, to) = ((first_day - 1) * DAY_MS, (last_day + 2) * DAY_MS);
    let past = {
        let mut statement = block.prepare(&dialect::privacy::<Sql>(&[device]))?;
        let row = statement.query_row([], PrivacyRow::of_sqlite).optional()?;
        row.map_or(PublicPast::Everything, |row| row.public_past())
    };
    let mut positions: Vec<PositionRow> = {
        let period = Period { from_ms: from - DAY_MS, to_ms: to + DAY_MS };
        let mut statement = block.prepare(&dialect::track_positions::<Sql>(&[device], period))?;
        let rows = statement.query_map([], PositionRow::of_sqlite)?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    positions.retain(|row| past.shows_ms(row.event_at_ms));
    let old = "DELETE FROM flights WHERE device = ?1 AND take_off_at >= ?2 AND take_off_at < ?3";
    block.execute(old, params![device, from, to])?;
    for flight in find(&positions).iter().filter(|flight| (from..to).contains(&flight.take_off_at_ms)) {
        let parameters = vec!["?"; FlightRow::COLUMNS.len()].join(", ");
        let columns = FlightRow::COLUMNS.join(", ");
        let mut statement =
            block.prepare_cached(&format!("INSERT OR REPLACE INTO flights ({columns}) VALUES ({parameters})"))?;
        statement.execute(params_from_iter(flight.values()))?;
    }
    block.execute("DELETE FROM touched WHERE device = ?1", [device])?;
    block.commit()?;
    Ok(true)
}
