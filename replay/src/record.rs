//! `replay capture`: records of Kafka, of a live MQTT broker, of an archive or of lines into a capture.

mod args;
mod file;
mod kafka;
mod lines;
mod mqtt;

use std::process::ExitCode;

use capture::FileHeader;
use runtime::Clock;

pub use args::{CaptureArgs, Source};
use file::{begin, refuse_input};

use crate::input::{Recording, open};
use crate::progress::Progress;

/// Captures.
///
/// # Errors
/// The source cannot be read, the file cannot be written, or it is the source ([`crate::usage::BadUsage`]).
#[allow(clippy::print_stderr, reason = "this is what the command says to its user")]
pub fn run(args: &CaptureArgs) -> anyhow::Result<ExitCode> {
    refuse_input(args)?;
    let clock = Clock::system();
    let (written, is_complete) = match &args.from_what {
        Source::Kafka => kafka::capture(args, &clock)?,
        Source::Mqtt(target) => (mqtt::capture(args, target, &clock)?, true),
        Source::Recording(Recording::Capture(path)) if lines::is_lines(path)? => {
            (lines::capture(args, path, &clock)?, true)
        }
        Source::Recording(input) => (copy(args, input, &clock)?, true),
    };
    let bytes = std::fs::metadata(&args.out)?.len();
    eprintln!("{written} records in {}, {bytes} bytes", args.out.display());
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Selected records of a capture or an archive.
fn copy(args: &CaptureArgs, input: &Recording, clock: &Clock) -> anyhow::Result<u64> {
    let now_ms = i64::try_from(clock.now_us() / 1000)?;
    let records = open(input, &args.s3, &args.select, now_ms)?.with_ticks();
    let header = FileHeader { source: format!("{:?}", args.from_what), ..records.header.clone() };
    let mut progress = Progress::new(clock, (!args.select.is_partial()).then_some(records.max_records));
    let mut writer = begin(args, header)?;
    for record in records {
        writer.push(&mut progress, record?)?;
    }
    writer.finish()?;
    Ok(progress.finish())
}
