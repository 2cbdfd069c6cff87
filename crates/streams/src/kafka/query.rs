//! Queries the offsets of a reader's partitions, with a client of its own: the member's client may be the cause of a
//! stall.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::context::QueryContext;
use super::settings::KafkaSettings;
use crate::TopicPartition;

/// How long each request may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The partitions of a reader.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// All partitions of some topics, by a group.
    Group {
        /// Its name.
        group: String,
        /// Their full names.
        topics: Vec<String>,
    },
    /// These, in no group.
    Partitions(Vec<TopicPartition>),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group { group, .. } => write!(f, "group {group}"),
            Self::Partitions(partitions) => match partitions.first() {
                Some(first) => write!(f, "a reader of {first} and {} more", partitions.len() - 1),
                None => f.write_str("a reader of nothing"),
            },
        }
    }
}

/// The offsets of one partition: the lowest available one, the end, and the group's committed one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PartitionOffsets {
    pub(super) low: u64,
    pub(super) end: u64,
    pub(super) committed: Option<u64>,
}

/// A client for queries only. Its requests block.
pub(super) struct QueryClient {
    /// `None` only while it is dropped.
    consumer: Option<BaseConsumer<QueryContext>>,
    scope: Scope,
}

impl QueryClient {
    pub(super) fn open(settings: &KafkaSettings, scope: Scope) -> Result<Self, KafkaError> {
        let group = match &scope {
            Scope::Group { group, .. } => Some(group.as_str()),
            Scope::Partitions(_) => None,
        };
        Ok(Self { consumer: Some(settings.for_query_client(group).create_with_context(QueryContext)?), scope })
    }

    /// The offsets of all existing partitions.
    pub(super) fn offsets(&self) -> Result<BTreeMap<TopicPartition, PartitionOffsets>, KafkaError> {
        self.drain();
        let partitions = self.partitions()?;
        let mut offsets: BTreeMap<_, PartitionOffsets> =
            partitions.into_iter().map(|partition| (partition, PartitionOffsets::default())).collect();
        if offsets.is_empty() {
            return Ok(offsets);
        }
        let list = |offset: Offset| {
            let mut list = TopicPartitionList::with_capacity(offsets.len());
            for TopicPartition { topic, partition } in offsets.keys() {
                list.add_partition_offset(topic, partition.cast_signed(), offset)?;
            }
            Ok::<_, KafkaError>(list)
        };
        // In the place of a time, these two constants request the lowest offset and the end.
        let (lows, ends) = (list(Offset::Beginning)?, list(Offset::End)?);
        let committed = match self.scope {
            Scope::Group { .. } => Some(list(Offset::Invalid)?),
            Scope::Partitions(_) => None,
        };
        let consumer = self.consumer();
        store(&consumer.offsets_for_times(lows, TIMEOUT)?, &mut offsets, |known, offset| known.low = offset)?;
        store(&consumer.offsets_for_times(ends, TIMEOUT)?, &mut offsets, |known, offset| known.end = offset)?;
        if let Some(list) = committed {
            let committed = consumer.committed_offsets(list, TIMEOUT)?;
            store(&committed, &mut offsets, |known, offset| known.committed = Some(offset))?;
        }
        Ok(offsets)
    }

    /// How many members of the group own partitions.
    pub(super) fn members_that_own(&self) -> Result<usize, KafkaError> {
        let Scope::Group { group, .. } = &self.scope else { return Ok(0) };
        let list = self.consumer().fetch_group_list(Some(group), TIMEOUT)?;
        let members = list.groups().iter().flat_map(|group| group.members());
        Ok(members.filter(|member| member.assignment().is_some_and(names_a_topic)).count())
    }

    fn partitions(&self) -> Result<Vec<TopicPartition>, KafkaError> {
        let topics = match &self.scope {
            Scope::Partitions(partitions) => return Ok(partitions.clone()),
            Scope::Group { topics, .. } => topics,
        };
        let mut partitions = Vec::new();
        for topic in topics {
            let metadata = self.consumer().fetch_metadata(Some(topic), TIMEOUT)?;
            let found = metadata.topics().iter().filter(|found| found.name() == topic);
            let count = found.map(|found| found.partitions().len()).sum::<usize>();
            partitions.extend((0..count).map(|number| TopicPartition::new(topic.as_str(), number as u32)));
        }
        Ok(partitions)
    }

    /// Drops the client's own events: only the answers to its requests count.
    fn drain(&self) {
        while self.consumer().poll(Duration::ZERO).is_some() {}
    }

    fn consumer(&self) -> &BaseConsumer<QueryContext> {
        self.consumer.as_ref().expect("present until it is dropped")
    }
}

impl Drop for QueryClient {
    fn drop(&mut self) {
        // A stuck client may never finish closing, so that the caller must not wait for it.
        let consumer = self.consumer.take();
        if let Err(cause) = std::thread::Builder::new().name("kafka-close".into()).spawn(move || drop(consumer)) {
            tracing::debug!(%cause, "cannot start a thread that closes a client");
        }
    }
}

fn store(
    list: &TopicPartitionList,
    offsets: &mut BTreeMap<TopicPartition, PartitionOffsets>,
    set: impl Fn(&mut PartitionOffsets, u64),
) -> Result<(), KafkaError> {
    for element in list.elements() {
        element.error()?;
        let of = TopicPartition::new(element.topic(), element.partition().unsigned_abs());
        if let (Some(known), Offset::Offset(offset)) = (offsets.get_mut(&of), element.offset()) {
            set(known, offset.unsigned_abs());
        }
    }
    Ok(())
}

/// Whether an assignment has topics. In Kafka's consumer protocol it begins with a version (16 bits) and the number of
/// topics (32 bits).
fn names_a_topic(assignment: &[u8]) -> bool {
    assignment.get(2..6).is_some_and(|count| count.iter().any(|byte| *byte != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_assignments_are_recognised() {
        let cases: [(&[u8], bool); 4] = [
            (b"", false),
            (b"\x00\x01\x00\x00\x00\x00", false),
            (b"\x00\x01\x00\x00\x00\x01\x00\x01t", true),
            (b"\x00\x03\x00\x00", false),
        ];
        for (assignment, expected) in cases {
            assert_eq!(names_a_topic(assignment), expected, "{assignment:?}");
        }
    }
}
