//! From `main` to exit code: settings, telemetry, admin port, work, orderly stop.

use std::future::Future;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, FromArgMatches};

use crate::admin::{self, Admin};
use crate::running::{self, AdminRequest};
use crate::settings::{self, ProcessEnvironment, ShellOptions, Stop};
use crate::shutdown::signal;
use crate::telemetry::Telemetry;
use crate::trace::Service;
use crate::{Clock, Context, Metrics, health, open_files, process};

/// Exit code for a bad setting (`EX_USAGE` of sysexits.h).
pub const BAD_SETTING: u8 = 64;

/// The interface of a program's settings to the shell.
pub trait Program: CommandFactory + FromArgMatches {
    /// `service.name` in traces.
    fn service(&self) -> &'static str;
    /// The shared options.
    fn shell(&self) -> &ShellOptions;
    /// The admin port where none is set; `None` for commands that end by themselves and have no admin port.
    fn admin_port(&self) -> Option<u16>;
    /// For commands that ask something of the running program: the admin port of that program where none is set, and the
    /// request. `None` for every other command.
    fn asks(&self) -> Option<(u16, AdminRequest)> {
        None
    }
    /// Checks options against each other, for example two that exclude each other. The error is one line.
    ///
    /// # Errors
    /// The line.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Runs a program to its exit code: 0 done, 64 bad setting, 1 failed; of a request to the running one 2 not reachable.
/// `version` is the program's own.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "help and bad settings come before the log")]
pub fn run<P, F>(version: &'static str, work: impl FnOnce(P, Context) -> F) -> ExitCode
where
    P: Program,
    F: Future<Output = anyhow::Result<()>>,
{
    let command = P::command().version(version);
    let settings = match settings::read(command.clone(), std::env::args_os().collect(), &ProcessEnvironment) {
        Ok(settings) => settings,
        Err(Stop::Answer(help)) => {
            // A closed pipe is no failure.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
        Err(Stop::Bad(line)) => return bad_setting(&command, &line),
    };
    let program = match P::from_arg_matches(&settings.matches) {
        Ok(program) => program,
        Err(error) => return bad_setting(&command, error.to_string().trim_end()),
    };
    let shell = program.shell();
    // Before the check: that the files of a setting were replaced by bad ones says nothing of the running program.
    if let Some((port, request)) = program.asks().filter(|_| !shell.check_config) {
        let (name, address) = (command.get_name(), admin_address(shell, port));
        return match request {
            AdminRequest::Health => health::run(name, address),
            AdminRequest::LogFilter(filter) => running::set_log_filter(name, address, &filter),
        };
    }
    if let Err(line) = program.check() {
        return bad_setting(&command, &line);
    }
    if shell.check_config {
        settings.warnings.iter().for_each(|line| eprintln!("{}: {line}", command.get_name()));
        print!("{}", settings::effective(&command, &settings));
        return ExitCode::SUCCESS;
    }
    let (clock, metrics) = (Clock::system(), Metrics::new());
    let service = Service { name: program.service(), version };
    let telemetry = match Telemetry::start(&shell.telemetry, service, &clock, &metrics) {
        Ok(telemetry) => telemetry,
        Err(error) => return bad_setting(&command, &format!("{error:#}")),
    };
    settings.warnings.iter().for_each(|line| tracing::warn!("{line}"));
    // Not within the log line: it must also run where that level is off.
    let open_files = open_files::raise();
    tracing::info!("{open_files}");
    process::register(&metrics, version);
    let context = Context { tracer: telemetry.tracer(), ..Context::with_metrics(clock, metrics) };
    match run_to_end(program, version, context, &telemetry, work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Bad settings come before the log. Printed in one piece: of two programs with one terminal, lines stay whole.
fn bad_setting(command: &clap::Command, line: &str) -> ExitCode {
    let line = format!("{}: {}\n", command.get_name(), line.lines().collect::<Vec<_>>().join(" "));
    let _ = std::io::stderr().write_all(line.as_bytes());
    ExitCode::from(BAD_SETTING)
}

fn run_to_end<P, F>(
    program: P,
    version: &'static str,
    context: Context,
    telemetry: &Telemetry,
    work: impl FnOnce(P, Context) -> F,
) -> anyhow::Result<()>
where
    P: Program,
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    runtime.block_on(async {
        let clock = context.clock.clone();
        let shell = program.shell().clone();
        let listen = program.admin_port().map(|port| admin_address(&shell, port));
        let admin = Admin::new(context.clone(), version, Some(telemetry.log_filter.clone()), shell.profile);
        let served = async {
            let Some(listen) = listen else { return std::future::pending().await };
            let listener = admin::bind(listen).await?;
            tracing::info!(service = program_name::<P>(), version, admin = %listener.local_addr()?, "started");
            // Probes stay readable while the work stops: the server ends with the process.
            admin.serve(listener, crate::Shutdown::new()).await
        };
        let shutdown = context.shutdown.clone();
        let work = work(program, context);
        tokio::pin!(work, served);
        tokio::select! {
            outcome = &mut work => return outcome,
            failed = &mut served => return failed,
            caught = signal() => tracing::info!(signal = caught?, "stopping"),
        }
        shutdown.request();
        tokio::select! {
            outcome = &mut work => outcome,
            failed = &mut served => failed,
            caught = signal() => anyhow::bail!("stopped at once by a second {}", caught?),
            () = clock.sleep(shell.shutdown_deadline) => {
                anyhow::bail!(
                    "tasks did not end within the {} s of --shutdown-deadline: raise it, or see the warnings above",
                    shell.shutdown_deadline.as_secs()
                )
            }
        }
    })
}

/// Where the admin port listens: as set, or at `port` of the loopback.
fn admin_address(shell: &ShellOptions, port: u16) -> SocketAddr {
    shell.admin_listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, port).into())
}

fn program_name<P: CommandFactory>() -> String {
    P::command().get_name().to_owned()
}
