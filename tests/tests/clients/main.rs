//! The pusher's contract with clients, tested by third-party clients: the examples in three languages and in a browser,
//! HTTP/2 and TLS with httpx and Node, the documents with third-party validators.

mod contract;
mod examples;
mod http;
mod logs;
mod metrics;
mod pages;
mod redis;
mod running;
mod stage;

#[path = "../e2e/flight.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod flight;
