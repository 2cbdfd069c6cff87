//! `streams` with real services: the contract of the log with Apache Kafka, schemas in a real registry.

mod contract;
mod registry;
