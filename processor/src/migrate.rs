//! `processor migrate`: creates and updates the tables of the history.

use clap::{Args, ValueEnum};
use history::{ClickHouse, ClickHouseOptions, MigrationStatus, Retention};
use runtime::Context;

/// Creates and updates the tables of the history in ClickHouse and their retention.
#[derive(Debug, Clone, Args)]
pub struct MigrateOptions {
    /// apply: migrate the database to this program's version and set the retention. status: print its version and pending
    /// migrations.
    #[arg(value_enum, default_value_t)]
    pub action: MigrateAction,
    /// Print the statements of apply and execute none.
    #[arg(long)]
    pub dry_run: bool,
    /// Create a history in a database without one, on a server with histories in other databases. Without it the name of such a
    /// database counts as mistyped, and nothing is created.
    #[arg(long)]
    pub new_database: bool,
    /// The database of the history.
    #[command(flatten)]
    pub clickhouse: ClickHouseOptions,
    /// The retention of the rows.
    #[command(flatten)]
    pub retention: Retention,
}

/// An action on the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MigrateAction {
    /// Migrate the database to this program's version and set the retention; repeating it changes nothing. A database that a
    /// newer program migrated is left as it is: older programs use it, since migrations only add.
    #[default]
    Apply,
    /// Print the version of the database; exit with 1 where migrations are pending or the database is newer.
    Status,
}

/// Runs the command; prints a line for each result.
///
/// # Errors
/// The database is unreachable or refuses; `status`: it is not at this program's version; `apply`: it is new on a server with
/// other histories, and `--new-database` is missing.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn run(options: MigrateOptions, context: &Context) -> anyhow::Result<()> {
    let database = ClickHouse::new(options.clickhouse.clickhouse_url.clone(), context.clock.clone())?;
    let name = database.name();
    let work = async {
        if options.action == MigrateAction::Status {
            let status = database.migration_status().await?;
            println!("{name}: version {}, this program knows {}", status.applied, status.known);
            for migration in &status.pending {
                println!("pending: {}", migration.name);
            }
            anyhow::ensure!(
                !status.is_newer_than_program(),
                "the database has version {}, this program knows {}: use a newer program",
                status.applied,
                status.known
            );
            anyhow::ensure!(
                status.pending.is_empty(),
                "{} migrations are pending: run `processor migrate`",
                status.pending.len()
            );
            return Ok(());
        }
        let status = database.migration_status().await?;
        if status.is_newer_than_program() {
            // After a rollback: what waits for this command must start.
            println!("{}", newer(&name, &status));
            return Ok(());
        }
        let others = database.other_histories().await?;
        anyhow::ensure!(
            others.is_empty() || options.new_database || options.dry_run,
            "there is no history in {name}, and there is one in {}: correct the database's name at the end of \
             --clickhouse-url, or add --new-database for another history on this server; nothing was created",
            others.join(", ")
        );
        let statements = database.migrate(&options.retention, options.dry_run).await?;
        match (statements.len(), options.dry_run) {
            (0, _) => println!("{name}: nothing to do"),
            (count, false) => println!("{name}: {count} statements executed"),
            (_, true) => statements.iter().for_each(|statement| println!("{statement};\n")),
        }
        Ok(())
    };
    context.shutdown.or(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("stopped before the end: run it again")))
}

/// Why nothing is done on a database that a newer program migrated.
fn newer(name: &str, status: &MigrationStatus) -> String {
    format!(
        "{name}: nothing to do: it has version {}, this program knows {} and uses it as it is, since migrations only add; \
         the retention is that of the newer program",
        status.applied, status.known
    )
}
