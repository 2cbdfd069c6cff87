//! The MQTT front: the features of a broker that receivers need, and no others.
//!
//! Receivers publish here over MQTT 3.1, 3.1.1 or 5; each message is passed directly to the bridge of this process, and
//! its PUBACK or PUBREC leaves when the log has it. Nothing can be subscribed to, nothing is retained and no message is
//! stored: a retain flag changes nothing, and a Will is dropped, since it would be published long after it was written.
//! `docs/decisions/0001-mqtt-front.md` has the reasons.
//!
//! Pure: [`version`] and [`packet`] (bytes), [`deliveries`] (the state of a session), [`sessions`], [`admission`],
//! [`rate`] and [`log_limiter`]. [`connection`] and [`conversation`] are one task for each client, [`front`] accepts
//! them, and [`probe`] is a client of our
//! own.
//!
//! All memory that clients can use has a bound in [`limits`]. No lock is held while a client's bytes are decoded or
//! awaited, and a task that ends in a panic ends its own connection only.

mod admission;
mod connection;
mod conversation;
mod deliveries;
mod ending;
mod front;
mod limits;
mod log_limiter;
mod metrics;
mod packet;
mod probe;
mod rate;
mod receivers;
mod sessions;
mod shared;
mod version;

pub(crate) use front::Front;
pub(crate) use probe::Probe;
pub(crate) use receivers::{new_entry, open as open_receivers};
