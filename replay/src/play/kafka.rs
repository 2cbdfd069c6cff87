//! To Kafka: the raw topic of another prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use capture::{Framed, Record};
use runtime::Clock;
use schemas::RecordId;
use streams::{Event, Flush, Headers, Log as _, LogOptions, Outgoing, SeekTo, TopicPartition};

use super::pace::Pace;
use super::playback::Playback;
use super::resume::ResumeFile;
use super::shift::shifted;
use crate::progress::Progress;
use crate::publish::{RawTopic, RawTopicOptions, stored};
use crate::stop::until_stopped;

/// Records between two waits for all writes: the maximum that a kill repeats.
const FLUSH_EVERY: u64 = 5_000;
/// How far back the last readable record of a partition is looked for.
const LOOK_BACK: u64 = 1_000;

/// The target, and how to write to it.
#[derive(Clone, Copy)]
pub(super) struct KafkaTarget<'a> {
    /// Before the topic's name.
    pub(super) prefix: &'a str,
    /// How to reach Kafka and the registry.
    pub(super) log: &'a LogOptions,
    /// File with the number of played records (`--resume`).
    pub(super) resume: Option<&'a Path>,
    /// Other programs may write there.
    pub(super) may_have_writers: bool,
}

pub(super) fn play(playback: &Playback, target: &KafkaTarget<'_>, clock: &Clock) -> anyhow::Result<u64> {
    let KafkaTarget { prefix, log: options, resume, may_have_writers } = *target;
    let opened = playback.open(clock)?;
    let header = opened.header.clone();
    anyhow::ensure!(
        header.partitions > 0,
        "the capture comes from MQTT, where records have no partitions: play it with --mqtt, the bridge then writes them"
    );
    // An earlier run was interrupted.
    let is_resumed = resume.is_some_and(Path::exists);
    let mut resume_file = ResumeFile::open(resume, format!("{:?} to {prefix:?}", playback.input))?;
    until_stopped(async |shutdown| {
        let wanted = RawTopicOptions {
            prefix,
            log: options,
            purpose: "play",
            partitions: header.partitions,
            may_have_writers: may_have_writers || is_resumed,
            may_be_the_installation: may_have_writers,
        };
        let Some(topic) = shutdown.or(RawTopic::open(&wanted, clock)).await else { return Ok(0) };
        let topic = topic?;
        anyhow::ensure!(
            topic.partitions == header.partitions,
            "{} has {} partitions, the capture {}: choose another --kafka-prefix",
            topic.name,
            topic.partitions,
            header.partitions
        );
        let RawTopic { name, codec, sink, .. } = &topic;
        let mut played = 0;
        // Records that were written after the last save of the file are in the topic: none is played twice.
        let mut written = match is_resumed {
            true => match shutdown.or(last_played(&topic, clock)).await {
                Some(last) => Written(last?),
                None => return Ok(played),
            },
            false => Written::default(),
        };
        let mut next = Some(opened);
        loop {
            let records = match next.take() {
                Some(opened) => opened,
                None => playback.open(clock)?,
            };
            let mut progress = Progress::new(clock, playback.total(&records));
            let mut pace = Pace::new(playback.speed, clock);
            let flush = Flush::new();
            let saved = resume_file.point.records;
            for (number, record) in (0..).zip(records) {
                let record = record?;
                let is_written = written.has(record.partition, origin_id(&record)?);
                if number < saved {
                    continue;
                }
                let by_ms = playback.shift_ms(&mut resume_file, &record, clock)?;
                if played == 0 && resume_file.point.records == 0 {
                    resume_file.save()?;
                }
                if is_written {
                    resume_file.point.records += 1;
                    continue;
                }
                let timestamp_ms = record.timestamp_ms;
                let is_due = pace.wait_for(timestamp_ms, &shutdown).await;
                let outgoing = outgoing(shifted(record, by_ms), name, codec)?;
                let sent = if is_due { shutdown.or(sink.send(outgoing, flush.receipt())).await } else { None };
                let Some(sent) = sent else {
                    stored(&flush, clock, &shutdown).await?;
                    resume_file.save()?;
                    return Ok(played);
                };
                sent?;
                progress.add(timestamp_ms);
                played += 1;
                resume_file.point.records += 1;
                if resume_file.point.records.is_multiple_of(FLUSH_EVERY) {
                    stored(&flush, clock, &shutdown).await?;
                    resume_file.save()?;
                }
            }
            stored(&flush, clock, &shutdown).await?;
            anyhow::ensure!(
                written.0.is_empty(),
                "{name} ends with records that this input does not have: choose another --kafka-prefix and another file for \
                 --resume"
            );
            resume_file.save()?;
            progress.finish();
            if !playback.again {
                return Ok(played);
            }
            (resume_file.point.records, resume_file.point.shift_ms) = (0, None);
            written = Written::default();
        }
    })
}

/// The last record of each partition of the topic, by its id: what an interrupted run has written.
#[derive(Default)]
struct Written(BTreeMap<u32, u64>);

impl Written {
    /// Whether the next record of a partition was written: all up to the last one were. Takes every record in order.
    fn has(&mut self, partition: u32, origin_id: Option<u64>) -> bool {
        let Some(last) = self.0.get(&partition) else { return false };
        if origin_id == Some(*last) {
            self.0.remove(&partition);
        }
        true
    }
}

/// The id that a record carries when it is played: its own, or that of the record that it repeats itself. `None`: it is
/// unreadable.
fn origin_id(record: &Record) -> anyhow::Result<Option<u64>> {
    let partition = u16::try_from(record.partition).context("a partition is a number below 65,536")?;
    let framed = record.value.as_ref().and_then(Framed::parse);
    let own = RecordId::new(partition, record.offset).0;
    Ok(framed.map(|framed| framed.record.origin_id.unwrap_or(own)))
}

/// The id that the last record of each partition carries. Unreadable ones carry none: those at the very end are played again.
async fn last_played(topic: &RawTopic, clock: &Clock) -> anyhow::Result<BTreeMap<u32, u64>> {
    let mut last = BTreeMap::new();
    let mut from = Vec::new();
    for (partition, end) in (0..).zip(topic.end_offsets(clock).await?) {
        from.push((TopicPartition::new(&*topic.name, partition), SeekTo::Offset(end.saturating_sub(LOOK_BACK))));
    }
    let mut source = topic.log.read(from).await?;
    let mut open: BTreeSet<u32> = (0..topic.partitions).collect();
    while !open.is_empty() {
        match source.next().await? {
            Event::Records(records) => {
                for record in records {
                    let framed = record.value.as_ref().and_then(Framed::parse);
                    if let Some(origin_id) = framed.and_then(|framed| framed.record.origin_id) {
                        last.insert(record.partition, origin_id);
                    }
                }
            }
            Event::CaughtUp(partition) => {
                open.remove(&partition.partition);
            }
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    source.close().await?;
    Ok(last)
}

/// The record as it goes out: in its partition, with the id of the one that it repeats.
fn outgoing(record: Record, name: &str, codec: &streams::registry::TopicCodec) -> anyhow::Result<Outgoing> {
    let origin_id = origin_id(&record)?;
    let value = match record.value.as_ref().map(|value| (value, Framed::parse(value))) {
        Some((_, Some(mut framed))) => {
            framed.record.origin_id = origin_id;
            Some(codec.encode(&framed.record))
        }
        // It was unreadable when it was captured.
        Some((value, None)) => Some(value.clone()),
        None => None,
    };
    let mut headers = Headers::new();
    for header in record.headers {
        headers.push(header.name, header.value);
    }
    Ok(Outgoing {
        topic: name.into(),
        partition: Some(record.partition),
        key: record.key,
        value,
        headers,
        timestamp_ms: record.timestamp_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partition and id of the records that are played, of a capture with four in each of two partitions.
    fn played(saved: usize, written: &[(u32, u64)]) -> Vec<(u32, u64)> {
        let mut written = Written(written.iter().copied().collect());
        let records = (0..8_u64).map(|number| ((number % 2) as u32, number));
        let is_left = |(number, (partition, id)): (usize, (u32, u64))| {
            let is_written = written.has(partition, Some(id));
            (number >= saved && !is_written).then_some((partition, id))
        };
        records.enumerate().filter_map(is_left).collect()
    }

    #[test]
    fn playing_continues_behind_the_last_written() {
        assert_eq!(played(0, &[]).len(), 8);
        // Killed before the number was saved: one partition is ahead of the other.
        assert_eq!(played(0, &[(0, 4), (1, 1)]), [(1, 3), (1, 5), (0, 6), (1, 7)]);
        // Stopped with the number saved: nothing was written behind it.
        assert_eq!(played(4, &[(0, 2), (1, 3)]), [(0, 4), (1, 5), (0, 6), (1, 7)]);
        // Killed some records behind the saved number, in one partition alone.
        assert_eq!(played(4, &[(0, 6), (1, 3)]), [(1, 5), (1, 7)]);
        assert_eq!(played(8, &[(0, 6), (1, 7)]), []);
    }
}
