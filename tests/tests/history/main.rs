//! The history in ClickHouse, with the real engine: the contract, the data dictionary, the queries of the documents.

mod clickhouse;
mod dictionary;
mod queries;
