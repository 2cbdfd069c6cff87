//! Migrations and retention.

use std::time::Duration;

use super::{ClickHouse, errors};
use crate::HistoryError;
use crate::migrations::{CLICKHOUSE, Migration, MigrationStatus};
use crate::retention::{Retention, TableRetention};

/// How long a statement of a migration may take: it can rewrite parts of a table.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(600);
const APPLIED: &str = "SELECT toUInt32(max(version)) FROM schema_migrations";
const HISTORIES: &str =
    "SELECT database FROM system.tables WHERE name = 'schema_migrations' ORDER BY database LIMIT 10";
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version     UInt32 COMMENT 'number of the migration',
    name        String COMMENT 'what it is about, text',
    applied_at  DateTime('UTC') DEFAULT now() COMMENT 'UTC, resolution 1 s'
) ENGINE = ReplacingMergeTree ORDER BY version COMMENT 'Migrations that were applied.'";

impl ClickHouse {
    /// The version of the database; 0 for a missing database.
    ///
    /// # Errors
    /// Transient: the server is unavailable.
    pub async fn migration_status(&self) -> Result<MigrationStatus, HistoryError> {
        let attempted = format!("read the version of {}", self.name());
        let applied = match self.number(APPLIED, &attempted).await {
            Ok(version) => version,
            Err(error) if error.reason() == "not_migrated" => 0,
            Err(error) => return Err(error),
        };
        Ok(MigrationStatus::new(CLICKHOUSE, applied))
    }

    /// Migrates the database to this program's version and the given retention. Returns the executed statements; with
    /// `dry_run`, executes none. Running it again changes nothing.
    ///
    /// # Errors
    /// Fatal with reason `newer_than_program`: a newer program has migrated it. Transient: the server is unavailable;
    /// the next attempt continues.
    pub async fn migrate(&self, retention: &Retention, dry_run: bool) -> Result<Vec<String>, HistoryError> {
        let status = self.migration_status().await?;
        if status.is_newer_than_program() {
            let attempted = format!("migrate {}", self.name());
            let why = format!(
                "the database is at version {}, this program knows {}: use the newer program",
                status.applied, status.known
            );
            return Err(HistoryError::fatal("newer_than_program", attempted, why));
        }
        let mut done = Vec::new();
        if status.applied == 0 {
            // In a request to `default`, since the database of the URL may be missing.
            let create = format!("CREATE DATABASE IF NOT EXISTS `{}`", self.endpoint.database);
            let server = self.client().with_database("default");
            self.step(&server, create, dry_run, &mut done).await?;
            self.step(&self.client(), VERSIONS.to_owned(), dry_run, &mut done).await?;
        }
        for migration in &status.pending {
            self.apply(migration, dry_run, &mut done).await?;
        }
        for keep in retention.of_tables() {
            self.keep(&keep, dry_run, &mut done).await?;
        }
        Ok(done)
    }

    async fn apply(&self, migration: &Migration, dry_run: bool, done: &mut Vec<String>) -> Result<(), HistoryError> {
        for statement in migration.statements() {
            self.step(&self.client(), statement, dry_run, done).await?;
        }
        let Migration { version, name, .. } = migration;
        let record = format!("INSERT INTO schema_migrations (version, name) VALUES ({version}, '{name}')");
        self.step(&self.client(), record, dry_run, done).await
    }

    /// Sets a table's TTL where it differs.
    async fn keep(&self, keep: &TableRetention, dry_run: bool, done: &mut Vec<String>) -> Result<(), HistoryError> {
        let TableRetention { table, time, has_private, days } = keep;
        let hours = days * 24;
        let ttl = match has_private {
            true => format!("toDateTime({time}) + toIntervalHour(if(private, 24, {hours}))"),
            false => format!("toDateTime({time}) + toIntervalHour({hours})"),
        };
        let present = format!(
            "SELECT toUInt32(count()) FROM system.tables WHERE database = '{}' AND name = '{table}' \
             AND position(engine_full, 'TTL {ttl}') > 0",
            self.endpoint.database
        );
        let unchanged = self.number(&present, "read the retention of a table").await;
        if matches!(unchanged, Ok(1)) {
            return Ok(());
        }
        self.step(&self.client(), format!("ALTER TABLE {table} MODIFY TTL {ttl}"), dry_run, done).await
    }

    async fn step(
        &self,
        client: &clickhouse::Client,
        statement: String,
        dry_run: bool,
        done: &mut Vec<String>,
    ) -> Result<(), HistoryError> {
        if !dry_run {
            let first_line = statement.lines().next().unwrap_or_default().to_owned();
            // The client library takes question marks for parameters: escape them.
            let run = client.query(&statement.replace('?', "??")).execute();
            match tokio::time::timeout(STATEMENT_TIMEOUT, run).await {
                Ok(outcome) => outcome.map_err(|cause| errors::error(first_line, cause))?,
                Err(_) => return Err(errors::timeout(first_line)),
            }
        }
        done.push(statement);
        Ok(())
    }

    /// A query's single number.
    pub(super) async fn number(&self, sql: &str, attempted: &str) -> Result<u32, HistoryError> {
        let request = self.client().query(sql).fetch_one::<u32>();
        match tokio::time::timeout(super::read::ANSWER_TIMEOUT, request).await {
            Ok(answer) => answer.map_err(|cause| errors::error(attempted, cause)),
            Err(_) => Err(errors::timeout(attempted)),
        }
    }

    /// If this database has no history: the server's databases that have one. Empty when the server does not list them.
    ///
    /// # Errors
    /// Transient: the server is unavailable.
    pub async fn other_histories(&self) -> Result<Vec<String>, HistoryError> {
        match self.migration_status().await?.applied {
            0 => Ok(self.histories().await),
            _ => Ok(Vec::new()),
        }
    }

    async fn histories(&self) -> Vec<String> {
        let server = self.client().with_database("default");
        let asked = server.query(HISTORIES).fetch_all::<String>();
        match tokio::time::timeout(super::read::ANSWER_TIMEOUT, asked).await {
            Ok(Ok(names)) => names,
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }

    /// Checks that the tables that this program needs exist. A newer database is accepted: migrations only add.
    pub(super) async fn check_version(&self) -> Result<(), HistoryError> {
        let status = self.migration_status().await?;
        match status.pending.is_empty() {
            true => Ok(()),
            false => {
                // Without a history here, a history in another database means that this name is probably wrong.
                let others = if status.applied == 0 { self.histories().await } else { Vec::new() };
                let why = not_migrated(&self.endpoint.database, &status, &others);
                Err(HistoryError::transient("not_migrated", format!("use {}", self.name()), why))
            }
        }
    }
}

/// Why a database cannot be used, and what to do.
fn not_migrated(database: &str, status: &MigrationStatus, others: &[String]) -> String {
    if others.is_empty() {
        let MigrationStatus { applied, known, .. } = status;
        return format!("the database is at version {applied}, this program needs {known}: run `processor migrate`");
    }
    format!(
        "there is no history in the database {database:?}, but there is one in {}: check the database's name at the end of \
         --clickhouse-url",
        others.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_history_hints_at_a_mistyped_database() {
        let status = MigrationStatus::new(CLICKHOUSE, 0);
        let line = not_migrated("updrfat", &status, &["updraft".to_owned()]);
        assert!(
            line.contains("\"updrfat\"") && line.contains("one in updraft") && line.contains("--clickhouse-url"),
            "{line}"
        );
        assert!(!line.contains("migrate"), "{line}");
        assert!(not_migrated("updraft", &status, &[]).ends_with("run `processor migrate`"));
    }
}
