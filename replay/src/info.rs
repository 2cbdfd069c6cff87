//! `replay info`: the contents of a capture or an archive.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::process::ExitCode;

use archive::{Hour, Manifest, S3Options};
use capture::{Ending, Framed, Record};
use clap::Args;
use runtime::Clock;
use schemas::v1::raw_record::Input as Content;
use serde::Serialize;

use crate::input::{Recording, block_on, may_hold, no_hours, open, open_file, open_store};
use crate::select::{SelectArgs, decode};
use crate::time::text_of_ms;

/// Show the contents of a capture or an archive: records by kind and type, receivers, devices, time span, silences,
/// unreadable frames; of an archive its hours (of the selected time), and which are missing.
///
/// Exit codes: 0 complete, 1 damaged, cut off, with hours missing or unreadable, 64 bad usage.
#[derive(Args, Clone, Debug)]
pub struct InfoArgs {
    /// A capture's file, or an archive: a folder or s3://bucket/folder.
    pub input: Recording,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Show all receivers and devices instead of the ten with the most frames.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    s3: S3Options,
}

/// A silence of the input that is worth a line, ms: bridges tick every few seconds.
const SILENCE_MS: i64 = 60_000;
/// Rows of the tables of receivers and of devices, without `--all`.
const MAX_LISTED_ROWS: usize = 10;

#[derive(Debug, Default, Serialize)]
struct Info {
    topic: String,
    epoch: String,
    partitions: u32,
    written_by: String,
    source: String,
    complete: bool,
    damaged: Vec<String>,
    bytes: u64,
    records: u64,
    from: Option<String>,
    to: Option<String>,
    kinds: BTreeMap<&'static str, u64>,
    frames_by_type: BTreeMap<&'static str, u64>,
    unreadable: BTreeMap<&'static str, u64>,
    receivers: BTreeMap<String, u64>,
    devices: BTreeMap<String, u64>,
    silences: Vec<Silence>,
    #[serde(skip)]
    last_ms: Option<i64>,
    #[serde(skip)]
    first_ms: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Silence {
    from: String,
    seconds: i64,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct ArchiveInfo {
    hours: Vec<HourInfo>,
    missing: Vec<String>,
    /// Where the offsets of two neighbouring hours do not meet, or the cluster changed.
    breaks: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct HourInfo {
    hour: String,
    topic: String,
    epoch: String,
    records: u64,
    bytes: u64,
}

/// Prints it.
///
/// # Errors
/// The input cannot be read.
pub fn run(args: &InfoArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let now_ms = i64::try_from(Clock::system().now_us() / 1000)?;
    let is_complete = match &args.input {
        Recording::Archive(location) => {
            let store = open_store(location, &args.s3)?;
            let manifests = block_on(async {
                let hours = store.hours().await?;
                anyhow::ensure!(!hours.is_empty(), "{}", no_hours(location));
                let selection = args.select.resolve(now_ms, hours.first().map(|hour| hour.start_ms()))?;
                let mut manifests = Vec::new();
                for hour in hours.into_iter().filter(|hour| may_hold(*hour, &selection)) {
                    manifests.push(store.manifest(hour).await?);
                }
                Ok(manifests)
            })?;
            let info = archive_info(&manifests);
            if args.json {
                json(&info, &mut out)?;
            } else {
                print_archive(&info, &mut out)?;
            }
            info.missing.is_empty() && info.breaks.is_empty()
        }
        Recording::Capture(path) => {
            let capture = open_file(path)?;
            let mut info = Info {
                complete: *capture.ending() == Ending::Complete,
                written_by: capture.header().written_by.clone(),
                source: capture.header().source.clone(),
                bytes: std::fs::metadata(path)?.len(),
                ..Info::default()
            };
            drop(capture);
            let records = open(&args.input, &args.s3, &args.select, now_ms)?;
            (info.topic, info.epoch) = (records.header.topic.clone(), records.header.epoch.clone());
            info.partitions = records.header.partitions;
            for record in records {
                match record {
                    Ok(record) => info.add(&record),
                    Err(error) => info.damaged.push(format!("{error:#}")),
                }
            }
            info.finish();
            if args.json {
                json(&info, &mut out)?;
            } else {
                print(&info, args.all, &mut out)?;
            }
            info.complete && info.damaged.is_empty()
        }
    };
    out.flush()?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Info {
    fn add(&mut self, record: &Record) {
        self.records += 1;
        let silent_ms = self.last_ms.map_or(0, |last_ms| record.timestamp_ms.saturating_sub(last_ms));
        if let Some(last_ms) = self.last_ms
            && silent_ms > SILENCE_MS
        {
            self.silences.push(Silence { from: text_of_ms(last_ms), seconds: silent_ms / 1000 });
        }
        self.last_ms = Some(self.last_ms.map_or(record.timestamp_ms, |last_ms| last_ms.max(record.timestamp_ms)));
        self.first_ms = Some(self.first_ms.map_or(record.timestamp_ms, |first_ms| first_ms.min(record.timestamp_ms)));
        let Some(framed) = record.value.as_ref().and_then(Framed::parse) else {
            *self.kinds.entry("unreadable record").or_default() += 1;
            return;
        };
        if let Some(receiver) = framed.record.receiver_id {
            *self.receivers.entry(receiver).or_default() += 1;
        }
        let kind = match &framed.record.input {
            Some(Content::MqttFrame(payload)) => {
                self.add_frame(record, payload);
                "frame"
            }
            Some(Content::ReceiverHardware(_)) => "receiver hardware",
            Some(Content::AppPosition(_)) => "app position",
            Some(Content::SourceReport(_)) => "source report",
            Some(Content::Command(_)) => "command",
            Some(Content::ZoneSet(_)) => "zones",
            Some(Content::Tick(_)) => "tick",
            None => "unknown input",
        };
        *self.kinds.entry(kind).or_default() += 1;
    }

    fn add_frame(&mut self, record: &Record, payload: &[u8]) {
        match decode(payload) {
            Ok((_, frame)) => {
                *self.frames_by_type.entry(frame.packet.packet_type().name()).or_default() += 1;
                if let Some(key) = &record.key {
                    *self.devices.entry(String::from_utf8_lossy(key).into_owned()).or_default() += 1;
                }
            }
            Err(error) => *self.unreadable.entry(error.reason()).or_default() += 1,
        }
    }

    fn finish(&mut self) {
        (self.from, self.to) = (self.first_ms.map(text_of_ms), self.last_ms.map(text_of_ms));
    }
}

fn archive_info(manifests: &[Manifest]) -> ArchiveInfo {
    let mut info = ArchiveInfo::default();
    let there: BTreeSet<Hour> = manifests.iter().map(|manifest| manifest.hour).collect();
    if let (Some(first), Some(last)) = (there.first(), there.last()) {
        let mut hour = *first;
        while hour < *last {
            if !there.contains(&hour) {
                info.missing.push(hour.to_string());
            }
            hour = hour.next();
        }
    }
    for (earlier, later) in manifests.iter().zip(manifests.iter().skip(1)) {
        if earlier.epoch != later.epoch {
            info.breaks.push(format!("{} and {}: the cluster changed", earlier.hour, later.hour));
            continue;
        }
        for section in &later.partitions {
            let end = earlier.end_of(section.partition);
            if let Some(end) = end.filter(|end| *end != section.first_offset) {
                let (first, partition) = (section.first_offset, section.partition);
                info.breaks.push(format!(
                    "{} and {}, partition {partition}: offsets {end} to {first} are in no hour",
                    earlier.hour, later.hour
                ));
            }
        }
    }
    info.hours = manifests
        .iter()
        .map(|manifest| HourInfo {
            hour: manifest.hour.to_string(),
            topic: manifest.topic.clone(),
            epoch: manifest.epoch.clone(),
            records: manifest.records,
            bytes: manifest.bytes,
        })
        .collect();
    info
}

fn json(value: &impl Serialize, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    Ok(writeln!(out)?)
}

fn print(info: &Info, all: bool, out: &mut impl Write) -> io::Result<()> {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    writeln!(
        out,
        "topic        {}, {} partitions, cluster {}",
        or_none(&info.topic),
        info.partitions,
        or_none(&info.epoch)
    )?;
    writeln!(out, "written by   {}: {}", or_none(&info.written_by), or_none(&info.source))?;
    let per_record = if info.records == 0 { 0.0 } else { info.bytes as f64 / info.records as f64 };
    writeln!(out, "records      {}, {} bytes, {per_record:.1} bytes each", info.records, info.bytes)?;
    let span = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
    writeln!(out, "time         {} to {}", span(&info.from), span(&info.to))?;
    writeln!(out, "complete     {}", if info.complete { "yes" } else { "no: cut off, or still being written" })?;
    for damage in &info.damaged {
        writeln!(out, "damaged      {damage}")?;
    }
    counts("by input", &info.kinds, usize::MAX, out)?;
    counts("frames by type", &info.frames_by_type, usize::MAX, out)?;
    counts("unreadable frames", &info.unreadable, usize::MAX, out)?;
    let most = if all { usize::MAX } else { MAX_LISTED_ROWS };
    counts("receivers", &info.receivers, most, out)?;
    counts("devices", &info.devices, most, out)?;
    for Silence { from, seconds } in &info.silences {
        writeln!(out, "silent       {seconds} s from {from}")?;
    }
    Ok(())
}

fn counts<K: std::fmt::Display>(
    title: &str,
    counts: &BTreeMap<K, u64>,
    most: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}: {}", counts.len())?;
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in rows.iter().take(most) {
        writeln!(out, "  {count:>10}  {name}")?;
    }
    if rows.len() > most {
        writeln!(out, "  and {} more (--all)", rows.len() - most)?;
    }
    Ok(())
}

fn print_archive(info: &ArchiveInfo, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<14} {:>12} {:>12}  topic, cluster", "hour", "records", "bytes")?;
    for HourInfo { hour, topic, epoch, records, bytes } in &info.hours {
        writeln!(out, "{hour:<14} {records:>12} {bytes:>12}  {topic}, {epoch}")?;
    }
    for hour in &info.missing {
        writeln!(out, "{hour:<14} missing")?;
    }
    for line in &info.breaks {
        writeln!(out, "gap: {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use archive::Section;

    use super::*;

    #[test]
    fn missing_hours_and_gaps_are_named() {
        let manifest = |hour: &str, first_offset: u64, end_offset: u64| Manifest {
            format: 2,
            topic: "fanet.raw.v1".into(),
            epoch: "one".into(),
            hour: hour.parse().expect("an hour"),
            file: String::new(),
            bytes: 1,
            sha256: String::new(),
            records: 1,
            partitions: vec![Section { partition: 0, first_offset, end_offset, records: 1 }],
        };
        let hours = [
            manifest("2026-07-14T13", 0, 5),
            manifest("2026-07-14T14", 5, 9),
            manifest("2026-07-14T17", 12, 13),
            Manifest { epoch: "two".into(), ..manifest("2026-07-14T18", 0, 1) },
        ];
        let info = archive_info(&hours);
        assert_eq!(info.missing, ["2026-07-14T15", "2026-07-14T16"]);
        assert_eq!(
            info.breaks,
            [
                "2026-07-14T14 and 2026-07-14T17, partition 0: offsets 9 to 12 are in no hour",
                "2026-07-14T17 and 2026-07-14T18: the cluster changed"
            ]
        );
    }
}
