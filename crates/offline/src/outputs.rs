//! Outputs as lines: the destination and content of each.

use std::io::{self, Write};

use schemas::catalogue::topic;
use schemas::id::DeviceAddress;
use schemas::keys;
use schemas::v1::{Audience, Observation, Reception, ThermalReport, reception, thermal_report};
use serde::Serialize;
use serde_json::{Value, json};

use air::core::{Outputs, PrivacyChange, ScoreChange, StateChange};

/// One output.
#[derive(Serialize)]
struct Line<'a, V> {
    partition: u32,
    offset: u64,
    /// The topic, or the key in Redis.
    to: &'a str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// `null`: a tombstone.
    value: V,
}

/// Writes the lines of one record.
struct Lines<'a, W> {
    partition: u32,
    offset: u64,
    out: &'a mut W,
}

impl<W: Write> Lines<'_, W> {
    fn put(&mut self, to: &str, key: String, version: Option<u64>, value: impl Serialize) -> io::Result<()> {
        let &mut Self { partition, offset, .. } = self;
        serde_json::to_writer(&mut *self.out, &Line { partition, offset, to, key, version, value })?;
        self.out.write_all(b"\n")
    }
}

/// Prints the outputs of one record, in the order in which they are emitted; of `device` only where one is given.
///
/// # Errors
/// The output cannot be written.
pub fn print(
    partition: u32,
    offset: u64,
    device: Option<u32>,
    outputs: &Outputs,
    out: &mut impl Write,
) -> io::Result<()> {
    let is_wanted = |of: Option<u32>| device.is_none_or(|device| of == Some(device));
    let mut lines = Lines { partition, offset, out };
    for observation in outputs.observations.iter().filter(|observation| is_wanted(Some(observation.device))) {
        lines.put(observation_topic(observation), address(observation.device), None, observation)?;
    }
    for PrivacyChange { state, .. } in outputs.privacy.iter().filter(|change| is_wanted(Some(change.state.device))) {
        lines.put(topic::PRIVACY, address(state.device), Some(state.version), state)?;
    }
    for change in outputs.states.iter().filter(|change| is_wanted(Some(change.device))) {
        let key = change.kind.key(change.number).unwrap_or_default();
        lines.put(state_topic(change), key, Some(change.version), &change.state)?;
    }
    for (_, reception) in outputs.receptions.iter().filter(|_| device.is_none()) {
        lines.put(topic::RECEPTION, receiver(reception), None, reception)?;
    }
    for (_, report) in outputs.thermal_reports.iter().filter(|(_, report)| is_wanted(reporter(report))) {
        let key = reporter(report).map_or_else(|| keys::clock(partition), address);
        lines.put(topic::THERMAL_REPORT, key, None, report)?;
    }
    for event in outputs.zone_events.iter().filter(|event| is_wanted(Some(event.device))) {
        lines.put(topic::ZONE_EVENT, address(event.device), None, event)?;
    }
    for score in outputs.scores.iter().filter(|score| is_wanted(Some(score.device))) {
        lines.put("fanet:{validation}", address(score.device), Some(score.version), trust(score))?;
    }
    if let Some(reject) = outputs.reject.as_ref().filter(|_| device.is_none()) {
        let value = json!({ "reason": reject.reason, "detail": reject.to_string() });
        lines.put(topic::DEAD_LETTER, String::new(), None, value)?;
    }
    Ok(())
}

fn address(device: u32) -> String {
    DeviceAddress(device).to_string()
}

fn observation_topic(observation: &Observation) -> &'static str {
    if observation.private { topic::PRIVATE_OBSERVATION } else { topic::OBSERVATION }
}

fn state_topic(change: &StateChange) -> &'static str {
    if change.audience == Audience::Public { change.kind.topic() } else { topic::PRIVATE_STATE }
}

fn receiver(reception: &Reception) -> String {
    match &reception.content {
        Some(reception::Content::Clock(clock)) => keys::clock(clock.raw_partition),
        _ => reception.receiver_id.clone(),
    }
}

fn reporter(report: &ThermalReport) -> Option<u32> {
    match &report.content {
        Some(thermal_report::Content::Report(report)) => Some(report.device),
        _ => None,
    }
}

fn trust(score: &ScoreChange) -> Value {
    json!({
        "score": score.score,
        "published": score.published,
        "plausible_frames": score.plausible_frames,
        "implausible_frames": score.implausible_frames,
        "last_reason": score.last_reason.map(|reason| reason.as_str()),
        "address_conflict": score.address_conflict.as_deref(),
    })
}
