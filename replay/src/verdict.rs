//! `replay explain`: why the map shows or hides a device.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use air::core::Outputs;
use archive::S3Options;
use clap::Args;
use offline::{Applied, CoreOptions, OfflineCore};
use runtime::Clock;
use schemas::object::{Kind, State};
use schemas::v1::raw_record::Input as RecordInput;
use schemas::v1::{Audience, ObservationFlag, RawRecord, ZoneEventKind, reception};
use schemas::{DeviceAddress, RecordId};

use crate::input::{Recording, open};
use crate::select::SelectArgs;
use crate::time::{Time, text_of_ms};

/// Show the core's result for each frame of a device, in order: accepted, copy (of which frame), implausible (for which
/// reason), hidden, late; and the score and state after it. Answers "why was I not on the map".
///
/// The core runs over the complete capture, so that it has the same state as it had then.
///
/// Exit codes: 0 done, 1 the device does not occur, or the input is damaged, 64 bad usage.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// Address of the device, for example 110B90.
    #[arg(value_parser = parse_device)]
    pub device: DeviceAddress,
    /// A capture's file, or an archive: a folder or s3://bucket/folder.
    pub input: Recording,
    /// Show the minutes around this time (UTC): 13:40, 2026-07-14T13:40.
    #[arg(long, value_name = "TIME")]
    pub at: Option<Time>,
    /// Minutes before and after --at.
    #[arg(long, value_name = "MINUTES", default_value_t = 5, requires = "at")]
    pub around: u32,
    #[command(flatten)]
    core: CoreOptions,
    #[command(flatten)]
    s3: S3Options,
}

fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// Explains.
///
/// # Errors
/// The input cannot be read.
#[allow(clippy::print_stderr, reason = "an empty result is reported on standard error")]
pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let now_ms = i64::try_from(Clock::system().now_us() / 1000)?;
    let records = open(&args.input, &args.s3, &SelectArgs::default(), now_ms)?;
    let shown_ms = args.at.map(|at| {
        let (at_ms, around_ms) = (at.resolve_ms(now_ms, records.first_ms), i64::from(args.around) * 60_000);
        at_ms.saturating_sub(around_ms)..at_ms.saturating_add(around_ms)
    });
    let is_from_mqtt = records.header.partitions == 0;
    let partitions = Some(records.header.partitions).filter(|partitions| *partitions > 0);
    let settings = args.core.settings();
    let mut core = OfflineCore::new(&settings, partitions);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut found = 0_u64;
    let mut see = |applied: Applied<'_>| {
        let at_ms = (applied.record.ingested_at_us / 1000) as i64;
        let is_shown = shown_ms.as_ref().is_none_or(|shown| shown.contains(&at_ms));
        for line in explanation(args.device.0, &applied).into_iter().filter(|_| is_shown) {
            found += 1;
            writeln!(out, "{line}")?;
        }
        Ok(())
    };
    for record in records {
        let ran = core.captured(&record?, is_from_mqtt, &mut see);
        match ran {
            Err(error)
                if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) =>
            {
                return Ok(ExitCode::SUCCESS);
            }
            ran => ran?,
        }
    }
    out.flush()?;
    if found == 0 {
        eprintln!("replay explain: {} does not occur there; `replay info --all` lists the devices", args.device);
    }
    Ok(ExitCode::from(u8::from(found == 0)))
}

/// The effects of one record on a device, as lines; none where it is of another device.
pub(crate) fn explanation(device: u32, applied: &Applied<'_>) -> Vec<String> {
    let Applied { partition, offset, record, outputs } = *applied;
    let at = text_of_ms((record.ingested_at_us / 1000) as i64);
    let head = format!("{at} {partition}/{offset} {}", record.receiver_id.as_deref().unwrap_or("-"));
    let mut lines = Vec::new();
    if sender(record) == Some(device) {
        lines.push(format!("{head} {}", verdict(partition, offset, outputs)));
    }
    for change in outputs.states.iter().filter(|change| change.device == device) {
        let who = if change.audience == Audience::Public { "public" } else { "private" };
        let kind = object_text(change.kind);
        let what = match &change.state {
            None => format!("{who} {kind} removed"),
            Some(State::Alert(_)) => format!("{who} {kind}"),
            Some(state) => format!("{who} {kind} {}", position_text(state.position())),
        };
        lines.push(format!("{at}   state: {what}"));
    }
    for event in outputs.zone_events.iter().filter(|event| event.device == device) {
        let what = if event.event_kind() == ZoneEventKind::Enter { "enters" } else { "leaves" };
        lines.push(format!("{at}   zone: {what} {:?} ({}/{})", event.zone_name, event.set, event.zone_id));
    }
    for score in outputs.scores.iter().filter(|score| score.device == device) {
        let trust = if score.published { "trusted" } else { "not trusted yet: not shown" };
        let reason = score.last_reason.map(|reason| format!(", newest implausible: {}", reason.as_str()));
        let conflict = score.address_conflict.as_ref().map(|_| ", another device uses this address");
        let (reason, conflict) = (reason.unwrap_or_default(), conflict.unwrap_or_default());
        lines.push(format!("{at}   score: {} ({trust}{reason}{conflict})", score.score));
    }
    lines
}

fn object_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Ground => "ground object",
        kind => kind.as_str(),
    }
}

fn position_text(position: Option<&schemas::v1::Position>) -> String {
    position.map_or_else(
        || "without a position".to_owned(),
        |at| format!("at {:.5}, {:.5}", at.latitude_deg, at.longitude_deg),
    )
}

/// The device that a record is of.
fn sender(record: &RawRecord) -> Option<u32> {
    match record.input.as_ref()? {
        RecordInput::MqttFrame(payload) => {
            let address = capture::address_of_frame(payload.get(8..)?)?;
            std::str::from_utf8(&address).ok()?.parse::<DeviceAddress>().ok().map(|address| address.0)
        }
        RecordInput::AppPosition(position) => Some(position.device),
        RecordInput::SourceReport(report) => report.device,
        RecordInput::Command(command) => Some(command.device),
        RecordInput::ReceiverHardware(_) | RecordInput::ZoneSet(_) | RecordInput::Tick(_) => None,
    }
}

/// The result of a frame.
fn verdict(partition: u32, offset: u64, outputs: &Outputs) -> String {
    let own = u16::try_from(partition).map(|partition| RecordId::new(partition, offset)).ok();
    if let Some(reject) = &outputs.reject {
        return format!("unreadable: {reject}");
    }
    if let Some(observation) = outputs.observations.last() {
        let flags: Vec<&str> = observation.flags().map(flag_text).collect();
        let hidden =
            if observation.private { ", hidden: the pilot withholds consent, or the device is hidden" } else { "" };
        let late_us = observation.ingested_at_us.saturating_sub(observation.event_at_us);
        let late = if late_us > 2_000_000 { format!(", {:.1} s late", late_us as f64 / 1e6) } else { String::new() };
        let judged = if flags.is_empty() { "accepted".to_owned() } else { flags.join(", ") };
        let score = observation.score.map(|score| format!(", score {score}")).unwrap_or_default();
        return format!("{judged}{hidden}{late}{score}");
    }
    let copy_of = outputs.receptions.iter().find_map(|(_, reception)| match &reception.content {
        Some(reception::Content::HeardFrame(frame)) => Some(frame.observation_id),
        _ => None,
    });
    match copy_of {
        Some(Some(id)) if own.is_none_or(|own| own.0 != id) => format!("copy of {}", RecordId(id)),
        Some(None) => "a copy, or of a hidden device".to_owned(),
        _ => "changed nothing".to_owned(),
    }
}

fn flag_text(flag: ObservationFlag) -> &'static str {
    match flag {
        ObservationFlag::Unspecified => "unspecified",
        ObservationFlag::Delayed => "delayed on its way",
        ObservationFlag::HistoryOnly => "more than an hour late: history only",
        ObservationFlag::Relayed => "relayed",
        ObservationFlag::Implausible => "implausible",
        ObservationFlag::Signed => "signed",
        ObservationFlag::Untrusted => "accepted, not trusted yet",
        ObservationFlag::Unconfirmed => "held until a second position agrees",
        ObservationFlag::AddressConflict => "of another device with this address",
    }
}
