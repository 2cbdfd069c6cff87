//! The bridge on real services that work: what it forwards, how it is secured and shared, and what it says of the broker.
//! What it does when they fail is in `bridge_faults`.

mod broker;
mod certificates;
#[path = "../bridge_faults/clock.rs"]
mod clock;
mod desk;
mod disk;
#[path = "../bridge_faults/frames.rs"]
mod frames;
#[cfg(feature = "kafka-tls")]
mod kafka_tls;
#[path = "../bridge_faults/ledger.rs"]
#[allow(dead_code, reason = "the faults use the rest")]
mod ledger;
#[path = "../bridge_faults/publisher.rs"]
#[allow(dead_code, reason = "the faults use the rest")]
mod publisher;
mod records;
mod security;
mod shards;
mod writer;
