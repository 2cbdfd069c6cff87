use proptest::prelude::*;

use super::*;

const SECOND_MS: i64 = 1_000;

fn policy(settings: &[(&str, &str)]) -> Policy {
    let own = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Policy::new(&EmbeddedSettings::new(0), &own).expect("good settings")
}

fn put(log: &mut Partition, key: &str, value: Option<&str>, timestamp_ms: i64) -> u64 {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    log.append(Some(bytes(key)), value.map(bytes), Headers::new(), timestamp_ms)
}

/// Key and value of all remaining records.
fn left(log: &Partition) -> Vec<(String, Option<String>)> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    log.from(0, usize::MAX)
        .map(|record| (text(record.key.as_ref().expect("keyed")), record.value.as_ref().map(text)))
        .collect()
}

#[test]
fn offsets_start_at_the_first_and_increase_by_one() {
    let mut log = Partition::new(policy(&[]), 1_790_000_000_000);
    assert_eq!(log.watermarks(), Watermarks { low: 1_790_000_000_000, high: 1_790_000_000_000 });
    assert_eq!(put(&mut log, "a", Some("1"), 0), 1_790_000_000_000);
    assert_eq!(put(&mut log, "a", Some("2"), 0), 1_790_000_000_001);
    assert_eq!(log.watermarks(), Watermarks { low: 1_790_000_000_000, high: 1_790_000_000_002 });
}

#[test]
fn too_many_bytes_drop_the_oldest_records() {
    let mut log = Partition::new(policy(&[("retention.bytes", "1000")]), 5);
    for number in 0..100 {
        put(&mut log, "k", Some(&number.to_string()), 0);
    }
    assert!(log.bytes <= 1_000);
    let low = log.watermarks().low;
    assert!(low > 90, "{low}");
    assert_eq!(log.from(0, 1).next().expect("not empty").offset, low);
}

#[test]
fn records_age_by_the_newest_one() {
    let mut log = Partition::new(policy(&[("retention.ms", "60000")]), 0);
    put(&mut log, "a", Some("old"), 0);
    put(&mut log, "b", Some("young"), 30 * SECOND_MS);
    put(&mut log, "c", Some("new"), 61 * SECOND_MS);
    assert_eq!(log.watermarks().low, 1);
    // A late record does not set the clock back.
    put(&mut log, "d", Some("late"), SECOND_MS);
    assert_eq!(log.watermarks().low, 1);
}

#[test]
fn the_last_record_is_never_dropped() {
    let mut log = Partition::new(policy(&[("retention.bytes", "10"), ("retention.ms", "1")]), 0);
    put(&mut log, "a", Some("larger than the bound"), 0);
    assert_eq!(left(&log).len(), 1);
}

#[test]
fn compaction_keeps_the_newest_record_of_each_key() {
    let mut log = Partition::new(policy(&[("cleanup.policy", "compact"), ("retention.bytes", "2000")]), 0);
    put(&mut log, "quiet", Some("kept"), 0);
    for number in 0..1_000 {
        put(&mut log, "busy", Some(&number.to_string()), number * 3600 * SECOND_MS);
    }
    let left = left(&log);
    assert_eq!(left.first(), Some(&("quiet".to_owned(), Some("kept".to_owned()))));
    assert_eq!(left.last(), Some(&("busy".to_owned(), Some("999".to_owned()))));
    assert!(left.len() < 20, "{} records left", left.len());
    assert_eq!(log.watermarks(), Watermarks { low: 0, high: 1_001 });
}

#[test]
fn tombstones_stay_while_they_are_young() {
    let settings = [("cleanup.policy", "compact"), ("retention.bytes", "0"), ("delete.retention.ms", "60000")];
    let mut log = Partition::new(policy(&settings), 0);
    put(&mut log, "gone", Some("x"), 0);
    put(&mut log, "gone", None, 0);
    put(&mut log, "a", Some("1"), 30 * SECOND_MS);
    put(&mut log, "a", Some("2"), 30 * SECOND_MS);
    assert_eq!(left(&log)[0], ("gone".to_owned(), None));
    put(&mut log, "a", Some("3"), 61 * SECOND_MS);
    put(&mut log, "a", Some("4"), 61 * SECOND_MS);
    assert_eq!(left(&log), [("a".to_owned(), Some("4".to_owned()))]);
}

#[test]
fn compact_and_delete_drop_old_keys() {
    let mut log = Partition::new(policy(&[("cleanup.policy", "compact,delete"), ("retention.ms", "60000")]), 0);
    put(&mut log, "hidden", Some("x"), 0);
    put(&mut log, "other", Some("y"), 61 * SECOND_MS);
    assert_eq!(left(&log), [("other".to_owned(), Some("y".to_owned()))]);
    assert_eq!(log.newest.len(), 1);
}

#[test]
fn invalid_settings_are_refused() {
    for (name, value) in [("cleanup.policy", "sometimes"), ("retention.ms", "a week")] {
        let own = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert!(Policy::new(&EmbeddedSettings::new(0), &own).is_err(), "{name}");
    }
    // Kafka's value for "no limit" means the limit of the log.
    assert_eq!(policy(&[("retention.ms", "-1"), ("retention.bytes", "-1")]), policy(&[]));
}

proptest! {
    /// A reader of a compacted partition ends with the same map as one that saw every record.
    #[test]
    fn compaction_keeps_the_state_of_a_late_reader(
        writes in proptest::collection::vec((0..8_u8, proptest::option::of(0..100_u8)), 1..300),
        bound in 0..5_000_usize,
    ) {
        let mut log = Partition::new(policy(&[("cleanup.policy", "compact"), ("retention.bytes", &bound.to_string())]), 0);
        let mut truth = BTreeMap::new();
        for (at, (key, value)) in (0..).zip(&writes) {
            let (key, value) = (key.to_string(), value.map(|value| value.to_string()));
            put(&mut log, &key, value.as_deref(), at);
            truth.insert(key, value);
            let high = log.watermarks().high;
            prop_assert_eq!(high, u64::try_from(at).unwrap() + 1);
        }
        let late: BTreeMap<_, _> = left(&log).into_iter().collect();
        prop_assert_eq!(late, truth);
        let weight: usize = log.from(0, usize::MAX).map(Stored::weight).sum();
        prop_assert_eq!(log.bytes, weight);
        let live = 8 * 200 + 200;
        prop_assert!(log.bytes <= bound + 2 * live + log.unreclaimed, "{} bytes", log.bytes);
    }
}
