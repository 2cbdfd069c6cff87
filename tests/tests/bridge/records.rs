//! What a message becomes, seen by a reader of the topics.

use anyhow::{Context, Result};
use harness::{OtlpReceiver, Program, wait_until};
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::desk::{Desk, SOON, complains};

/// Captured: tracking from 110B90, heard at -120 dBm.
const FRAME: &[u8] = b"\x89\x86\x44\x68\x88\xff\xfe\xff\x01\x11\x90\x0b\x4c\xaf\x41\x1b\xc2\x09\xa6\x90\x03\x00\x00";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_and_hardware_information_are_forwarded_verbatim_under_their_keys() -> Result<()> {
    let desk = Desk::new("records", "").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = desk.bridge().await?.env("UPDRAFT_BRIDGE_TOPICS", "fb/b,club/north");
    let otlp = OtlpReceiver::start().await?;
    let bridge = bridge.env("UPDRAFT_TRACE_RATIO", "1").env("UPDRAFT_OTLP_ENDPOINT", otlp.endpoint());
    let bridge = Program::start(bridge).await?;
    let hardware = br#"{"uptime": 7, "firmware": "2.1"}"#;
    desk.publish("fb/b/8896672/f/1", FRAME).await?;
    desk.publish("club/north/77/f", &FRAME[..11]).await?;
    desk.publish("fb/b/8896672/hw", hardware).await?;
    desk.publish("fb/other/8896672/f/1", FRAME).await?;
    desk.publish("fb/b/8896672/hw", b"last").await?;

    let raw = desk.raw(4).await?;
    assert_eq!(raw.len(), 4, "what is under no prefix of ours is not heard");
    let of = |input: &Input| raw.iter().find(|raw| raw.message.input.as_ref() == Some(input)).context("forwarded");
    let frame = of(&Input::MqttFrame(FRAME.into()))?;
    assert_eq!(
        (frame.record.key.as_deref(), frame.message.receiver_id.as_deref()),
        (Some(&b"110B90"[..]), Some("8896672"))
    );
    assert_eq!(frame.record.timestamp_ms as u64, frame.message.ingested_at_us / 1000);
    let traceparent = frame.record.headers.first("traceparent").context("sampled")?;
    let traceparent = String::from_utf8(traceparent.to_vec())?;
    let named = async || {
        let spans = otlp.spans().ok()?;
        let span = spans.iter().find(|span| span.span.name == "log" && traceparent.contains(&span.span_id()))?;
        (traceparent == format!("00-{}-{}-01", span.trace_id(), span.span_id())).then_some(())
    };
    wait_until(SOON, "the span that the record names", named).await.context(traceparent.clone())?;
    let short = of(&Input::MqttFrame(FRAME[..11].into()))?;
    assert_eq!((short.record.key.as_deref(), short.message.receiver_id.as_deref()), (Some(&b"77"[..]), Some("77")));
    let told = of(&Input::ReceiverHardware(hardware.as_slice().into()))?;
    assert_eq!(told.record.key.as_deref(), Some(&b"8896672"[..]));
    assert_eq!(bridge.metric("fanet_mqtt_messages_received_total", &[]).await?, 4.0);
    assert!(bridge.metric("fanet_bridge_acknowledge_seconds_count", &[]).await? >= 4.0);
    Ok(())
}

/// Poison waits for its topic; what is good goes on meanwhile, and goes once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_topic_for_dead_letters_the_good_frames_go_on_and_the_poison_waits() -> Result<()> {
    let desk = Desk::new("letters", "").await?;
    desk.create(&[topic::RAW]).await?;
    // By default librdkafka hopes for half a minute that a topic that is not there comes.
    let bridge = desk.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "topic.metadata.propagation.max.ms=500");
    let bridge = Program::start(bridge).await?;
    desk.publish("fb/b/1/f/1", b"short").await?;
    for _ in 0..10 {
        desk.publish("fb/b/8896672/f/1", FRAME).await?;
    }
    assert_eq!(desk.raw(10).await?.len(), 10);
    complains(&bridge, "dead letters cannot be written").await?;
    assert_eq!(bridge.metric("fanet_bridge_in_flight", &[]).await?, 11.0, "acknowledged in order, so none yet");

    desk.create(&[topic::DEAD_LETTER]).await?;
    let written = async || desk.records(topic::DEAD_LETTER).await.ok().filter(|letters| letters.len() == 1);
    let letter = wait_until(SOON, "the dead letter", written).await?.remove(0);
    assert_eq!(letter.value.as_deref(), Some(&b"short"[..]));
    assert_eq!(letter.headers.first("reason").map(|reason| &reason[..]), Some(&b"mqtt_too_short"[..]));
    assert_eq!(letter.headers.first("source-topic").map(|topic| &topic[..]), Some(&b"fb/b/1/f/1"[..]));
    bridge.until_ready().await?;
    let empty = async || (bridge.metric("fanet_bridge_in_flight", &[]).await.ok()? == 0.0).then_some(());
    wait_until(SOON, "all to be acknowledged", empty).await?;
    assert_eq!(desk.raw(10).await?.len(), 10, "no frame went twice");
    assert_eq!(bridge.metric("fanet_bridge_dead_lettered_total", &["reason=\"mqtt_too_short\""]).await?, 1.0);
    Ok(())
}
