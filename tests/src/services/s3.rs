//! An S3-compatible store (S3Proxy on a directory).

use std::time::Duration;

use anyhow::{Context, Result};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::announced;
use crate::supervise::{Launch, fresh_dir};
use crate::tools;

const ACCESS_KEY_ID: &str = "updraft";
const SECRET_ACCESS_KEY: &str = "not-a-secret-in-tests";
const BUCKET: &str = "archive";
/// Without it, the log has a line for every byte.
const LOGGING: &str = r#"<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>"#;

/// An S3-compatible store with one bucket. It checks signatures, and objects survive a kill.
pub struct S3 {
    endpoint: String,
    service: Service,
}

impl S3 {
    /// Starts a store for the caller only, which ends with this value.
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    fn start_blocking() -> Result<Self> {
        announced("S3", || {
            let (port, dir) = (free_port(), fresh_dir("s3")?);
            let endpoint = format!("http://127.0.0.1:{port}");
            // A bucket is a directory.
            std::fs::create_dir_all(dir.join("data").join(BUCKET))?;
            let settings = [
                ("s3proxy.endpoint", endpoint.clone()),
                ("s3proxy.authorization", "aws-v2-or-v4".to_owned()),
                ("s3proxy.identity", ACCESS_KEY_ID.to_owned()),
                ("s3proxy.credential", SECRET_ACCESS_KEY.to_owned()),
                ("jclouds.provider", "filesystem-nio2".to_owned()),
                ("jclouds.identity", "local".to_owned()),
                ("jclouds.credential", "local".to_owned()),
                ("jclouds.filesystem.basedir", dir.join("data").display().to_string()),
            ];
            let text: String = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            let file = dir.join("s3proxy.conf");
            std::fs::write(&file, text)?;
            let logging = dir.join("logback.xml");
            std::fs::write(&logging, LOGGING)?;
            let command = vec![
                tools::java()?,
                "-Xmx128m".into(),
                "-XX:+UseSerialGC".into(),
                "-XX:TieredStopAtLevel=1".into(),
                format!("-Dlogback.configurationFile={}", logging.display()).into(),
                "-cp".into(),
                tools::client_jars()?.join("*").into(),
                "org.gaul.s3proxy.Main".into(),
                "--properties".into(),
                file.into(),
            ];
            let service = Service::start_blocking(Recipe {
                name: "S3".to_owned(),
                launch: Launch { command, env: Vec::new(), dir: Some(dir.clone()), log: dir.join("s3.log") },
                // Refused, since it has no signature: that is an answer, too.
                ready: Box::new(move |_| probe::http_get(port, "/", probe::TIMEOUT).map(drop)),
                announced: None,
                start_within: Duration::from_secs(60),
                stop_within: Duration::from_secs(10),
            })?;
            Ok((endpoint.clone(), Self { endpoint, service }))
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The bucket.
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// Access key and its secret.
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    }

    /// The process, to stop, kill, freeze or restart it.
    pub fn service(&self) -> &Service {
        &self.service
    }
}
