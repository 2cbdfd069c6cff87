//! All of Updraft in one process: the programs of a large installation on embedded services.
//!
//! Frames arrive over MQTT and pass through bridge, log and processor to the pusher, as between machines. Only the
//! services around the programs differ: the [`mqtt`] front replaces a broker and passes each message to the bridge, the
//! [`log`] is in this process, the schemas are those of this build, the [`history`] is a file, and there is no Redis.

mod config;
mod history;
mod log;
mod mqtt;
mod privacy;
mod programs;
mod traffic;
mod zone_file;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::{Context, Tasks, reachable};

pub use config::{Command, Config};

use crate::mqtt::{Front, Probe};
use crate::programs::Programs;
use crate::traffic::Traffic;
use crate::zone_file::ZoneFile;

/// How long each part may take to end: longer than the bounds within the parts (the pusher cuts unfinished requests after 5 s
/// and closes WebSockets after that), so that these end in order.
const STOP: Duration = Duration::from_secs(15);

/// Runs everything until stopped.
///
/// # Errors
/// A port that is in use, a folder that cannot be read, and the error that ends one of the programs.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    if let Some(Command::Receivers { receiver, .. }) = &config.command {
        return print_entry(receiver);
    }
    let context = Context { clock: traffic::clock(&config.traffic, &context.clock)?, ..context };
    let clock = context.clock.clone();
    let traffic = Traffic::new(&config.traffic, &clock)?;
    let bridge = programs::bridge_options()?;
    let (message_sender, message_receiver) = bridge::message_channel();
    let topics = bridge.topics.clone();
    let receivers = config.receivers().map(mqtt::open_receivers).transpose()?;
    let (watched, metrics) = (receivers.clone(), &context.metrics);
    let front =
        Front::bind(config.mqtt_listen, "--mqtt-listen", topics, receivers, message_sender, clock.clone(), metrics)
            .await?;
    let address = front.address()?;
    let probe = Probe::new(address, context.readiness.part("mqtt"), clock.clone());
    let mut map = config.map;
    map.map_start = map.map_start.or(traffic.map_start());
    let pusher = programs::bind_pusher(config.http_listen, map).await?;
    let http = pusher.address()?;
    let history = history::open(config.data_dir.as_deref(), &clock)?;
    // Simulated pilots and recorded flights begin again at each start, which is no continuation of what was.
    let log_dir = config.data_dir.as_deref().filter(|_| config.traffic.live);
    let log = log::open(&clock, log_dir, &context.readiness).await?;
    let programs = Programs::new(Arc::new(log.clone()), history, context.clone());
    programs.remember_privacy().await.context("cannot read the privacy of devices from the history")?;
    let zone_file = config.data_dir.as_deref().map(ZoneFile::new);
    if let Some(file) = &zone_file {
        programs.restore_zones(file).await?;
    }
    announce(http, address, &traffic);
    // They end in reverse order: first the input stops, then each stage finishes the output of the one before.
    let mut tasks = Tasks::new(clock.clone(), context.shutdown.clone());
    if let Some(receivers) = watched {
        tasks.spawn("receivers-file", |stop| receivers.run(clock.clone(), stop));
    }
    tasks.spawn("mqtt", |stop| front.serve(stop));
    tasks.spawn("mqtt-probe", |stop| probe.run(stop));
    if let Some(file) = zone_file {
        tasks.spawn("zones", |stop| programs.clone().keep_zones(file, stop));
    }
    tasks.spawn("pusher", |stop| programs.clone().pusher(pusher, stop));
    tasks.spawn("historian", |stop| programs.clone().historian(stop));
    tasks.spawn("receivers", |stop| programs.clone().receivers(stop));
    tasks.spawn("thermals", |stop| programs.clone().thermals(stop));
    tasks.spawn("processor", |stop| programs.clone().processor(stop));
    tasks.spawn("bridge", |stop| programs.clone().bridge(bridge, message_receiver, stop));
    tasks.spawn("traffic", |stop| traffic.fly(reachable(address), clock, stop));
    let ended = tasks.run(STOP).await;
    log::close(log).await;
    ended
}

#[allow(clippy::print_stdout, reason = "the password is the answer")]
fn print_entry(receiver: &str) -> anyhow::Result<()> {
    let (password, entry) = mqtt::new_entry(receiver)?;
    println!(
        "# The password. It is shown once, and is not in the file: set it in the receiver, with {receiver} as the user."
    );
    println!("{password}\n\n# Its line for the file of --receivers.\n{entry}");
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the addresses are for the user who started it, not for the log")]
fn announce(http: SocketAddr, mqtt: SocketAddr, traffic: &Traffic) {
    println!("map:    http://localhost:{}", http.port());
    println!("MQTT:   mqtt://localhost:{} (receivers publish to fb/b/<receiver>/f/<type>)", mqtt.port());
    println!("pilots: {}", traffic.label());
    println!("Ctrl-C ends it.");
}
