//! Lines of JSON, as `replay generate` and `replay cat --lines` write them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use capture::{FileHeader, Framed, Record};
use offline::{Line, LineReader, is_capture};
use runtime::Clock;
use serde::Deserialize;

use super::args::CaptureArgs;
use super::file::begin;
use crate::progress::Progress;

/// Whether a file holds lines: anything that is no capture.
pub(super) fn is_lines(path: &Path) -> anyhow::Result<bool> {
    if path.as_os_str() == "-" {
        return Ok(true);
    }
    let mut beginning = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(8).read_to_end(&mut beginning)?;
    Ok(!is_capture(&beginning))
}

pub(super) fn capture(args: &CaptureArgs, path: &Path, clock: &Clock) -> anyhow::Result<u64> {
    let name = path.display().to_string();
    let (input, partitions) = match path.as_os_str() == "-" {
        true => standard_input()?,
        false => file(path)?,
    };
    let selection = args.select.resolve(i64::try_from(clock.now_us() / 1000)?, None)?.with_ticks();
    let reader = LineReader::new();
    let mut progress = Progress::new(clock, None);
    let mut writer = None;
    let mut next_offset = 0;
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| match number {
            0 => format!("{name} is neither a capture nor lines of JSON"),
            _ => format!("cannot read {name}, line {}", number + 1),
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let read = reader.read(&line).with_context(|| format!("{name}, line {}", number + 1))?;
        let is_message = matches!(read, Line::Message { .. });
        anyhow::ensure!(
            is_message == (partitions == 0),
            "{name}, line {}: expected the same form as the lines before",
            number + 1
        );
        let record = match read {
            Line::Record { partition, offset, record } => {
                let timestamp_ms = i64::try_from(record.ingested_at_us / 1000)?;
                // The bridge's key is derived again, as far as a line has it.
                let key = key_of(&record);
                Record { partition, offset, timestamp_ms, key, value: value(record), headers: Vec::new() }
            }
            Line::Message { key, record } => {
                let timestamp_ms = i64::try_from(record.ingested_at_us / 1000)?;
                next_offset += 1;
                let (offset, key) = (next_offset - 1, Some(Bytes::from(key)));
                Record { partition: 0, offset, timestamp_ms, key, value: value(record), headers: Vec::new() }
            }
        };
        let writer = match &mut writer {
            Some(writer) => writer,
            empty => {
                let header = FileHeader { partitions, source: name.clone(), ..FileHeader::default() };
                empty.insert(begin(args, header)?)
            }
        };
        writer.take(&mut progress, &selection, record)?;
    }
    let writer = writer.with_context(|| format!("{name} has no lines"))?;
    writer.finish()?;
    Ok(progress.finish())
}

/// Lines from their beginning, and how many partitions their records are of; 0: they are messages.
type Input = (Box<dyn BufRead>, u32);

fn file(path: &Path) -> anyhow::Result<Input> {
    let open = || File::open(path).map(BufReader::new).with_context(|| format!("cannot open {}", path.display()));
    let partitions = partitions(open()?).with_context(|| format!("cannot read {}", path.display()))?;
    Ok((Box::new(open()?), partitions))
}

/// Messages are taken as they come. Records are read twice, so they go into a temporary file first.
fn standard_input() -> anyhow::Result<Input> {
    let (mut input, mut first) = (io::stdin().lock(), Vec::new());
    while first.trim_ascii().is_empty() && input.read_until(b'\n', &mut first)? > 0 {}
    if partition_of(&first).is_none() {
        return Ok((Box::new(io::Cursor::new(first).chain(input)), 0));
    }
    let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
    file.write_all(&first)?;
    io::copy(&mut input, &mut file).context("cannot keep standard input in a temporary file")?;
    file.rewind()?;
    let partitions = partitions(BufReader::new(&file))?;
    file.rewind()?;
    Ok((Box::new(BufReader::new(file)), partitions))
}

/// The number of partitions of lines that are records. A line of neither form is left to the one who reads them.
fn partitions(mut lines: impl BufRead) -> io::Result<u32> {
    let (mut partitions, mut line) = (0, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            let Some(partition) = partition_of(&line) else { break };
            partitions = partitions.max(partition.saturating_add(1));
        }
        line.clear();
    }
    Ok(partitions)
}

fn partition_of(line: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Position {
        partition: u32,
    }
    serde_json::from_slice(line).ok().map(|Position { partition }| partition)
}

fn value(record: schemas::v1::RawRecord) -> Option<Bytes> {
    Some(Framed { framing: Bytes::new(), record }.to_value())
}

fn key_of(record: &schemas::v1::RawRecord) -> Option<Bytes> {
    use schemas::v1::raw_record::Input;
    match record.input.as_ref()? {
        Input::MqttFrame(payload) => {
            let address = payload.get(8..).and_then(capture::address_of_frame);
            address
                .map(|address| Bytes::copy_from_slice(&address))
                .or_else(|| record.receiver_id.clone().map(Bytes::from))
        }
        Input::ReceiverHardware(_) => record.receiver_id.clone().map(Bytes::from),
        Input::AppPosition(position) => Some(schemas::DeviceAddress(position.device).to_string().into()),
        Input::Command(command) => Some(schemas::DeviceAddress(command.device).to_string().into()),
        Input::SourceReport(report) => match report.device {
            Some(device) => Some(schemas::DeviceAddress(device).to_string().into()),
            None => Some(report.outside_id.clone().into()),
        },
        Input::ZoneSet(_) | Input::Tick(_) => None,
    }
}
