//! Redis with an append-only file, so that a restart keeps its data; with TLS, or as a cluster.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::port::free_port;
use crate::probe;
use crate::service::{Recipe, Service};
use crate::services::{announced, given_service};
use crate::supervise::{Launch, fresh_dir};
use crate::tools::tool_path;
use crate::wait::wait_blocking;

enum Form {
    Plain,
    Tls,
    /// A node of a cluster.
    Node,
}

/// Of the users of the programs.
const PASSWORD: &str = "of-a-test";

/// The users of `ops/redis/users.acl` but the one without a name, which the tests are: each as a setting and its values.
fn users() -> impl Iterator<Item = String> {
    let lines = include_str!("../../../ops/redis/users.acl").lines().filter_map(|line| line.strip_prefix("user "));
    lines.filter(|line| !line.starts_with("default ")).flat_map(|line| {
        let (name, rights) = line.split_once(' ').unwrap_or((line, ""));
        let rights = rights.replace(&format!("#${{{name}}}"), &format!(">{PASSWORD}"));
        let values: Vec<String> = rights.split(' ').map(str::to_owned).collect();
        ["--user".to_owned(), name.to_owned()].into_iter().chain(values)
    })
}

/// Redis: one that the harness started, or the one that `REDIS_URL` names.
pub struct Redis {
    url: String,
    service: Option<Service>,
}

impl Redis {
    /// Starts a Redis for the caller only, which ends with this value. It refuses writes when it is full (`noeviction`)
    /// and keeps every write across a restart (`appendfsync always`).
    ///
    /// # Errors
    /// When it does not start; with the tail of its log.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    /// As [`start`](Self::start), with TLS only: a certificate for 127.0.0.1, its key, and its authority, all PEM.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_tls(certificate: &str, key: &str, authority: &str) -> Result<Self> {
        let files = [("--tls-cert-file", certificate), ("--tls-key-file", key), ("--tls-ca-cert-file", authority)];
        let mut more = vec!["--tls-auth-clients".to_owned(), "no".to_owned()];
        more.extend(files.into_iter().flat_map(|(name, path)| [name.to_owned(), path.to_owned()]));
        tokio::task::spawn_blocking(move || Self::launch(&Form::Tls, more)).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking() -> Result<Self> {
        Self::launch(&Form::Plain, Vec::new())
    }

    /// `more`: more settings, each a name and its value.
    fn launch(form: &Form, more: Vec<String>) -> Result<Self> {
        announced("redis", || {
            let port = free_port();
            let dir = fresh_dir("redis")?;
            let redis = tool_path("redis-server")?;
            let number = port.to_string();
            let (plain_port, tls_port) = match form {
                Form::Tls => ("0", number.as_str()),
                Form::Plain | Form::Node => (number.as_str(), "0"),
            };
            // Tests kill it and count the remaining data; benchmarks measure the settings of operators.
            let fsync = if cfg!(debug_assertions) { "always" } else { "everysec" };
            let data = dir.to_string_lossy().into_owned();
            let settings = [
                ("--bind", "127.0.0.1"),
                ("--port", plain_port),
                ("--tls-port", tls_port),
                ("--dir", &data),
                ("--save", ""),
                ("--appendonly", "yes"),
                ("--appendfsync", fsync),
                ("--maxmemory-policy", "noeviction"),
                ("--databases", if matches!(form, Form::Node) { "1" } else { "64" }),
            ];
            let mut command = vec![redis.into()];
            command.extend(settings.iter().flat_map(|(name, value)| [(*name).into(), (*value).into()]));
            command.extend(more.into_iter().chain(users()).map(Into::into));
            let is_tls = matches!(form, Form::Tls);
            let ready = move |log: &str| match is_tls {
                true => {
                    ensure!(log.contains("Ready to accept connections"), "it has not loaded its data");
                    Ok(())
                }
                false => probe::redis_ping(port),
            };
            let service = Service::start_blocking(Recipe {
                name: "redis".to_owned(),
                launch: Launch { command, env: Vec::new(), dir: None, log: dir.join("redis.log") },
                ready: Box::new(ready),
                announced: None,
                start_within: Duration::from_secs(20),
                stop_within: Duration::from_secs(20),
            })?;
            let url = format!("{}://127.0.0.1:{port}", if is_tls { "rediss" } else { "redis" });
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

    /// The URL with database `number` (0 to 63): one for each test that must not read another's keys.
    pub fn database(&self, number: u8) -> String {
        format!("{}/{number}", self.url)
    }

    /// The URL of a program's user, with the rights that `ops/redis/users.acl` gives it in production: a command that they
    /// do not contain fails.
    pub fn url_of(&self, user: &str) -> String {
        self.url.replace("://", &format!("://{user}:{PASSWORD}@"))
    }

    /// The process, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When the environment names the service: tests that need the process start a service of their own.
    pub fn service(&self) -> &Service {
        given_service(self.service.as_ref())
    }
}

/// A cluster of Redis nodes without replicas: each has its share of the slots.
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts nodes for the caller only, and waits until each of them serves.
    ///
    /// # Errors
    /// When one does not start, or they do not find each other.
    pub async fn start(nodes: u16) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::start_blocking(nodes)).await.context("the harness panicked")?
    }

    fn start_blocking(count: u16) -> Result<Self> {
        let mut nodes: Vec<(Redis, u16, u16)> = Vec::new();
        for _ in 0..count {
            let bus_port = free_port();
            let bus = bus_port.to_string();
            let more = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", &bus];
            let node = Redis::launch(&Form::Node, more.map(str::to_owned).to_vec())?;
            let port = node.url.rsplit(':').next().and_then(|port| port.parse().ok()).context("a port")?;
            nodes.push((node, port, bus_port));
        }
        for (index, (_, port, _)) in (0_u32..).zip(&nodes) {
            let slot = |index: u32| SLOTS * index / u32::from(count);
            let (from, to) = (slot(index), slot(index + 1) - 1);
            probe::redis_command(*port, &format!("CLUSTER ADDSLOTSRANGE {from} {to}"))?;
            probe::redis_command(*port, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))?;
        }
        let first = nodes[0].1;
        for (_, port, bus_port) in &nodes[1..] {
            probe::redis_command(first, &format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}"))?;
        }
        let known = format!("cluster_known_nodes:{count}");
        let serves = |port: u16| {
            let info = probe::redis_command(port, "CLUSTER INFO")?;
            ensure!(info.contains("cluster_state:ok") && info.contains(&known), "{info}");
            anyhow::Ok(())
        };
        wait_blocking(Duration::from_secs(30), "the cluster to serve", || {
            match nodes.iter().try_for_each(|(_, port, _)| serves(*port)) {
                Ok(()) => ControlFlow::Break(Ok(())),
                Err(error) => ControlFlow::Continue(error),
            }
        })?;
        Ok(Self { nodes: nodes.into_iter().map(|(node, ..)| node).collect() })
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }
}

/// The number of slots of every cluster.
const SLOTS: u32 = 16_384;
