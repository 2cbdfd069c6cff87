//! End to end: real services, our programs as separate processes, clients of another make.

mod absent;
mod browser;
mod captured;
mod flight;
mod pipeline;
mod recorded;
mod stage;
mod topics;
mod watcher;
