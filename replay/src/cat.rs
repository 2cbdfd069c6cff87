//! `replay cat` and `replay grep`: records as lines.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use archive::S3Options;
use capture::{Framed, Record};
use clap::Args;
use envelope::Wrapped;
use explain::Explainer;
use fanet::json::Report;
use fanet::{DecodeError, Frame};
use offline::LineReader;
use runtime::Clock;
use schemas::v1::ZoneSetPart;
use schemas::v1::raw_record::Input as Content;
use serde_json::{Value, json};

use crate::input::{Recording, open};
use crate::select::{SelectArgs, decode};
use crate::time::text_of_ms;
use crate::usage::BadUsage;

/// Print the records of a capture or an archive, one line each, in the order in which they are played.
///
/// Exit codes: 0 done, 1 damaged records were skipped, or the input cannot be read, 64 bad usage. A capture that was cut off
/// is read up to its last complete block, and the rest reported.
#[derive(Args, Clone, Debug)]
pub struct CatArgs {
    /// A capture's file, or an archive: a folder or s3://bucket/folder.
    pub input: Recording,
    #[command(flatten)]
    form: FormArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    s3: S3Options,
}

/// Print the records whose line contains a text: an address, a name, a reason, part of a frame in hex.
///
/// Exit codes: 0 found, 1 not found, 2 damaged records were skipped, or the input cannot be read, 64 bad usage.
#[derive(Args, Clone, Debug)]
pub struct GrepArgs {
    /// The text, without regard to upper and lower case.
    pub text: String,
    #[command(flatten)]
    cat: CatArgs,
}

#[derive(Args, Clone, Copy, Debug, Default)]
#[group(multiple = false)]
struct FormArgs {
    /// Print JSON objects with every field, the frame in hex and decoded.
    #[arg(long)]
    json: bool,
    /// Print every byte of every frame with its field and meaning.
    #[arg(long)]
    explain: bool,
    /// Print JSON lines that `processor core` and `replay capture` read.
    #[arg(long)]
    lines: bool,
}

/// The result.
#[derive(Clone, Copy, Debug, Default)]
struct Printed {
    lines: u64,
    damaged: u64,
}

/// Prints all records.
///
/// # Errors
/// The input cannot be opened, or the output cannot be written.
pub fn cat(args: &CatArgs) -> anyhow::Result<ExitCode> {
    let printed = print_matching(args, None)?;
    Ok(ExitCode::from(u8::from(printed.damaged > 0)))
}

/// Prints the records with a text.
///
/// # Errors
/// The options do not fit together ([`BadUsage`]).
#[allow(clippy::print_stderr, reason = "failures are reported on standard error")]
pub fn grep(args: &GrepArgs) -> anyhow::Result<ExitCode> {
    let printed = match print_matching(&args.cat, Some(&args.text.to_lowercase())) {
        Err(error) if !error.is::<BadUsage>() => {
            eprintln!("replay: {error:#}");
            return Ok(ExitCode::from(2));
        }
        printed => printed?,
    };
    Ok(ExitCode::from(match printed {
        Printed { damaged: 1.., .. } => 2,
        Printed { lines: 0, .. } => 1,
        _ => 0,
    }))
}

#[allow(clippy::print_stderr, reason = "damage is reported on standard error")]
fn print_matching(args: &CatArgs, text: Option<&str>) -> anyhow::Result<Printed> {
    let now_ms = i64::try_from(Clock::system().now_us() / 1000)?;
    let records = open(&args.input, &args.s3, &args.select, now_ms)?;
    let mut out = BufWriter::with_capacity(1 << 17, io::stdout().lock());
    let (mut printed, mut printer) = (Printed::default(), Printer::new(args.form));
    for record in records {
        match record {
            Ok(record) => {
                let line = printer.lines_of(&record);
                if text.is_some_and(|text| !String::from_utf8_lossy(line).to_lowercase().contains(text)) {
                    continue;
                }
                printed.lines += 1;
                if !written(out.write_all(line))? {
                    return Ok(printed);
                }
            }
            Err(error) => {
                printed.damaged += 1;
                eprintln!("replay: {error:#}");
            }
        }
    }
    written(out.flush())?;
    Ok(printed)
}

/// False: the reader has closed the output.
fn written(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

struct Printer {
    form: FormArgs,
    explainer: Explainer,
    lines: LineReader,
    line: Vec<u8>,
}

impl Printer {
    fn new(form: FormArgs) -> Self {
        Self { form, explainer: Explainer::new(false), lines: LineReader::new(), line: Vec::new() }
    }

    fn lines_of(&mut self, record: &Record) -> &[u8] {
        self.line.clear();
        let framed = record.value.as_ref().and_then(Framed::parse);
        let out = &mut self.line;
        let infallible = "writing to a Vec cannot fail";
        match (&framed, self.form) {
            (Some(framed), FormArgs { lines: true, .. }) => {
                let Record { partition, offset, timestamp_ms, .. } = *record;
                self.lines.write(partition, offset, timestamp_ms, &framed.record, out).expect(infallible);
            }
            (None, FormArgs { lines: true, .. }) => {}
            (_, FormArgs { json: true, .. }) => {
                serde_json::to_writer(&mut *out, &object(record, framed.as_ref())).expect(infallible);
                out.push(b'\n');
            }
            _ => {
                writeln!(out, "{}", text(record, framed.as_ref())).expect(infallible);
                if self.form.explain
                    && let Some(Content::MqttFrame(payload)) = framed.as_ref().and_then(|f| f.record.input.as_ref())
                {
                    out.extend_from_slice(self.explainer.payload(payload).as_bytes());
                }
            }
        }
        &self.line
    }
}

/// A record on one line: time, partition and offset, receiver, and content.
pub(crate) fn text(record: &Record, framed: Option<&Framed>) -> String {
    let head = format!("{} {}/{}", text_of_ms(record.timestamp_ms), record.partition, record.offset);
    let Some(framed) = framed else {
        let value = record.value.as_ref().map_or_else(|| "none".to_owned(), hex::encode);
        return format!("{head} unreadable record {value}");
    };
    let receiver = framed.record.receiver_id.as_deref().unwrap_or("-");
    let content = match &framed.record.input {
        Some(Content::MqttFrame(payload)) => frame_text(payload),
        Some(Content::ReceiverHardware(payload)) => format!("receiver hardware {}", hex::encode(payload)),
        Some(Content::AppPosition(position)) => format!("app position {}", as_json(position)),
        Some(Content::SourceReport(report)) => format!("source report {}", as_json(report)),
        Some(Content::Command(command)) => format!("command {}", as_json(command)),
        Some(Content::ZoneSet(part)) => zones_text(part),
        Some(Content::Tick(tick)) => format!("tick of {}", tick.bridge_id),
        None => "unknown input".to_owned(),
    };
    format!("{head} {receiver} {content}")
}

/// Without the outlines, which `--json` has.
fn zones_text(part: &ZoneSetPart) -> String {
    let ZoneSetPart { set, version, part: number, parts, zones, .. } = part;
    format!("zones {set} version {version} part {} of {parts}: {} zones", number + 1, zones.len())
}

fn as_json(message: &impl serde::Serialize) -> Value {
    serde_json::to_value(message).expect("our messages have string keys")
}

fn frame_text(payload: &[u8]) -> String {
    let wrapped = match Wrapped::decode(payload) {
        Ok(wrapped) => wrapped,
        Err(error) => {
            let error = DecodeError::from(error);
            return format!("unreadable ({}) {}", error.reason(), hex::encode(payload));
        }
    };
    let head = format!("{} dBm {} dB", wrapped.rssi_dbm, wrapped.snr_db);
    match Frame::decode(wrapped.frame) {
        Ok(frame) => {
            let report = serde_json::to_value(Report::new(frame)).unwrap_or_default();
            let name = frame.packet.packet_type().name();
            format!("{head} {} {name} {}", frame.header.source, report["payload"])
        }
        Err(error) => format!("{head} unreadable ({}) {}", error.reason(), hex::encode(wrapped.frame)),
    }
}

/// A record with all its fields.
fn object(record: &Record, framed: Option<&Framed>) -> Value {
    let headers: Vec<Value> =
        record.headers.iter().map(|header| json!([header.name, hex::encode(&header.value)])).collect();
    let mut object = json!({
        "time": text_of_ms(record.timestamp_ms),
        "timestamp_ms": record.timestamp_ms,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        "headers": headers,
    });
    let Some(framed) = framed else {
        object["value_hex"] = json!(record.value.as_ref().map(hex::encode));
        return object;
    };
    object["record"] = as_json(&framed.record);
    if let Some(Content::MqttFrame(payload)) = &framed.record.input {
        object["payload_hex"] = json!(hex::encode(payload));
        match decode(payload) {
            Ok((wrapped, frame)) => {
                let report = Report { wrapped: Some(wrapped), frame, signature_valid: None };
                object["frame"] = serde_json::to_value(report).unwrap_or_default();
            }
            Err(error) => object["error"] = json!({ "reason": error.reason(), "detail": error.to_string() }),
        }
    }
    object
}
