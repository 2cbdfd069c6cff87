//! All of Updraft in one process: the programs of a large installation on embedded services.
//!
//! Nothing is short-circuited: frames go over MQTT into the bridge, through the log to the processor and on to the
//! pusher, as they do between machines. Only what surrounds the programs is different: the [`mqtt`] broker and the
//! [`log`] live in this process, the schemas are those of this build, the [`history`] is a file, and there is no Redis.

mod config;
mod history;
mod log;
mod mqtt;
mod programs;
mod traffic;

use std::net::SocketAddr;
use std::time::Duration;

use runtime::{Context, Tasks};

pub use config::Config;

use crate::mqtt::{Broker, Door};
use crate::programs::Programs;
use crate::traffic::Traffic;

/// How long each part may take to end.
const STOP: Duration = Duration::from_secs(5);

/// Runs everything until stopped.
///
/// # Errors
/// A port that is taken, a folder that cannot be read, and whatever ends one of the programs.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    let clock = context.clock.clone();
    let traffic = Traffic::new(&config.traffic, &clock)?;
    let door = Door::bind(config.mqtt_listen, "--mqtt-listen", Broker::start(&clock).await?, clock.clone()).await?;
    let mqtt = door.address()?;
    let pusher = programs::bind_pusher(config.http_listen, traffic.map_start()).await?;
    let http = pusher.address()?;
    let history = history::open(config.data_dir.as_deref(), &clock)?;
    let programs = Programs::new(log::open(&clock).await?, history, mqtt, context.clone());
    announce(http, mqtt, &traffic);
    // They end in reverse order: first nothing new comes in, then each stage finishes what the one before left.
    let mut tasks = Tasks::new(clock.clone(), context.shutdown.clone());
    tasks.spawn("mqtt", |stop| door.serve(stop));
    tasks.spawn("pusher", |stop| programs.clone().pusher(pusher, stop));
    tasks.spawn("historian", |stop| programs.clone().historian(stop));
    tasks.spawn("receivers", |stop| programs.clone().receivers(stop));
    tasks.spawn("thermals", |stop| programs.clone().thermals(stop));
    tasks.spawn("processor", |stop| programs.clone().processor(stop));
    tasks.spawn("bridge", |stop| programs.clone().bridge(stop));
    tasks.spawn("traffic", |stop| traffic.fly(programs.mqtt(), clock, stop));
    tasks.run(STOP).await
}

#[allow(clippy::print_stdout, reason = "what stands where is for the person who started it, not for the log")]
fn announce(http: SocketAddr, mqtt: SocketAddr, traffic: &Traffic) {
    println!("map:    http://localhost:{}", http.port());
    println!("MQTT:   mqtt://localhost:{} (receivers publish to fb/b/<receiver>/f/<type>)", mqtt.port());
    println!("pilots: {}", traffic.words());
    println!("Ctrl-C ends it.");
}
