//! The embedded log in a file: what the next process finds there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use streams::{
    EmbeddedLog, EmbeddedSettings, Event, Flush, GroupSettings, Headers, JournalSettings, Log as _, NewTopic, Outgoing,
    Restored, SeekTo, SinkSettings, Source, StreamError, TopicPartition,
};

const RAW: &str = "raw";
const STATE: &str = "state";
const HOUR_MS: i64 = 3_600_000;

/// A log in a folder, as a process that starts at `now_ms` opens it.
async fn open_at(folder: &Path, now_ms: i64) -> Result<(EmbeddedLog, Restored), StreamError> {
    let log = EmbeddedLog::new(EmbeddedSettings::new(u64::try_from(now_ms).expect("after 1970")));
    let topics = [
        NewTopic::new(RAW, 2).with("cleanup.policy", "delete").with("retention.ms", HOUR_MS.to_string()),
        NewTopic::new(STATE, 2).with("cleanup.policy", "compact"),
    ];
    log.create_topics(&topics).await.expect("created");
    let restored = log.keep_in(JournalSettings {
        file: folder.join("log"),
        synced_topics: vec![RAW.to_owned()],
        now_ms,
        report: Box::new(|_| {}),
    })?;
    Ok((log, restored))
}

async fn write(log: &EmbeddedLog, topic: &str, key: &str, value: Option<&'static str>, timestamp_ms: i64) {
    let (sink, flush) = (log.sink(SinkSettings::new("test")).expect("a sink"), Flush::new());
    let record = Outgoing {
        topic: topic.into(),
        partition: Some(0),
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: value.map(Bytes::from),
        headers: Headers::new().with("way", "1"),
        timestamp_ms,
    };
    sink.send(record, flush.receipt()).await.expect("sent");
    flush.wait().await.expect("written");
}

fn close(log: EmbeddedLog) {
    assert!(log.close(Duration::from_secs(30)), "everything is in the file");
}

/// Keys and values of a partition, with the offsets.
async fn all(log: &EmbeddedLog, topic: &str) -> Vec<(u64, String, Option<String>)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let mut source = log.read(vec![(TopicPartition::new(topic, 0), SeekTo::Beginning)]).await.expect("a reader");
    let mut found = Vec::new();
    loop {
        match source.next().await.expect("continues") {
            Event::Records(records) => found.extend(records.iter().map(|record| {
                assert_eq!(record.headers.first("way"), Some(&Bytes::from("1")));
                (record.offset, record.key.as_ref().map(text).expect("a key"), record.value.as_ref().map(text))
            })),
            Event::CaughtUp(_) => return found,
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
}

async fn assigned(log: &EmbeddedLog) -> Box<dyn Source> {
    let mut source = log.subscribe(GroupSettings::new("group", [RAW])).await.expect("a member");
    assert!(matches!(source.next().await, Ok(Event::Assigned(_))));
    source
}

/// The first record that a group reads.
async fn next_of_group(source: &mut dyn Source) -> u64 {
    loop {
        if let Event::Records(records) = source.next().await.expect("continues") {
            return records[0].offset;
        }
    }
}

#[tokio::test]
async fn the_newest_states_are_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, restored) = open_at(folder.path(), 1_000).await.expect("opens");
    assert_eq!(restored, Restored::default());
    for (key, value) in [("a", Some("1")), ("b", Some("1")), ("a", Some("2")), ("b", None)] {
        write(&log, STATE, key, value, 1_000).await;
    }
    let epoch = log.epoch().await.expect("an epoch");
    close(log);
    let (log, _) = open_at(folder.path(), 5_000).await.expect("opens");
    // Checkpoints and tokens of clients hold for an epoch.
    assert_eq!(log.epoch().await.expect("an epoch"), epoch);
    let newest: BTreeMap<_, _> = all(&log, STATE).await.into_iter().map(|(_, key, value)| (key, value)).collect();
    assert_eq!(newest, BTreeMap::from([("a".into(), Some("2".into())), ("b".into(), None)]));
    write(&log, STATE, "a", Some("3"), 5_000).await;
    assert_eq!(all(&log, STATE).await.last(), Some(&(5_000, "a".into(), Some("3".into()))), "offsets of this start");
    close(log);
    // Superseded records are not carried along.
    let (_, restored) = open_at(folder.path(), 9_000).await.expect("opens");
    assert_eq!(restored.records, 3);
}

#[tokio::test]
async fn offsets_increase_though_the_clock_was_set_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 9_000_000).await.expect("opens");
    write(&log, RAW, "a", Some("1"), 1_000).await;
    close(log);
    for _ in 0..2 {
        let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
        assert_eq!(log.watermarks(&TopicPartition::new(RAW, 0)).await.expect("marks").high, 9_000_001);
        close(log);
    }
}

#[tokio::test]
async fn a_group_continues_where_it_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    for value in ["0", "1", "2"] {
        write(&log, RAW, "a", Some(value), 1_000).await;
    }
    let mut source = assigned(&log).await;
    source.commit(&[(TopicPartition::new(RAW, 0), 1_002)]).await.expect("committed");
    drop(source);
    close(log);
    let (log, restored) = open_at(folder.path(), 5_000).await.expect("opens");
    assert_eq!(restored.records, 3);
    let mut source = assigned(&log).await;
    assert_eq!(next_of_group(&mut *source).await, 1_002);
    assert_eq!(log.lag("group").expect("a group").behind.len(), 0, "it has read all");
    source.commit(&[(TopicPartition::new(RAW, 0), 1_003)]).await.expect("committed");
    drop(source);
    close(log);
    // The file was written again at the start: without the records that the group needs no more.
    let (log, restored) = open_at(folder.path(), 9_000).await.expect("opens");
    assert_eq!(restored.records, 1);
    let mut source = assigned(&log).await;
    assert_eq!(log.lag("group").expect("a group").records, 0, "it has not to read anything");
    write(&log, RAW, "a", Some("3"), 9_000).await;
    assert_eq!(next_of_group(&mut *source).await, 9_000);
}

#[tokio::test]
async fn an_acknowledged_record_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    for number in 0..20 {
        write(&log, RAW, &number.to_string(), Some("x"), 1_000).await;
        // As it is on the disk now.
        let killed = tempfile::tempdir().expect("a folder");
        std::fs::copy(folder.path().join("log"), killed.path().join("log")).expect("copied");
        let (_, restored) = open_at(killed.path(), 5_000).await.expect("opens");
        assert_eq!(restored, Restored { records: number + 1, is_damaged: false });
    }
}

#[tokio::test]
async fn records_expired_meanwhile_are_not_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    write(&log, RAW, "old", Some("x"), 1_000).await;
    write(&log, RAW, "new", Some("x"), HOUR_MS).await;
    write(&log, STATE, "old", Some("x"), 1_000).await;
    close(log);
    let (log, restored) = open_at(folder.path(), HOUR_MS + 2_000).await.expect("opens");
    assert_eq!(restored.records, 2);
    assert_eq!(all(&log, RAW).await.len(), 1);
    close(log);
    let (_, restored) = open_at(folder.path(), 1_000).await.expect("opens");
    assert_eq!(restored.records, 2, "the file does not have them either");
}

#[tokio::test]
async fn a_damaged_file_is_read_up_to_the_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    for key in ["first", "second", "third"] {
        write(&log, RAW, key, Some("x"), 1_000).await;
    }
    close(log);
    let file = folder.path().join("log");
    let mut bytes = std::fs::read(&file).expect("readable");
    let at = bytes.windows(6).position(|window| window == b"second").expect("it is there");
    bytes[at] = b'S';
    std::fs::write(&file, &bytes).expect("written");
    let (log, restored) = open_at(folder.path(), 5_000).await.expect("opens");
    assert_eq!(restored, Restored { records: 1, is_damaged: true });
    assert_eq!(std::fs::read(folder.path().join("log.damaged")).expect("kept"), bytes);
    close(log);
    let (_, restored) = open_at(folder.path(), 9_000).await.expect("opens");
    assert_eq!(restored, Restored { records: 1, is_damaged: false });
}

#[tokio::test]
async fn a_file_in_use_and_a_file_of_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    let error = open_at(folder.path(), 1_000).await.expect_err("in use");
    assert_eq!(error.reason(), "journal");
    close(log);
    let other = tempfile::tempdir().expect("a folder");
    std::fs::write(other.path().join("log"), "a diary of a pilot").expect("written");
    assert!(open_at(other.path(), 1_000).await.is_err());
    assert_eq!(std::fs::read(other.path().join("log")).expect("kept"), b"a diary of a pilot");
}

#[tokio::test]
async fn a_topic_that_is_no_more_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open_at(folder.path(), 1_000).await.expect("opens");
    write(&log, STATE, "a", Some("1"), 1_000).await;
    close(log);
    let log = EmbeddedLog::new(EmbeddedSettings::new(5_000));
    log.create_topics(&[NewTopic::new(RAW, 1)]).await.expect("created");
    let settings = JournalSettings {
        file: folder.path().join("log"),
        synced_topics: Vec::new(),
        now_ms: 5_000,
        report: Box::new(|_| {}),
    };
    assert_eq!(log.keep_in(settings).expect("opens").records, 0);
}
