//! One of our programs as a process: it can be started, queried over its ports, stopped, killed and restarted.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::log::{check_log, panics};
use crate::port::free_port;
use crate::probe;
use crate::progress::say;
use crate::service::{Recipe, Service};
use crate::supervise::{Launch, fresh_dir};
use crate::usage;

/// A program that tests attack on a busy machine answers late, and no test asserts how late.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The program and its settings.
#[derive(Clone, Debug)]
pub struct ProgramOptions {
    binary: String,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    start_within: Duration,
    announced: Vec<String>,
}

impl ProgramOptions {
    /// Options for the binary of that name, such as `bridge`, with no arguments.
    pub fn new(binary: &str) -> Self {
        let start_within = Duration::from_secs(180);
        let binary = binary.to_owned();
        Self { binary, args: Vec::new(), env: Vec::new(), start_within, announced: Vec::new() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets several, such as those of [`Stack::settings`](crate::Stack::settings).
    #[must_use]
    pub fn envs(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    /// How long `/ready` may take; 180 s by default.
    #[must_use]
    pub fn start_within(mut self, deadline: Duration) -> Self {
        self.start_within = deadline;
        self
    }

    /// Announces an error that this test provokes: lines of the log that contain this text do not fail it. Use a
    /// specific text; a panic cannot be announced.
    #[must_use]
    pub fn expects_errors(mut self, containing: &str) -> Self {
        self.announced.push(containing.to_owned());
        self
    }

    /// Runs the program to its end and returns its standard output: for commands such as `processor topics apply`.
    ///
    /// # Errors
    /// When it is not built or fails, or its log has errors that were not announced; with its standard error.
    ///
    /// # Panics
    /// When the program panicked, so that a test that expects an error does not accept a panic.
    pub async fn run(self) -> Result<String> {
        let mut command = tokio::process::Command::new(binary(&self.binary)?);
        command.args(&self.args).envs(self.env).kill_on_drop(true);
        let output = tokio::time::timeout(self.start_within, command.output()).await;
        let output = output.with_context(|| format!("{} {:?} did not end", self.binary, self.args))??;
        let said = String::from_utf8_lossy(&output.stderr);
        let panics = panics(&said);
        assert!(panics.is_empty(), "{} {:?} panicked: {panics:?}", self.binary, self.args);
        ensure!(output.status.success(), "{} {:?} ended with {}: {said}", self.binary, self.args, output.status);
        check_log(&self.binary, &said, &self.announced)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A running program of ours, its admin and HTTP ports on free ports of the loopback.
pub struct Program {
    service: Service,
    admin_port: u16,
    http_port: u16,
}

impl Program {
    /// Starts the program and waits until `/ready` on its admin port answers 200.
    ///
    /// # Errors
    /// When the binary is not built, ends, or does not become ready in time; with the end of its log.
    pub async fn start(options: ProgramOptions) -> Result<Self> {
        let program = Self::prepare(options)?;
        program.service.start().await?;
        Ok(program)
    }

    /// Starts the program without waiting: for tests of its behaviour before it is ready. [`Self::until_ready`] waits.
    ///
    /// # Errors
    /// When the binary is not built.
    pub fn spawn(options: ProgramOptions) -> Result<Self> {
        let program = Self::prepare(options)?;
        program.service.spawn()?;
        Ok(program)
    }

    /// Waits until `/ready` answers 200.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn until_ready(&self) -> Result<()> {
        self.service.ready().await
    }

    /// The process, to stop, kill, freeze or restart it, and its log.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Announces an error from now on, as [`ProgramOptions::expects_errors`].
    pub fn expects_errors(&self, containing: &str) {
        self.service.announce(containing);
    }

    /// The admin port (`UPDRAFT_ADMIN_LISTEN`).
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// The base URL of the program's HTTP port (`UPDRAFT_HTTP_LISTEN`), such as `http://127.0.0.1:20817`.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Host and port of the program's HTTP port.
    pub fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// Status and body of a GET on the admin port, such as `/ready`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn admin(&self, path: &str) -> Result<(u16, String)> {
        get(self.admin_port, path).await
    }

    /// Status and body of a GET on the HTTP port.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn http(&self, path: &str) -> Result<(u16, String)> {
        get(self.http_port, path).await
    }

    /// The sum of a metric over all its label sets whose text contains each of `labels`, such as `reason="short"`.
    ///
    /// # Errors
    /// When the admin port does not answer or has no such metric.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let (status, text) = self.admin("/metrics").await?;
        ensure!(status == 200, "GET /metrics answered {status}");
        sum_metric(&text, name, labels).with_context(|| format!("{} has no metric {name}", self.service.name()))
    }

    /// Resident memory in bytes, while it runs.
    pub fn resident_bytes(&self) -> Option<u64> {
        usage::resident_bytes(self.service.pid()?)
    }

    /// CPU seconds so far, while it runs.
    pub fn cpu_seconds(&self) -> Option<f64> {
        usage::cpu_seconds(self.service.pid()?)
    }

    fn prepare(options: ProgramOptions) -> Result<Self> {
        let path = binary(&options.binary)?;
        let (admin_port, http_port) = (free_port(), free_port());
        let listen = [("UPDRAFT_ADMIN_LISTEN", admin_port), ("UPDRAFT_HTTP_LISTEN", http_port)];
        let listen = listen.map(|(name, port)| (name.to_owned(), format!("127.0.0.1:{port}")));
        let dir = fresh_dir(&options.binary)?;
        let service = Service::idle(Recipe {
            name: options.binary.clone(),
            launch: Launch {
                command: std::iter::once(path.into_os_string()).chain(options.args).collect(),
                env: listen.into_iter().chain(options.env).collect(),
                dir: Some(dir.clone()),
                log: dir.join(format!("{}.log", options.binary)),
            },
            announced: Some(options.announced.into()),
            ready: Box::new(move |_| probe::http_ok(admin_port, "/ready")),
            start_within: options.start_within,
            stop_within: Duration::from_secs(30),
        });
        Ok(Self { service, admin_port, http_port })
    }
}

async fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || probe::http_get(port, &path, ANSWER_WITHIN))
        .await
        .context("the harness panicked")?
}

/// The binary beside the tests: `target/<profile>/NAME`.
fn binary(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe().context("find the test's own binary")?;
    let profile_dir = tests.ancestors().find(|dir| !dir.ends_with("deps") && dir.is_dir());
    let path = profile_dir.context("a test binary is in target/")?.join(name);
    ensure!(path.is_file(), "{} is not built: run `cargo build --workspace --all-targets`", path.display());
    if let Some(source) = newer_source(&path) {
        say(&format!("{name} is older than {source}: `cargo build --workspace --all-targets` brings it up to date"));
    }
    Ok(path)
}

/// A source file that is newer than the binary, by the list that cargo writes beside it.
fn newer_source(binary: &std::path::Path) -> Option<String> {
    let built = std::fs::metadata(binary).ok()?.modified().ok()?;
    let sources = std::fs::read_to_string(binary.with_extension("d")).ok()?;
    let changed = |source: &&str| {
        std::fs::metadata(source).and_then(|file| file.modified()).is_ok_and(|modified| modified > built)
    };
    sources.split_whitespace().skip(1).find(changed).map(str::to_owned)
}

fn sum_metric(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let labelled = rest.starts_with('{') || rest.starts_with(' ');
        let matching = labels.iter().all(|label| rest.contains(label));
        (labelled && matching).then(|| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).flatten()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "# TYPE fanet_frames_total counter\n\
        fanet_frames_total{packet_type=\"1\",topic=\"a\"} 3\n\
        fanet_frames_total{packet_type=\"2\",topic=\"a\"} 4\n\
        fanet_frames_total_seconds 9\n\
        fanet_age_seconds 0.5\n";

    #[test]
    fn a_metric_is_summed_over_its_matching_labels() {
        assert_eq!(sum_metric(METRICS, "fanet_frames_total", &[]), Some(7.0));
        assert_eq!(sum_metric(METRICS, "fanet_frames_total", &["packet_type=\"2\""]), Some(4.0));
        assert_eq!(sum_metric(METRICS, "fanet_age_seconds", &[]), Some(0.5));
        assert_eq!(sum_metric(METRICS, "fanet_frames", &[]), None);
    }
}
