//! The services of the stack, one file each: configuration, start, and readiness.

pub(crate) mod clickhouse;
pub(crate) mod kafka;
pub(crate) mod mosquitto;
pub(crate) mod redis;
pub(crate) mod registry;
pub(crate) mod s3;

use anyhow::{Context, Result};

use crate::clock::Stopwatch;
use crate::progress::say;
use crate::service::Service;

/// Starts a service and reports on standard error, which cargo test does not capture, its address and the time that the
/// start took, or that it failed.
pub(crate) fn announced<T>(name: &str, start: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
    let watch = Stopwatch::start();
    let outcome = start().with_context(|| format!("cannot start {name}"));
    let seconds = watch.elapsed().as_secs_f32();
    match outcome {
        Ok((address, service)) => {
            say(&format!("{name} is up at {address} ({seconds:.1} s)"));
            Ok(service)
        }
        Err(error) => {
            say(&format!("{name} failed after {seconds:.1} s"));
            Err(error)
        }
    }
}

fn given_service(service: Option<&Service>) -> &Service {
    service.expect("a service that the harness started, not one that the environment names")
}
