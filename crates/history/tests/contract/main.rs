//! The contract of the history, on every store.

mod clickhouse;
mod dictionary;
mod promises;
mod rows;
mod sqlite;
