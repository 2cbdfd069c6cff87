#![doc = include_str!("../README.md")]

#[cfg(feature = "contract")]
pub mod contract;
pub mod dead_letter;
pub mod framing;
pub mod partitioner;
pub mod registry;
pub mod trace;
pub mod watchdog;

mod batch;
mod cluster;
mod embedded;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
mod lag;
mod log;
mod offsets;
mod options;
mod record;
mod seek;
mod sink;
mod source;
mod topic;
mod topics;
mod version;

pub use batch::Flush;
pub use cluster::{Cluster, ClusterError, Unprepared, unless_stopped};
pub use dead_letter::{DeadLetter, DeadLetterSource};
pub use embedded::{EmbeddedLog, EmbeddedSettings, JournalSettings, Restored};
pub use error::{DeliveryError, StreamError};
#[cfg(feature = "kafka")]
pub use kafka::{Health, HealthState, KafkaLog, KafkaSettings};
pub use lag::{Behind, Lag};
pub use log::{GroupProgress, GroupSettings, Log, Start, Watermarks};
pub use offsets::Contiguous;
pub use options::{LibrdkafkaSettings, LogOptions};
pub use record::{HeaderName, Headers, Incoming, Outgoing, TopicPartition};
pub use seek::SeekTo;
pub use sink::{Acknowledge, Delivered, Receipt, SendRefused, Sink, SinkSettings};
pub use source::{Event, Revocation, Source};
pub use topic::Topic;
pub use topics::{NewTopic, SettingDifference, TopicDescription, TopicOutcome};
pub use version::{put_version, version_of};
