//! Mosquitto without limits on messages in flight, and with persistence that is written on SIGTERM.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::{announced, given_service};
use crate::supervise::{Launch, fresh_dir};
use crate::tools::{tool_path, workspace_dir};

/// An MQTT broker: one that the harness started, or the one that `MQTT_URL` names.
pub struct Mosquitto {
    url: String,
    service: Option<Service>,
}

impl Mosquitto {
    /// Starts a broker for the caller only, which ends with this value. Queued messages of disconnected clients survive
    /// [`Service::stop`], but not [`Service::kill`].
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// As [`start`](Self::start), with more settings after ours: the last value of a name applies, and access settings
    /// after a `listener` line apply to that listener only.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(more: &str) -> Result<Self> {
        let more = more.to_owned();
        tokio::task::spawn_blocking(move || Self::launch(&more)).await.context("the harness panicked")?
    }

    /// With the configuration of Compose, on other ports: receivers publish at [`url`](Self::url), bridges read at
    /// `bridges_port`. `max_queued_bytes` replaces its value, so that a test can fill the queue.
    ///
    /// # Errors
    /// As [`start`](Self::start), and when the configuration is not as expected.
    pub async fn start_shipped(bridges_port: u16, max_queued_bytes: u32) -> Result<Self> {
        let settings = move |port: u16, dir: &str| shipped(port, bridges_port, dir, max_queued_bytes);
        tokio::task::spawn_blocking(move || Self::launch_with(settings)).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking() -> Result<Self> {
        Self::launch("")
    }

    fn launch(more: &str) -> Result<Self> {
        Self::launch_with(|port, dir| Ok(settings(port, dir) + more))
    }

    /// `settings`: the configuration for a port and a directory for the broker's files.
    fn launch_with(settings: impl Fn(u16, &str) -> Result<String>) -> Result<Self> {
        announced("mosquitto", || {
            let port = free_port();
            let dir = fresh_dir("mosquitto")?;
            let config = dir.join("mosquitto.conf");
            std::fs::write(&config, settings(port, &dir.to_string_lossy())?).context("write mosquitto.conf")?;
            let mosquitto = tool_path("mosquitto")?;
            let service = Service::start_blocking(Recipe {
                name: "mosquitto".to_owned(),
                launch: Launch {
                    command: vec![mosquitto.into(), "-c".into(), config.into()],
                    env: Vec::new(),
                    dir: None,
                    log: dir.join("mosquitto.log"),
                },
                ready: Box::new(move |_| probe::mqtt_connect(port)),
                announced: None,
                start_within: Duration::from_secs(20),
                stop_within: Duration::from_secs(20),
            })?;
            let url = format!("mqtt://127.0.0.1:{port}");
            Ok((url.clone(), Self { url, service: Some(service) }))
        })
    }

    pub(crate) fn given(url: String) -> Self {
        Self { url, service: None }
    }

    /// `mqtt://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port separately.
    ///
    /// # Panics
    /// When `MQTT_URL` has no port.
    pub fn host_port(&self) -> (String, u16) {
        let address = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').expect("an MQTT URL with a port");
        (host.to_owned(), port.parse().expect("a port number"))
    }

    /// The process, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When the environment names the service: tests that need the process start a service of their own.
    pub fn service(&self) -> &Service {
        given_service(self.service.as_ref())
    }
}

/// As root, Mosquitto would switch to the user `mosquitto`, which may not exist and cannot write here.
fn settings(port: u16, dir: &str) -> String {
    format!(
        "per_listener_settings true\n\
         listener {port} 127.0.0.1\n\
         allow_anonymous true\n\
         user root\n\
         max_inflight_messages 0\n\
         max_queued_messages 0\n\
         persistence true\n\
         persistence_location {dir}/\n\
         log_dest stderr\n\
         log_type error\n\
         log_type warning\n\
         log_type notice\n"
    )
}

/// The configuration of Compose with other ports, paths, bound and user.
fn shipped(port: u16, bridges_port: u16, dir: &str, max_queued_bytes: u32) -> Result<String> {
    let folder = workspace_dir().join("ops/docker/mosquitto");
    let mut text = std::fs::read_to_string(folder.join("mosquitto.conf")).context("read mosquitto.conf")?;
    let replaced = [
        ("listener 1883\n", format!("listener {port} 127.0.0.1\n")),
        ("listener 1884\n", format!("listener {bridges_port} 127.0.0.1\n")),
        ("/mosquitto/config/receivers.acl", folder.join("receivers.acl").display().to_string()),
        ("/mosquitto/config/bridges.acl", folder.join("bridges.acl").display().to_string()),
        ("/mosquitto/data/", format!("{dir}/")),
        ("max_queued_bytes 67108864\n", format!("max_queued_bytes {max_queued_bytes}\n")),
        ("log_dest stdout\n", "log_dest stderr\nuser root\nsys_interval 1\n".to_owned()),
    ];
    for (old, new) in replaced {
        anyhow::ensure!(text.matches(old).count() == 1, "mosquitto.conf should have one {old:?}");
        text = text.replace(old, &new);
    }
    Ok(text)
}
