//! The topic catalogue, `topics.toml`, as types; and the topics' names for code.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// Names of the topics, without prefix.
pub mod topic {
    /// Every input, unchanged.
    pub const RAW: &str = "fanet.raw.v1";
    /// One decoded frame after the copies are removed.
    pub const OBSERVATION: &str = "fanet.observation.v1";
    /// One receiver hearing one frame.
    pub const RECEPTION: &str = "fanet.reception.v1";
    /// Public aircraft.
    pub const AIRCRAFT: &str = "fanet.state.aircraft.v1";
    /// Public ground objects.
    pub const GROUND: &str = "fanet.state.ground.v1";
    /// Weather stations.
    pub const STATION: &str = "fanet.state.station.v1";
    /// Calls for help.
    pub const ALERT: &str = "fanet.alert.v1";
    /// Marks on the map that devices broadcast.
    pub const LANDMARK: &str = "fanet.state.landmark.v1";
    /// Receivers.
    pub const RECEIVER: &str = "fanet.state.receiver.v1";
    /// Single climbs.
    pub const THERMAL_REPORT: &str = "fanet.thermal-report.v1";
    /// Thermals.
    pub const THERMAL: &str = "fanet.state.thermal.v1";
    /// The wind by the drift of circles.
    pub const WIND: &str = "fanet.state.wind.v1";
    /// Observations of hidden devices.
    pub const PRIVATE_OBSERVATION: &str = "fanet.private.observation.v1";
    /// States of hidden devices.
    pub const PRIVATE_STATE: &str = "fanet.private.state.v1";
    /// The public past of devices.
    pub const PRIVACY: &str = "fanet.private.privacy.v1";
    /// Sets of zones.
    pub const ZONE: &str = "fanet.zone.v1";
    /// Aircraft entering and leaving zones.
    pub const ZONE_EVENT: &str = "fanet.zone-event.v1";
    /// Checkpoints of the stream core.
    pub const PROCESSOR_STATE: &str = "fanet.processor-state.v1";
    /// Checkpoints of the thermal aggregator.
    pub const THERMALS_STATE: &str = "fanet.thermals-state.v1";
    /// Checkpoints of the receiver core.
    pub const RECEIVERS_STATE: &str = "fanet.receivers-state.v1";
    /// Accounts.
    pub const ACCOUNT: &str = "fanet.account.v1";
    /// Messages to webhooks and browsers.
    pub const NOTIFICATION: &str = "fanet.notification.v1";
    /// Access and change records.
    pub const AUDIT: &str = "fanet.audit.v1";
    /// Unusable inputs.
    pub const DEAD_LETTER: &str = "fanet.dead-letter.v1";
}

/// One topic as the catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Name without prefix.
    pub name: String,
    /// The record key, as a description.
    pub key: String,
    /// Full name of the value's message. `None`: bytes as they came.
    pub message: Option<String>,
    /// How many partitions, where the installation chose no other number.
    pub partitions: u32,
    /// Whether an installation may choose another number of partitions, the same for all topics that scale.
    pub scales: bool,
    /// Kafka's `cleanup.policy`.
    pub cleanup: String,
    /// How long records stay. `None`: as long as they are the newest of their key.
    pub retention: Option<Duration>,
    /// All Kafka topic settings, `cleanup.policy` and `retention.ms` included.
    pub settings: BTreeMap<String, String>,
    /// The program that writes it.
    pub owner: String,
    /// Other programs that write it.
    pub writers: Vec<String>,
    /// The programs that read it.
    pub readers: Vec<String>,
    /// True: its shape may change with the program that owns it.
    pub internal: bool,
    /// A description, in one line.
    pub about: String,
}

impl Topic {
    /// The name on a cluster where this environment's topics carry `prefix`.
    pub fn full_name(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.name)
    }

    /// The registry's subject of the value, after TopicNameStrategy.
    pub fn subject(&self, prefix: &str) -> String {
        format!("{prefix}{}-value", self.name)
    }
}

/// All topics, in the order of the catalogue.
///
/// # Panics
/// Never in a built program: a test reads the same file.
pub fn topics() -> Vec<Topic> {
    parse(include_str!("../topics.toml")).expect("topics.toml is held by a test")
}

/// The same where the topics that scale have so many partitions.
pub fn topics_over(partitions: u32) -> Vec<Topic> {
    let over = |topic: Topic| Topic { partitions: if topic.scales { partitions } else { topic.partitions }, ..topic };
    topics().into_iter().map(over).collect()
}

/// Finds a topic by its name without prefix.
pub fn find(name: &str) -> Option<Topic> {
    topics().into_iter().find(|topic| topic.name == name)
}

/// An invalid catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Invalid TOML, or an unexpected field.
    #[error(
        "topics.toml is not valid: expected TOML with [settings.*] and [[topic]] tables; fix the position named below"
    )]
    Toml(#[from] toml::de::Error),
    /// A retention that is not a number of days or hours.
    #[error(
        "topic {topic}: invalid retention {retention:?}: expected a number of days or hours, for example \"7 days\" or \"24 h\""
    )]
    Retention {
        /// The topic.
        topic: String,
        /// The invalid text.
        retention: String,
    },
    /// A group of settings that is not declared.
    #[error(
        "topic {topic}: unknown settings group {settings:?}: expected one of the [settings.*] tables; add [settings.{settings}] or correct the name"
    )]
    Settings {
        /// The topic.
        topic: String,
        /// The group it names.
        settings: String,
    },
}

fn parse(text: &str) -> Result<Vec<Topic>, CatalogueError> {
    let file: File = toml::from_str(text)?;
    file.topic.into_iter().map(|entry| entry.resolve(&file.settings)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    settings: BTreeMap<String, BTreeMap<String, String>>,
    topic: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    message: String,
    partitions: u32,
    #[serde(default)]
    scales: bool,
    cleanup: String,
    retention: Option<String>,
    settings: String,
    owner: String,
    #[serde(default)]
    writers: Vec<String>,
    readers: Vec<String>,
    #[serde(default)]
    internal: bool,
    about: String,
}

impl Entry {
    fn resolve(self, groups: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Topic, CatalogueError> {
        let Some(group) = groups.get(&self.settings) else {
            return Err(CatalogueError::Settings { topic: self.name, settings: self.settings });
        };
        let retention = match &self.retention {
            None => None,
            Some(text) => match parse_retention(text) {
                Some(duration) => Some(duration),
                None => {
                    return Err(CatalogueError::Retention { topic: self.name, retention: text.clone() });
                }
            },
        };
        let mut settings = group.clone();
        settings.insert("cleanup.policy".into(), self.cleanup.clone());
        if let Some(retention) = retention {
            settings.insert("retention.ms".into(), retention.as_millis().to_string());
        }
        Ok(Topic {
            name: self.name,
            key: self.key,
            message: Some(self.message).filter(|message| !message.is_empty()),
            partitions: self.partitions,
            scales: self.scales,
            cleanup: self.cleanup,
            retention,
            settings,
            owner: self.owner,
            writers: self.writers,
            readers: self.readers,
            internal: self.internal,
            about: self.about,
        })
    }
}

fn parse_retention(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_once(' ')?;
    let hours = match unit {
        "h" => 1,
        "days" => 24,
        _ => return None,
    };
    Some(Duration::from_secs(count.parse::<u64>().ok()? * hours * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::location_of;

    #[test]
    fn every_topic_names_a_message_that_exists() {
        for topic in topics() {
            if let Some(message) = &topic.message {
                assert!(location_of(message).is_some(), "{}: no message {message}", topic.name);
            }
        }
    }

    #[test]
    fn device_topics_are_partitioned_like_the_raw_topic() {
        let raw = find(topic::RAW).expect("in the catalogue");
        for name in [topic::OBSERVATION, topic::AIRCRAFT, topic::GROUND, topic::STATION, topic::ALERT] {
            assert_eq!(find(name).expect("in the catalogue").partitions, raw.partitions, "{name}");
        }
        let others = [
            topic::PRIVATE_OBSERVATION,
            topic::PRIVATE_STATE,
            topic::PRIVACY,
            topic::ZONE_EVENT,
            topic::PROCESSOR_STATE,
        ];
        for name in others {
            assert_eq!(find(name).expect("in the catalogue").partitions, raw.partitions, "{name}");
        }
    }

    #[test]
    fn topics_that_scale_do_so_together() {
        let raw = find(topic::RAW).expect("in the catalogue");
        assert!(topics().iter().all(|topic| topic.scales == (topic.partitions == raw.partitions)));
        for (topic, over_six) in topics().into_iter().zip(topics_over(6)) {
            let partitions = if topic.scales { 6 } else { topic.partitions };
            assert_eq!(over_six, Topic { partitions, ..topic });
        }
    }

    #[test]
    fn deleted_topics_have_a_retention() {
        for topic in topics() {
            assert_eq!(topic.cleanup.contains("delete"), topic.retention.is_some(), "{}", topic.name);
        }
    }

    #[test]
    fn settings_and_retention_become_kafka_settings() {
        let aircraft = find(topic::AIRCRAFT).expect("in the catalogue");
        assert_eq!(aircraft.settings["cleanup.policy"], "compact");
        assert_eq!(aircraft.settings["max.compaction.lag.ms"], "1800000");
        assert_eq!(find(topic::RAW).expect("in the catalogue").settings["retention.ms"], "604800000");
        assert_eq!(aircraft.full_name("test."), "test.fanet.state.aircraft.v1");
        assert_eq!(aircraft.subject(""), "fanet.state.aircraft.v1-value");
    }

    #[test]
    fn mistakes_are_reported_by_topic() {
        let catalogue = |retention: &str, settings: &str| {
            format!(
                "[settings.plain]\n[[topic]]\nname='t'\nkey='k'\nmessage=''\npartitions=1\ncleanup='delete'\n\
                 retention='{retention}'\nsettings='{settings}'\nowner='o'\nreaders=[]\nabout='a'\n"
            )
        };
        assert!(parse(&catalogue("7 days", "plain")).is_ok());
        assert!(parse(&catalogue("a week", "plain")).unwrap_err().to_string().contains("a week"));
        assert!(parse(&catalogue("7 days", "odd")).unwrap_err().to_string().contains("[settings.odd]"));
    }
}
