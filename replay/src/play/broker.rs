//! `replay play --mqtt`.

use std::io::IsTerminal as _;
use std::path::Path;

use runtime::Clock;

use super::mqtt::publish_with;
use super::playback::Playback;
use super::resume::ResumeFile;
use crate::publish::MqttTarget;
use crate::stop::until_stopped;

#[allow(clippy::print_stderr, reason = "this is what the command says to its user")]
pub(super) fn play(
    playback: &Playback,
    resume: Option<&Path>,
    target: &MqttTarget,
    clock: &Clock,
) -> anyhow::Result<u64> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    let mut resume_file = ResumeFile::open(resume, format!("{:?}", playback.input))?;
    let played =
        until_stopped(async |shutdown| publish_with(playback, &mut resume_file, target, clock, &shutdown, true).await)?;
    if played.left_out > 0 {
        let left_out = played.left_out;
        eprintln!("{left_out} records have no MQTT form and were left out: ticks, app positions, commands, reports");
    }
    Ok(played.sent)
}
