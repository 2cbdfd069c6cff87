//! `replay play`: plays records to MQTT, to Kafka, or to a core in this process.

#[cfg(feature = "services")]
mod broker;
#[cfg(feature = "services")]
mod command;
#[cfg(feature = "services")]
mod kafka;
mod mqtt;
mod pace;
mod playback;
mod resume;
mod shift;

#[cfg(feature = "services")]
pub use command::{PlayArgs, Shift, run};
pub use mqtt::{Played, publish_playback};
pub use pace::Speed;
pub use playback::Playback;
