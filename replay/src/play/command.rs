//! The command line.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use archive::S3Options;
use clap::{Args, ValueEnum};
use offline::{Applied, CoreOptions, OfflineCore};
use runtime::Clock;
use streams::LogOptions;

use super::broker::play as play_to_mqtt;
use super::kafka::{KafkaTarget, play as play_to_kafka};
use super::{Playback, Speed};
use crate::input::Recording;
use crate::progress::Progress;
use crate::publish::MqttTarget;
use crate::select::SelectArgs;

/// Play a capture or an archive: in order, with the original time between records.
///
/// To MQTT as receivers sent it (--mqtt); to Kafka into the raw topic of another prefix, in the same partitions, each record
/// with the id of the one that it repeats (--kafka-prefix); or to a core in this process, which prints the resulting
/// observations, states, thermal reports and alerts
/// (--dry-run).
///
/// Exit codes: 0 done, 1 the input is damaged, or the target refuses, 64 bad usage. A capture that was cut off is played up
/// to its last complete block.
#[derive(Args, Clone, Debug)]
pub struct PlayArgs {
    /// A capture's file, or an archive: a folder or s3://bucket/folder.
    pub input: Recording,
    #[command(flatten)]
    target: Target,
    /// Speed: 1 is real time, 10 is ten times as fast, max is as fast as possible.
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    pub speed: Speed,
    /// Repeat from the beginning, until Ctrl-C.
    #[arg(long = "loop", conflicts_with_all = ["resume", "dry_run"])]
    pub again: bool,
    /// Move all times, so that the first record is now: a live map then shows it. Without it they stay unchanged.
    #[arg(long, value_enum)]
    pub shift: Option<Shift>,
    /// File for the number of played records, from which playing continues after a kill.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub resume: Option<PathBuf>,
    /// Allow a prefix that other programs write to.
    #[arg(long, conflicts_with_all = ["mqtt", "dry_run"])]
    pub yes: bool,
    /// With --dry-run: print only the outputs of this device.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_device)]
    pub only: Option<u32>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    core: CoreOptions,
    #[command(flatten)]
    s3: S3Options,
    #[command(flatten)]
    log: LogOptions,
}

fn parse_device(text: &str) -> Result<u32, String> {
    schemas::DeviceAddress::from_str(text).map(|address| address.0).map_err(|error| format!("{error}"))
}

/// The target of moved times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shift {
    /// The first record is now.
    Now,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct Target {
    /// Publish to this broker with QoS 1: mqtt://[user[:password]@]host[:port].
    #[arg(long, value_name = "URL")]
    mqtt: Option<MqttTarget>,
    /// Write to the raw topic with this prefix. It is created if it is missing.
    #[arg(long, value_name = "PREFIX")]
    kafka_prefix: Option<String>,
    /// Run a core in this process, and print its outputs as `processor core` does.
    #[arg(long)]
    dry_run: bool,
}

/// Plays.
///
/// # Errors
/// The input is damaged, or the target refuses.
#[allow(clippy::print_stderr, reason = "this is what the command says to its user")]
pub fn run(args: &PlayArgs) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let playback = Playback {
        input: args.input.clone(),
        s3: args.s3.clone(),
        select: args.select.clone(),
        speed: args.speed,
        again: args.again,
        is_shifted: args.shift == Some(Shift::Now),
    };
    let played = match &args.target {
        Target { mqtt: Some(target), .. } => play_to_mqtt(&playback, args.resume.as_deref(), target, &clock)?,
        Target { kafka_prefix: Some(prefix), .. } => {
            let (log, resume) = (&args.log, args.resume.as_deref());
            play_to_kafka(&playback, &KafkaTarget { prefix, log, resume, may_have_writers: args.yes }, &clock)?
        }
        _ => dry_run(args, &playback, &clock)?,
    };
    eprintln!("{played} records played");
    Ok(ExitCode::SUCCESS)
}

fn dry_run(args: &PlayArgs, playback: &Playback, clock: &Clock) -> anyhow::Result<u64> {
    let records = playback.open(clock)?;
    let is_from_mqtt = records.header.partitions == 0;
    let partitions = Some(records.header.partitions).filter(|partitions| *partitions > 0);
    let settings = args.core.settings();
    let mut core = OfflineCore::new(&settings, partitions);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut progress = Progress::new(clock, playback.total(&records));
    let mut see = |applied: Applied<'_>| {
        Ok(offline::print(applied.partition, applied.offset, args.only, applied.outputs, &mut out)?)
    };
    for record in records {
        let record = record?;
        match core.captured(&record, is_from_mqtt, &mut see) {
            Err(error)
                if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) =>
            {
                return Ok(progress.finish());
            }
            applied => applied?,
        }
        progress.add(record.timestamp_ms);
    }
    out.flush()?;
    Ok(progress.finish())
}
