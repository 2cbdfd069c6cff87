//! The ClickHouse engine in a Python process, behind the part of ClickHouse's HTTP interface that clients use.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::{announced, given_service};
use crate::supervise::{Launch, fresh_dir};
use crate::tools;

/// ClickHouse: the engine in a process of its own, or the server that `CLICKHOUSE_URL` names.
pub struct ClickHouse {
    url: String,
    service: Option<Service>,
}

impl ClickHouse {
    /// Starts an engine for the caller only, which ends with this value. It has no real asynchronous inserts,
    /// replication, users or TLS; every test must create a database of its own.
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking() -> Result<Self> {
        announced("clickhouse engine", || {
            let port = free_port();
            let dir = fresh_dir("clickhouse")?;
            let server = tools::workspace_dir().join("tests/services/chdb_http.py");
            let command = vec![
                tools::python()?.into_os_string(),
                server.into(),
                "--port".into(),
                port.to_string().into(),
                "--path".into(),
                dir.join("data").into(),
            ];
            let service = Service::start_blocking(Recipe {
                name: "clickhouse engine".to_owned(),
                launch: Launch { command, env: Vec::new(), dir: None, log: dir.join("clickhouse.log") },
                ready: Box::new(move |_| probe::http_ok(port, "/ping")),
                announced: None,
                start_within: Duration::from_secs(60),
                stop_within: Duration::from_secs(30),
            })?;
            let url = format!("http://127.0.0.1:{port}");
            Ok((url.clone(), Self { url, service: Some(service) }))
        })
    }

    pub(crate) fn given(url: String) -> Self {
        Self { url, service: None }
    }

    /// `http://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is a ClickHouse server that the environment names, not only the engine.
    pub fn is_server(&self) -> bool {
        self.service.is_none()
    }

    /// The process, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When the environment names the service: tests that need the process start a service of their own.
    pub fn service(&self) -> &Service {
        given_service(self.service.as_ref())
    }
}
