//! Writes frames, each received by two receivers, and ticks directly to the raw topic, and records what was written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position, Wrapped};
use schemas::DeviceAddress;
use schemas::v1::command::{Action, Hide};
use schemas::v1::raw_record::Input;
use schemas::v1::{Command, RawRecord, Tick};
use streams::registry::TopicCodec;
use streams::{Acknowledge, Delivered, DeliveryError, Flush, Headers, Log, Outgoing, Receipt, Sink, SinkSettings};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PARTITIONS: u32 = 24;
const DEVICES: u16 = 240;
/// The time between two frames of a device.
const ROUND: Duration = Duration::from_secs(1);
const HIDDEN: u16 = 12;

/// What Kafka acknowledged.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sent {
    /// The partitions and offsets of the copies of the first receiver: one of each frame.
    pub(crate) first_copies: BTreeSet<(u32, u64)>,
    /// The number of copies.
    pub(crate) copies: usize,
}

/// The outcomes of the deliveries.
#[derive(Debug, Default)]
struct Deliveries {
    sent: Mutex<Sent>,
    failed: Mutex<Option<DeliveryError>>,
}

const FIRST: u64 = 1;
const SECOND: u64 = 2;

impl Acknowledge for Deliveries {
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>) {
        match outcome {
            Ok(Delivered { partition, offset }) if tag > 0 => {
                let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.copies += 1;
                if tag == FIRST {
                    sent.first_copies.insert((partition, offset));
                }
            }
            Ok(_) => {}
            Err(error) => *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        }
    }
}

pub(crate) struct Traffic {
    deliveries: Arc<Deliveries>,
    sink: Arc<dyn Sink>,
    codec: TopicCodec,
    topic: Arc<str>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Result<()>>>,
}

impl Traffic {
    pub(crate) fn start(log: &dyn Log, codec: TopicCodec, topic: Arc<str>) -> Result<Self> {
        let (deliveries, sink) = (Arc::new(Deliveries::default()), log.sink(SinkSettings::new("traffic"))?);
        let (stop, stopped) = watch::channel(false);
        let sender =
            Sender { deliveries: deliveries.clone(), sink: sink.clone(), codec: codec.clone(), topic: topic.clone() };
        let task = Some(tokio::spawn(sender.run(stopped)));
        Ok(Self { deliveries, sink, codec, topic, stop, task })
    }

    /// The newest offset in each partition so far.
    pub(crate) fn newest_offsets(&self) -> BTreeMap<u32, u64> {
        let sent = self.deliveries.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.first_copies.iter().copied().collect()
    }

    /// Commands to hide some devices: their public states end.
    pub(crate) async fn hide_devices(&self) -> Result<()> {
        let flush = Flush::new();
        for number in 0..HIDDEN {
            let device = device(number);
            let command = Command {
                command_id: format!("hide-{number}"),
                device,
                issued_by: "test".into(),
                issued_at_us: now_us(),
                action: Some(Action::Hide(Hide {})),
            };
            let key = DeviceAddress(device).to_string();
            let record = record(&self.codec, &self.topic, None, Some(key), None, Input::Command(command));
            self.sink.send(record, flush.receipt()).await?;
        }
        Ok(flush.wait().await?)
    }

    /// Ends the traffic; returns the written frames.
    pub(crate) async fn stop(&mut self) -> Result<Sent> {
        self.stop.send_replace(true);
        self.task.take().context("stopped once")?.await??;
        self.sink.flush(Duration::from_secs(60)).await?;
        if let Some(error) = self.deliveries.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error.into());
        }
        Ok(self.deliveries.sent.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn device(number: u16) -> u32 {
    0xFC_0000 | u32::from(number + 1)
}

struct Sender {
    deliveries: Arc<Deliveries>,
    sink: Arc<dyn Sink>,
    codec: TopicCodec,
    topic: Arc<str>,
}

impl Sender {
    async fn run(self, mut stopped: watch::Receiver<bool>) -> Result<()> {
        let mut slots = tokio::time::interval(ROUND / u32::from(DEVICES));
        slots.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        for slot in 0_u64.. {
            tokio::select! {
                _ = slots.tick() => {}
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            }
            let (number, round) = ((slot % u64::from(DEVICES)) as u16, slot / u64::from(DEVICES));
            if number == 0 && round.is_multiple_of(5) {
                self.tick().await?;
            }
            self.frame(number, round).await?;
        }
        Ok(())
    }

    async fn tick(&self) -> Result<()> {
        for partition in 0..PARTITIONS {
            let tick = Input::Tick(Tick { bridge_id: "test".into(), interval_s: 5 });
            self.send(record(&self.codec, &self.topic, Some(partition), None, None, tick), 0).await?;
        }
        Ok(())
    }

    async fn frame(&self, number: u16, round: u64) -> Result<()> {
        let payload = payload(number, round)?;
        for (receiver, tag) in [("1001", FIRST), ("1002", SECOND)] {
            let (input, key) = (Input::MqttFrame(payload.clone().into()), DeviceAddress(device(number)).to_string());
            self.send(record(&self.codec, &self.topic, None, Some(key), Some(receiver.into()), input), tag).await?;
        }
        Ok(())
    }

    async fn send(&self, record: Outgoing, tag: u64) -> Result<()> {
        Ok(self.sink.send(record, Receipt::new(self.deliveries.clone(), tag)).await?)
    }
}

fn record(
    codec: &TopicCodec,
    topic: &Arc<str>,
    partition: Option<u32>,
    key: Option<String>,
    receiver_id: Option<String>,
    input: Input,
) -> Outgoing {
    let ingested_at_us = now_us();
    let record = RawRecord { ingested_at_us, receiver_id, origin_id: None, input: Some(input) };
    Outgoing {
        topic: topic.clone(),
        partition,
        key: key.map(Into::into),
        value: Some(codec.encode(&record)),
        headers: Headers::new(),
        timestamp_ms: (ingested_at_us / 1_000).cast_signed(),
    }
}

/// The MQTT payload of a receiver with a correct clock.
pub(crate) fn payload(number: u16, round: u64) -> Result<Vec<u8>> {
    let timestamp_s = u32::try_from(now_us() / 1_000_000).context("before 2106")?;
    let frame = frame(number, round)?;
    Ok(Wrapped { timestamp_s, rssi_dbm: -80, snr_db: 7, frame: &frame }.encode())
}

/// A frame of a flight to the east at 10 m/s: all frames of a device differ.
fn frame(number: u16, round: u64) -> Result<Vec<u8>> {
    let packet = Packet::Tracking(Tracking {
        position: Position::new(45.0 + f64::from(number) * 0.01, 7.0 + (round % 100_000) as f64 * 1.27e-4),
        online_tracking: true,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_200,
        speed_kmh: 36.0,
        climb_mps: 0.5,
        heading_deg: 90.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    });
    let source = Address::new(0xFC, number + 1);
    Ok(Frame::new(Header::broadcast(source), packet).encode()?.to_vec())
}

#[allow(clippy::disallowed_methods, reason = "traffic runs in real time")]
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_micros()).expect("fits 64 bits")
}
