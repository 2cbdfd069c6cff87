//! `processor migrate`: the tables of the history.

use clap::{Args, ValueEnum};
use history::{ClickHouse, ClickHouseOptions, Retention};
use runtime::Context;

/// Tables of the history in ClickHouse, and how long they keep.
#[derive(Debug, Clone, Args)]
pub struct MigrateOptions {
    /// apply: bring the database to this program's version and the given retention. status: say where it stands.
    #[arg(value_enum, default_value_t)]
    pub action: MigrateAction,
    /// Print what apply would execute, and execute nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Make a history in a database that has none, on a server that has histories in others. Without it, the name of such a
    /// database is taken for a mistyped one, and nothing is created.
    #[arg(long)]
    pub new_database: bool,
    /// Where the history is.
    #[command(flatten)]
    pub clickhouse: ClickHouseOptions,
    /// How long rows stay.
    #[command(flatten)]
    pub retention: Retention,
}

/// What to do with the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MigrateAction {
    /// Bring the database to this program's version and the given retention; doing it again changes nothing.
    #[default]
    Apply,
    /// Say where the database stands; exit 1 where migrations are missing or the database is newer.
    Status,
}

/// Runs the command; prints a line for each thing done.
///
/// # Errors
/// The database cannot be reached, refuses, or is newer than this program; `status`: it is not at this program's version;
/// `apply`: it is new among others, and `--new-database` does not say that it is meant.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn run(options: MigrateOptions, context: &Context) -> anyhow::Result<()> {
    let database = ClickHouse::new(options.clickhouse.clickhouse_url.reveal(), context.clock.clone())?;
    let name = database.name();
    let work = async {
        if options.action == MigrateAction::Status {
            let status = database.migration_status().await?;
            println!("{name}: version {}, this program knows {}", status.applied, status.known);
            for migration in &status.pending {
                println!("pending: {}", migration.name);
            }
            anyhow::ensure!(!status.is_newer_than_program(), "the database is newer than this program");
            anyhow::ensure!(status.pending.is_empty(), "{} migrations are pending", status.pending.len());
            return Ok(());
        }
        let others = database.other_histories().await?;
        anyhow::ensure!(
            others.is_empty() || options.new_database || options.dry_run,
            "there is no history in {name}, and there is one in {}: correct the database's name at the end of \
             --clickhouse-url; if another history is wanted on this server, add --new-database. Nothing was created",
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
    context.shutdown.or(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("stopped in the middle: run it again")))
}
