//! The bridge on real services that work: what it forwards, how it is secured and shared, and what it says of the broker.
//! What it does when they fail is in `bridge_faults`.

mod broker;
mod certificates;
mod desk;
mod disk;
#[cfg(feature = "kafka-tls")]
mod kafka_tls;
mod records;
mod retained;
mod security;
mod shards;
mod shipped;
mod writer;

use harness::traffic::{frames, ledger, publisher};
