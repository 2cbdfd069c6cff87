//! Reads the raw topic, straight from Kafka, and keeps book of every frame: when it was first seen, how
//! often, and whether the order of its device holds.

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

/// What came out so far.
#[derive(Debug, Default)]
pub struct Book {
    /// When frame n was first seen.
    pub first_seen: Vec<Option<Instant>>,
    /// Frames that were seen before.
    pub duplicates: usize,
    /// What is wrong with the order or the content, in words.
    pub wrong: Vec<String>,
    /// Records without a number: frames of others, hardware information.
    pub others: usize,
    /// Records that say that time passes.
    pub ticks: usize,
    /// Whether a device may begin with any number.
    amid: bool,
    /// The number of each device's last frame, counted on the device.
    last: HashMap<u16, u64>,
}

/// Reads until it is dropped.
#[derive(Debug)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
    reading: JoinHandle<()>,
}

impl Ledger {
    /// From the topic's beginning, where the first frame of each device must be.
    ///
    /// # Errors
    /// Kafka refuses the reader.
    pub async fn open(bootstrap: &str, topic: &str, partitions: u32) -> Result<Self> {
        Self::open_at(bootstrap, topic, partitions, SeekTo::Beginning, Book::default()).await
    }

    /// In the middle of the numbers.
    ///
    /// # Errors
    /// Kafka refuses the reader.
    pub async fn open_amid(bootstrap: &str, topic: &str, partitions: u32, from: SeekTo) -> Result<Self> {
        Self::open_at(bootstrap, topic, partitions, from, Book { amid: true, ..Book::default() }).await
    }

    async fn open_at(bootstrap: &str, topic: &str, partitions: u32, from: SeekTo, book: Book) -> Result<Self> {
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "ledger"))?;
        let all = (0..partitions).map(|partition| (TopicPartition::new(topic, partition), from));
        let mut source = log.read(all.collect()).await.context("read the raw topic")?;
        let book = Arc::new(Mutex::new(book));
        let reading = tokio::spawn({
            let book = book.clone();
            async move {
                loop {
                    // Kafka is away now and then; the source goes on when it is back.
                    if let Ok(Event::Records(records)) = source.next().await {
                        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                        records.iter().for_each(|record| book.enter(record));
                    }
                }
            }
        });
        Ok(Self { book, reading })
    }

    /// Looks into the book.
    pub fn look<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Book {
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
        // Going back is repeating; going forward by more than one is overtaking, also while it repeats.
        let (device, nth) = (frames::device(number), number / frames::DEVICES);
        let first = if self.amid { nth } else { 0 };
        let due = self.last.get(&device).map_or(first, |last| last + 1);
        if nth > due {
            self.wrong.push(format!("device {device}: frame {nth} came where at most {due} was due"));
        }
        self.last.insert(device, nth);
    }
}

fn input(record: &Incoming) -> Result<Input> {
    let value = record.value.as_ref().context("a tombstone in the raw topic")?;
    let message = RawRecord::decode(framing::decode(value)?.payload)?;
    message.input.context("a raw record without input")
}
