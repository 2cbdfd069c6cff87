//! `processor archive` as a process: from a real Kafka into a directory and into an S3-compatible store.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use archive::{Manifest, S3Options, Store};
use bytes::Bytes;
use capture::{Capture, Filter};
use harness::{NOTHING, S3, Stack, check_log, unique_prefix};
use runtime::{Clock, Redacted};
use schemas::catalogue::{self, topic};
use streams::{
    Event, Flush, Headers, Incoming, KafkaLog, KafkaSettings, Log, NewTopic, Outgoing, SeekTo, SinkSettings,
    TopicPartition,
};

const HOUR_MS: i64 = 3_600_000;
const RECORDS: i64 = 6_000;

struct Fixture {
    bootstrap: &'static str,
    prefix: String,
    log: Arc<dyn Log>,
    topic: String,
    partitions: u32,
    /// The beginning of the first of the last three complete hours.
    start_ms: i64,
}

impl Fixture {
    /// A raw topic with records of three hours in all partitions. Of 100 records one has no key, and one is a
    /// tombstone.
    async fn new() -> Self {
        let bootstrap = Stack::shared().kafka().await.expect("kafka").bootstrap();
        let prefix = unique_prefix("archive");
        let settings = KafkaSettings { bootstrap: bootstrap.into(), extra: vec![], client_id: "archive-test".into() };
        let log: Arc<dyn Log> = Arc::new(KafkaLog::connect(settings).expect("settings"));
        let entry = catalogue::find(topic::RAW).expect("in the catalogue");
        let topic = entry.full_name(&prefix);
        let settings = entry.settings.clone();
        log.create_topics(&[NewTopic { settings, ..NewTopic::new(topic.clone(), entry.partitions) }])
            .await
            .expect("created");
        let now_ms = i64::try_from(Clock::system().now_us() / 1_000).expect("after 1970");
        let start_ms = (now_ms / HOUR_MS - 3) * HOUR_MS;
        let fixture = Self { bootstrap, prefix, log, topic, partitions: entry.partitions, start_ms };
        fixture.write().await;
        fixture
    }

    async fn write(&self) {
        let (sink, flush) = (self.log.sink(SinkSettings::new("archive-test")).expect("a sink"), Flush::new());
        for i in 0..RECORDS {
            let partition = u32::try_from(i).expect("small") % self.partitions;
            let record = Outgoing {
                topic: self.topic.as_str().into(),
                partition: Some(partition),
                key: (i % 100 != 7).then(|| Bytes::from(format!("{i:06X}"))),
                value: (i % 100 != 8).then(|| Bytes::from(vec![i as u8; 40])),
                headers: Headers::new().with("traceparent", format!("00-{i}")).with("empty", Bytes::new()),
                timestamp_ms: self.start_ms + i * 3 * HOUR_MS / RECORDS,
            };
            sink.send(record, flush.receipt()).await.expect("sent");
        }
        flush.wait().await.expect("written");
    }

    /// Runs `processor archive`. Returns whether it succeeded, and what it printed and logged.
    fn archive(&self, arguments: &[&str]) -> (bool, String) {
        let output = crate::processor()
            .args(["archive", "--kafka-bootstrap", self.bootstrap, "--topic-prefix", &self.prefix])
            .args(arguments)
            .output();
        let Output { status, stdout, stderr } = output.expect("the processor starts");
        // A failed run logs "stopped" with its error, which the tests check; no other warning or error is expected.
        let announced = if status.success() { NOTHING } else { &["stopped"] };
        check_log("processor archive", &String::from_utf8_lossy(&stderr), announced).expect("a quiet log");
        (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }

    /// All records of the topic, by partition and offset.
    async fn in_kafka(&self) -> Vec<Incoming> {
        let from = (0..self.partitions)
            .map(|partition| (TopicPartition::new(self.topic.as_str(), partition), SeekTo::Beginning));
        let mut source = self.log.read(from.collect()).await.expect("reads");
        let mut records = Vec::new();
        while records.len() < RECORDS as usize {
            if let Event::Records(read) = source.next().await.expect("goes on") {
                records.extend(read);
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// The manifests of the archived hours, and all of their records, by partition and offset.
    async fn archived(&self, store: &Store) -> (Vec<Manifest>, Vec<Incoming>) {
        let (mut manifests, mut records) = (Vec::new(), Vec::new());
        for hour in store.hours().await.expect("lists") {
            let manifest = store.manifest(hour).await.expect("is there");
            let mut hour = store.open_hour(&manifest).await.expect("undamaged");
            let read = hour.records(Filter::default()).map(|record| record.expect("undamaged"));
            records.extend(read.map(|record| archive::incoming(record, self.topic.as_str().into())));
            manifests.push(manifest);
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        (manifests, records)
    }
}

fn store(to: &str, s3: &S3Options) -> Store {
    Store::open(to.parse().expect("a location"), s3).expect("settings")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_has_every_record_of_kafka() {
    let fixture = Fixture::new().await;
    let dir = tempfile::tempdir().expect("a directory");
    let to = dir.path().join("archive").display().to_string();
    let (succeeded, output) = fixture.archive(&["--to", &to, "--settle", "1s"]);
    assert!(succeeded, "{output}");
    let (manifests, archived) = fixture.archived(&store(&to, &S3Options::default())).await;
    assert_eq!(manifests.len(), 3, "three hours are over");
    for (manifest, nth) in manifests.iter().zip(0..) {
        assert_eq!(manifest.hour.start_ms(), fixture.start_ms + nth * HOUR_MS);
        assert_eq!(manifest.records, 2_000, "exactly the records of that hour");
        assert_eq!(manifest.partitions.len(), 24);
    }
    assert_eq!(archived, fixture.in_kafka().await);
    // An hour without a manifest is not complete: it is archived again, into the same bytes.
    let folder = |hour: &Manifest| dir.path().join("archive").join(hour.hour.to_string()[..10].replace('-', "/"));
    let last = &manifests[2];
    let file = std::fs::read(folder(last).join(&last.file)).expect("is there");
    std::fs::remove_file(folder(last).join(format!("{}.manifest.json", last.hour))).expect("is there");
    let (succeeded, output) = fixture.archive(&["--to", &to, "--settle", "1s"]);
    assert!(succeeded, "{output}");
    assert_eq!(std::fs::read(folder(last).join(&last.file)).expect("is there"), file, "byte by byte");
    assert_is_capture(&folder(last).join(&last.file));
    // Hours that are older than the retention are removed.
    let (succeeded, output) = fixture.archive(&["--to", &to, "--settle", "1s", "--retention", "1s"]);
    assert!(succeeded, "{output}");
    assert_eq!(store(&to, &S3Options::default()).hours().await.expect("lists"), []);
}

/// A file of the archive is a capture, which `replay` reads.
fn assert_is_capture(file: &Path) {
    let mut capture = Capture::open(std::fs::File::open(file).expect("is there")).expect("a capture");
    assert_eq!((capture.header().partitions, capture.records_len()), (24, 2_000));
    assert_eq!(capture.records(Filter::default()).filter(Result::is_ok).count(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_compatible_store_has_the_same_records() {
    let fixture = Fixture::new().await;
    let s3 = S3::start().await.expect("S3");
    let (id, secret) = s3.credentials();
    let to = format!("s3://{}/raw", s3.bucket());
    let arguments = ["--to", &to, "--settle", "1s", "--s3-endpoint", s3.endpoint(), "--s3-access-key-id", id];
    let (succeeded, output) = fixture.archive(&[&arguments[..], &["--s3-secret-access-key", secret]].concat());
    assert!(succeeded, "{output}");
    let s3_options = S3Options {
        s3_endpoint: Some(s3.endpoint().into()),
        s3_access_key_id: Some(id.into()),
        s3_secret_access_key: Some(Redacted::from(secret)),
        ..S3Options::default()
    };
    let (manifests, archived) = fixture.archived(&store(&to, &s3_options)).await;
    assert_eq!((manifests.len(), archived.len()), (3, RECORDS as usize));
    assert_eq!(archived, fixture.in_kafka().await);
    let (succeeded, output) = fixture.archive(&[&arguments[..], &["--s3-secret-access-key", "wrong"]].concat());
    assert!(!succeeded && output.contains(&to) && !output.contains("wrong"), "{output}");
}

#[test]
fn bad_settings_are_one_line() {
    for (arguments, expected) in [
        (&["archive"][..], "--to"),
        (&["archive", "--to", "ftp://host/x"], "expected a directory, s3://bucket or s3://bucket/folder"),
        (&["archive", "--to", "s3://b", "--s3-access-key-id", "id"], "go together"),
    ] {
        let output = crate::processor().args(arguments).output().expect("starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains(expected) && error.trim_end().lines().count() == 1, "{error}");
    }
}
