//! Cases about topics.

use super::Fixture;
use super::support::{topic, write_numbers};
use crate::{NewTopic, TopicOutcome, TopicPartition};

/// An existing topic is compared, not changed.
pub async fn topics_are_created_once_and_compared(fixture: &dyn Fixture) {
    let name = |of: &str| format!("{}{of}", fixture.prefix());
    let compacted = NewTopic::new(name("compacted"), 3)
        .with("cleanup.policy", "compact,delete")
        .with("retention.ms", "3600000")
        .with("segment.ms", "600000");
    let plain = NewTopic::new(name("plain"), 1);
    let wanted = [compacted.clone(), plain.clone()];
    let outcomes = fixture.log().create_topics(&wanted).await.expect("created");
    assert_eq!(outcomes, [TopicOutcome::Created, TopicOutcome::Created]);

    let outcomes = fixture.log().create_topics(&wanted).await.expect("compared");
    let same = |partitions| TopicOutcome::Exists { partitions, differences: Vec::new() };
    assert_eq!(outcomes, [same(3), same(1)]);

    let other = NewTopic { partitions: 5, ..compacted.clone() }.with("retention.ms", "7200000");
    let outcomes = fixture.log().create_topics(&[other]).await.expect("compared");
    let [TopicOutcome::Exists { partitions: 3, differences }] = &outcomes[..] else { panic!("{outcomes:?}") };
    let differences: Vec<_> =
        differences.iter().map(|found| (&*found.setting, &*found.wanted, found.found.as_deref())).collect();
    assert_eq!(differences, [("retention.ms", "7200000", Some("3600000"))]);

    assert_eq!(fixture.log().partitions(&compacted.name).await.expect("counted"), 3);
    let error = fixture.log().partitions(&name("absent")).await.expect_err("missing");
    assert_eq!((error.reason(), error.is_transient()), ("unknown_topic", true));

    let topics = fixture.log().describe_topics().await.expect("described");
    let described = topics.iter().find(|topic| topic.name == compacted.name).expect("listed");
    assert_eq!(described.partitions, 3);
    assert_eq!(described.settings.get("segment.ms").map(String::as_str), Some("600000"));
    let described = topics.iter().find(|topic| topic.name == plain.name).expect("listed");
    assert!(described.settings.is_empty(), "{:?}", described.settings);

    let bad = NewTopic::new(name("bad"), 1).with("cleanup.policy", "sometimes");
    let error = fixture.log().create_topics(&[bad]).await.expect_err("refused");
    assert!(!error.is_transient(), "{error:?}");
}

/// The watermarks advance with each record; the epoch stays.
pub async fn watermarks_and_epoch_name_the_data(fixture: &dyn Fixture) {
    let topic = topic(fixture, "watermarks", 1).await;
    let partition = TopicPartition::new(&*topic, 0);
    let empty = fixture.log().watermarks(&partition).await.expect("watermarks");
    assert_eq!(empty.low, empty.high);
    write_numbers(fixture, &topic, 0, 0..5).await;
    let full = fixture.log().watermarks(&partition).await.expect("watermarks");
    assert_eq!((full.low, full.high), (empty.low, empty.high + 5));
    let error = fixture.log().watermarks(&TopicPartition::new(&*topic, 3)).await.expect_err("no such partition");
    assert_eq!((error.reason(), error.is_transient()), ("unknown_topic", true));

    let epoch = fixture.log().epoch().await.expect("epoch");
    assert!(!epoch.is_empty());
    assert_eq!(fixture.log().epoch().await.expect("epoch"), epoch);
}
