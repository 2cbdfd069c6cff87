//! Reads the raw topic directly from Kafka, and records every frame: when it was first seen, how often, and whether the
//! order of its device is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use prost::Message;
use schemas::v1::{RawRecord, raw_record::Input};
use streams::{Event, Incoming, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition, framing};
use tokio::task::JoinHandle;

use crate::clock;
use crate::traffic::frames;

/// The frames read so far.
#[derive(Debug, Default)]
pub struct Entries {
    /// When frame n was first seen.
    pub first_seen: Vec<Option<Instant>>,
    /// Repeated frames.
    pub duplicates: usize,
    /// Errors of order or content.
    pub wrong: Vec<String>,
    /// Records without a number: other frames, hardware information.
    pub others: usize,
    /// Ticks.
    pub ticks: usize,
    /// Whether the first frame of a device may have any number.
    from_the_middle: bool,
    /// The number of each device's last frame, counted per device.
    last: HashMap<u16, u64>,
}

/// Reads until it is dropped.
#[derive(Debug)]
pub struct Ledger {
    entries: Arc<Mutex<Entries>>,
    reading: JoinHandle<()>,
}

impl Ledger {
    /// Reads from the topic's beginning, where the first frame of each device must be.
    ///
    /// # Errors
    /// Kafka refuses the reader.
    pub async fn open(bootstrap: &str, topic: &str, partitions: u32) -> Result<Self> {
        Self::open_at(bootstrap, topic, partitions, SeekTo::Beginning, Entries::default()).await
    }

    /// Reads from `from`. The first frame of a device may have any sequence number.
    ///
    /// # Errors
    /// Kafka refuses the reader.
    pub async fn open_from(bootstrap: &str, topic: &str, partitions: u32, from: SeekTo) -> Result<Self> {
        Self::open_at(bootstrap, topic, partitions, from, Entries { from_the_middle: true, ..Entries::default() }).await
    }

    async fn open_at(bootstrap: &str, topic: &str, partitions: u32, from: SeekTo, entries: Entries) -> Result<Self> {
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "ledger"))?;
        let all = (0..partitions).map(|partition| (TopicPartition::new(topic, partition), from));
        let mut source = log.read(all.collect()).await.context("read the raw topic")?;
        let entries = Arc::new(Mutex::new(entries));
        let reading = tokio::spawn({
            let entries = entries.clone();
            async move {
                loop {
                    // Kafka is sometimes unavailable; the source continues when it is back.
                    if let Ok(Event::Records(records)) = source.next().await {
                        let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                        records.iter().for_each(|record| entries.enter(record));
                    }
                }
            }
        });
        Ok(Self { entries, reading })
    }

    /// Reads the entries.
    pub fn with_entries<T>(&self, read: impl FnOnce(&Entries) -> T) -> T {
        read(&self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Entries {
    fn enter(&mut self, record: &Incoming) {
        match input(record) {
            Ok(Input::Tick(_)) => self.ticks += 1,
            Ok(Input::MqttFrame(frame)) if frame.len() > 12 => self.frame(record.key.as_deref(), &frame),
            Ok(_) => self.others += 1,
            Err(error) => self.wrong.push(format!("{error:#}")),
        }
    }

    fn frame(&mut self, key: Option<&[u8]>, frame: &[u8]) {
        let number = match frames::number(key, frame) {
            Ok(number) => number,
            Err(error) => return self.wrong.push(format!("{error:#}")),
        };
        let index = usize::try_from(number).expect("64 bit");
        if index >= self.first_seen.len() {
            self.first_seen.resize(index + 1, None);
        }
        match self.first_seen[index] {
            Some(_) => self.duplicates += 1,
            None => self.first_seen[index] = Some(clock::now()),
        }
        // A lower number is a repetition; a number higher by more than one is out of order, also in a repetition.
        let (device, nth) = (frames::device(number), number / frames::DEVICES);
        let first = if self.from_the_middle { nth } else { 0 };
        let due = self.last.get(&device).map_or(first, |last| last + 1);
        if nth > due {
            self.wrong.push(format!("device {device}: frame {nth} found, expected at most {due}"));
        }
        self.last.insert(device, nth);
    }
}

fn input(record: &Incoming) -> Result<Input> {
    let value = record.value.as_ref().context("a tombstone in the raw topic")?;
    let message = RawRecord::decode(framing::decode(value)?.payload)?;
    message.input.context("a raw record without input")
}
