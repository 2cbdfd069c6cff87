//! Settings: flag, then environment, then `..._FILE`, then the TOML file, then the default.
//!
//! Every option of a program may also come from a file: with `NAME` as its environment variable, `NAME_FILE` names a file
//! that holds the value (for secrets), and `--config` names a TOML file whose keys are the options' long names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueEnum};

/// What every program can be told.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Process")]
pub struct ShellOptions {
    /// Address of the admin port (/health, /ready, /metrics). Each program has its own default port.
    #[arg(long, env = "UPDRAFT_ADMIN_LISTEN", global = true)]
    pub admin_listen: Option<SocketAddr>,
    /// TOML file with settings; its keys are the long names of the options.
    #[arg(long, env = "UPDRAFT_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print the settings as they would be used, secrets hidden, and exit.
    #[arg(long, global = true)]
    pub check_config: bool,
    /// Serve CPU profiles at /debug/profile on the admin port.
    #[arg(long, env = "UPDRAFT_PROFILE", global = true)]
    pub profile: bool,
    /// How long an orderly stop may take before what is left is dropped.
    #[arg(long, env = "UPDRAFT_SHUTDOWN_DEADLINE", value_name = "DURATION", default_value = "20s", value_parser = parse_duration, global = true)]
    pub shutdown_deadline: Duration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub telemetry: TelemetryOptions,
}

/// Logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryOptions {
    /// What to log: a level (error, warn, info, debug, trace), or levels by module.
    #[arg(long, env = "UPDRAFT_LOG", value_name = "FILTER", default_value = "info", global = true)]
    pub log: String,
    /// How log lines look.
    #[arg(long, env = "UPDRAFT_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
    /// Send traces to this OTLP endpoint (HTTP), for example http://localhost:4318. Without it there are none.
    #[arg(long, env = "UPDRAFT_OTLP_ENDPOINT", value_name = "URL", global = true)]
    pub otlp_endpoint: Option<String>,
    /// Share of the frames that are traced, 0 to 1.
    #[arg(long, env = "UPDRAFT_TRACE_RATIO", value_name = "SHARE", default_value = "0.01", value_parser = parse_share, global = true)]
    pub trace_ratio: f64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted(String);

impl Redacted {
    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Redacted {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl std::str::FromStr for Redacted {
    type Err = std::convert::Infallible;
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self(value.to_owned()))
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Parses `250ms`, `5s`, `2m`, `1h`.
///
/// # Errors
/// What is allowed, in words.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let refuse = || "a number with a unit is, for example 250ms, 5s, 2m or 1h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().map_err(|_| refuse())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(refuse()),
    };
    count.checked_mul(millis).map(Duration::from_millis).ok_or_else(refuse)
}

/// Parses `512KiB`, `4MiB`, `1GiB` or a plain number of bytes.
///
/// # Errors
/// What is allowed, in words.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let refuse = || "a number of bytes is, or one with a unit, for example 512KiB, 4MiB or 1GiB".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().map_err(|_| refuse())?;
    let factor: u64 = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(refuse()),
    };
    count.checked_mul(factor).ok_or_else(refuse)
}

/// Parses a share, 0 to 1.
///
/// # Errors
/// What is allowed, in words.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share from 0 to 1 is".to_owned())
}

/// What came of reading the settings, where it is not settings.
#[derive(Debug)]
pub enum Stop {
    /// Help or version: to be printed (in colour on a terminal), and all is well.
    Answer(clap::Error),
    /// A bad setting: one line that names it, its value and what is allowed.
    Bad(String),
}

/// Where settings come from, apart from the arguments: so that tests need no process environment.
pub trait Environment {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<OsString>;
}

/// The process's own environment.
#[derive(Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// Reads the settings of a program, from arguments (the program's name first), environment and files.
///
/// # Errors
/// [`Stop`]: help was asked for, or a setting is bad.
pub fn read(command: Command, arguments: Vec<OsString>, environment: &dyn Environment) -> Result<ArgMatches, Stop> {
    let file = config_file(&arguments, environment);
    let mut values = match &file {
        Some(path) => read_toml(path)?,
        None => BTreeMap::new(),
    };
    let mut unreadable = None;
    let command = with_defaults(command, &mut |name, variable| {
        let from_file = variable.and_then(|variable| environment.variable(&format!("{variable}_FILE")));
        if let Some(path) = from_file {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    let variable = variable.unwrap_or_default();
                    unreadable = Some(format!("{variable}_FILE: cannot read {}: {error}", path.display()));
                }
            }
        }
        values.get_mut(name).map(|value| {
            value.used = true;
            value.text.clone()
        })
    });
    if let Some(line) = unreadable {
        return Err(Stop::Bad(line));
    }
    if let Some((key, _)) = values.iter().find(|(_, value)| !value.used) {
        let file = file.unwrap_or_default();
        return Err(Stop::Bad(format!("{}: there is no setting {key:?}; --help lists them", file.display())));
    }
    command.try_get_matches_from(arguments).map_err(stop_of)
}

fn stop_of(error: clap::Error) -> Stop {
    if !error.use_stderr() {
        return Stop::Answer(error);
    }
    let text = error.render().to_string();
    let line =
        text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let line = line.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    Stop::Bad(line.trim_start_matches("error: ").to_owned())
}

fn config_file(arguments: &[OsString], environment: &dyn Environment) -> Option<PathBuf> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let Some(text) = argument.to_str() else { continue };
        if text == "--config" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    environment.variable("UPDRAFT_CONFIG").map(PathBuf::from)
}

struct FileValue {
    text: String,
    used: bool,
}

fn read_toml(path: &Path) -> Result<BTreeMap<String, FileValue>, Stop> {
    let bad = |reason: String| Stop::Bad(format!("--config {}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| bad(error.message().to_owned()))?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(bad(format!("{key}: a single value is allowed")));
            }
            other => other.to_string(),
        };
        values.insert(key, FileValue { text, used: false });
    }
    Ok(values)
}

/// Lets `lookup(long name, environment variable)` replace the default of every option, subcommands included.
fn with_defaults(command: Command, lookup: &mut dyn FnMut(&str, Option<&str>) -> Option<String>) -> Command {
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long().map(str::to_owned) else { return arg };
        let variable = arg.get_env().and_then(|name| name.to_str()).map(str::to_owned);
        match lookup(&long, variable.as_deref()) {
            // A value from a file satisfies `required` as well.
            Some(value) => arg.required(false).default_value(value),
            None => arg,
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |sub| with_defaults(sub, lookup)))
}

/// The settings as they will be used, one per line, secrets hidden: what `--check-config` prints.
pub fn effective(command: &Command, matches: &ArgMatches) -> String {
    let mut lines = BTreeMap::new();
    collect(command, matches, &mut lines);
    lines.into_iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

fn collect(command: &Command, matches: &ArgMatches, lines: &mut BTreeMap<String, String>) {
    for arg in command.get_arguments() {
        let known = matches.try_contains_id(arg.get_id().as_str()).unwrap_or(false);
        let Some(long) = arg.get_long().filter(|_| known) else { continue };
        let values = matches.get_raw(arg.get_id().as_str());
        let values: Vec<String> =
            values.into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect();
        if !values.is_empty() {
            let shown = if is_secret(arg) { "***".to_owned() } else { values.join(",") };
            lines.insert(long.to_owned(), shown);
        }
    }
    if let Some((name, matches)) = matches.subcommand()
        && let Some(sub) = command.find_subcommand(name)
    {
        collect(sub, matches, lines);
    }
}

fn is_secret(arg: &Arg) -> bool {
    arg.is_hide_env_values_set()
}

#[cfg(test)]
mod tests;
