//! On the embedded log and a directory; `tests/archive.rs` has the real Kafka and an S3-compatible store.

use std::sync::Arc;
use std::time::Duration;

use archive::S3Options;
use bytes::Bytes;
use capture::Filter;
use runtime::{Clock, Context};
use streams::{EmbeddedLog, EmbeddedSettings, Flush, Headers, Log, NewTopic, Outgoing, SinkSettings};

use super::*;

const HOUR_MS: i64 = 3_600_000;
/// 2026-07-14T13:00:00Z.
const START_MS: i64 = 1_784_034_000_000;

struct Fixture {
    log: Arc<EmbeddedLog>,
    dir: tempfile::TempDir,
    context: Context,
}

impl Fixture {
    async fn new() -> Self {
        let mut settings = EmbeddedSettings::new(1_000);
        settings.max_age = Duration::from_secs(10 * 365 * 86_400);
        let log = EmbeddedLog::new(settings);
        log.create_topics(&[NewTopic::new("raw", 3)]).await.expect("created");
        let now_us = u64::try_from(START_MS + 5 * HOUR_MS).expect("after 1970") * 1_000;
        Self {
            log: Arc::new(log),
            dir: tempfile::tempdir().expect("a directory"),
            context: Context::new(Clock::manual(now_us)),
        }
    }

    fn options(&self) -> ArchiveOptions {
        ArchiveOptions {
            to: self.dir.path().join("archive").display().to_string().parse().expect("a directory"),
            every: None,
            retention: Duration::ZERO,
            settle: Duration::from_secs(900),
            s3: S3Options::default(),
        }
    }

    fn store(&self) -> Store {
        Store::open(self.options().to, &S3Options::default()).expect("a directory")
    }

    fn archiver(&self, options: ArchiveOptions) -> Archiver {
        Archiver::new(self.context.clone(), self.log.clone(), self.store(), &options, "raw".into(), 3)
    }

    async fn write(&self, records: &[(u32, i64, &str)]) {
        let (sink, flush) = (self.log.sink(SinkSettings::new("test")).expect("a sink"), Flush::new());
        for (partition, minutes, value) in records {
            let record = Outgoing {
                topic: "raw".into(),
                partition: Some(*partition),
                key: Some(Bytes::from_static(b"110B90")),
                value: Some(Bytes::copy_from_slice(value.as_bytes())).filter(|value| !value.is_empty()),
                headers: Headers::new().with("traceparent", "00-1").with("x", Bytes::new()),
                timestamp_ms: START_MS + minutes * 60_000,
            };
            sink.send(record, flush.receipt()).await.expect("sent");
        }
        flush.wait().await.expect("written");
    }

    async fn values(&self, hour: &str) -> Vec<String> {
        let store = self.store();
        let manifest = store.manifest(hour.parse().expect("an hour")).await.expect("is there");
        let mut hour = store.open_hour(&manifest).await.expect("undamaged");
        let records: Vec<_> = hour.records(Filter::default()).map(|record| record.expect("undamaged")).collect();
        assert_eq!(records.len() as u64, manifest.records);
        records.iter().map(|record| String::from_utf8_lossy(record.value.as_deref().unwrap_or(b"-")).into()).collect()
    }
}

/// A late record of 13:59 follows one of 14:01.
const RECORDS: [(u32, i64, &str); 9] = [
    (0, 1, "a"),
    (1, 2, "b"),
    (0, 3, ""),
    (2, 59, "c"),
    (0, 61, "d"),
    (0, 59, "late"),
    (1, 62, "e"),
    (2, 200, "f"),
    (1, 201, "g"),
];

#[tokio::test]
async fn every_record_is_in_exactly_one_hour() {
    let fixture = Fixture::new().await;
    fixture.write(&RECORDS).await;
    assert_eq!(fixture.archiver(fixture.options()).catch_up().await.expect("works"), 4);
    let hours: Vec<String> = fixture.store().hours().await.expect("lists").iter().map(Hour::to_string).collect();
    assert_eq!(hours, ["2026-07-14T13", "2026-07-14T14", "2026-07-14T15", "2026-07-14T16"]);
    assert_eq!(fixture.values("2026-07-14T13").await, ["a", "b", "-", "c"]);
    assert_eq!(fixture.values("2026-07-14T14").await, ["d", "late", "e"]);
    assert_eq!(fixture.values("2026-07-14T15").await, Vec::<String>::new());
    assert_eq!(fixture.values("2026-07-14T16").await, ["f", "g"]);
}

#[tokio::test]
async fn an_archived_record_is_complete() {
    let fixture = Fixture::new().await;
    fixture.write(&RECORDS).await;
    fixture.archiver(fixture.options()).catch_up().await.expect("works");
    let store = fixture.store();
    let manifest = store.manifest("2026-07-14T13".parse().expect("an hour")).await.expect("is there");
    let mut hour = store.open_hour(&manifest).await.expect("undamaged");
    let mut archived: Vec<_> = hour.records(Filter::default()).map(Result::unwrap).collect();
    archived.sort_by_key(|record| (record.partition, record.offset));
    let from = (0..3).map(|partition| (TopicPartition::new("raw", partition), SeekTo::Beginning)).collect();
    let mut source = fixture.log.read(from).await.expect("reads");
    let mut written = Vec::new();
    while written.len() < RECORDS.len() {
        if let Event::Records(records) = source.next().await.expect("goes on") {
            written.extend(records);
        }
    }
    written.retain(|record| record.timestamp_ms < START_MS + HOUR_MS && record.value.as_deref() != Some(b"late"));
    written.sort_by_key(|record| (record.partition, record.offset));
    let archived: Vec<_> = archived.into_iter().map(|record| archive::incoming(record, "raw".into())).collect();
    assert_eq!(archived, written);
}

#[tokio::test]
async fn a_restart_continues_and_makes_the_same_files() {
    let fixture = Fixture::new().await;
    fixture.write(&RECORDS[..5]).await;
    // Partitions 1 and 2 can still get records of 14 h: the clock stands at 14:10.
    let now_us = |minutes: i64| u64::try_from(START_MS + minutes * 60_000).expect("after 1970") * 1_000;
    let early = Context::new(Clock::manual(now_us(70)));
    let archiver = Archiver::new(early, fixture.log.clone(), fixture.store(), &fixture.options(), "raw".into(), 3);
    assert_eq!(archiver.catch_up().await.expect("works"), 0, "13 h may not be over in partitions 1 and 2");
    assert_eq!(fixture.store().hours().await.expect("lists"), []);
    fixture.write(&RECORDS[5..]).await;
    assert_eq!(archiver.catch_up().await.expect("works"), 1, "14 h is not over by the clock");
    let store = fixture.store();
    let first = store.manifest("2026-07-14T13".parse().expect("an hour")).await.expect("is there");
    assert_eq!(archiver.archive(first.hour, None).await.expect("works"), Outcome::Archived(first.clone()));
    assert_eq!(fixture.archiver(fixture.options()).catch_up().await.expect("works"), 3);
    assert_eq!(fixture.values("2026-07-14T14").await, ["d", "late", "e"]);
}

#[tokio::test]
async fn damaged_files_and_missing_manifests_are_detected() {
    let fixture = Fixture::new().await;
    fixture.write(&RECORDS).await;
    fixture.archiver(fixture.options()).catch_up().await.expect("works");
    let folder = fixture.dir.path().join("archive/2026/07/14");
    let file = folder.join("2026-07-14T13.capture");
    let mut bytes = std::fs::read(&file).expect("is there");
    bytes[20] ^= 1;
    std::fs::write(&file, bytes).expect("is written");
    let store = fixture.store();
    let manifest = store.manifest("2026-07-14T13".parse().expect("an hour")).await.expect("is there");
    let error = store.open_hour(&manifest).await.expect_err("is refused");
    assert!(error.to_string().contains("checksum"), "{error:#}");
    // As if the program had ended between the file and its manifest.
    std::fs::remove_file(folder.join("2026-07-14T16.manifest.json")).expect("is there");
    assert_eq!(fixture.archiver(fixture.options()).catch_up().await.expect("works"), 1);
    assert_eq!(fixture.values("2026-07-14T16").await, ["f", "g"]);
}

#[tokio::test]
async fn hours_beyond_the_retention_are_removed() {
    let fixture = Fixture::new().await;
    fixture.write(&RECORDS).await;
    let options = ArchiveOptions { retention: Duration::from_secs(3 * 3_600), ..fixture.options() };
    fixture.archiver(options).catch_up().await.expect("works");
    let hours: Vec<String> = fixture.store().hours().await.expect("lists").iter().map(Hour::to_string).collect();
    assert_eq!(hours, ["2026-07-14T15", "2026-07-14T16"]);
    assert!(!fixture.dir.path().join("archive/2026/07/14/2026-07-14T13.capture").exists());
}

#[tokio::test]
async fn an_empty_topic_makes_no_hours() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.archiver(fixture.options()).catch_up().await.expect("works"), 0);
}
