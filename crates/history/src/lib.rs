//! The history port and its ClickHouse and SQLite forms.
