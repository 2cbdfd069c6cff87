//! The baseline for the bridge: a rumqttc subscriber in a separate process that only acknowledges.

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use harness::{Mosquitto, cpu_seconds};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::publisher::Publisher;
use crate::{MAX_IN_FLIGHT, NO_LIMIT_HZ};

/// Runs this binary as the subscriber; followed by host, port and number of frames.
pub(crate) const ARGUMENT: &str = "--plain-subscriber";
/// The number of frames between two progress lines.
const STEP: usize = 500;

/// Runs the subscriber: prints the number of received frames after each `STEP`, and ends at the end of its input.
pub(crate) async fn run(arguments: &[String]) -> Result<()> {
    let [host, port, frames] = arguments else { bail!("{ARGUMENT} HOST PORT FRAMES") };
    let frames: usize = frames.parse()?;
    let mut options = MqttOptions::new("plain-subscriber", host, port.parse()?);
    options.set_receive_maximum(Some(8192)).set_max_packet_size(Some(1 << 20));
    let (client, mut event_loop) = AsyncClient::new(options, 10);
    client.subscribe("fb/b/+/f/#", QoS::AtLeastOnce).await?;
    let mut count = 0;
    while count < frames {
        match event_loop.poll().await? {
            Event::Incoming(Packet::SubAck(_)) => println!("0"),
            Event::Incoming(Packet::Publish(_)) => {
                count += 1;
                if count.is_multiple_of(STEP) {
                    println!("{count}");
                }
            }
            _ => {}
        }
    }
    // Polls further, so that the last acknowledgements are sent.
    let (mut input, mut rest) = (tokio::io::stdin(), Vec::new());
    tokio::select! {
        _ = input.read_to_end(&mut rest) => Ok(()),
        error = async { loop { if let Err(error) = event_loop.poll().await { break error } } } => Err(error.into()),
    }
}

/// Measures the subscriber with the same frames at the same rate as the bridge.
pub(crate) async fn measure(mosquitto: &Mosquitto, frames: usize) -> Result<()> {
    let (host, port) = mosquitto.host_port();
    let mut subscriber = Command::new(std::env::current_exe()?)
        .args([ARGUMENT, &host, &port.to_string(), &frames.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let pid = subscriber.id().context("it runs")?;
    let mut counts = BufReader::new(subscriber.stdout.take().context("piped")?).lines();
    ensure!(next(&mut counts).await? == 0, "subscribed");
    let before = cpu_seconds(pid).context("its CPU time")?;
    let publisher = Publisher::start_with(format!("{host}:{port}"), "plain", NO_LIMIT_HZ, 1, MAX_IN_FLIGHT);
    let mut count = 0;
    while count < frames {
        count = next(&mut counts).await?;
        publisher.allow((count + MAX_IN_FLIGHT).min(frames));
    }
    let cpu_us = (cpu_seconds(pid).context("its CPU time")? - before) * 1e6 / frames as f64;
    println!("bench: plain_subscriber_cpu_us_per_frame {cpu_us:.2} us");
    drop(subscriber.stdin.take());
    ensure!(subscriber.wait().await?.success(), "the subscriber failed");
    Ok(())
}

async fn next(counts: &mut Lines<BufReader<ChildStdout>>) -> Result<usize> {
    let line = counts.next_line().await?.context("the subscriber ended early")?;
    Ok(line.parse()?)
}
