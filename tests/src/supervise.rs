//! Child processes that cannot outlive this process.
//!
//! Each child runs under a small shell (`services/supervise.sh`) that has the reading end of a pipe, whose writing end
//! only this process has. When this process ends in any way, also with `kill -9`, the kernel closes the pipe; the shell
//! reads the end of file and kills the child's process group. `PR_SET_PDEATHSIG` alone is not sufficient: it fires when
//! the *thread* that started the child ends, and tests start shared services from short-lived threads. The shell uses
//! it only between itself and the child, in case the shell itself is killed.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const SUPERVISE: &str = include_str!("../services/supervise.sh");
const JANITOR: &str = include_str!("../services/janitor.sh");

/// A command with its environment.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
    /// The working directory; `None`: that of this process.
    pub dir: Option<PathBuf>,
    /// The file to which standard output and error are appended.
    pub log: PathBuf,
}

/// A running child. Dropping it kills the child.
#[derive(Debug)]
pub struct Supervised {
    shell: Child,
    lifeline: Option<ChildStdin>,
    pid: Pid,
}

impl Supervised {
    /// Starts the child in a process group of its own.
    ///
    /// # Errors
    /// When the log cannot be opened or the shell cannot be started. A missing program is an early exit.
    pub fn start(launch: &Launch) -> Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .with_context(|| format!("open the log {}", launch.log.display()))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISE, "supervise"]).arg(&launch.log).args(&launch.command);
        command.envs(launch.env.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &launch.dir {
            command.current_dir(dir);
        }
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut shell = command.spawn().context("start /bin/sh")?;
        let lifeline = shell.stdin.take();
        let mut line = String::new();
        let stdout = shell.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).context("read the child's process id")?;
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).context("the supervisor printed no process id")?;
        Ok(Self { shell, lifeline, pid })
    }

    /// The id of the child's process and process group.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The exit code once the child has ended; 128 + n when signal n ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        let status = self.shell.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Sends SIGTERM to the child.
    pub fn terminate(&self) {
        // An error means that it has ended already, which the exit code shows.
        let _ = kill_process(self.pid, Signal::TERM);
    }

    /// Kills the child and all its children.
    pub fn kill(&self) {
        self.signal_group(Signal::KILL);
    }

    /// Freezes the child.
    pub fn freeze(&self) {
        self.signal_group(Signal::STOP);
    }

    /// Continues a frozen child.
    pub fn thaw(&self) {
        self.signal_group(Signal::CONT);
    }

    fn signal_group(&self, signal: Signal) {
        // As in `terminate`.
        let _ = kill_process_group(self.pid, signal);
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.lifeline.take();
        // The shell reads the end of file, kills the child and ends.
        let _ = self.shell.wait();
    }
}

/// The directory for the data of all child processes; removed when this process has ended, in any way.
///
/// `UPDRAFT_KEEP=1` leaves it for inspection.
pub fn base_dir() -> &'static Path {
    static BASE: LazyLock<PathBuf> = LazyLock::new(|| start_base_dir().expect("a directory for temporary data"));
    &BASE
}

/// A new directory under [`base_dir`].
///
/// # Errors
/// When it cannot be created.
pub fn fresh_dir(name: &str) -> Result<PathBuf> {
    let dir = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(base_dir());
    Ok(dir.with_context(|| format!("make a directory for {name}"))?.keep())
}

fn start_base_dir() -> Result<PathBuf> {
    let base = tempfile::Builder::new().prefix("updraft-").tempdir()?.keep();
    if std::env::var_os("UPDRAFT_KEEP").is_none() {
        let mut janitor = Command::new("/bin/sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&base)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start /bin/sh")?;
        // Never closed here: the janitor waits for the end of this process.
        std::mem::forget(janitor.stdin.take());
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_can_be_killed_right_after_its_start() {
        let log = fresh_dir("supervise").expect("a directory").join("sleep.log");
        for _ in 0..50 {
            let launch = Launch { command: vec!["sleep".into(), "60".into()], log: log.clone(), ..Launch::default() };
            let mut child = Supervised::start(&launch).expect("started");
            child.kill();
            // Waits, as the drop does.
            child.shell.wait().expect("it is our child");
            assert_eq!(child.exit_code(), Some(128 + Signal::KILL.as_raw()));
        }
    }
}
