//! Topics: how they should be, how they are, and the differences.

use std::collections::BTreeMap;

use crate::StreamError;

/// The wanted form of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// The full name, prefix included.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// Copies of each partition; `None` takes the cluster's default. The embedded log has one.
    pub replication: Option<u16>,
    /// Settings by Kafka's names; the rest are the cluster's defaults. The embedded log applies `cleanup.policy`,
    /// `retention.ms`, `retention.bytes` and `delete.retention.ms`, and only stores the others.
    pub settings: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic with default settings.
    pub fn new(name: impl Into<String>, partitions: u32) -> Self {
        Self { name: name.into(), partitions, replication: None, settings: BTreeMap::new() }
    }

    /// The same with one more setting.
    #[must_use]
    pub fn with(mut self, setting: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(setting.into(), value.into());
        self
    }
}

/// The outcome of one wanted topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicOutcome {
    /// It was missing and has been created.
    Created,
    /// It existed already; it was not changed.
    Exists {
        /// How many partitions it has.
        partitions: u32,
        /// The settings that differ from the wanted ones.
        differences: Vec<SettingDifference>,
    },
}

/// A setting that differs from the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingDifference {
    /// Kafka's name.
    pub setting: String,
    /// The wanted value.
    pub wanted: String,
    /// The present value; `None` where the cluster does not know the setting.
    pub found: Option<String>,
}

/// The present form of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// The full name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// The settings that differ from the cluster's defaults.
    pub settings: BTreeMap<String, String>,
}

/// The error of a topic that does not exist.
pub(crate) fn unknown_topic(topic: &str) -> StreamError {
    let cause = "there is no such topic: `processor topics apply` creates missing topics";
    StreamError::transient("unknown_topic", format!("request the partitions of {topic}"), cause)
}

/// The wanted settings that differ from those of `found`, by name.
pub(crate) fn differences(
    wanted: &BTreeMap<String, String>,
    found: impl Fn(&str) -> Option<String>,
) -> Vec<SettingDifference> {
    wanted
        .iter()
        .filter_map(|(setting, wanted)| {
            let found = found(setting);
            (found.as_deref().map(canonical) != Some(canonical(wanted))).then(|| SettingDifference {
                setting: setting.clone(),
                wanted: wanted.clone(),
                found,
            })
        })
        .collect()
}

/// Kafka returns lists in its own order: `compact,delete` is `delete,compact`.
fn canonical(value: &str) -> Vec<&str> {
    let mut parts: Vec<_> = value.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_ignore_the_order_of_lists() {
        let wanted = NewTopic::new("t", 1)
            .with("cleanup.policy", "compact,delete")
            .with("segment.ms", "600000")
            .with("retention.ms", "1000");
        let found = |name: &str| match name {
            "cleanup.policy" => Some("delete,compact".to_owned()),
            "segment.ms" => Some("604800000".to_owned()),
            _ => None,
        };
        let expected = [("retention.ms", "1000", None), ("segment.ms", "600000", Some("604800000"))];
        let expected = expected.map(|(setting, wanted, found)| SettingDifference {
            setting: setting.into(),
            wanted: wanted.into(),
            found: found.map(Into::into),
        });
        assert_eq!(differences(&wanted.settings, found), expected);
    }
}
