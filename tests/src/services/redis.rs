//! Redis, with everything in memory and appended to a file, so that a restart finds its data.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::{announced, given_service};
use crate::supervise::{Launch, fresh_dir};
use crate::tools::tool_path;

/// A Redis: our own, or the one that `REDIS_URL` names.
pub struct Redis {
    url: String,
    service: Option<Service>,
}

impl Redis {
    /// Starts a Redis that belongs to the caller alone and ends with this value. It refuses writes when it is full
    /// (`noeviction`) and keeps every write over a restart (`appendfsync always`).
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking() -> Result<Self> {
        announced("redis", || {
            let port = free_port();
            let dir = fresh_dir("redis")?;
            let redis = tool_path("redis-server")?;
            let number = port.to_string();
            // Tests kill it and count what is left; benchmarks measure what operators run.
            let fsync = if cfg!(debug_assertions) { "always" } else { "everysec" };
            let data = dir.to_string_lossy().into_owned();
            let settings = [
                ("--bind", "127.0.0.1"),
                ("--port", &number),
                ("--dir", &data),
                ("--save", ""),
                ("--appendonly", "yes"),
                ("--appendfsync", fsync),
                ("--maxmemory-policy", "noeviction"),
                ("--databases", "64"),
            ];
            let mut command = vec![redis.into()];
            command.extend(settings.iter().flat_map(|(name, value)| [(*name).into(), (*value).into()]));
            let service = Service::start_blocking(Recipe {
                name: "redis".to_owned(),
                launch: Launch { command, env: Vec::new(), dir: None, log: dir.join("redis.log") },
                ready: Box::new(move |_| probe::redis_ping(port)),
                start_within: Duration::from_secs(20),
                stop_within: Duration::from_secs(20),
            })?;
            let url = format!("redis://127.0.0.1:{port}");
            Ok((url.clone(), Self { url, service: Some(service) }))
        })
    }

    pub(crate) fn given(url: String) -> Self {
        Self { url, service: None }
    }

    /// `redis://host:port`, without a database number.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same with database `number` (0 to 63): one for each test that must not see another's keys.
    pub fn database(&self, number: u8) -> String {
        format!("{}/{number}", self.url)
    }

    /// The process, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When the environment named the service: tests that do such things start one of their own.
    pub fn service(&self) -> &Service {
        given_service(self.service.as_ref())
    }
}
