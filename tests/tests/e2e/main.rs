//! End to end: real services, our programs as separate processes, clients of another make.

mod absent;
mod browser;
mod flight;
mod pipeline;
mod recorded;
mod traces;
mod track;
mod watcher;
