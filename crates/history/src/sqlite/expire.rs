//! Deletes expired rows, in chunks: blocks are written between two chunks.

use rusqlite::Connection;

use crate::Retention;
use crate::dialect::PRIVATE_MS;
use crate::retention::FOR_EVER_DAYS;

/// Rows of one chunk.
const CHUNK: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;

/// A statement that deletes one chunk of the rows that are older than a time.
#[derive(Clone)]
pub(super) struct DeleteStatement {
    sql: String,
    before_ms: i64,
}

/// The statements that delete the rows expired at `now_ms`: one per table and rule.
pub(super) fn delete_statements(retention: &Retention, now_ms: i64) -> Vec<DeleteStatement> {
    let mut expired = Vec::new();
    for keep in retention.of_tables() {
        let (table, time) = (keep.table, keep.time);
        let key = match table {
            "positions" | "ground_positions" | "names" | "weather" => "device, event_at, observation_id",
            "receptions" => "receiver_id, ingested_at, reception_id",
            "confirmations" | "decisions" => "device, observation_id",
            "thermals" => "thermal_id",
            // SQLite has no daily statistics.
            _ => continue,
        };
        let chosen = |which: &str| {
            format!(
                "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {which}{time} < ?1 LIMIT {CHUNK})"
            )
        };
        if keep.has_private {
            expired.push(DeleteStatement { sql: chosen("private AND "), before_ms: now_ms - PRIVATE_MS });
        }
        if keep.days < FOR_EVER_DAYS {
            expired.push(DeleteStatement { sql: chosen(""), before_ms: now_ms - i64::from(keep.days) * DAY_MS });
        }
    }
    expired
}

/// Deletes one chunk; returns the number of rows.
pub(super) fn delete_chunk(connection: &mut Connection, statement: &DeleteStatement) -> rusqlite::Result<usize> {
    connection.prepare_cached(&statement.sql)?.execute([statement.before_ms])
}
