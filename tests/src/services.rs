//! The services of the stack, one file each: how it is configured, started and known to be ready.

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

/// Starts a service and says so on standard error, past the capture of cargo test: a line when it is up, with its address
/// and how long it took, or when it is not.
pub(crate) fn announced<T>(name: &str, start: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
    let watch = Stopwatch::start();
    let outcome = start().with_context(|| format!("{name} cannot be had"));
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
    service.expect("a service that the harness started, and not one that the environment named")
}
