//! Keeps the services of the tests running in the foreground, or runs a command with them.
//!
//! `stack [SERVICE...]` starts the named services (all when none is named), prints how to reach them as lines for a shell,
//! and stays until Ctrl-C. `stack [SERVICE...] -- COMMAND...` runs the command with those variables set and ends with it.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use harness::{ServiceKind, Stack};
use tokio::signal::unix::{SignalKind, signal};

/// The settings of our programs for the same addresses.
const PROGRAMS: [(ServiceKind, &str); 5] = [
    (ServiceKind::Kafka, "UPDRAFT_KAFKA_BOOTSTRAP"),
    (ServiceKind::Registry, "UPDRAFT_SCHEMA_REGISTRY_URL"),
    (ServiceKind::Redis, "UPDRAFT_REDIS_URL"),
    (ServiceKind::Mosquitto, "UPDRAFT_MQTT_URL"),
    (ServiceKind::ClickHouse, "UPDRAFT_CLICKHOUSE_URL"),
];

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (services, command) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (&arguments[..], &[][..]),
    };
    let variables = start(&kinds(services)?)?;
    match command.split_first() {
        Some((program, arguments)) => beside(program, arguments, variables),
        None => stay(&variables),
    }
}

fn kinds(names: &[OsString]) -> Result<Vec<ServiceKind>> {
    if names.is_empty() {
        return Ok(ServiceKind::ALL.to_vec());
    }
    let kind = |name: &OsString| ServiceKind::ALL.into_iter().find(|kind| name == kind.name());
    let known = ServiceKind::ALL.map(ServiceKind::name).join(", ");
    names.iter().map(|name| kind(name).with_context(|| format!("no service {}: {known}", name.display()))).collect()
}

/// Starts all at the same time.
fn start(kinds: &[ServiceKind]) -> Result<Vec<(String, String)>> {
    let stack = Stack::shared();
    let starting: Vec<_> = kinds.iter().map(|&kind| (kind, thread::spawn(move || stack.address(kind)))).collect();
    let mut variables = Vec::new();
    for (kind, thread) in starting {
        let address = thread.join().map_err(|_| anyhow!("starting {} panicked", kind.name()))??;
        variables.push((kind.variable().to_owned(), address.to_owned()));
        let programs = PROGRAMS.iter().filter(|(program_kind, _)| *program_kind == kind);
        variables.extend(programs.map(|(_, name)| ((*name).to_owned(), address.to_owned())));
    }
    Ok(variables)
}

fn beside(program: &OsString, arguments: &[OsString], variables: Vec<(String, String)>) -> Result<ExitCode> {
    let status = Command::new(program).args(arguments).envs(variables).status();
    let status = status.with_context(|| format!("run {}", program.display()))?;
    match status.code() {
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))),
        None => bail!("{} ended with {status}", program.display()),
    }
}

fn stay(variables: &[(String, String)]) -> Result<ExitCode> {
    let exports: String = variables.iter().map(|(name, value)| format!("export {name}={value}\n")).collect();
    // `just up` passes a file, in which `just kcat` finds the running stack.
    let noted = std::env::var_os("UPDRAFT_STACK_ENV").map(PathBuf::from);
    if let Some(path) = &noted {
        std::fs::write(path, &exports).with_context(|| format!("write {}", path.display()))?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{exports}# up; Ctrl-C ends all of it")?;
    out.flush()?;
    let ended = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(stop_requested());
    if let Some(path) = &noted {
        std::fs::remove_file(path).with_context(|| format!("remove {}", path.display()))?;
    }
    // The services end with this process.
    ended.map(|()| ExitCode::SUCCESS)
}

async fn stop_requested() -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
