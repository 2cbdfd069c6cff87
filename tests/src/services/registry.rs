//! A Confluent-compatible schema registry (Apicurio) with its schemas in a file.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::{announced, given_service};
use crate::supervise::{Launch, fresh_dir};
use crate::tools;

const CONFLUENT_API: &str = "/apis/ccompat/v7";

/// A schema registry: one that the harness started, or the one that `SCHEMA_REGISTRY_URL` names.
pub struct Registry {
    url: String,
    service: Option<Service>,
}

impl Registry {
    /// Starts a registry for the caller only, which ends with this value. Its schemas and their ids survive a stop or a
    /// kill.
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking() -> Result<Self> {
        announced("schema registry", || {
            let port = free_port();
            let dir = fresh_dir("registry")?;
            let command = vec![
                tools::java()?,
                "-Xmx256m".into(),
                "-XX:+UseSerialGC".into(),
                "-XX:TieredStopAtLevel=1".into(),
                "-Dquarkus.http.host=127.0.0.1".into(),
                format!("-Dquarkus.http.port={port}").into(),
                "-Dquarkus.management.host=127.0.0.1".into(),
                "-Dquarkus.management.port=0".into(),
                "-Dquarkus.log.level=WARN".into(),
                // Those of all tests together are more than the thousand that a list has otherwise.
                "-Dapicurio.ccompat.max-subjects=100000".into(),
                "-Dapicurio.storage.kind=sql".into(),
                "-Dapicurio.storage.sql.kind=h2".into(),
                // A file, so that a restart keeps the schemas and their ids.
                format!("-Dapicurio.datasource.url=jdbc:h2:file:{}/schemas;WRITE_DELAY=0", dir.display()).into(),
                "-jar".into(),
                tools::registry_dir()?.join("quarkus-run.jar").into(),
            ];
            let service = Service::start_blocking(Recipe {
                name: "schema registry".to_owned(),
                launch: Launch { command, env: Vec::new(), dir: Some(dir.clone()), log: dir.join("registry.log") },
                ready: Box::new(move |_| probe::http_ok(port, &format!("{CONFLUENT_API}/subjects"))),
                announced: None,
                start_within: Duration::from_secs(90),
                stop_within: Duration::from_secs(20),
            })?;
            let url = format!("http://127.0.0.1:{port}{CONFLUENT_API}");
            Ok((url.clone(), Self { url, service: Some(service) }))
        })
    }

    pub(crate) fn given(url: String) -> Self {
        Self { url, service: None }
    }

    /// The Confluent API's base, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When the environment names the service: tests that need the process start a service of their own.
    pub fn service(&self) -> &Service {
        given_service(self.service.as_ref())
    }
}
