//! Where receptions go: lines of text, or an MQTT broker in real time.

mod lines;
mod mqtt;
mod target;

pub use lines::{Lines, lines};
pub use mqtt::{Pace, Published, publish};
pub use target::{MqttTarget, MqttTargetError};
