//! The numbered migrations of both stores.
//!
//! A released migration never changes; a change is a new migration with the next number. Every statement may run again,
//! so that an interrupted migration can be applied again.

/// One change of a store's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: u32,
    /// The name: number and subject.
    pub name: &'static str,
    /// The statements.
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

/// The migrations of ClickHouse.
pub const CLICKHOUSE: &[Migration] = migrations!(
    "clickhouse": 1 "0001_tables", 2 "0002_statistics", 3 "0003_confirmations", 4 "0004_privacy", 5 "0005_decisions",
    6 "0006_hidden_names", 7 "0007_by_time"
);
/// The migrations of SQLite.
pub const SQLITE: &[Migration] = migrations!(
    "sqlite": 1 "0001_tables", 2 "0002_confirmations", 3 "0003_privacy", 4 "0004_positions_by_time", 5 "0005_decisions",
    6 "0006_hidden_names", 7 "0007_others_by_time"
);

/// The version of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The highest applied version; 0: none.
    pub applied: u32,
    /// The migrations to apply, in order.
    pub pending: Vec<Migration>,
    /// The highest version of this program.
    pub known: u32,
}

impl MigrationStatus {
    pub(crate) fn new(all: &[Migration], applied: u32) -> Self {
        let pending = all.iter().filter(|migration| migration.version > applied).copied().collect();
        Self { applied, pending, known: all.last().map_or(0, |migration| migration.version) }
    }

    /// Whether a newer program has migrated the store.
    pub fn is_newer_than_program(&self) -> bool {
        self.applied > self.known
    }
}

impl Migration {
    /// The single statements, without comment lines.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        let lines = self.sql.lines().filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let parts: Vec<String> = text.split(";\n").map(|part| part.trim().trim_end_matches(';').to_owned()).collect();
        parts.into_iter().filter(|part| !part.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use flight::units::{CDEG_PER_DEGREE, CDPS_PER_DPS, DKMH_PER_KMH, E7_PER_DEGREE};

    use super::*;
    use crate::flag;

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
                // SQLite has no IF NOT EXISTS for columns; its migrations are one transaction with their version
                // number.
                let is_new_column = migration.sql.contains("-- One transaction.") && statement.contains("ADD COLUMN");
                let repeats = ["IF NOT EXISTS", "IF EXISTS", "MODIFY SETTING", "APPLY DELETED MASK"];
                assert!(
                    repeats.iter().any(|repeat| statement.contains(repeat)) || is_new_column,
                    "{}: {statement}",
                    migration.name
                );
            }
        }
    }

    #[test]
    fn status_has_the_pending_migrations() {
        let status = MigrationStatus::new(CLICKHOUSE, 1);
        let newest = CLICKHOUSE.last().map_or(0, |migration| migration.version);
        assert!(status.pending.iter().map(|migration| migration.version).eq(2..=newest));
        assert!(!status.is_newer_than_program());
        let later = MigrationStatus::new(CLICKHOUSE, 99);
        assert!(later.pending.is_empty() && later.is_newer_than_program());
    }

    /// SQL cannot use the constants: this compares its numbers of units and flags with them.
    #[test]
    fn sql_has_the_units_and_flags_of_the_code() {
        let sql: String = CLICKHOUSE.iter().chain(SQLITE).map(|migration| migration.sql).collect();
        let divided: Vec<&str> = sql.match_indices("_e7").filter_map(|(at, _)| divisor(&sql[at + 3..])).collect();
        assert!(divided.len() > 10, "{divided:?}");
        for divisor in divided {
            assert_eq!(divisor.parse(), Ok(E7_PER_DEGREE), "{divisor}");
        }
        let tested: Vec<u8> = sql
            .match_indices("bitAnd(flags, ")
            .map(|(at, before)| number(&sql[at + before.len()..]).parse().expect("a number of flags"))
            .collect();
        let known = [flag::IMPLAUSIBLE, flag::NOT_OF_TRACK];
        assert!(known.iter().all(|flags| tested.contains(flags)), "{tested:?}");
        assert!(tested.iter().all(|flags| known.contains(flags)), "{tested:?}");
    }

    /// Analysts read the comments.
    #[test]
    fn sql_comments_name_the_units_and_flags() {
        let comments = |name: &str| {
            let lines = CLICKHOUSE.iter().flat_map(|migration| migration.sql.lines());
            lines.filter(|line| line.contains("COMMENT") && line.contains(name)).collect::<Vec<_>>()
        };
        for (suffix, unit) in [
            ("_e7 ", format!("10^{}", E7_PER_DEGREE.log10())),
            ("_dkmh ", format!("{} km/h", 1.0 / DKMH_PER_KMH)),
            ("_cmps ", "cm/s".to_owned()),
            ("_cdeg ", format!("{} degrees", 1.0 / CDEG_PER_DEGREE)),
            ("_cdps ", format!("{} degrees", 1.0 / CDPS_PER_DPS)),
        ] {
            let found = comments(suffix);
            assert!(!found.is_empty(), "no column {suffix}");
            for line in found {
                assert!(line.contains(&unit), "expected {unit}: {line}");
            }
        }
        let newest = comments("positions COMMENT COLUMN IF EXISTS flags");
        let flags = newest.first().expect("the flags are described");
        for (bits, word) in [
            (flag::DELAYED, "delayed"),
            (flag::HISTORY_ONLY, "history only"),
            (flag::RELAYED, "relayed"),
            (flag::IMPLAUSIBLE, "implausible"),
            (flag::SIGNED, "signed"),
            (flag::UNTRUSTED, "untrusted"),
            (flag::CLAMPED, "event time clamped"),
            (flag::UNCONFIRMED, "unconfirmed"),
        ] {
            assert!(flags.contains(&format!("{bits} {word}")), "{bits} {word}: {flags}");
        }
    }

    fn divisor(behind: &str) -> Option<&str> {
        let behind = behind.trim_start_matches(')').trim_start();
        Some(number(behind.strip_prefix('/')?.trim_start()))
    }

    fn number(text: &str) -> &str {
        text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    }
}
