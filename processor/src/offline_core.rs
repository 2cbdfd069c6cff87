//! `processor core`: the stream core on files, without services.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::PathBuf;

use air::core::Settings;
use anyhow::Context as _;
use capture::Capture;
use clap::Args;
use offline::{Applied, OfflineCore, is_capture};

/// Bytes of output that are written at once: what a pipe of Linux holds.
const OUTPUT_BYTES: usize = 1 << 16;

/// The input and what to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input and output")]
pub struct OfflineOptions {
    /// Files to read, one after the other; - or no file: standard input. A file is a capture, or lines of JSON: records of
    /// the raw topic as `just kcat fanet.raw.v1` prints them, or MQTT messages as `replay` writes them (at_us, topic,
    /// payload_hex). Messages are put into partitions by their device, and a tick is added to every partition every 5 s, as
    /// bridges do; records keep their partition and offset.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print only the outputs of this raw partition.
    #[arg(long, value_name = "NUMBER")]
    pub partition: Option<u32>,
    /// Print only the outputs of this device.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_device)]
    pub device: Option<u32>,
}

fn parse_device(text: &str) -> Result<u32, String> {
    text.parse::<schemas::DeviceAddress>().map(|address| address.0).map_err(|error| error.to_string())
}

/// Runs all files through the cores of their partitions; prints one line for each output.
///
/// # Errors
/// A file cannot be read, a capture is damaged, or a line is of no known form.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub fn run(options: &OfflineOptions, settings: &Settings) -> anyhow::Result<()> {
    match run_all(options, settings) {
        // The reader of the output has closed it.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => Ok(()),
        ran => ran,
    }
}

fn run_all(options: &OfflineOptions, settings: &Settings) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(OUTPUT_BYTES, io::stdout().lock());
    let mut core = OfflineCore::new(settings, None);
    let mut see = |applied: Applied<'_>| {
        let Applied { partition, offset, outputs, .. } = applied;
        if options.partition.is_none_or(|wanted| wanted == partition) {
            offline::print(partition, offset, options.device, outputs, &mut out)?;
        }
        Ok(())
    };
    let standard_input = [PathBuf::from("-")];
    let files = if options.files.is_empty() { &standard_input[..] } else { &options.files };
    for file in files {
        let name = file.display().to_string();
        if file.as_os_str() == "-" {
            core.read_lines("standard input", io::stdin().lock(), &mut see)?;
            continue;
        }
        let mut opened = BufReader::new(File::open(file).with_context(|| format!("open {name}"))?);
        if is_capture(opened.fill_buf().with_context(|| format!("read {name}"))?) {
            let mut capture = Capture::open(opened).with_context(|| name.clone())?;
            core.read_capture(&mut capture, &mut see).with_context(|| name)?;
        } else {
            core.read_lines(&name, opened, &mut see)?;
        }
    }
    Ok(out.flush()?)
}
