//! The programs, each on the embedded log and with a wish to stop of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use history::Sqlite;
use processor::{Command, Outfit};
use pusher::{MapStart, Pusher};
use runtime::trace::TraceSampler;
use runtime::{Context, Shutdown};
use streams::Log;
use streams::registry::Schemas;

/// Live state is in the pusher alone.
const NO_REDIS: [&str; 2] = ["--redis-url", "none"];

/// What the programs call it in what they say.
const LOG_NAME: &str = "the log of this process";

/// What all programs run on.
#[derive(Clone)]
pub(crate) struct Programs {
    log: Arc<dyn Log>,
    schemas: Schemas,
    mqtt: SocketAddr,
    history: Sqlite,
    context: Context,
}

impl Programs {
    /// Programs on a log and a history, next to a broker.
    pub(crate) fn new(log: Arc<dyn Log>, history: Sqlite, mqtt: SocketAddr, context: Context) -> Self {
        Self { log, schemas: Schemas::local(), mqtt: from_here(mqtt), history, context }
    }

    /// Where the broker is reached from within.
    pub(crate) fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    /// MQTT into the raw topic.
    ///
    /// # Errors
    /// As [`bridge::serve`].
    pub(crate) async fn bridge(self, stop: Shutdown) -> anyhow::Result<()> {
        let url = format!("mqtt://{}", self.mqtt);
        let settings = bridge::Config::try_parse_from(["bridge", "--mqtt-url", &url]);
        let options = settings.context("the bridge's settings")?.bridge;
        let context = self.stopping(stop);
        let surroundings = bridge::Surroundings {
            topic_prefix: String::new(),
            log: self.log,
            log_name: LOG_NAME.to_owned(),
            schemas: self.schemas,
            traces: TraceSampler::new(0.0),
        };
        bridge::serve(options, surroundings, context).await
    }

    /// Raw frames into observations and states.
    ///
    /// # Errors
    /// As [`processor::serve`].
    pub(crate) async fn processor(self, stop: Shutdown) -> anyhow::Result<()> {
        let Command::Run { core, group, redis } = command("run", &NO_REDIS)? else {
            unreachable!("it was asked for by name");
        };
        processor::serve(core, group, redis, self.outfit(stop)).await
    }

    /// Reports into thermals.
    ///
    /// # Errors
    /// As [`processor::serve_thermals`].
    pub(crate) async fn thermals(self, stop: Shutdown) -> anyhow::Result<()> {
        let Command::Thermals { group, redis } = command("thermals", &NO_REDIS)? else {
            unreachable!("it was asked for by name");
        };
        processor::serve_thermals(group, redis, self.outfit(stop)).await
    }

    /// Receptions into receivers.
    ///
    /// # Errors
    /// As [`processor::serve_receivers`].
    pub(crate) async fn receivers(self, stop: Shutdown) -> anyhow::Result<()> {
        let Command::Receivers { receivers, group } = command("receivers", &[])? else {
            unreachable!("it was asked for by name");
        };
        processor::serve_receivers(receivers, group, self.outfit(stop)).await
    }

    /// Observations into the history.
    ///
    /// # Errors
    /// As [`processor::serve_historian`].
    pub(crate) async fn historian(self, stop: Shutdown) -> anyhow::Result<()> {
        let Command::Historian { historian, .. } = command("historian", &[])? else {
            unreachable!("it was asked for by name");
        };
        let (history, name) = (Arc::new(self.history.clone()), self.history.path().display().to_string());
        processor::serve_historian(historian, history, name, self.outfit(stop)).await
    }

    /// States to maps.
    ///
    /// # Errors
    /// As [`pusher::serve`].
    pub(crate) async fn pusher(self, pusher: Pusher, stop: Shutdown) -> anyhow::Result<()> {
        let context = self.stopping(stop);
        let surroundings = pusher::Surroundings {
            topic_prefix: String::new(),
            log: self.log,
            log_name: LOG_NAME.to_owned(),
            schemas: self.schemas,
            history: Some(Arc::new(self.history)),
        };
        pusher.serve(surroundings, context).await
    }

    fn outfit(self, stop: Shutdown) -> Outfit {
        let context = self.stopping(stop);
        Outfit { context, log: self.log, schemas: self.schemas, topic_prefix: String::new() }
    }

    fn stopping(&self, stop: Shutdown) -> Context {
        Context { shutdown: stop, ..self.context.clone() }
    }
}

/// Takes the pusher's port.
///
/// # Errors
/// It cannot be had, or a setting of the pusher in the environment is bad.
pub(crate) async fn bind_pusher(listen: SocketAddr, map_start: Option<MapStart>) -> anyhow::Result<Pusher> {
    let listen = listen.to_string();
    let arguments = ["pusher", "--http-listen", &listen].into_iter().chain(NO_REDIS);
    let settings = pusher::Config::try_parse_from(arguments);
    let mut options = settings.context("the pusher's settings")?.pusher;
    options.map_start = map_start.unwrap_or(options.map_start);
    Pusher::bind(options).await.context("--http-listen")
}

/// A command of the processor with its settings: those given, then the environment's, then the defaults.
fn command(name: &str, settings: &[&str]) -> anyhow::Result<Command> {
    let arguments = ["processor", name].into_iter().chain(settings.iter().copied());
    let config = processor::Config::try_parse_from(arguments).with_context(|| format!("the settings of {name}"))?;
    Ok(config.command)
}

/// The address under which this process reaches its own listener.
fn from_here(listening: SocketAddr) -> SocketAddr {
    if !listening.ip().is_unspecified() {
        return listening;
    }
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listening.port())
}
