//! Lines of JSON, as `replay generate` and `replay cat --lines` write them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use capture::{FileHeader, Framed, Record};
use offline::{Line, LineReader, is_capture};
use runtime::Clock;

use super::args::CaptureArgs;
use super::file::{begin, take};
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
    let input: Box<dyn BufRead> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path).with_context(|| format!("cannot open {name}"))?)),
    };
    let selection = args.select.resolve(i64::try_from(clock.now_us() / 1000)?, None)?.with_ticks();
    let reader = LineReader::new();
    let mut progress = Progress::new(clock, None);
    let mut writer = None;
    let mut next_offset = 0;
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {name}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let read = reader.read(&line).with_context(|| format!("{name}, line {}", number + 1))?;
        let (record, partitions) = match read {
            Line::Record { partition, offset, record } => {
                let timestamp_ms = i64::try_from(record.ingested_at_us / 1000)?;
                // The bridge's key is derived again, as far as a line has it.
                let key = key_of(&record);
                (Record { partition, offset, timestamp_ms, key, value: value(record), headers: Vec::new() }, 1)
            }
            Line::Message { key, record } => {
                let timestamp_ms = i64::try_from(record.ingested_at_us / 1000)?;
                next_offset += 1;
                let (offset, key) = (next_offset - 1, Some(Bytes::from(key)));
                (Record { partition: 0, offset, timestamp_ms, key, value: value(record), headers: Vec::new() }, 0)
            }
        };
        let header = FileHeader { partitions, source: name.clone(), ..FileHeader::default() };
        let writer = match &mut writer {
            Some((known, writer)) => {
                anyhow::ensure!(
                    *known == partitions,
                    "{name}, line {}: expected the same form as the lines before",
                    number + 1
                );
                writer
            }
            empty => &mut empty.insert((partitions, begin(args, header)?)).1,
        };
        take(writer, &mut progress, &selection, &record)?;
    }
    let (_, writer) = writer.with_context(|| format!("{name} has no lines"))?;
    writer.finish()?;
    Ok(progress.finish())
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
        Input::Tick(_) => None,
    }
}
