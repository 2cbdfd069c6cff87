//! One captured record.

use bytes::Bytes;

/// A record of the raw topic with its complete metadata of the log.
///
/// A message that was captured from MQTT has partition 0 and an offset that counts from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: u32,
    /// Its offset there; grows within a run.
    pub offset: u64,
    /// Its time, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// `None`: it has no key.
    pub key: Option<Bytes>,
    /// The value verbatim, with the registry's framing. `None`: a tombstone.
    pub value: Option<Bytes>,
    /// In order; a name may occur more than once.
    pub headers: Vec<Header>,
}

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Bytes,
}
