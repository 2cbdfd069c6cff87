//! Settings: flag, then environment, then `..._FILE`, then the TOML file, then the default.
//!
//! Every option of a program may also come from a file: with `NAME` as its environment variable, `NAME_FILE` names a file
//! that holds the value (for secrets), and `--config` names a TOML file whose keys are the options' long names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueEnum};

mod effective;
mod redacted;
mod unknown;
mod url;
mod values;

pub use effective::effective;
pub use redacted::Redacted;
pub use values::{defaults, duration_text, from_environment};

/// Options of every program.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Process")]
pub struct ShellOptions {
    /// Address of the admin port (/health, /ready, /metrics, /log). By default only this machine reaches it; each
    /// program has its own default port. Use 0.0.0.0 when probes or Prometheus run on
    /// other machines: `PUT /log` and profiles stay limited to clients of this machine.
    #[arg(long, env = "UPDRAFT_ADMIN_LISTEN", value_name = "ADDRESS:PORT", value_parser = parse_address, global = true)]
    pub admin_listen: Option<SocketAddr>,
    /// TOML file with settings; its keys are the long names of the options.
    #[arg(long, env = "UPDRAFT_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print the effective settings with the source of each, secrets hidden, and exit.
    #[arg(long, global = true)]
    pub check_config: bool,
    /// Serve CPU profiles at /debug/profile on the admin port.
    #[arg(long, env = "UPDRAFT_PROFILE", global = true)]
    pub profile: bool,
    /// Maximum time of an orderly stop, with its unit. Remaining work is dropped after it.
    #[arg(long, env = "UPDRAFT_SHUTDOWN_DEADLINE", value_name = "DURATION", default_value = "20s", value_parser = parse_duration, global = true)]
    pub shutdown_deadline: Duration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub telemetry: TelemetryOptions,
}

/// Logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryOptions {
    /// Log filter: a level (error, warn, info, debug, trace), or levels by module, for example warn,processor=debug.
    #[arg(long, env = "UPDRAFT_LOG", value_name = "FILTER", default_value = "info", global = true)]
    pub log: String,
    /// Format of log lines.
    #[arg(long, env = "UPDRAFT_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
    /// Send traces to this OTLP endpoint (HTTP), for example http://localhost:4318. Without it nothing is traced.
    #[arg(long, env = "UPDRAFT_OTLP_ENDPOINT", value_name = "URL", global = true)]
    pub otlp_endpoint: Option<String>,
    /// Share of the traces begun here that are recorded, 0 to 1: frames in the bridge, requests in the pusher. A larger
    /// share costs more CPU and network. Traces begun by another program follow its decision. Has no effect without an
    /// OTLP endpoint.
    #[arg(long, env = "UPDRAFT_TRACE_RATIO", value_name = "SHARE", default_value = "0.01", value_parser = parse_share, global = true)]
    pub trace_ratio: f64,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Parses `250ms`, `5s`, `2m`, `1h`.
///
/// # Errors
/// The expected form.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let refuse = || "expected a number with a unit, for example 250ms, 5s, 2m or 1h".to_owned();
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

/// Parses an address to listen at, such as `127.0.0.1:9102`, `0.0.0.0:9102` or `[::1]:9102`.
///
/// # Errors
/// The expected form.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.trim_start_matches(':');
        let port = port.parse::<u16>().unwrap_or(9102);
        format!(
            "expected an IP address and a port, for example 0.0.0.0:{port} for all addresses of this machine, or 127.0.0.1:{port} \
             to accept only local clients"
        )
    })
}

/// Parses `512KiB`, `4MiB`, `1GiB` or a plain number of bytes.
///
/// # Errors
/// The expected form.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let refuse = || "expected a number of bytes, with or without a unit, for example 512KiB, 4MiB or 1GiB".to_owned();
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
/// The expected form.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a share from 0 to 1, for example 0.01".to_owned())
}

/// The result of reading the settings, where it is not settings.
#[derive(Debug)]
pub enum Stop {
    /// Help or version: to be printed (in colour on a terminal); not an error.
    Answer(clap::Error),
    /// A bad setting: one line with its name, its value and the expected form.
    Bad(String),
}

/// Where `--config` and the `..._FILE` of each option come from, so that tests need no process environment. The variable
/// of an option itself is read by clap, from the process.
pub trait Environment {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<OsString>;
    /// The names of all variables.
    fn names(&self) -> Vec<OsString>;
}

/// The process's own environment.
#[derive(Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }
}

/// Settings as they were read.
#[derive(Debug)]
pub struct Settings {
    /// The values.
    pub matches: ArgMatches,
    /// The file that holds the default of an option, by its long name.
    files: BTreeMap<String, String>,
    /// Warnings about variables that look like settings and are none.
    pub warnings: Vec<String>,
}

/// Reads the settings of a program, from arguments (the program's name first), environment and files.
///
/// # Errors
/// [`Stop`]: help was asked for, or a setting is bad.
pub fn read(command: Command, arguments: Vec<OsString>, environment: &dyn Environment) -> Result<Settings, Stop> {
    let file = config_file(&arguments, environment);
    let mut values = match &file {
        Some(path) => read_toml(path)?,
        None => BTreeMap::new(),
    };
    let names = environment.names();
    let mut warnings = unknown::lines(&command, names.iter().filter_map(|name| name.to_str()));
    let mut exposed = Vec::new();
    let (mut unreadable, mut files) = (None, BTreeMap::new());
    let command = with_defaults(command, &mut |arg, name| {
        let in_toml = values.get_mut(name).map(|value| {
            value.used = true;
            value.text.clone()
        });
        let variable = arg.get_env().and_then(|name| name.to_str()).map(|name| format!("{name}_FILE"));
        let from_file = variable.and_then(|variable| Some((environment.variable(&variable)?, variable)));
        if let Some((path, variable)) = from_file {
            let path = Path::new(&path);
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    if arg.is_hide_env_values_set() {
                        exposed.extend(crate::files::exposed(path));
                    }
                    files.insert(name.to_owned(), format!("file {}", path.display()));
                    return Some(redacted::with_file(arg, path, redacted::file_value(&text)));
                }
                Err(error) => unreadable = Some(format!("{variable}: cannot read {}: {error}", path.display())),
            }
        }
        in_toml.inspect(|_| {
            files.insert(name.to_owned(), format!("file {}", file.as_deref().unwrap_or(Path::new("")).display()));
        })
    });
    // A file is read once for each command that has the option.
    exposed.sort();
    exposed.dedup();
    warnings.append(&mut exposed);
    if let Some(line) = unreadable {
        return Err(Stop::Bad(line));
    }
    if let Some((key, _)) = values.iter().find(|(_, value)| !value.used) {
        let file = file.unwrap_or_default();
        return Err(Stop::Bad(format!(
            "{}: unknown setting {key:?}: expected the long name of an option; correct or remove it (--help lists all)",
            file.display()
        )));
    }
    let matches = command.try_get_matches_from(arguments).map_err(stop_of)?;
    Ok(Settings { matches, files, warnings })
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
                return Err(bad(format!("{key}: expected a single value (text, number or true/false)")));
            }
            other => other.to_string(),
        };
        values.insert(key, FileValue { text, used: false });
    }
    Ok(values)
}

/// Asked for the value of an option, with its long name.
type Lookup<'a> = dyn FnMut(&Arg, &str) -> Option<String> + 'a;

/// Lets `lookup` replace the default of every option, subcommands included.
fn with_defaults(command: Command, lookup: &mut Lookup<'_>) -> Command {
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long().map(str::to_owned) else { return arg };
        let value = lookup(&arg, &long);
        // `--help` shows the values of variables and files; a URL can hold a password.
        let hidden = arg.is_hide_env_values_set() || url::is_url(&arg);
        let arg = arg.hide_env_values(hidden);
        match value {
            // A value from a file satisfies `required` as well, and `--help` shows none that is secret.
            Some(value) => arg.required(false).default_value(value).hide_default_value(hidden),
            None => arg,
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |sub| with_defaults(sub, lookup)))
}

#[cfg(test)]
mod tests;
