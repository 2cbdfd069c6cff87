//! `replay play`: plays records to MQTT, to Kafka, or to a core in this process.

#[cfg(feature = "services")]
mod broker;
#[cfg(feature = "services")]
mod command;
#[cfg(feature = "services")]
mod kafka;
mod mqtt;
mod pace;
mod resume;
mod shift;
mod tape;

#[cfg(feature = "services")]
pub use command::{PlayArgs, Shift, run};
pub use mqtt::{Played, publish_tape};
pub use pace::Speed;
pub use tape::Tape;
