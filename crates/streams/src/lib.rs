//! The log: ordered, partitioned, replayable records, on Kafka or in memory.
//!
//! One port, two implementations. [`Log`] is a cluster; [`Source`] reads it (alone or as a member of a consumer group),
//! [`Sink`] writes it. [`EmbeddedLog`] lives in this process, [`KafkaLog`] is Apache Kafka through librdkafka. Both keep the
//! same promises, held by one contract suite (`contract`, behind the feature of that name).
//!
//! The rest of the room is what every reader and writer of the log needs: [`framing`] and [`registry`] (Confluent wire
//! format and schemas), [`partitioner`] (which partition a key belongs to), [`Contiguous`] (what may be committed),
//! [`Flush`] (waits for a batch of receipts), [`DeadLetter`] (an input that could not be used).
//!
//! This is the only room that knows rdkafka. Nothing here knows what an aircraft is.

#[cfg(feature = "contract")]
pub mod contract;
pub mod dead_letter;
pub mod framing;
pub mod partitioner;
pub mod registry;

mod batch;
mod embedded;
mod error;
mod kafka;
mod log;
mod offsets;
mod options;
mod record;
mod sink;
mod source;
mod topics;

pub use batch::Flush;
pub use dead_letter::{DeadLetter, DeadLetterSource};
pub use embedded::{EmbeddedLog, EmbeddedSettings};
pub use error::{DeliveryError, StreamError};
pub use kafka::{Health, HealthState, KafkaLog, KafkaSettings};
pub use log::{GroupSettings, Log, SeekTo, Start, Watermarks};
pub use offsets::Contiguous;
pub use options::{LogOptions, Pairs};
pub use record::{HeaderName, Headers, Incoming, Outgoing, TopicPartition};
pub use sink::{Acknowledge, Delivered, Receipt, SendRefused, Sink, SinkSettings};
pub use source::{Event, Revocation, Source};
pub use topics::{NewTopic, SettingDifference, TopicDescription, TopicOutcome};
