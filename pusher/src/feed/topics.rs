//! The topics that the pusher reads, and what each of their partitions is read for.

use std::collections::HashMap;

use schemas::catalogue::topic;
use streams::{SeekTo, StreamError, TopicDescription, TopicPartition};

use fanout::view::Kind;

/// What a topic is read for, which decides how its records are decoded and applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TopicUse {
    /// States of one kind of object; `partition` is the view's number of the partition.
    Public { kind: Kind, partition: u16 },
    /// States of hidden devices.
    Private,
    /// The public past of devices.
    Privacy,
    /// The wind by cell and altitude band.
    Wind,
    /// Who owns which device.
    Account,
    /// Sets of zones.
    Zone,
    /// Aircraft entering and leaving zones.
    ZoneEvent,
    /// Clocks of the raw partitions: a record every few seconds, also when no aircraft flies. Their content is ignored:
    /// they show that the log still has new records.
    Clock,
}

impl TopicUse {
    /// Metric label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Public { kind, .. } => kind.as_str(),
            Self::Private => "private",
            Self::Privacy => "privacy",
            Self::Wind => "wind",
            Self::Account => "account",
            Self::Zone => "zone",
            Self::ZoneEvent => "zone_event",
            Self::Clock => "clock",
        }
    }
}

/// The partitions that are read.
#[derive(Debug)]
pub(super) struct Topics {
    uses: HashMap<TopicPartition, TopicUse>,
    public_partitions: usize,
    /// From when on zone events are read.
    events_since_us: u64,
}

impl Topics {
    /// Finds the topics on the cluster. The order of kinds and partitions determines the numbers of the partitions,
    /// which are the same on every instance.
    ///
    /// # Errors
    /// Transient: a topic is missing.
    pub(super) fn find(found: &[TopicDescription], prefix: &str) -> Result<Self, StreamError> {
        let partitions_of = |name: &str| {
            let full = format!("{prefix}{name}");
            let topic = found.iter().find(|topic| topic.name == full);
            let missing = || format!("there is no topic {full}: create it with `processor topics apply`");
            let topic = topic.ok_or_else(|| StreamError::transient("no_topic", "read the state topics", missing()))?;
            Ok::<_, StreamError>(
                (0..topic.partitions).map(move |partition| TopicPartition::new(full.clone(), partition)),
            )
        };
        let mut uses = HashMap::new();
        for kind in Kind::ALL {
            for at in partitions_of(kind.topic())? {
                let partition = u16::try_from(uses.len()).unwrap_or(u16::MAX);
                uses.insert(at, TopicUse::Public { kind, partition });
            }
        }
        let public_partitions = uses.len();
        uses.extend(partitions_of(topic::PRIVATE_STATE)?.map(|at| (at, TopicUse::Private)));
        uses.extend(partitions_of(topic::PRIVACY)?.map(|at| (at, TopicUse::Privacy)));
        uses.extend(partitions_of(topic::WIND)?.map(|at| (at, TopicUse::Wind)));
        uses.extend(partitions_of(topic::ACCOUNT)?.map(|at| (at, TopicUse::Account)));
        uses.extend(partitions_of(topic::ZONE)?.map(|at| (at, TopicUse::Zone)));
        uses.extend(partitions_of(topic::ZONE_EVENT)?.map(|at| (at, TopicUse::ZoneEvent)));
        uses.extend(partitions_of(topic::THERMAL_REPORT)?.map(|at| (at, TopicUse::Clock)));
        Ok(Self { uses, public_partitions, events_since_us: 0 })
    }

    /// Leaves out zone events before this time.
    pub(super) fn with_events_since(self, events_since_us: u64) -> Self {
        Self { events_since_us, ..self }
    }

    pub(super) fn public_partitions(&self) -> usize {
        self.public_partitions
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.uses.keys()
    }

    /// States are read from the beginning, events from a time on, clocks from the end.
    pub(super) fn start(&self, partition: &TopicPartition) -> SeekTo {
        match self.uses.get(partition) {
            Some(TopicUse::Clock) => SeekTo::End,
            Some(TopicUse::ZoneEvent) => SeekTo::Time { timestamp_ms: (self.events_since_us / 1_000).cast_signed() },
            _ => SeekTo::Beginning,
        }
    }

    pub(super) fn is_aircraft(&self, partition: &TopicPartition) -> bool {
        matches!(self.uses.get(partition), Some(TopicUse::Public { kind: Kind::Aircraft, .. }))
    }

    pub(super) fn use_of(&self, topic: &std::sync::Arc<str>, partition: u32) -> Option<TopicUse> {
        self.uses.get(&TopicPartition { topic: topic.clone(), partition }).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(prefix: &str) -> Vec<TopicDescription> {
        let others = [
            topic::PRIVATE_STATE,
            topic::PRIVACY,
            topic::WIND,
            topic::ACCOUNT,
            topic::ZONE,
            topic::ZONE_EVENT,
            topic::THERMAL_REPORT,
        ];
        let names = Kind::ALL.map(Kind::topic).into_iter().chain(others);
        let describe = |name: &str| TopicDescription {
            name: format!("{prefix}{name}"),
            partitions: 2,
            settings: Default::default(),
        };
        names.map(describe).collect()
    }

    #[test]
    fn partitions_are_numbered_by_kind_and_order() {
        let topics = Topics::find(&cluster("test."), "test.").unwrap();
        assert_eq!(topics.public_partitions(), 14);
        let ground = topics.use_of(&"test.fanet.state.ground.v1".into(), 1);
        assert_eq!(ground, Some(TopicUse::Public { kind: Kind::Ground, partition: 3 }));
        let clock = TopicPartition::new("test.fanet.thermal-report.v1", 0);
        assert_eq!(topics.start(&clock), SeekTo::End);
        assert_eq!(topics.use_of(&"test.fanet.state.wind.v1".into(), 1), Some(TopicUse::Wind));
        assert_eq!(topics.partitions().count(), 28);
    }

    #[test]
    fn a_missing_topic_is_a_transient_error() {
        let error = Topics::find(&cluster(""), "live.").unwrap_err();
        assert!(error.is_transient());
        assert!(runtime::retry::with_causes(&error).contains("live.fanet.state.aircraft.v1"), "{error}");
    }
}
