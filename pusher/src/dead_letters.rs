//! The newest dead letters, for operators: read on demand from their topic, with their bytes explained.

use std::collections::BTreeMap;
use std::time::Duration;

use explain::Explainer;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use schemas::v1::{DeadLetterView, RawRecord, raw_record};
use streams::dead_letter::header;
use streams::registry::{Schemas, TopicCodec};
use streams::{Cluster, Incoming, StreamError};

use crate::tail::{self, Tail};

/// Maximum time of one search.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of an input that are shown.
const MAX_VALUE_BYTES: usize = 4 << 10;

/// Reads the topic of dead letters.
pub(crate) struct DeadLetters {
    cluster: Cluster,
    /// One search at a time: each reads from the cluster.
    reading: tokio::sync::Semaphore,
    clock: Clock,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("another search of the dead letters is in progress: try again when it has ended")]
    Busy,
    #[error("the log did not answer within {} s", DEADLINE.as_secs())]
    Timeout,
    #[error("the log is not available")]
    Stream(#[from] StreamError),
}

/// Dead letters, the newest first.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) letters: Vec<DeadLetterView>,
    /// There are older ones.
    pub(crate) is_cut: bool,
}

impl DeadLetters {
    /// Not connected yet.
    pub(crate) fn new(cluster: Cluster, clock: Clock) -> Self {
        Self { cluster, reading: tokio::sync::Semaphore::new(1), clock }
    }

    /// The newest ones. Of each partition it reads as many as there may be of one alone, at most `limit`.
    ///
    /// # Errors
    /// As [`ReadError`].
    pub(crate) async fn newest(&self, limit: usize) -> Result<Found, ReadError> {
        let _permit = self.reading.try_acquire().map_err(|_| ReadError::Busy)?;
        tokio::select! {
            found = self.read(limit) => Ok(found?),
            () = self.clock.sleep(DEADLINE) => Err(ReadError::Timeout),
        }
    }

    async fn read(&self, limit: usize) -> Result<Found, StreamError> {
        let partitions = tail::partitions(&self.cluster, topic::DEAD_LETTER).await?;
        let most = (limit * partitions.len()) as u64;
        let tail = Tail::find(&self.cluster, &partitions, BTreeMap::new(), most).await?;
        let entry = catalogue::find(topic::RAW).expect("in the catalogue");
        // The schema of this build reads the records of all builds, and needs no registry.
        let reader = LetterReader { raw: Schemas::local().prepare("", &entry).await? };
        let mut newest = BTreeMap::new();
        let mut is_cut = tail.is_cut;
        tail.read(&self.cluster, |record| {
            let letter = reader.letter(record);
            newest.insert((letter.failed_at_us, letter.partition, letter.offset), letter);
            if newest.len() > limit {
                is_cut = true;
                newest.pop_first();
            }
        })
        .await?;
        let letters = newest.into_values().rev().map(|letter| reader.explained(letter)).collect();
        Ok(Found { letters, is_cut })
    }
}

/// Reads dead letters.
struct LetterReader {
    raw: TopicCodec,
}

impl LetterReader {
    /// A dead letter, with at most [`MAX_VALUE_BYTES`] of its input: the memory of the record is released.
    fn letter(&self, record: &Incoming) -> DeadLetterView {
        let text = |name| record.headers.first(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let value = record.value.as_deref().unwrap_or_default();
        let written_us = u64::try_from(record.timestamp_ms).unwrap_or_default() * 1_000;
        DeadLetterView {
            partition: record.partition,
            offset: record.offset,
            failed_at_us: text(header::FAILED_AT_US).and_then(|text| text.parse().ok()).unwrap_or(written_us),
            reason: text(header::REASON).unwrap_or_default(),
            service: text(header::SERVICE).unwrap_or_default(),
            service_version: text(header::SERVICE_VERSION).unwrap_or_default(),
            source_topic: text(header::SOURCE_TOPIC).unwrap_or_default(),
            source_partition: text(header::SOURCE_PARTITION).and_then(|text| text.parse().ok()),
            source_offset: text(header::SOURCE_OFFSET).and_then(|text| text.parse().ok()),
            receiver_id: None,
            value: value[..value.len().min(MAX_VALUE_BYTES)].to_vec().into(),
            size: u32::try_from(value.len()).unwrap_or(u32::MAX),
            explanation: None,
        }
    }

    /// With its receiver and the meaning of its bytes, as far as they are known. The input is of anybody: what it claims to
    /// be is tried, and no more.
    fn explained(&self, letter: DeadLetterView) -> DeadLetterView {
        let explainer = Explainer::new(false);
        if letter.source_topic.ends_with(topic::RAW) {
            let Ok(record) = self.raw.decode::<RawRecord>(&letter.value) else { return letter };
            let explanation = match &record.input {
                Some(raw_record::Input::MqttFrame(payload)) => Some(explainer.payload(payload)),
                _ => None,
            };
            return DeadLetterView { receiver_id: record.receiver_id, explanation, ..letter };
        }
        let Some(receiver) = explain::receiver_of_frames(&letter.source_topic) else { return letter };
        let (receiver_id, explanation) = (Some(receiver.to_owned()), Some(explainer.payload(&letter.value)));
        DeadLetterView { receiver_id, explanation, ..letter }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use streams::dead_letter::{DeadLetter, DeadLetterSource};

    use super::*;

    /// A tracking frame of 110B90 in the wrapper of a receiver, without its last byte.
    const CUT: [u8; 22] = [
        0x89, 0x86, 0x44, 0x68, 0x88, 0xff, 0xfe, 0xff, 0x01, 0x11, 0x90, 0x0b, 0x4c, 0xaf, 0x41, 0x1b, 0xc2, 0x09,
        0xa6, 0x90, 0x03, 0x00,
    ];

    async fn reader() -> LetterReader {
        let entry = catalogue::find(topic::RAW).expect("in the catalogue");
        LetterReader { raw: Schemas::local().prepare("", &entry).await.expect("a schema") }
    }

    async fn view(source: DeadLetterSource, value: Bytes) -> DeadLetterView {
        let letter = DeadLetter {
            source,
            reason: "truncated",
            service: "processor",
            service_version: "1.2.3",
            key: None,
            value: Some(value),
            timestamp_ms: 7,
            failed_at_us: 55,
        };
        let record = letter.into_record(topic::DEAD_LETTER.into());
        let incoming = Incoming {
            topic: record.topic,
            partition: 3,
            offset: 77,
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        let reader = reader().await;
        reader.explained(reader.letter(&incoming))
    }

    #[tokio::test]
    async fn a_raw_record_is_explained_by_its_frame() {
        let raw = RawRecord {
            receiver_id: Some("ogn-be-1".into()),
            input: Some(raw_record::Input::MqttFrame(Bytes::from_static(&CUT))),
            ..RawRecord::default()
        };
        let value = reader().await.raw.encode(&raw);
        let source = DeadLetterSource::Log { topic: "x.fanet.raw.v1".into(), partition: 7, offset: 1_234 };
        let view = view(source, value.clone()).await;
        assert_eq!((view.partition, view.offset, view.failed_at_us), (3, 77, 55));
        assert_eq!((view.source_partition, view.source_offset), (Some(7), Some(1_234)));
        assert_eq!((view.reason.as_str(), view.service.as_str()), ("truncated", "processor"));
        assert_eq!((view.receiver_id.as_deref(), view.size as usize), (Some("ogn-be-1"), value.len()));
        let text = view.explanation.expect("a frame");
        assert!(text.contains("source_address       110B90, FANET+") && text.contains("truncated"), "{text}");
    }

    #[tokio::test]
    async fn mqtt_messages_on_frame_topics_are_explained() {
        let mqtt = |topic: &str| DeadLetterSource::Mqtt { topic: topic.into() };
        let frame = view(mqtt("fb/b/ogn-be-1/f/1"), Bytes::from_static(&CUT)).await;
        assert_eq!(frame.receiver_id.as_deref(), Some("ogn-be-1"));
        assert!(frame.explanation.is_some_and(|text| text.contains("timestamp_s")));
        for (topic, value) in
            [("elsewhere", Bytes::from_static(&CUT)), ("fanet.raw.v1", Bytes::from_static(b"\xff\xff"))]
        {
            let other = view(mqtt(topic), value.clone()).await;
            assert_eq!((other.explanation, other.receiver_id, other.value), (None, None, value), "{topic}");
        }
    }

    #[tokio::test]
    async fn a_large_input_is_cut() {
        let large = view(DeadLetterSource::Mqtt { topic: String::new() }, vec![1; 100_000].into()).await;
        assert_eq!((large.value.len(), large.size), (MAX_VALUE_BYTES, 100_000));
    }
}
