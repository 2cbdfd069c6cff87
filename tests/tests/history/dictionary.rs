//! The data dictionary is generated from the database's own description of its tables.

use std::fmt::Write as _;

use history::ClickHouse;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clickhouse::{ByHand as _, store};

const HEAD: &str = "\
# Data dictionary

What the history in ClickHouse holds, as the database itself says it (`system.tables`, `system.columns`). Made by a test;
after a new migration: `UPDATE_DATA_DICTIONARY=1 cargo test -p updraft-tests --test history dictionary`.

Times are UTC. Coordinates are whole numbers: divide by 10^7 for degrees. NULL is what was not transmitted or is not known,
never zero. Rows with `private` are of hidden devices and expire after 24 hours. Tables whose engine begins with Replacing may
hold a row twice for a while: read them with `FINAL` where a number must be exact.

Kinds are the numbers of the schemas' enums ([tables](for-analysts.md#numbers-and-what-they-mean)), but for `ground_type`, which is the
protocol's own number and one less: `alert_kind` 9 and `ground_type` 8 are the same.
";

#[derive(Deserialize)]
struct Table {
    name: String,
    engine: String,
    comment: String,
    sorting_key: String,
    partition_key: String,
}

#[derive(Deserialize)]
struct Column {
    table: String,
    name: String,
    kind: String,
    comment: String,
}

#[tokio::test]
async fn the_data_dictionary_is_up_to_date() {
    let store = store("dictionary").await;
    let tables = "SELECT name, engine, comment, sorting_key, partition_key FROM system.tables \
                  WHERE database = currentDatabase() AND engine != 'MaterializedView' ORDER BY name";
    let columns = "SELECT table, name, type AS kind, comment FROM system.columns \
                   WHERE database = currentDatabase() ORDER BY table, position";
    let tables: Vec<Table> = rows(&store, tables).await;
    let columns: Vec<Column> = rows(&store, columns).await;
    let text = page(&tables, &columns);
    for column in columns.iter().filter(|column| tables.iter().any(|table| table.name == column.table)) {
        assert!(!column.comment.is_empty(), "{}.{} has no comment", column.table, column.name);
    }
    let file = harness::workspace_dir().join("docs/data-dictionary.md");
    if std::env::var_os("UPDATE_DATA_DICTIONARY").is_some() {
        std::fs::write(&file, &text).expect("written");
    }
    let there = std::fs::read_to_string(&file).expect("docs/data-dictionary.md");
    assert!(
        there == text,
        "docs/data-dictionary.md differs from the tables: run this test with UPDATE_DATA_DICTIONARY=1 to write it again"
    );
    assert_eq!(store.number("SELECT toUInt32(count()) FROM launch_days").await, 0, "views can be queried");
}

/// The rows of a query, by the names of its columns.
async fn rows<T: DeserializeOwned>(store: &ClickHouse, query: &str) -> Vec<T> {
    let mut answer = store.client().query(query).fetch_bytes("JSONEachRow").expect("is sent");
    let bytes = answer.collect().await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a row")).collect()
}

fn page(tables: &[Table], columns: &[Column]) -> String {
    let mut text = HEAD.to_owned();
    for table in tables {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {}\n\n", table.name);
        if !table.comment.is_empty() {
            let _ = writeln!(text, "{}", table.comment);
        }
        let _ = match table.engine.as_str() {
            "View" => writeln!(text, "A view, computed when it is read."),
            engine if table.partition_key.is_empty() => writeln!(text, "{engine}, sorted by {}.", table.sorting_key),
            engine => writeln!(text, "{engine}, sorted by {}, in parts by {}.", table.sorting_key, table.partition_key),
        };
        let _ = writeln!(text, "\n| column | type | what |\n|---|---|---|");
        for column in columns.iter().filter(|column| column.table == table.name) {
            let _ = writeln!(text, "| `{}` | {} | {} |", column.name, column.kind, column.comment.replace('|', "\\|"));
        }
    }
    text
}
