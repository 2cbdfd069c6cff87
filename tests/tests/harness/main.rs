//! The harness itself: its services, its browser, its tools, and what it leaves behind.

mod browser;
mod kcat;
mod leftovers;
mod stack;
