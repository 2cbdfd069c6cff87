//! The contracts with clients, tested by third-party clients: of the pusher with the examples in three languages and in a
//! browser, HTTP/2 and TLS with httpx and Node, the documents with third-party validators; of the topics with the example
//! consumers; of Redis with TLS and as a cluster.

mod consumers;
mod contract;
mod examples;
mod http;
mod logs;
mod metrics;
mod pages;
mod redis;
mod redis_servers;
mod running;
mod secret_files;
mod stage;

#[path = "../bridge/certificates.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod certificates;
#[path = "../e2e/flight.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod flight;
