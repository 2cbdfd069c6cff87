//! A range of the raw topic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use capture::FileHeader;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use streams::{Event, KafkaLog, KafkaSettings, Log as _, SeekTo, TopicPartition, Watermarks};

use super::args::CaptureArgs;
use super::file::{Last, look};
use crate::progress::Progress;
use crate::stop::until_stopped;
use crate::time::text_of_ms;

/// The default period, ms.
const DEFAULT_RANGE_MS: i64 = 3_600_000;
/// Bridges write a tick every few seconds: a log that is silent for longer begins there.
const SILENCE_MS: i64 = 60_000;
/// The maximum loss of a killed capture.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// Captures it. Returns how many records there were, and whether retention had left the complete range.
#[allow(clippy::print_stderr, reason = "records removed by retention are reported on standard error")]
pub(super) fn capture(args: &CaptureArgs, clock: &Clock) -> anyhow::Result<(u64, bool)> {
    let options = &args.log;
    let settings = KafkaSettings {
        extra: options.kafka_config.to_vec(),
        ..KafkaSettings::new(&options.kafka_bootstrap, "updraft-replay-capture")
    };
    let topic = catalogue::find(topic::RAW).expect("in the catalogue").full_name(&options.topic_prefix);
    until_stopped(async |shutdown| {
        let log = KafkaLog::connect(settings)?;
        let partitions = log.partitions(&topic).await?;
        let now_ms = i64::try_from(clock.now_us() / 1000)?;
        let mut selection = args.select.resolve(now_ms, None)?.with_ticks();
        let offsets = selection.filter.offsets.clone();
        let epoch = log.epoch().await?;
        let mut target = look(args, FileHeader { topic: topic.clone(), epoch, partitions, ..FileHeader::default() })?;
        let asked = selection.filter.time_ms.clone();
        let end_ms = target.last.values().map(|last| last.at_ms).min();
        let start_ms = match &asked {
            Some(time_ms) => time_ms.start,
            None if offsets.is_some() => i64::MIN,
            // A file that is continued goes on where it ends.
            None => end_ms.unwrap_or(now_ms - DEFAULT_RANGE_MS),
        };
        if asked.is_none() && offsets.is_none() && end_ms.is_none() {
            selection.filter.time_ms = Some(start_ms..i64::MAX);
        }
        if let Some((number, _)) = &offsets {
            anyhow::ensure!(*number < partitions, "{topic} has {partitions} partitions, 0 to {}", partitions - 1);
        }
        target.header.source = match &offsets {
            Some((number, offsets)) => format!("Kafka, partition {number} from offset {}", offsets.start),
            None if start_ms == i64::MIN => "Kafka, from its beginning".to_owned(),
            None => format!("Kafka, from {}", text_of_ms(start_ms)),
        };
        let mut open: BTreeSet<u32> = match &offsets {
            Some((number, _)) => BTreeSet::from([*number]),
            None => (0..partitions).collect(),
        };
        let mut borders = BTreeMap::new();
        for number in &open {
            borders.insert(*number, log.watermarks(&TopicPartition::new(topic.as_str(), *number)).await?);
        }
        if let Some((number, wanted)) = &offsets {
            let Watermarks { low, high } = borders[number];
            let (start, end) = (wanted.start, wanted.end);
            anyhow::ensure!(
                end > low,
                "retention has removed offsets {start} to {end}: partition {number} of {topic} begins at offset {low}"
            );
            anyhow::ensure!(
                args.follow || start < high,
                "partition {number} of {topic} ends at offset {high}, before offset {start}: --follow waits for it"
            );
        }
        for (number, Watermarks { high, .. }) in &borders {
            if let Some(Last { offset, .. }) = target.last.get(number) {
                anyhow::ensure!(
                    offset < high,
                    "{} has offset {offset} of partition {number}, but {topic} ends at offset {high}: it was \
                     created again, choose another --out",
                    args.out.display()
                );
            }
        }
        let asked_at = match &offsets {
            Some((_, offsets)) => SeekTo::Offset(offsets.start),
            None if start_ms == i64::MIN => SeekTo::Beginning,
            None => SeekTo::Time { timestamp_ms: start_ms },
        };
        let begin = |number: &u32| (*number, begin_at(asked_at, target.last.get(number)));
        let begins: BTreeMap<u32, SeekTo> = open.iter().map(begin).collect();
        let from = |(number, at): (&u32, &SeekTo)| (TopicPartition::new(topic.as_str(), *number), *at);
        let mut source = log.read(begins.iter().map(from).collect()).await?;
        // The file has all of it.
        let is_behind = |(_, offsets): &(u32, Range<u64>)| begins.values().all(|at| is_from(at, offsets.end));
        if offsets.as_ref().is_some_and(is_behind) {
            open.clear();
        }
        let mut writer = target.begin()?;
        let mut progress = Progress::new(clock, None);
        let mut flushed = clock.monotonic();
        let mut first = BTreeMap::new();
        let ends = offsets.as_ref().is_some_and(|(_, offsets)| offsets.end < u64::MAX);
        while !open.is_empty() || (args.follow && !ends) {
            let event = tokio::select! {
                event = shutdown.or(source.next()) => event,
                () = clock.sleep(FLUSH_EVERY) => {
                    writer.flush()?;
                    continue;
                }
            };
            match event {
                None => break,
                Some(event) => match event? {
                    Event::Records(records) => {
                        for record in records {
                            first.entry(record.partition).or_insert((record.offset, record.timestamp_ms));
                            if offsets.as_ref().is_some_and(|(_, offsets)| record.offset >= offsets.end) {
                                open.clear();
                                continue;
                            }
                            writer.take(&mut progress, &selection, archive::record(record))?;
                        }
                    }
                    // An end that is not written yet is waited for.
                    Event::CaughtUp(_) if args.follow && ends => {}
                    Event::CaughtUp(partition) => {
                        open.remove(&partition.partition);
                    }
                    Event::Assigned(_) | Event::Revoked(_) => {}
                },
            }
            if clock.monotonic().saturating_sub(flushed) >= FLUSH_EVERY {
                flushed = clock.monotonic();
                writer.flush()?;
            }
        }
        source.close().await?;
        writer.finish()?;
        let removed = begins.iter().find_map(|(number, at)| match at {
            // Before --to alone nothing is missing.
            SeekTo::Offset(start) if args.select.from.is_some() || *start > 0 => {
                removed_offsets(*number, *start, borders[number].low)
            }
            _ => None,
        });
        let is_by_time = |number: &u32| matches!(begins.get(number), Some(SeekTo::Time { .. }));
        borders.retain(|number, _| is_by_time(number));
        first.retain(|number, _| is_by_time(number));
        let removed = removed.map_or_else(|| removed_times(start_ms, &borders, &first), Removed::Some);
        let written = progress.finish();
        if let Removed::Nothing(Some(line)) | Removed::Some(line) = &removed {
            eprintln!("{line}");
        }
        Ok((written, !matches!(removed, Removed::Some(_))))
    })
}

/// Where reading begins in a partition: where it was asked to, or behind the last record in the file, if that is later.
fn begin_at(asked: SeekTo, last: Option<&Last>) -> SeekTo {
    let Some(last) = last else { return asked };
    let behind = last.offset.saturating_add(1);
    match asked {
        SeekTo::Offset(offset) => SeekTo::Offset(offset.max(behind)),
        // What the file has of the partition is before it.
        SeekTo::Time { timestamp_ms } if timestamp_ms > last.at_ms => asked,
        SeekTo::Time { .. } | SeekTo::Beginning => SeekTo::Offset(behind),
        SeekTo::End => asked,
    }
}

/// Whether reading begins at an offset or behind it.
fn is_from(begins: &SeekTo, offset: u64) -> bool {
    matches!(begins, SeekTo::Offset(at) if *at >= offset)
}

/// What is missing at the beginning of a range.
#[derive(Debug, PartialEq)]
enum Removed {
    /// Retention has removed nothing; a line where the range begins before the log.
    Nothing(Option<String>),
    /// It has removed records, as the line says.
    Some(String),
}

/// What is missing of a partition before the lowest offset that it has.
fn removed_offsets(partition: u32, start: u64, low: u64) -> Option<String> {
    (start < low)
        .then(|| format!("partition {partition} begins at offset {low}: retention has removed what was before it"))
}

/// `first`: offset and time of the first record that was read of each partition.
fn removed_times(start_ms: i64, borders: &BTreeMap<u32, Watermarks>, first: &BTreeMap<u32, (u64, i64)>) -> Removed {
    let later = |at_ms: i64| at_ms > start_ms.saturating_add(SILENCE_MS);
    let is_removed = |(partition, border): (&u32, &Watermarks)| {
        border.low > 0
            && match first.get(partition) {
                Some((offset, at_ms)) => *offset <= border.low && later(*at_ms),
                None => border.low == border.high,
            }
    };
    let from = text_of_ms(start_ms);
    let Some(first_ms) = first.values().map(|(_, at_ms)| *at_ms).min() else {
        if borders.iter().any(is_removed) {
            return Removed::Some(format!("retention has removed everything that was written from {from} on"));
        }
        return Removed::Nothing(None);
    };
    let begins = text_of_ms(first_ms);
    if borders.iter().any(is_removed) {
        return Removed::Some(format!(
            "the log begins at {begins}: retention has removed what was written from {from} on"
        ));
    }
    let line = || format!("the log begins at {begins}: nothing was written from {from} on");
    Removed::Nothing(later(first_ms).then(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_784_034_000_000;

    fn removed(borders: &[(u64, u64)], first: &[(u32, u64, i64)]) -> Removed {
        let borders =
            (0..).zip(borders).map(|(partition, (low, high))| (partition, Watermarks { low: *low, high: *high }));
        let first = first.iter().map(|(partition, offset, later_ms)| (*partition, (*offset, START_MS + later_ms)));
        removed_times(START_MS, &borders.collect(), &first.collect())
    }

    #[test]
    fn retention_and_a_young_log_differ() {
        let is_some = |removed: Removed| matches!(removed, Removed::Some(_));
        // The range begins within the log, or just before it.
        assert_eq!(removed(&[(0, 9), (5, 9)], &[(0, 3, 100), (1, 7, 200)]), Removed::Nothing(None));
        assert_eq!(removed(&[(5, 9)], &[(0, 5, 5_000)]), Removed::Nothing(None));
        let young = removed(&[(0, 9)], &[(0, 0, 600_000)]);
        assert!(matches!(&young, Removed::Nothing(Some(line)) if line.contains("nothing was written")), "{young:?}");
        // One partition has lost records, another has not.
        assert!(is_some(removed(&[(0, 9), (5, 9)], &[(0, 3, 100), (1, 5, 600_000)])));
        assert!(is_some(removed(&[(9, 9)], &[])));
        assert_eq!(removed(&[(0, 0)], &[]), Removed::Nothing(None));
        assert_eq!(removed_offsets(3, 5, 5), None);
        assert!(removed_offsets(3, 4, 5).is_some());
    }

    #[test]
    fn a_file_is_continued_behind_its_last_record() {
        let time = |later_ms: i64| SeekTo::Time { timestamp_ms: START_MS + later_ms };
        for asked in [SeekTo::Beginning, SeekTo::Offset(3), time(0), time(100)] {
            assert_eq!(begin_at(asked, None), asked);
        }
        let last = Last { offset: 7, at_ms: START_MS + 100 };
        for (asked, begins) in [
            (SeekTo::Beginning, SeekTo::Offset(8)),
            (SeekTo::Offset(3), SeekTo::Offset(8)),
            (SeekTo::Offset(8), SeekTo::Offset(8)),
            (SeekTo::Offset(12), SeekTo::Offset(12)),
            // Records need not be in the order of their times: the last one is not the one with the highest time.
            (time(100), SeekTo::Offset(8)),
            (time(101), time(101)),
        ] {
            assert_eq!(begin_at(asked, Some(&last)), begins, "{asked:?}");
        }
    }
}
