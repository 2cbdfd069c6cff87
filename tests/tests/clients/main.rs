//! What the pusher promises to those who write clients, held by clients of other make: the examples in three languages and
//! in a browser, HTTP/2 and TLS by httpx and Node, the documents by validators that others wrote.

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
#[allow(dead_code, reason = "these tests need a part of it")]
mod flight;
