//! Child processes that cannot outlive us.
//!
//! Each child runs under a small shell (`services/supervise.sh`) that holds the reading end of a pipe whose writing end is
//! ours alone. However this process ends, `kill -9` included, the kernel closes that pipe; the shell reads the end of file
//! and kills the child's whole process group. `PR_SET_PDEATHSIG` alone would not do: it fires when the *thread* that started
//! the child ends, and tests start shared services from short-lived threads. The shell uses it only between itself and the
//! child, for the case that the shell itself is killed.

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

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Environment on top of ours.
    pub env: Vec<(String, String)>,
    /// Where it runs; our own directory when empty.
    pub dir: Option<PathBuf>,
    /// Takes standard output and error; appended to.
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
    /// When the log cannot be opened or the shell not be started. A program that does not exist shows as an early exit.
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
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).context("the supervisor named no process id")?;
        Ok(Self { shell, lifeline, pid })
    }

    /// The child's process id, which is its process group's too.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The exit code once the child has ended; 128 + n when signal n ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        let status = self.shell.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Asks the child to end.
    pub fn terminate(&self) {
        // An error means that it is gone already, which the caller finds by the exit code.
        let _ = kill_process(self.pid, Signal::TERM);
    }

    /// Ends the child and all it started, at once.
    pub fn kill(&self) {
        self.signal_group(Signal::KILL);
    }

    /// Stops the child's time.
    pub fn freeze(&self) {
        self.signal_group(Signal::STOP);
    }

    /// Lets a frozen child go on.
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
        // The shell sees the end of file, kills the child and ends.
        let _ = self.shell.wait();
    }
}

/// The directory for everything that this process starts; removed when the process is gone, however it ends.
///
/// `UPDRAFT_KEEP=1` leaves it for inspection.
pub fn base_dir() -> &'static Path {
    static BASE: LazyLock<PathBuf> = LazyLock::new(|| start_base_dir().expect("a directory for temporary data"));
    &BASE
}

/// A new directory under [`base_dir`].
///
/// # Errors
/// When it cannot be made.
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
        // Never closed by us: the end of the process is the sign.
        std::mem::forget(janitor.stdin.take());
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_can_be_killed_as_soon_as_it_is_started() {
        let log = fresh_dir("supervise").expect("a directory").join("sleep.log");
        for _ in 0..50 {
            let launch = Launch { command: vec!["sleep".into(), "60".into()], log: log.clone(), ..Launch::default() };
            let mut child = Supervised::start(&launch).expect("started");
            child.kill();
            // Waits, as dropping it does.
            child.shell.wait().expect("it is our child");
            assert_eq!(child.exit_code(), Some(128 + Signal::KILL.as_raw()));
        }
    }
}
