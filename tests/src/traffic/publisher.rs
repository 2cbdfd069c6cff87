//! A simulated receiver with its own MQTT 3.1.1 client, written from the standard: it publishes numbered frames at a
//! steady rate, keeps each until the broker has acknowledged it, and sends unacknowledged ones again after a reconnect.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::traffic::frames;
use crate::{clock, wait_until};

/// The maximum number of unacknowledged frames; then the publisher waits for the broker.
pub const UNACKNOWLEDGED: usize = 2000;
const SEND_INTERVAL: Duration = Duration::from_millis(10);
const DUPLICATE: u8 = 0x08;

/// The frames published so far.
#[derive(Debug, Default)]
pub struct Published {
    /// When frame n was first sent.
    pub at: Vec<Instant>,
    /// Whether frame n was acknowledged.
    pub acknowledged: Vec<bool>,
    /// The number of other acknowledged messages.
    pub others_acknowledged: usize,
}

/// Publishes until it is dropped.
#[derive(Debug)]
pub struct Publisher {
    published: Arc<Mutex<Published>>,
    limit: Arc<AtomicUsize>,
    others: mpsc::Sender<Other>,
    running: JoinHandle<()>,
}

/// A message that is published between the frames on request.
#[derive(Debug)]
#[allow(missing_docs, reason = "terms of MQTT")]
pub struct Other {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
}

impl Publisher {
    /// Publishes at QoS 1, without end.
    pub fn start(address: String, name: &str, rate_hz: u32) -> Self {
        Self::start_with(address, name, rate_hz, 1, usize::MAX)
    }

    /// Pauses when `limit` frames are published, until [`Publisher::allow`] raises it.
    pub fn start_with(address: String, name: &str, rate_hz: u32, qos: u8, limit: usize) -> Self {
        let published = Arc::<Mutex<Published>>::default();
        let limit = Arc::new(AtomicUsize::new(limit));
        let (others, requests) = mpsc::channel(1000);
        let mut receiver = Receiver {
            address,
            name: name.to_owned(),
            per_interval: rate_hz / 100,
            qos,
            limit: limit.clone(),
            published: published.clone(),
            in_flight: VecDeque::new(),
            last_id: 0,
        };
        let running = tokio::spawn(async move { receiver.run(requests).await });
        Self { published, limit, others, running }
    }

    /// Reads the state of the published frames.
    pub fn with_published<T>(&self, read: impl FnOnce(&Published) -> T) -> T {
        read(&self.published.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of frames sent so far.
    pub fn count(&self) -> usize {
        self.with_published(|published| published.at.len())
    }

    /// Sets the number of frames after which publishing pauses.
    pub fn allow(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Publishes another message on the same connection.
    ///
    /// # Errors
    /// The publisher has ended.
    pub async fn also(&self, other: Other) -> Result<()> {
        self.others.send(other).await.context("the publisher has ended")
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.running.abort();
    }
}

struct Receiver {
    address: String,
    name: String,
    per_interval: u32,
    qos: u8,
    limit: Arc<AtomicUsize>,
    published: Arc<Mutex<Published>>,
    /// Sent and not acknowledged, in order: packet id, number (none for others), packet.
    in_flight: VecDeque<(u16, Option<usize>, Vec<u8>)>,
    last_id: u16,
}

impl Receiver {
    async fn run(&mut self, mut requests: mpsc::Receiver<Other>) {
        loop {
            let connected = wait_until(Duration::from_secs(60), "the broker", async || self.connect().await.ok()).await;
            let Ok(stream) = connected else { return };
            // For any error: the next connection continues where this one ended.
            let _ = self.run_connection(stream, &mut requests).await;
        }
    }

    async fn connect(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        // CONNECT, protocol level 4, persistent session, no keep-alive.
        let mut packet = vec![0x10, 12 + self.name.len() as u8];
        packet.extend(b"\x00\x04MQTT\x04\x00\x00\x00");
        put_text(&mut packet, self.name.as_bytes());
        stream.write_all(&packet).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        ensure!(answer[0] == 0x20 && answer[3] == 0, "refused: {answer:?}");
        Ok(stream)
    }

    async fn run_connection(&mut self, stream: TcpStream, requests: &mut mpsc::Receiver<Other>) -> Result<()> {
        let (mut from, mut to) = stream.into_split();
        for (_, _, packet) in &mut self.in_flight {
            packet[0] |= DUPLICATE;
            to.write_all(packet).await?;
        }
        let mut sends = interval(SEND_INTERVAL);
        sends.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut read, mut answers) = ([0; 4096], Vec::new());
        loop {
            tokio::select! {
                length = from.read(&mut read) => match length? {
                    0 => bail!("closed"),
                    length => {
                        answers.extend_from_slice(&read[..length]);
                        self.acknowledged(&mut answers)?;
                    }
                },
                Some(other) = requests.recv() => to.write_all(&self.other(&other)).await?,
                _ = sends.tick() => {
                    let batch = self.due_frames();
                    to.write_all(&batch).await?;
                }
            }
        }
    }

    fn acknowledged(&mut self, answers: &mut Vec<u8>) -> Result<()> {
        let complete = answers.len() / 4 * 4;
        for answer in answers[..complete].chunks_exact(4) {
            let &[0x40, 2, high, low] = answer else { bail!("not a PUBACK: {answer:?}") };
            let id = u16::from_be_bytes([high, low]);
            let index = self.in_flight.iter().position(|(sent, ..)| *sent == id).context("an unknown PUBACK")?;
            let Some((_, number, _)) = self.in_flight.remove(index) else { continue };
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            match number {
                Some(number) => published.acknowledged[number] = true,
                None => published.others_acknowledged += 1,
            }
        }
        answers.drain(..complete);
        Ok(())
    }

    /// The frames that are due now.
    fn due_frames(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        for _ in 0..self.per_interval {
            if self.in_flight.len() >= UNACKNOWLEDGED {
                break;
            }
            let number = {
                let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
                if published.at.len() >= self.limit.load(Ordering::Relaxed) {
                    break;
                }
                published.at.push(clock::now());
                published.acknowledged.push(false);
                published.at.len() - 1
            };
            let topic = frames::topic(number as u64);
            let payload = frames::payload(number as u64);
            batch.extend(match self.qos {
                0 => publish(topic.as_bytes(), &payload, None),
                _ => self.packet(topic.as_bytes(), &payload, Some(number)),
            });
        }
        batch
    }

    fn other(&mut self, other: &Other) -> Vec<u8> {
        match other.qos {
            0 => publish(&other.topic, &other.payload, None),
            _ => self.packet(&other.topic, &other.payload, None),
        }
    }

    fn packet(&mut self, topic: &[u8], payload: &[u8], number: Option<usize>) -> Vec<u8> {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let packet = publish(topic, payload, Some(self.last_id));
        self.in_flight.push_back((self.last_id, number, packet.clone()));
        packet
    }
}

fn publish(topic: &[u8], payload: &[u8], packet_id: Option<u16>) -> Vec<u8> {
    let mut length = 2 + topic.len() + packet_id.map_or(0, |_| 2) + payload.len();
    let mut packet = vec![if packet_id.is_some() { 0x32 } else { 0x30 }];
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            break;
        }
    }
    put_text(&mut packet, topic);
    if let Some(id) = packet_id {
        packet.extend(id.to_be_bytes());
    }
    packet.extend(payload);
    packet
}

fn put_text(packet: &mut Vec<u8>, text: &[u8]) {
    packet.extend((text.len() as u16).to_be_bytes());
    packet.extend(text);
}
