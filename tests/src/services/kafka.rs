//! Apache Kafka in KRaft mode, one node or several, each both broker and controller.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::port::free_port;
use crate::service::{Recipe, Service};
use crate::services::announced;
use crate::supervise::{Launch, fresh_dir};
use crate::tools;

/// The settings of a new cluster.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// The number of nodes; 3 tolerate the loss of one.
    pub nodes: u16,
    /// The Java heap of each node.
    pub heap: String,
    /// More broker settings; the last value of a name applies.
    pub settings: Vec<(String, String)>,
    /// Users and passwords, for listeners with SCRAM-SHA-512.
    pub users: Vec<(String, String)>,
    /// Lets the JIT compile fully: slower to start, several times faster under load. For benchmarks.
    pub fast: bool,
    /// A second listener, for clients that must connect through a proxy. For one node.
    pub detour: Option<Detour>,
}

/// A listener with another advertised address, such as that of a [`TcpProxy`](crate::TcpProxy): the metadata of the
/// cluster leads clients that connect there to the same address again.
#[derive(Clone, Debug)]
pub struct Detour {
    /// The port on the loopback that the node listens on.
    pub port: u16,
    /// The advertised `host:port`.
    pub advertised: String,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { nodes: 1, heap: "512m".to_owned(), settings: Vec::new(), users: Vec::new(), fast: false, detour: None }
    }
}

/// A Kafka cluster: one that the harness started, or the one that `KAFKA_BOOTSTRAP` names.
pub struct Kafka {
    bootstrap: String,
    nodes: Vec<Service>,
}

impl Kafka {
    /// Starts a cluster for the caller only, which ends with this value.
    ///
    /// # Errors
    /// When a node does not start; with the tail of its log.
    pub async fn start(options: KafkaOptions) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::start_blocking(&options)).await.context("the harness panicked")?
    }

    pub(crate) fn start_blocking(options: &KafkaOptions) -> Result<Self> {
        announced("kafka", || {
            let plans = Plan::cluster(options.nodes);
            let bootstrap = plans.iter().map(|plan| format!("127.0.0.1:{}", plan.client_port)).collect::<Vec<_>>();
            let nodes = plans.iter().map(|plan| node(plan, &plans, options)).collect::<Result<Vec<_>>>()?;
            // The quorum needs a majority, so all are launched before the first is awaited.
            nodes.iter().try_for_each(Service::spawn)?;
            nodes.iter().try_for_each(Service::await_ready)?;
            let bootstrap = bootstrap.join(",");
            Ok((bootstrap.clone(), Self { bootstrap, nodes }))
        })
    }

    pub(crate) fn given(bootstrap: String) -> Self {
        Self { bootstrap, nodes: Vec::new() }
    }

    /// `host:port`, separated by commas.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The nodes, in the order of `bootstrap`; none when the environment names the cluster.
    pub fn nodes(&self) -> &[Service] {
        &self.nodes
    }

    /// The process of node `index`, from 0, to stop, kill, freeze or restart it.
    ///
    /// # Panics
    /// When there is none: tests that need the process start a cluster of their own.
    pub fn node(&self, index: usize) -> &Service {
        self.nodes.get(index).expect("a node of a cluster that the harness started")
    }
}

/// The ports of a node.
struct Plan {
    id: u16,
    client_port: u16,
    controller_port: u16,
}

impl Plan {
    fn cluster(nodes: u16) -> Vec<Self> {
        (1..=nodes).map(|id| Self { id, client_port: free_port(), controller_port: free_port() }).collect()
    }
}

fn node(plan: &Plan, cluster: &[Plan], options: &KafkaOptions) -> Result<Service> {
    let name = if cluster.len() == 1 { "kafka".to_owned() } else { format!("kafka {}", plan.id) };
    let dir = fresh_dir("kafka")?;
    let properties = dir.join("server.properties");
    std::fs::write(&properties, settings(plan, cluster, options, &dir)).context("write server.properties")?;
    format_storage(&properties, cluster, options)?;
    let mut command = java(options)?;
    command.extend(["kafka.Kafka".into(), properties.into()]);
    Ok(Service::idle(Recipe {
        name,
        launch: Launch { command, env: Vec::new(), dir: None, log: dir.join("kafka.log") },
        ready: Box::new(|log| {
            ensure!(log.contains("Kafka Server started"), "its log has no line about the start");
            Ok(())
        }),
        announced: None,
        start_within: Duration::from_secs(120),
        stop_within: Duration::from_secs(30),
    }))
}

fn java(options: &KafkaOptions) -> Result<Vec<OsString>> {
    let logging = tools::workspace_dir().join("tests/services/log4j2.properties");
    let mut command = vec![tools::java()?, format!("-Xmx{}", options.heap).into(), "-XX:+UseSerialGC".into()];
    if !options.fast {
        command.push("-XX:TieredStopAtLevel=1".into());
    }
    // Loaded classes, where the setup has archived them; a JVM that they are not of ignores them.
    if let Some(classes) = tools::kafka_classes() {
        command.push(format!("-XX:SharedArchiveFile={}", classes.display()).into());
    }
    command.push(format!("-Dlog4j2.configurationFile={}", logging.display()).into());
    command.extend(["-cp".into(), tools::kafka_jars()?.join("*").into()]);
    Ok(command)
}

fn format_storage(properties: &Path, cluster: &[Plan], options: &KafkaOptions) -> Result<()> {
    let first = cluster.first().context("a cluster has a node")?;
    let command = java(options)?;
    let output = Command::new(&command[0])
        .args(&command[1..])
        .args(["kafka.tools.StorageTool", "format", "--cluster-id"])
        .arg(cluster_id(first.client_port))
        .arg("--config")
        .arg(properties)
        .args(options.users.iter().flat_map(|(name, password)| {
            ["--add-scram".to_owned(), format!("SCRAM-SHA-512=[name={name},password={password}]")]
        }))
        .output()
        .context("run Kafka's StorageTool")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "Kafka's StorageTool failed: {said}");
    Ok(())
}

/// 16 bytes in base64: 22 characters, the last one of A, Q, g and w. The first node's port makes it unique.
fn cluster_id(port: u16) -> String {
    format!("Updraft{port:06}TestsAAAQ")
}

fn settings(plan: &Plan, cluster: &[Plan], options: &KafkaOptions, dir: &Path) -> String {
    let Plan { id, client_port, controller_port } = plan;
    let voters = cluster.iter().map(|plan| format!("{}@127.0.0.1:{}", plan.id, plan.controller_port));
    let voters = voters.collect::<Vec<_>>().join(",");
    let replicas = cluster.len().min(3);
    let in_sync = if replicas == 3 { 2 } else { 1 };
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         listeners=PLAINTEXT://127.0.0.1:{client_port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{client_port}\n\
         controller.listener.names=CONTROLLER\n\
         controller.quorum.voters={voters}\n\
         log.dirs={data}\n\
         auto.create.topics.enable=false\n\
         default.replication.factor={replicas}\n\
         min.insync.replicas={in_sync}\n\
         offsets.topic.replication.factor={replicas}\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr={in_sync}\n",
        data = dir.join("data").display(),
    );
    if let Some(Detour { port, advertised }) = &options.detour {
        write!(
            text,
            "listeners=PLAINTEXT://127.0.0.1:{client_port},CONTROLLER://127.0.0.1:{controller_port},DETOUR://127.0.0.1:{port}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{client_port},DETOUR://{advertised}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DETOUR:PLAINTEXT\n"
        )
        .expect("writing to a string cannot fail");
    }
    text.push_str(FAST_SETTINGS);
    for (name, value) in &options.settings {
        writeln!(text, "{name}={value}").expect("a string takes all");
    }
    text
}

/// Settings for fast tests: no wait before the first rebalance, and a killed broker may return after 3 s instead of 9.
/// The last two save resources on small machines.
const FAST_SETTINGS: &str = "\
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
num.network.threads=2
log.cleaner.dedupe.buffer.size=16777216
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_nodes_replicate() {
        let cluster = Plan::cluster(3);
        let text = settings(&cluster[1], &cluster, &KafkaOptions::default(), Path::new("/data"));
        let voter = |index: usize| format!("{}@127.0.0.1:{}", index + 1, cluster[index].controller_port);
        let voters = format!("controller.quorum.voters={},{},{}\n", voter(0), voter(1), voter(2));
        assert!(text.contains(&voters), "{text}");
        assert!(text.contains("\nnode.id=2\n"), "{text}");
        assert!(text.contains("\ndefault.replication.factor=3\nmin.insync.replicas=2\n"), "{text}");
    }

    #[test]
    fn settings_of_the_caller_override() {
        let cluster = Plan::cluster(1);
        let options =
            KafkaOptions { settings: vec![("num.network.threads".into(), "7".into())], ..KafkaOptions::default() };
        let text = settings(&cluster[0], &cluster, &options, Path::new("/data"));
        assert!(text.ends_with("num.network.threads=7\n"), "{text}");
    }
}
