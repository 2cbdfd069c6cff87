//! What the cluster says of a group's partitions. Asked by a client of its own, since the member's may be what is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::context::AskingContext;
use super::settings::KafkaSettings;
use crate::TopicPartition;

/// How long each question may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// What is read.
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

/// Low end, high end, and what the group has committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) low: u64,
    pub(super) end: u64,
    pub(super) committed: Option<u64>,
}

/// A client that only asks. Its questions block.
pub(super) struct Asker {
    /// `None` only while it is dropped.
    consumer: Option<BaseConsumer<AskingContext>>,
    scope: Scope,
}

impl Asker {
    pub(super) fn open(settings: &KafkaSettings, scope: Scope) -> Result<Self, KafkaError> {
        let group = match &scope {
            Scope::Group { group, .. } => Some(group.as_str()),
            Scope::Partitions(_) => None,
        };
        Ok(Self { consumer: Some(settings.for_asker(group).create_with_context(AskingContext)?), scope })
    }

    /// All partitions there are, each with its marks.
    pub(super) fn marks(&self) -> Result<BTreeMap<TopicPartition, Marks>, KafkaError> {
        self.drain();
        let partitions = self.partitions()?;
        let mut marks: BTreeMap<_, Marks> =
            partitions.into_iter().map(|partition| (partition, Marks::default())).collect();
        if marks.is_empty() {
            return Ok(marks);
        }
        let list = |offset: Offset| {
            let mut list = TopicPartitionList::with_capacity(marks.len());
            for TopicPartition { topic, partition } in marks.keys() {
                list.add_partition_offset(topic, partition.cast_signed(), offset)?;
            }
            Ok::<_, KafkaError>(list)
        };
        // These two names stand where a time is asked for, and mean the ends.
        let (lows, ends) = (list(Offset::Beginning)?, list(Offset::End)?);
        let committed = match self.scope {
            Scope::Group { .. } => Some(list(Offset::Invalid)?),
            Scope::Partitions(_) => None,
        };
        let consumer = self.consumer();
        note(&consumer.offsets_for_times(lows, PATIENCE)?, &mut marks, |mark, offset| mark.low = offset)?;
        note(&consumer.offsets_for_times(ends, PATIENCE)?, &mut marks, |mark, offset| mark.end = offset)?;
        if let Some(list) = committed {
            let committed = consumer.committed_offsets(list, PATIENCE)?;
            note(&committed, &mut marks, |mark, offset| mark.committed = Some(offset))?;
        }
        Ok(marks)
    }

    /// Whether any member of the group owns a partition. For a member that owns none: whether another one does.
    pub(super) fn members_that_own(&self) -> Result<usize, KafkaError> {
        let Scope::Group { group, .. } = &self.scope else { return Ok(0) };
        let list = self.consumer().fetch_group_list(Some(group), PATIENCE)?;
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
            let metadata = self.consumer().fetch_metadata(Some(topic), PATIENCE)?;
            let found = metadata.topics().iter().filter(|found| found.name() == topic);
            let count = found.map(|found| found.partitions().len()).sum::<usize>();
            partitions.extend((0..count).map(|number| TopicPartition::new(topic.as_str(), number as u32)));
        }
        Ok(partitions)
    }

    /// What it has to say by itself concerns nobody: the answers to its questions do.
    fn drain(&self) {
        while self.consumer().poll(Duration::ZERO).is_some() {}
    }

    fn consumer(&self) -> &BaseConsumer<AskingContext> {
        self.consumer.as_ref().expect("present until it is dropped")
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        // A client that has lost its way may take for ever to close; nobody should wait for that.
        let consumer = self.consumer.take();
        if let Err(cause) = std::thread::Builder::new().name("kafka-close".into()).spawn(move || drop(consumer)) {
            tracing::debug!(%cause, "no thread to close a client with");
        }
    }
}

fn note(
    list: &TopicPartitionList,
    marks: &mut BTreeMap<TopicPartition, Marks>,
    set: impl Fn(&mut Marks, u64),
) -> Result<(), KafkaError> {
    for element in list.elements() {
        element.error()?;
        let of = TopicPartition::new(element.topic(), element.partition().unsigned_abs());
        if let (Some(mark), Offset::Offset(offset)) = (marks.get_mut(&of), element.offset()) {
            set(mark, offset.unsigned_abs());
        }
    }
    Ok(())
}

/// Whether an assignment (Kafka's consumer protocol: a version of 16 bits, then the number of topics in 32) is not empty.
fn names_a_topic(assignment: &[u8]) -> bool {
    assignment.get(2..6).is_some_and(|count| count.iter().any(|byte| *byte != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_topics_or_none() {
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
