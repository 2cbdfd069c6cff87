//! `replay generate`: the command around the simulation.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use runtime::settings::parse_duration;
use runtime::{Clock, Shutdown};

use super::{Scenario, Simulation, Truth};
use crate::igc::Fleet;
use crate::publish::{MqttTarget, Pace, lines, publish};

/// Exit code for a bad setting.
const BAD_SETTING: u8 = 64;
/// Length of a run into a file where none is asked for.
const DEFAULT_RUN: Duration = Duration::from_secs(60);

/// Fly made-up pilots, or recorded flights, as FANET frames that several receivers hear.
///
/// Pilots of all kinds take off, share drifting thermals, glide, land, are driven
/// back and start again; weather stations measure, retrieve drivers drive, some
/// pilots hide, now and then one calls for help. The same seed, start and sizes
/// give the same messages, byte for byte.
///
/// Examples:
///
///   a small live sky until Ctrl-C:
///     replay generate --mqtt mqtt://localhost
///   ten minutes as JSON lines, at once:
///     replay generate --for 10m --out - | head
///   load:
///     replay generate --pilots 50000 --mqtt mqtt://broker
///   every IGC file of a folder, flown now:
///     replay generate --igc flights/ --mqtt mqtt://broker
///   an hour, always the same, and what really was in it:
///     replay generate --for 1h --start 2026-06-01T10:00:00Z
///       --out sky.jsonl --truth truth.json
///
/// Devices and receivers are invented but look like real ones: never publish to a
/// broker that feeds a public map.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Where messages go.
    #[command(flatten)]
    pub output: Output,
    /// How much simulated time to run, for example 90s or 2h. Default: 60s into a file, until Ctrl-C to a broker.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Simulated seconds per second, to a broker. Above 1, aircraft look as fast as that: for load, not for looks.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub speed: f64,
    /// Chooses among all worlds.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// When the run begins, UTC, for example 2026-06-01T10:00:00Z. Default: now.
    #[arg(long, value_name = "TIME", value_parser = parse_start)]
    pub start: Option<u64>,
    /// Aircraft. What is not given below grows with them.
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    pub pilots: usize,
    /// Weather stations. Default: one for four aircraft.
    #[arg(long, value_name = "COUNT")]
    pub stations: Option<usize>,
    /// Retrieve drivers. Default: one for ten aircraft.
    #[arg(long, value_name = "COUNT")]
    pub vehicles: Option<usize>,
    /// Receivers. Default: one for five aircraft, at least eight.
    #[arg(long, value_name = "COUNT")]
    pub receivers: Option<usize>,
    /// Fly the IGC files of this folder instead, all at once, again and again, as "Pilot 01", "Pilot 02" and so on in the
    /// order of file names. Names in the files are not read.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["pilots", "stations", "vehicles", "receivers", "truth"])]
    pub igc: Option<PathBuf>,
    /// At the end, write what really was (thermals, wind, pilots, receivers) to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
}

/// Where messages go: one of the two.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Output {
    /// Write messages to a file, or to standard output with "-", as fast as it goes: JSON lines with at_us, topic and
    /// payload_hex.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Publish messages to this broker with QoS 1, in step with the clock: mqtt://[user[:password]@]host[:port].
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<MqttTarget>,
}

/// Runs the command to its exit code: 0 done, 64 bad setting, 1 failed.
#[allow(clippy::print_stderr, reason = "this is what the command says to its user")]
pub fn run(options: &Options) -> ExitCode {
    let clock = Clock::system();
    let mut simulation = match simulation(options, clock.now_us()) {
        Ok(simulation) => simulation,
        Err(line) => {
            eprintln!("replay generate: {line}");
            return ExitCode::from(BAD_SETTING);
        }
    };
    match generate(&mut simulation, options, &clock) {
        Ok(summary) => {
            eprintln!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay generate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The simulation that the options describe.
///
/// # Errors
/// One line that names the setting.
fn simulation(options: &Options, now_us: u64) -> Result<Simulation, String> {
    if !(options.speed.is_finite() && options.speed > 0.0) {
        return Err(format!("--speed {}: a number above 0 is allowed", options.speed));
    }
    let start_us = options.start.unwrap_or(now_us);
    if let Some(folder) = &options.igc {
        return recorded(folder, options.seed, start_us);
    }
    let whole = Scenario::of(options.pilots, options.seed, start_us);
    let scenario = Scenario {
        stations: options.stations.unwrap_or(whole.stations),
        vehicles: options.vehicles.unwrap_or(whole.vehicles),
        receivers: options.receivers.unwrap_or(whole.receivers),
        ..whole
    };
    scenario.check().map_err(|error| format!("--pilots {}: {error}", options.pilots))?;
    Ok(Simulation::of_world(scenario))
}

#[allow(clippy::print_stderr, reason = "files left out are told to whoever gave them")]
fn recorded(folder: &Path, seed: u64, start_us: u64) -> Result<Simulation, String> {
    let fleet = Fleet::open(folder, start_us).map_err(|error| format!("--igc: {:#}", anyhow::Error::from(error)))?;
    for (path, error) in fleet.rejected() {
        eprintln!("left out {}: {error}", path.display());
    }
    Ok(Simulation::of_fleet(fleet, seed))
}

fn generate(simulation: &mut Simulation, options: &Options, clock: &Clock) -> anyhow::Result<String> {
    let until_us = |run: Duration| simulation.start_us() + u64::try_from(run.as_micros()).unwrap_or(u64::MAX / 2);
    let summary = if let Some(target) = &options.output.mqtt {
        let pace = Pace { speed: options.speed, until_us: options.duration.map(until_us) };
        to_broker(simulation, target, pace, clock)?
    } else {
        let until_us = until_us(options.duration.unwrap_or(DEFAULT_RUN));
        let mut out = output(options.output.out.as_deref().unwrap_or(Path::new("-")))?;
        let written = lines(simulation, until_us, &mut out).context("cannot write the messages")?;
        format!("{} messages written", written.receptions)
    };
    if let Some(path) = &options.truth {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, &Truth::of(simulation)).context("cannot write the truth")?;
        file.flush().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(summary)
}

fn to_broker(simulation: &mut Simulation, target: &MqttTarget, pace: Pace, clock: &Clock) -> anyhow::Result<String> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    runtime.block_on(async {
        let shutdown = Shutdown::new();
        let publishing = publish(simulation, target, pace, clock, &shutdown);
        tokio::pin!(publishing);
        let published = tokio::select! {
            published = &mut publishing => published,
            caught = runtime::shutdown::signal() => {
                tracing::info!(signal = caught?, "stopping");
                shutdown.request();
                publishing.await
            }
        }?;
        anyhow::ensure!(
            published.acknowledged >= published.sent,
            "the broker at {}:{} acknowledged {} of {} messages",
            target.host,
            target.port,
            published.acknowledged,
            published.sent
        );
        Ok(format!(
            "{} messages sent, {} acknowledged, {} too late to send",
            published.sent, published.acknowledged, published.skipped
        ))
    })
}

fn output(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    }
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Whoever read the output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let source = error.downcast_ref::<io::Error>();
    source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
}

fn parse_start(text: &str) -> Result<u64, String> {
    let time: SystemTime =
        humantime::parse_rfc3339_weak(text).map_err(|_| "a time is like 2026-06-01T10:00:00Z".to_owned())?;
    let since_epoch = time.duration_since(UNIX_EPOCH).map_err(|_| "times before 1970 are not".to_owned())?;
    u64::try_from(since_epoch.as_micros()).map_err(|_| "this is too far in the future".to_owned())
}
