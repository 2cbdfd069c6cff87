#![doc = include_str!("../README.md")]

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
