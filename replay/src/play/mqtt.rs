//! To a broker, as receivers publish.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context as _;
use capture::{Framed, Record};
use envelope::{DEFAULT_PREFIX, Topic, WRAPPER_BYTES};
use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use runtime::{Clock, Shutdown};
use schemas::v1::raw_record::Input;
use tokio::sync::watch;

use super::pace::Pace;
use super::playback::Playback;
use super::resume::ResumeFile;
use super::shift::shifted;
use crate::progress::Progress;
use crate::publish::{MqttTarget, connect, options};

/// Messages between the capture and the socket; when full, playing waits.
const QUEUE: usize = 1_024;
/// The longest, since the client library knows no connection without one: a recording may be silent for long, and the broker's
/// clock may run faster than the network's.
const LONGEST_KEEP_ALIVE: Duration = Duration::from_secs(u16::MAX as u64);
/// How long the last acknowledgements may take.
const DRAIN: Duration = Duration::from_secs(30);
/// Records between two saves of the position.
const SAVE_EVERY: u64 = 1_000;

/// The numbers of played messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// Messages that the broker acknowledged.
    pub sent: u64,
    /// Records without an MQTT form: ticks, app positions, commands, reports.
    pub left_out: u64,
}

/// Plays to a broker until the end of the input, or until asked to stop; shows no progress.
///
/// # Errors
/// The input is damaged, or the broker refuses or does not acknowledge.
pub async fn publish_playback(
    playback: &Playback,
    target: &MqttTarget,
    clock: &Clock,
    shutdown: &Shutdown,
) -> anyhow::Result<Played> {
    let mut resume_file = ResumeFile::open(None, String::new())?;
    publish_with(playback, &mut resume_file, target, clock, shutdown, false).await
}

/// The same from a position on, with progress on standard error where it is wanted.
pub(super) async fn publish_with(
    playback: &Playback,
    resume_file: &mut ResumeFile,
    target: &MqttTarget,
    clock: &Clock,
    shutdown: &Shutdown,
    shows_progress: bool,
) -> anyhow::Result<Played> {
    let (client, events) = AsyncClient::new(options(target, "play", LONGEST_KEEP_ALIVE, clock), QUEUE);
    let (acknowledged, mut seen) = watch::channel(0);
    let feed = async {
        let fed = feed(playback, &client, resume_file, &seen, clock, shutdown, shows_progress).await?;
        let all = seen.wait_for(|count| *count >= fed.sent);
        let is_complete = tokio::select! {
            reached = all => reached.is_ok(),
            () = clock.sleep(DRAIN) => false,
        };
        let got = *seen.borrow();
        let (host, port) = (&target.host, target.port);
        anyhow::ensure!(is_complete, "the broker at {host}:{port} acknowledged {got} of {} messages", fed.sent);
        resume_file.save()?;
        client.disconnect().await.context("cannot end the connection")?;
        anyhow::Ok(fed)
    };
    tokio::select! {
        fed = feed => fed,
        refused = connect(events, target, &acknowledged, clock) => Err(refused),
    }
}

async fn feed(
    playback: &Playback,
    client: &AsyncClient,
    resume_file: &mut ResumeFile,
    acknowledged: &watch::Receiver<u64>,
    clock: &Clock,
    shutdown: &Shutdown,
    shows_progress: bool,
) -> anyhow::Result<Played> {
    let mut fed = Played::default();
    let mut open = Unacknowledged::default();
    let mut unsaved = 0;
    loop {
        let records = playback.open(clock)?;
        let mut progress = shows_progress.then(|| Progress::new(clock, playback.total(&records)));
        let mut pace = Pace::new(playback.speed, clock);
        let skipped = usize::try_from(resume_file.point.records)?;
        for record in records.skip(skipped) {
            let record = record?;
            let shift_ms = playback.shift_ms(resume_file, &record, clock)?;
            if !pace.wait_for(record.timestamp_ms, shutdown).await {
                return Ok(fed);
            }
            if let Some(progress) = &mut progress {
                progress.add(record.timestamp_ms);
            }
            match message(&shifted(record, shift_ms)) {
                Some((topic, payload)) => {
                    let sent = client.publish(topic, QoS::AtLeastOnce, false, payload);
                    let Some(outcome) = shutdown.or(sent).await else { return Ok(fed) };
                    outcome.context("the MQTT client has ended")?;
                    fed.sent += 1;
                    open.0.push_back(resume_file.point.records);
                }
                None => fed.left_out += 1,
            }
            resume_file.point.records += 1;
            unsaved += 1;
            if unsaved >= SAVE_EVERY {
                unsaved = 0;
                // Only acknowledged messages may be left out after a kill.
                let reached = resume_file.point.records;
                let unacknowledged = fed.sent.saturating_sub(*acknowledged.borrow());
                resume_file.point.records = open.settled(unacknowledged).unwrap_or(reached);
                resume_file.save()?;
                resume_file.point.records = reached;
            }
        }
        if let Some(progress) = progress {
            progress.finish();
        }
        if !playback.again {
            return Ok(fed);
        }
        (resume_file.point.records, resume_file.point.shift_ms) = (0, None);
    }
}

/// The numbers of the records whose messages were sent, oldest first, without those that are known to be acknowledged.
#[derive(Default)]
struct Unacknowledged(VecDeque<u64>);

impl Unacknowledged {
    /// How many records at the beginning need not be played again while so many messages are unacknowledged: all before
    /// the first of these, since a broker acknowledges in order. `None`: all are acknowledged.
    fn settled(&mut self, unacknowledged: u64) -> Option<u64> {
        let acknowledged = (self.0.len() as u64).saturating_sub(unacknowledged);
        self.0.drain(..acknowledged as usize);
        self.0.front().copied()
    }
}

/// Topic and payload as the receiver published them.
fn message(record: &Record) -> Option<(String, bytes::Bytes)> {
    let framed = record.value.as_ref().and_then(Framed::parse)?;
    let receiver = &framed.record.receiver_id?;
    match framed.record.input? {
        Input::MqttFrame(payload) => {
            let packet_type = payload.get(WRAPPER_BYTES).map(|header| u16::from(header & 0x3F));
            Some((Topic::Frame { receiver, packet_type }.under(DEFAULT_PREFIX), payload))
        }
        Input::ReceiverHardware(payload) => Some((Topic::Hardware { receiver }.under(DEFAULT_PREFIX), payload)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_repeats_the_first_unacknowledged_message_and_all_behind_it() {
        // Of the records 0 to 9 these are messages, the others are ticks.
        let mut open = Unacknowledged([1, 2, 5, 9].into());
        assert_eq!(open.settled(4), Some(1));
        assert_eq!(open.settled(2), Some(5));
        // The same again, then more.
        assert_eq!(open.settled(2), Some(5));
        open.0.push_back(12);
        assert_eq!(open.settled(2), Some(9));
        assert_eq!(open.settled(0), None);
        assert_eq!(open.settled(0), None);
    }
}
