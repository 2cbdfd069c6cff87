//! Targets of receptions: lines of text, or an MQTT broker or Kafka in real time.

mod connection;
#[cfg(feature = "services")]
mod kafka;
mod lines;
mod mqtt;
mod pace;
#[cfg(feature = "services")]
mod raw_topic;
#[cfg(feature = "services")]
mod stored;
mod target;

#[cfg(feature = "services")]
pub(crate) use connection::refusal;
pub(crate) use connection::{connect, options};
#[cfg(feature = "services")]
pub use kafka::{KafkaTarget, write};
pub use lines::{Lines, lines};
pub use mqtt::publish;
pub use pace::{Pace, Published};
#[cfg(feature = "services")]
pub(crate) use raw_topic::{RawTopic, RawTopicOptions};
#[cfg(feature = "services")]
pub(crate) use stored::stored;
pub use target::{MqttTarget, MqttTargetError};
