//! The records that the bridge writes for MQTT messages.

use anyhow::{Context, Result};
use harness::{OtlpReceiver, Program, wait_until};
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::fixture::{Fixture, TIMEOUT, wait_for_count, wait_until_not_ready};

/// A captured tracking frame from 110B90, received at -120 dBm.
const FRAME: &[u8] = b"\x89\x86\x44\x68\x88\xff\xfe\xff\x01\x11\x90\x0b\x4c\xaf\x41\x1b\xc2\x09\xa6\x90\x03\x00\x00";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_forwarded_verbatim_with_keys() -> Result<()> {
    let fixture = Fixture::new("records", "").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = fixture.bridge().await?.env("UPDRAFT_BRIDGE_TOPICS", "fb/b,club/north");
    let otlp = OtlpReceiver::start().await?;
    let bridge = bridge.env("UPDRAFT_TRACE_RATIO", "1").env("UPDRAFT_OTLP_ENDPOINT", otlp.endpoint());
    let bridge = Program::start(bridge).await?;
    let hardware = br#"{"uptime": 7, "firmware": "2.1"}"#;
    fixture.publish("fb/b/8896672/f/1", FRAME).await?;
    fixture.publish("club/north/77/f", &FRAME[..11]).await?;
    fixture.publish("fb/b/8896672/hw", hardware).await?;
    fixture.publish("fb/other/8896672/f/1", FRAME).await?;
    fixture.publish("fb/b/8896672/hw", b"last").await?;

    let raw = fixture.raw(4).await?;
    assert_eq!(raw.len(), 4, "messages under other prefixes are not received");
    let record_of =
        |input: &Input| raw.iter().find(|raw| raw.message.input.as_ref() == Some(input)).context("forwarded");
    let frame = record_of(&Input::MqttFrame(FRAME.into()))?;
    assert_eq!(
        (frame.record.key.as_deref(), frame.message.receiver_id.as_deref()),
        (Some(&b"110B90"[..]), Some("8896672"))
    );
    assert_eq!(frame.record.timestamp_ms as u64, frame.message.ingested_at_us / 1000);
    let traceparent = frame.record.headers.first("traceparent").context("sampled")?;
    let traceparent = String::from_utf8(traceparent.to_vec())?;
    let is_exported = async || {
        let spans = otlp.spans().ok()?;
        let span = spans.iter().find(|span| span.span.name == "log" && traceparent.contains(&span.span_id()))?;
        (traceparent == format!("00-{}-{}-01", span.trace_id(), span.span_id())).then_some(())
    };
    wait_until(TIMEOUT, "the span that the record names", is_exported).await.context(traceparent.clone())?;
    let short = record_of(&Input::MqttFrame(FRAME[..11].into()))?;
    assert_eq!((short.record.key.as_deref(), short.message.receiver_id.as_deref()), (Some(&b"77"[..]), Some("77")));
    let hardware_record = record_of(&Input::ReceiverHardware(hardware.as_slice().into()))?;
    assert_eq!(hardware_record.record.key.as_deref(), Some(&b"8896672"[..]));
    assert_eq!(bridge.metric("fanet_mqtt_messages_received_total", &[]).await?, 4.0);
    wait_for_count(&bridge, "fanet_bridge_acknowledge_seconds_count", 4.0).await
}

/// Invalid messages wait for the dead-letter topic; meanwhile valid ones are forwarded, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_dead_letter_topic_blocks_no_frame() -> Result<()> {
    let fixture = Fixture::new("dead_letters", "").await?;
    fixture.create(&[topic::RAW]).await?;
    // By default librdkafka waits 30 s for an unknown topic.
    let bridge = fixture.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "topic.metadata.propagation.max.ms=500");
    let bridge = Program::start(bridge).await?;
    fixture.publish("fb/b/1/f/1", b"short").await?;
    for _ in 0..10 {
        fixture.publish("fb/b/8896672/f/1", FRAME).await?;
    }
    assert_eq!(fixture.raw(10).await?.len(), 10);
    wait_until_not_ready(&bridge, "dead letters cannot be written").await?;
    assert_eq!(bridge.metric("fanet_bridge_in_flight", &[]).await?, 11.0, "acknowledged in order: none yet");

    fixture.create(&[topic::DEAD_LETTER]).await?;
    let written =
        async || fixture.records(topic::DEAD_LETTER).await.ok().filter(|dead_letters| dead_letters.len() == 1);
    let dead_letter = wait_until(TIMEOUT, "the dead letter", written).await?.remove(0);
    assert_eq!(dead_letter.value.as_deref(), Some(&b"short"[..]));
    assert_eq!(dead_letter.headers.first("reason").map(|reason| &reason[..]), Some(&b"mqtt_too_short"[..]));
    assert_eq!(dead_letter.headers.first("source-topic").map(|topic| &topic[..]), Some(&b"fb/b/1/f/1"[..]));
    bridge.until_ready().await?;
    let empty = async || (bridge.metric("fanet_bridge_in_flight", &[]).await.ok()? == 0.0).then_some(());
    wait_until(TIMEOUT, "all to be acknowledged", empty).await?;
    assert_eq!(fixture.raw(10).await?.len(), 10, "no duplicates");
    assert_eq!(bridge.metric("fanet_bridge_dead_lettered_total", &["reason=\"mqtt_too_short\""]).await?, 1.0);
    Ok(())
}
