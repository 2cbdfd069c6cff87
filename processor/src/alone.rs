//! `processor core`: the stream core alone, for who has a bug report and the raw records of that hour.
//!
//! Reads lines, writes lines, and knows neither Kafka nor clock: the same lines give the same output, bit for bit.

mod lines;
mod outputs;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use schemas::catalogue::{self, topic};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};
use streams::partitioner::partition_of;

use crate::core::{Core, Outputs, RawInput, Settings};
use lines::{Line, Reader};

/// As bridges do: a tick for every partition, so that what is silent ends.
const TICK_US: u64 = 5_000_000;

/// What to run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Core alone")]
pub struct AloneOptions {
    /// Files to read, one after the other; - is standard input, and so is none at all. Each line is one JSON object:
    /// either a record of the raw topic as `just kcat fanet.raw.v1` prints it, or a captured MQTT message as `replay`
    /// writes it (at_us, topic, payload_hex). Captured messages are put into partitions by their device, and a tick is
    /// added to every partition every 5 s, as bridges do; of kcat's lines nothing is changed.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print only what follows from this raw partition.
    #[arg(long, value_name = "NUMBER")]
    pub partition: Option<u32>,
    /// Print only what is about this device.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_device)]
    pub device: Option<u32>,
}

fn parse_device(text: &str) -> Result<u32, String> {
    text.parse::<schemas::DeviceAddress>().map(|address| address.0).map_err(|error| error.to_string())
}

/// Runs all lines through the cores of their partitions; prints one line for each output.
///
/// # Errors
/// A file cannot be read, or a line is none of those that are known.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub fn run(options: &AloneOptions, settings: &Settings) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let ran = run_into(options, settings, &mut out).and_then(|()| Ok(out.flush()?));
    match ran {
        // Whoever read our output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => Ok(()),
        ran => ran,
    }
}

fn run_into(options: &AloneOptions, settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let mut run = Run::new(options, settings);
    let standard_input = [PathBuf::from("-")];
    let files = if options.files.is_empty() { &standard_input[..] } else { &options.files };
    for file in files {
        let name = file.display();
        if file.as_os_str() == "-" {
            run.read("standard input", io::stdin().lock(), out)?;
        } else {
            let opened = File::open(file).with_context(|| format!("open {name}"))?;
            run.read(&name.to_string(), BufReader::new(opened), out)?;
        }
    }
    Ok(())
}

struct Run<'a> {
    options: &'a AloneOptions,
    settings: &'a Settings,
    reader: Reader,
    partitions: u32,
    cores: BTreeMap<u32, Core>,
    /// For captured messages, which have no offsets of their own.
    next_offsets: BTreeMap<u32, u64>,
    next_tick_us: Option<u64>,
    outputs: Outputs,
}

impl<'a> Run<'a> {
    fn new(options: &'a AloneOptions, settings: &'a Settings) -> Self {
        Self {
            options,
            settings,
            reader: Reader::new(),
            partitions: catalogue::find(topic::RAW).expect("in the catalogue").partitions,
            cores: BTreeMap::new(),
            next_offsets: BTreeMap::new(),
            next_tick_us: None,
            outputs: Outputs::default(),
        }
    }

    fn read(&mut self, name: &str, input: impl BufRead, out: &mut impl Write) -> anyhow::Result<()> {
        for (number, line) in input.lines().enumerate() {
            let line = line.with_context(|| format!("read {name}"))?;
            if line.trim().is_empty() {
                continue;
            }
            let line = self.reader.read(&line).with_context(|| format!("{name}, line {}", number + 1))?;
            match line {
                Line::Record { partition, offset, record } => self.apply(partition, offset, &record, out)?,
                Line::Message { key, record } => {
                    self.tick(record.ingested_at_us, out)?;
                    let partition = partition_of(key.as_bytes(), self.partitions);
                    self.append(partition, &record, out)?;
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now_us: u64, out: &mut impl Write) -> anyhow::Result<()> {
        let mut next_us = self.next_tick_us.unwrap_or(now_us);
        while next_us <= now_us {
            let input = Some(Input::Tick(Tick { bridge_id: "alone".into(), interval_s: 5 }));
            let tick = RawRecord { ingested_at_us: next_us, input, ..RawRecord::default() };
            for partition in 0..self.partitions {
                self.append(partition, &tick, out)?;
            }
            next_us += TICK_US;
        }
        self.next_tick_us = Some(next_us);
        Ok(())
    }

    fn append(&mut self, partition: u32, record: &RawRecord, out: &mut impl Write) -> anyhow::Result<()> {
        let next = self.next_offsets.entry(partition).or_default();
        *next += 1;
        let offset = *next;
        self.apply(partition, offset, record, out)
    }

    fn apply(&mut self, partition: u32, offset: u64, record: &RawRecord, out: &mut impl Write) -> anyhow::Result<()> {
        let number = u16::try_from(partition).context("a partition is a number below 65,536")?;
        let core = self.cores.entry(partition).or_insert_with(|| Core::new(number, self.settings.clone()));
        core.apply(&RawInput { offset, record }, &mut self.outputs);
        if self.options.partition.is_none_or(|wanted| wanted == partition) {
            outputs::print(partition, offset, self.options.device, &self.outputs, out)?;
        }
        self.outputs.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
