//! Commands that ask something of the running program.

use anyhow::{Result, ensure};
use harness::{Program, ProgramOptions, free_port, wait_until};

use crate::program::SOON;

/// Runs a command against the admin port, and returns the printed line.
async fn ask(admin_port: u16, arguments: &[&str]) -> Result<String> {
    let options = ProgramOptions::new("updraft").args(arguments.iter().copied());
    options.env("UPDRAFT_ADMIN_LISTEN", format!("127.0.0.1:{admin_port}")).run().await
}

#[tokio::test]
async fn the_log_is_changed_while_the_program_runs() -> Result<()> {
    let listen = format!("127.0.0.1:{}", free_port());
    let options = ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--pilots", "1"]);
    let program = Program::start(options).await?;
    let port = program.admin_port();
    ensure!(ask(port, &["health"]).await? == "updraft: ready\n");

    ensure!(ask(port, &["log", "info,pusher=debug"]).await? == "updraft: logs by info,pusher=debug\n");
    let changed = async || program.service().log_tail(1_000).contains("log filter changed").then_some(());
    wait_until(SOON, "a line about the change", changed).await?;
    let refused = ask(port, &["log", "pusher=loud"]).await.expect_err("no level");
    ensure!(refused.to_string().contains("exit status: 1"), "{refused}");

    program.service().stop().await?;
    let gone = ask(port, &["log", "info"]).await.expect_err("no program");
    ensure!(gone.to_string().contains("exit status: 2"), "{gone}");
    Ok(())
}
