//! The bridge on real services that work: what it forwards, how it is secured and shared, and what it says of the broker.
//! What it does when they fail is in `bridge_faults`.

mod broker;
mod certificates;
mod desk;
mod records;
mod security;
mod shards;
