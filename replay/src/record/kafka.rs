//! A range of the raw topic.

use std::collections::BTreeSet;
use std::time::Duration;

use capture::FileHeader;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use streams::{Event, KafkaLog, KafkaSettings, Log as _, SeekTo, TopicPartition};

use super::args::CaptureArgs;
use super::file::{begin, take};
use crate::progress::Progress;
use crate::stop::until_stopped;
use crate::time::text_of_ms;

/// The default period, ms.
const DEFAULT_RANGE_MS: i64 = 3_600_000;
/// The maximum loss of a killed capture.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

#[allow(clippy::print_stderr, reason = "records removed by retention are reported on standard error")]
pub(super) fn capture(args: &CaptureArgs, clock: &Clock) -> anyhow::Result<u64> {
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
        if offsets.is_none() && selection.filter.time_ms.is_none() {
            selection.filter.time_ms = Some(now_ms - DEFAULT_RANGE_MS..i64::MAX);
        }
        let range = selection.filter.time_ms.clone().unwrap_or(i64::MIN..i64::MAX);
        if let Some((number, _)) = &offsets {
            anyhow::ensure!(*number < partitions, "{topic} has {partitions} partitions, 0 to {}", partitions - 1);
        }
        let header = FileHeader {
            topic: topic.clone(),
            epoch: log.epoch().await?,
            partitions,
            source: match &offsets {
                Some((number, offsets)) => format!("Kafka, partition {number} from offset {}", offsets.start),
                None => format!("Kafka, from {}", text_of_ms(range.start)),
            },
            ..FileHeader::default()
        };
        let mut open: BTreeSet<u32> = match &offsets {
            Some((number, _)) => BTreeSet::from([*number]),
            None => (0..partitions).collect(),
        };
        let begin_at = match &offsets {
            Some((_, offsets)) => SeekTo::Offset(offsets.start),
            None => SeekTo::Time { timestamp_ms: range.start },
        };
        let from = |number: &u32| (TopicPartition::new(topic.as_str(), *number), begin_at);
        let mut source = log.read(open.iter().map(from).collect()).await?;
        let mut writer = begin(args, header)?;
        let mut progress = Progress::new(clock, None);
        let mut flushed = clock.monotonic();
        let (mut first_ms, mut first_offset) = (None, None);
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
                            first_ms =
                                Some(first_ms.map_or(record.timestamp_ms, |first: i64| first.min(record.timestamp_ms)));
                            first_offset.get_or_insert(record.offset);
                            if offsets.as_ref().is_some_and(|(_, offsets)| record.offset >= offsets.end) {
                                open.clear();
                                continue;
                            }
                            take(&mut writer, &mut progress, &selection, &archive::record(record))?;
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
        if let (Some((number, offsets)), Some(first)) = (&offsets, first_offset)
            && first > offsets.start
        {
            eprintln!("partition {number} begins at offset {first}: retention has removed what was before it");
        }
        if let Some(first_ms) =
            first_ms.filter(|first_ms| *first_ms > range.start.saturating_add(60_000) && offsets.is_none())
        {
            let (from, first) = (text_of_ms(range.start), text_of_ms(first_ms));
            eprintln!("the log begins at {first}: nothing was written from {from} on, or retention has removed it");
        }
        Ok(progress.finish())
    })
}
