//! The MQTT broker inside: rumqttd behind a door of our own.
//!
//! rumqttd serves each version of MQTT on a port of its own. The [`door`] listens on the one port that the world knows,
//! looks at the version that a client asks for, and connects it to the right one.

mod broker;
mod connect;
mod door;

pub(crate) use broker::Broker;
pub(crate) use door::Door;
