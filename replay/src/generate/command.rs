//! `replay generate`: the command around the simulation.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use runtime::settings::parse_duration;
use runtime::{Clock, Shutdown};

use streams::LogOptions;

use super::{Centre, Faults, Scenario, Simulation, Truth};
use crate::igc::RecordedFlights;
use crate::publish::{KafkaTarget, MqttTarget, Pace, Published, lines, publish, write};
use crate::stop::until_stopped;

/// Exit code for a bad setting.
const BAD_SETTING: u8 = 64;
/// Length of a run into a file where none is asked for.
const DEFAULT_RUN: Duration = Duration::from_secs(60);

/// Fly simulated pilots, or recorded flights, as FANET frames that several receivers hear.
///
/// Pilots of all kinds take off, share drifting thermals, glide, land, are driven
/// back and start again; weather stations measure, retrieve drivers drive, some pilots are hidden, sometimes one calls
/// for help. The same seed, start and sizes
/// give the same messages, byte for byte.
///
/// Examples:
///
///   a small live sky until Ctrl-C:
///     replay generate --mqtt mqtt://localhost
///   ten minutes as JSON lines, at once:
///     replay generate --for 10m --out - | head
///   load, about 5,000 messages a second, 1 in 100 of them broken:
///     replay generate --rate 5000 --corrupt 0.01 --mqtt mqtt://broker
///   the same past the bridge, into the raw topic of another prefix:
///     replay generate --rate 5000 --kafka-prefix load.
///   every IGC file of a folder, flown now:
///     replay generate --igc flights/ --mqtt mqtt://broker
///   an hour, always the same, with its ground truth:
///     replay generate --for 1h --start 2026-06-01T10:00:00Z
///       --out sky.jsonl --truth truth.json
///
/// Devices and receivers are invented but look like real ones: never publish to a
/// broker that feeds a public map.
///
/// Exit codes: 0 done, 1 the target refuses, or not all messages were acknowledged,
/// 64 bad usage.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// The target of messages.
    #[command(flatten)]
    pub output: Output,
    /// With --kafka-prefix: number of partitions of the topic, which is refused where it has another. Default: as many as it
    /// has, 6 where it is created.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["out", "mqtt"], value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub partitions: Option<u32>,
    /// With --kafka-prefix: write to a prefix that other programs write to.
    #[arg(long, conflicts_with_all = ["out", "mqtt"])]
    pub yes: bool,
    /// How much simulated time to run, for example 90s or 2h. Default: 60s into a file, until Ctrl-C to a broker.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Simulated seconds per second, to a broker. Above 1, aircraft move faster than real ones: use it for load tests.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub speed: f64,
    /// Seed of the world: another number gives another world.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// When the run begins, UTC, for example 2026-06-01T10:00:00Z. Default: now.
    #[arg(long, value_name = "TIME", value_parser = parse_start)]
    pub start: Option<u64>,
    /// Messages a second, about: as many aircraft are flown as it takes.
    #[arg(long, value_name = "MESSAGES", conflicts_with_all = ["pilots", "igc"])]
    pub rate: Option<u32>,
    /// The centre of the world: latitude,longitude in degrees, for example 46.5,8.1. Default: the Alps.
    #[arg(long, value_name = "LAT,LON", conflicts_with = "igc", allow_hyphen_values = true)]
    pub area: Option<Centre>,
    /// Number of aircraft. The defaults of the numbers below grow with it.
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    pub pilots: usize,
    /// Number of weather stations. Default: one for four aircraft.
    #[arg(long, value_name = "COUNT")]
    pub stations: Option<usize>,
    /// Number of retrieve drivers. Default: one for ten aircraft.
    #[arg(long, value_name = "COUNT")]
    pub vehicles: Option<usize>,
    /// Number of receivers. Default: one for five aircraft, at least eight.
    #[arg(long, value_name = "COUNT")]
    pub receivers: Option<usize>,
    /// Fly the IGC files of this folder instead, all at once, repeatedly, as "Pilot 01", "Pilot 02" and so on in the
    /// order of file names. Names in the files are not read.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["pilots", "stations", "vehicles", "receivers", "truth"])]
    pub igc: Option<PathBuf>,
    /// At the end, write the ground truth (thermals, wind, pilots, receivers, faults) to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Faults on purpose.
    #[command(flatten)]
    pub faults: FaultOptions,
    /// How to reach Kafka and the registry.
    #[command(flatten)]
    pub log: LogOptions,
}

/// Faults on purpose; none by default.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Faults")]
pub struct FaultOptions {
    /// Break this share of the messages: bits flipped, cut off, empty, too long, random.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub corrupt: f64,
    /// Send a frame of the shortest or longest that the protocol has behind this share of the frames.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub limits: f64,
    /// Give this share of the receivers a faulty clock: unset, standing, slow, wrong, jumping, or reset during the run.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub clock_faults: f64,
    /// Give this many pairs of pilots one device address.
    #[arg(long, value_name = "PAIRS", default_value_t = 0, conflicts_with = "igc")]
    pub shared_addresses: usize,
}

impl FaultOptions {
    fn faults(self) -> Faults {
        let Self { corrupt, limits, clock_faults, shared_addresses } = self;
        Faults { corrupted_share: corrupt, limit_share: limits, clock_share: clock_faults, shared_addresses }
    }
}

/// The target of messages: one of the three.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Output {
    /// Write messages to a file, or to standard output with "-", as fast as possible: JSON lines with at_us, topic and
    /// payload_hex.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Publish messages to this broker with QoS 1, in step with the clock: mqtt://[user[:password]@]host[:port].
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<MqttTarget>,
    /// Write records to the raw topic with this prefix in step with the clock, with ticks, as a bridge would. The topic is
    /// created where it is missing.
    #[arg(long, value_name = "PREFIX")]
    pub kafka_prefix: Option<String>,
}

/// Runs the command to its exit code: 0 done, 64 bad setting, 1 failed.
#[allow(clippy::print_stderr, reason = "messages to the user of the command")]
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
        return Err(format!("invalid --speed {}: expected a number above 0, for example 10", options.speed));
    }
    let start_us = options.start.unwrap_or(now_us);
    if let Some(folder) = &options.igc {
        return recorded(folder, options, start_us);
    }
    let pilots = options.rate.map_or(options.pilots, pilots_for);
    let default = Scenario::of(pilots, options.seed, start_us);
    let scenario = Scenario {
        stations: options.stations.unwrap_or(default.stations),
        vehicles: options.vehicles.unwrap_or(default.vehicles),
        receivers: options.receivers.unwrap_or(default.receivers),
        centre: options.area,
        faults: options.faults.faults(),
        ..default
    };
    scenario.check().map_err(|error| match options.rate {
        Some(rate) => format!("--rate {rate}: {error}"),
        None => format!("--pilots {pilots}: {error}"),
    })?;
    Ok(Simulation::of_world(scenario))
}

#[allow(clippy::print_stderr, reason = "skipped files are reported to the user")]
fn recorded(folder: &Path, options: &Options, start_us: u64) -> Result<Simulation, String> {
    let faults = options.faults.faults();
    faults.check(0).map_err(|error| error.to_string())?;
    let flights =
        RecordedFlights::open(folder, start_us).map_err(|error| format!("--igc: {:#}", anyhow::Error::from(error)))?;
    for (path, error) in flights.rejected() {
        eprintln!("skipped {}: {error}", path.display());
    }
    Ok(Simulation::of_recorded_flights(flights, options.seed, faults))
}

/// How many aircraft make about `rate` messages a second: a sample of them is flown, independent of the seed of the run.
fn pilots_for(rate: u32) -> usize {
    const SAMPLE: usize = 300;
    const SAMPLE_S: u64 = 60;
    let mut sample = Simulation::of_world(Scenario::of(SAMPLE, 1, 0));
    let messages = sample.run_to(SAMPLE_S * 1_000_000).len();
    (u64::from(rate) * SAMPLE_S * SAMPLE as u64).div_ceil(messages.max(1) as u64).max(1) as usize
}

fn generate(simulation: &mut Simulation, options: &Options, clock: &Clock) -> anyhow::Result<String> {
    let until_us = |run: Duration| simulation.start_us() + u64::try_from(run.as_micros()).unwrap_or(u64::MAX / 2);
    let pace = Pace { speed: options.speed, until_us: options.duration.map(until_us) };
    let summary = if let Some(target) = &options.output.mqtt {
        to_broker(simulation, target, pace, clock)?
    } else if let Some(prefix) = &options.output.kafka_prefix {
        let target = KafkaTarget { prefix, partitions: options.partitions, log: &options.log, yes: options.yes };
        until_stopped(async |shutdown| {
            let written = write(simulation, target, pace, clock, &shutdown).await?;
            let Published { sent, skipped, .. } = written;
            Ok(format!("{sent} records written, {skipped} too late to write"))
        })?
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

/// Whether the reader has closed the output.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let source = error.downcast_ref::<io::Error>();
    source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
}

fn parse_start(text: &str) -> Result<u64, String> {
    let time: SystemTime = humantime::parse_rfc3339_weak(text)
        .map_err(|_| "expected a time in UTC, for example 2026-06-01T10:00:00Z".to_owned())?;
    let since_epoch = time.duration_since(UNIX_EPOCH).map_err(|_| "expected a time after 1970".to_owned())?;
    u64::try_from(since_epoch.as_micros()).map_err(|_| "expected a time that is not so far in the future".to_owned())
}
