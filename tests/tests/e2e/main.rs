//! End-to-end tests: real services, our programs as separate processes, third-party clients.

mod absent;
mod browser;
mod commands;
mod flight;
mod landmarks;
mod pipeline;
mod privacy;
mod recorded;
mod traces;
mod track;
mod watcher;
mod zones;
