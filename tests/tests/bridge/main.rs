//! The bridge with working services: forwarding, security, shards, and checks of the broker's settings. `bridge_faults`
//! has the tests with failing services.

mod broker;
mod certificates;
mod disk;
mod fixture;
#[cfg(feature = "kafka-tls")]
mod kafka_tls;
mod receivers;
mod records;
mod retained;
mod security;
mod shards;
mod shipped;
mod writer;

use harness::traffic::{frames, ledger, publisher};
