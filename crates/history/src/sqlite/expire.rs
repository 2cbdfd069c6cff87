//! What has been kept long enough, in chunks: between two of them blocks are written.

use rusqlite::Connection;

use crate::Retention;
use crate::dialect::PRIVATE_MS;
use crate::retention::FOR_EVER_DAYS;

/// Rows of one chunk.
const CHUNK: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;

/// A statement that deletes one chunk of what happened before a time.
#[derive(Clone)]
pub(super) struct Order {
    sql: String,
    before_ms: i64,
}

/// What to delete now.
pub(super) fn orders(retention: &Retention, now_ms: i64) -> Vec<Order> {
    let mut orders = Vec::new();
    for keep in retention.of_tables() {
        let (table, time) = (keep.table, keep.time);
        let key = match table {
            "positions" | "ground_positions" | "names" | "weather" => "device, event_at, observation_id",
            "receptions" => "receiver_id, ingested_at, reception_id",
            "confirmations" => "device, observation_id",
            "thermals" => "thermal_id",
            // There are no daily statistics here.
            _ => continue,
        };
        let chosen = |which: &str| {
            format!(
                "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {which}{time} < ?1 LIMIT {CHUNK})"
            )
        };
        if keep.has_private {
            orders.push(Order { sql: chosen("private AND "), before_ms: now_ms - PRIVATE_MS });
        }
        if keep.days < FOR_EVER_DAYS {
            orders.push(Order { sql: chosen(""), before_ms: now_ms - i64::from(keep.days) * DAY_MS });
        }
    }
    orders
}

/// Deletes one chunk; how many rows it had.
pub(super) fn chunk(connection: &mut Connection, order: &Order) -> rusqlite::Result<usize> {
    connection.prepare_cached(&order.sql)?.execute([order.before_ms])
}
