//! Records, their headers and their partitions.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's full name, prefix included.
    pub topic: Arc<str>,
    /// The partition, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic's full name, prefix included.
    pub topic: Arc<str>,
    /// The partition; `None` lets the key decide ([`crate::partitioner`]).
    pub partition: Option<u32>,
    /// The key; records of one key and partition keep their order.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers, in order; a name may occur more than once.
    pub headers: Headers,
    /// The record's time, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The topic's full name, prefix included.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The offset in the partition; it increases, but not always by one (compaction leaves gaps).
    pub offset: u64,
    /// The record's time, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers, in order.
    pub headers: Headers,
}

impl Incoming {
    /// The topic and the partition.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.partition }
    }
}

/// A header's name: most are constants of the code and cost no allocation.
#[derive(Clone)]
pub enum HeaderName {
    /// Known at compile time.
    Static(&'static str),
    /// Read from a record.
    Shared(Arc<str>),
}

impl HeaderName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl From<&'static str> for HeaderName {
    fn from(name: &'static str) -> Self {
        Self::Static(name)
    }
}

impl From<Arc<str>> for HeaderName {
    fn from(name: Arc<str>) -> Self {
        Self::Shared(name)
    }
}

impl From<String> for HeaderName {
    fn from(name: String) -> Self {
        Self::Shared(name.into())
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for HeaderName {}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A record's headers, in the order they were pushed. A name may occur more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, Bytes)>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets the value of the first header of that name, or adds one at the end.
    pub fn set(&mut self, name: &'static str, value: impl Into<Bytes>) {
        match self.0.iter_mut().find(|(known, _)| known.as_str() == name) {
            Some((_, known)) => *known = value.into(),
            None => self.push(name, value),
        }
    }

    /// The same headers with one more at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) -> Self {
        self.push(name, value);
        self
    }

    /// The value of the first header of that name.
    pub fn first(&self, name: &str) -> Option<&Bytes> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of names and values together.
    pub(crate) fn size_bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order() {
        let headers = Headers::new().with("way", "1").with(String::from("way"), "2").with("x", Bytes::new());
        assert_eq!(headers.first("way").map(|value| &value[..]), Some(&b"1"[..]));
        assert_eq!(headers.first("x").map(|value| value.len()), Some(0));
        assert_eq!(headers.first("y"), None);
        assert_eq!(headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["way", "way", "x"]);
    }

    #[test]
    fn static_and_shared_header_names_are_equal() {
        assert_eq!(HeaderName::from("way"), HeaderName::from(Arc::<str>::from("way")));
    }
}
