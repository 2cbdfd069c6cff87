//! The harness for real services: Kafka, a schema registry, Redis, Mosquitto, the ClickHouse engine and Chromium, which
//! it starts, or which the environment names.
//!
//! [`Stack::shared`] has one instance of each service per test process and starts it at its first use; tests are isolated
//! by topic prefix, Redis database and client id. A test that stops or kills a service starts its own ([`Kafka::start`] and
//! similar). Nothing outlives the process that started it, even if that is killed: see [`mod@supervise`]. A service that
//! does not start is an error with its name, the reason and the end of its log; no test is skipped.

mod browser;
pub mod clock;
mod crowd;
mod log;
mod otlp;
mod port;
mod probe;
mod process_log;
mod program;
mod progress;
mod proxy;
mod service;
mod services;
mod stack;
mod stage;
mod strict_json;
pub mod supervise;
mod tools;
#[cfg(feature = "traffic")]
pub mod traffic;
mod usage;
mod wait;

pub use browser::Browser;
pub use crowd::{ConnectOptions, Counts, Crowd, Ending, Observer};
pub use log::{NOTHING, check_log};
pub use otlp::{OtlpReceiver, ReceivedSpan};
pub use port::free_port;
pub use process_log::ProcessLog;
pub use program::{Program, ProgramOptions};
pub use proxy::TcpProxy;
pub use service::Service;
pub use services::clickhouse::ClickHouse;
pub use services::kafka::{Detour, Kafka, KafkaOptions};
pub use services::mosquitto::Mosquitto;
pub use services::redis::{Redis, RedisCluster};
pub use services::registry::Registry;
pub use services::s3::S3;
pub use stack::{ServiceKind, Stack, unique_prefix};
pub use stage::{Record, Stage, apply_topics, beside_the_test, captured_messages};
pub use strict_json::parse as parse_strict_json;
pub use tools::{artefacts_dir, client_jars, java, python, tool_path, workspace_dir};
pub use usage::{cpu_seconds, machine_cpu_seconds, resident_bytes};
pub use wait::{Pace, let_pass, wait_until};
