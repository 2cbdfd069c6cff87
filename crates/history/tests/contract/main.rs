//! What a history promises, held by every form of it.

mod clickhouse;
mod dictionary;
mod promises;
mod rows;
mod sqlite;
