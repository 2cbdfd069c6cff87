//! The numbered migrations of both stores.
//!
//! A migration is never changed once it is released; a change is the next number. Every statement may run again, so that
//! one that was interrupted is simply applied anew.

/// One step of a store's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: u32,
    /// What it is about.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($store:literal: $($version:literal $name:literal),*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $store, "/", $name, ".sql")),
        }),*]
    };
}

/// Of ClickHouse.
pub const CLICKHOUSE: &[Migration] = migrations!("clickhouse": 1 "0001_tables", 2 "0002_statistics");
/// Of SQLite.
pub const SQLITE: &[Migration] = migrations!("sqlite": 1 "0001_tables");

/// Where a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The highest version applied; 0: none.
    pub applied: u32,
    /// What this program would apply, in order.
    pub pending: Vec<Migration>,
    /// The highest version that this program knows.
    pub known: u32,
}

impl MigrationStatus {
    pub(crate) fn new(all: &[Migration], applied: u32) -> Self {
        let pending = all.iter().filter(|migration| migration.version > applied).copied().collect();
        Self { applied, pending, known: all.last().map_or(0, |migration| migration.version) }
    }

    /// Whether a later version of the program has been here.
    pub fn is_newer_than_program(&self) -> bool {
        self.applied > self.known
    }
}

impl Migration {
    /// Its statements, one by one, without comment lines.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        let lines = self.sql.lines().filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let parts: Vec<String> = text.split(";\n").map(|part| part.trim().trim_end_matches(';').to_owned()).collect();
        parts.into_iter().filter(|part| !part.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_and_are_in_the_names() {
        for all in [CLICKHOUSE, SQLITE] {
            for (migration, version) in all.iter().zip(1..) {
                assert_eq!(migration.version, version);
                assert!(migration.name.starts_with(&format!("{version:04}_")), "{}", migration.name);
                assert!(migration.statements().count() > 0);
            }
        }
    }

    #[test]
    fn every_statement_may_run_again() {
        for migration in CLICKHOUSE.iter().chain(SQLITE) {
            for statement in migration.statements() {
                assert!(statement.contains("IF NOT EXISTS"), "{}: {statement}", migration.name);
            }
        }
    }

    #[test]
    fn status_tells_what_is_to_do() {
        let status = MigrationStatus::new(CLICKHOUSE, 1);
        assert_eq!(status.pending.iter().map(|migration| migration.version).collect::<Vec<_>>(), [2]);
        assert!(!status.is_newer_than_program());
        let later = MigrationStatus::new(CLICKHOUSE, 99);
        assert!(later.pending.is_empty() && later.is_newer_than_program());
    }
}
