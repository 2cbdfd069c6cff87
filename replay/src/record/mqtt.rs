//! Live messages of receivers.

use std::time::Duration;

use bytes::Bytes;
use capture::{FileHeader, Framed, Record};
use envelope::DEFAULT_PREFIX;
use offline::message_record;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::SubscribeReasonCode;
use rumqttc::v5::{AsyncClient, Event, Incoming, MqttOptions};
use runtime::{Backoff, Clock};

use super::args::CaptureArgs;
use super::file::begin;
use crate::progress::Progress;
use crate::publish::{MqttTarget, refusal};
use crate::stop::until_stopped;

/// The maximum loss of a killed capture.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
const QUEUE: usize = 1024;
/// The largest packet taken from a broker, bytes.
const LARGEST_PACKET: u32 = 1 << 20;

#[allow(clippy::print_stderr, reason = "this is what the command says to its user")]
pub(super) fn capture(args: &CaptureArgs, target: &MqttTarget, clock: &Clock) -> anyhow::Result<u64> {
    let topics = format!("{DEFAULT_PREFIX}/#");
    let header =
        FileHeader { source: format!("MQTT, {}:{}, {topics}", target.host, target.port), ..FileHeader::default() };
    let selection = args.select.resolve(i64::try_from(clock.now_us() / 1000)?, None)?;
    let mut writer = begin(args, header)?;
    let mut progress = Progress::new(clock, None);
    let mut next_offset = 0;
    let mut left_out = 0_u64;
    until_stopped(async |shutdown| {
        let mut options = MqttOptions::new(format!("updraft-capture-{:x}", clock.now_us()), &target.host, target.port);
        options.set_keep_alive(Duration::from_secs(20));
        options.set_max_packet_size(Some(LARGEST_PACKET));
        if let Some((user, password)) = &target.credentials {
            options.set_credentials(user, password.reveal());
        }
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        let mut backoff = Backoff::for_services();
        let mut flushed = clock.monotonic();
        loop {
            let event = tokio::select! {
                event = shutdown.or(events.poll()) => event,
                () = clock.sleep(FLUSH_EVERY) => {
                    writer.flush()?;
                    continue;
                }
            };
            match event {
                None => break,
                Some(Ok(Event::Incoming(Incoming::ConnAck(_)))) => {
                    backoff.reset();
                    client.subscribe(topics.as_str(), QoS::AtLeastOnce).await?;
                    eprintln!("capturing {topics} of {}:{}; Ctrl-C ends it", target.host, target.port);
                }
                Some(Ok(Event::Incoming(Incoming::Publish(publish)))) if !publish.retain => {
                    let topic = String::from_utf8_lossy(&publish.topic);
                    let Ok((key, record)) = message_record(clock.now_us(), &topic, publish.payload.to_vec()) else {
                        left_out += 1;
                        continue;
                    };
                    let timestamp_ms = i64::try_from(record.ingested_at_us / 1000)?;
                    let value = Some(Framed { framing: Bytes::new(), record }.to_value());
                    let (offset, key) = (next_offset, Some(Bytes::from(key)));
                    next_offset += 1;
                    let record = Record { partition: 0, offset, timestamp_ms, key, value, headers: Vec::new() };
                    writer.take(&mut progress, &selection, record)?;
                }
                Some(Ok(Event::Incoming(Incoming::SubAck(ack)))) => {
                    let refused = |code: &&SubscribeReasonCode| !matches!(code, SubscribeReasonCode::Success(_));
                    if let Some(code) = ack.return_codes.iter().find(refused) {
                        let (host, port) = (&target.host, target.port);
                        anyhow::bail!(
                            "the broker at {host}:{port} refuses the subscription to {topics} ({code:?}): check its rights"
                        );
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    if let Some(refusal) = refusal(&error, target) {
                        return Err(refusal);
                    }
                    eprintln!("cannot reach the broker at {}:{}, trying on: {error}", target.host, target.port);
                    if shutdown.or(clock.sleep(backoff.next_delay())).await.is_none() {
                        break;
                    }
                }
            }
            if clock.monotonic().saturating_sub(flushed) >= FLUSH_EVERY {
                flushed = clock.monotonic();
                writer.flush()?;
            }
        }
        Ok(())
    })?;
    writer.finish()?;
    if left_out > 0 {
        eprintln!("{left_out} messages to topics that are not a receiver's were skipped");
    }
    Ok(progress.finish())
}
