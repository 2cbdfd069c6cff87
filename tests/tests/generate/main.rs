//! `replay generate` into a real broker and a real Kafka.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use harness::{Mosquitto, Stack, beside_the_test, unique_prefix, wait_until};
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde_json::Value;
use streams::{KafkaLog, KafkaSettings, Log as _};

const SOON: Duration = Duration::from_secs(60);
/// A sky of pilots alone, whose truth says everything. The same in each run.
const SKY: [&str; 12] = [
    "--pilots",
    "30",
    "--stations",
    "0",
    "--vehicles",
    "0",
    "--seed",
    "3",
    "--start",
    "2026-06-01T10:00:00Z",
    "--shared-addresses",
    "2",
];
/// The wrapper in front of a frame: stamp, signal strength, signal-to-noise ratio.
const WRAPPER_BYTES: usize = 8;
const STAMP_BYTES: usize = 4;

fn command(arguments: &[&str], environment: &[(String, String)]) -> Result<Command> {
    let mut command = Command::new(beside_the_test("replay")?);
    command.arg("generate").args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null());
    Ok(command)
}

fn run(arguments: &[&str], environment: &[(String, String)]) -> Result<Output> {
    command(arguments, environment)?.output().context("start replay")
}

/// Its summary, the last line of a good run.
fn summary(output: &Output) -> Result<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", output.status);
    Ok(errors.lines().last().unwrap_or_default().to_owned())
}

fn numbers(summary: &str) -> Vec<u64> {
    summary.split(' ').filter_map(|text| text.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_acks_each_message_and_passes_it_on() -> Result<()> {
    let mosquitto = Mosquitto::start().await?;
    let (host, port) = mosquitto.host_port();
    let mut options = MqttOptions::new("listener", &host, port);
    options.set_keep_alive(Duration::from_secs(20));
    let (client, mut events) = AsyncClient::new(options, 16);
    client.subscribe("fb/b/+/f/+", QoS::AtLeastOnce).await?;
    while !matches!(events.poll().await?, Event::Incoming(Incoming::SubAck(_))) {}

    let url = mosquitto.url().to_owned();
    let publishing = tokio::task::spawn_blocking(move || run(&["--for", "40s", "--speed", "10", "--mqtt", &url], &[]));
    let (mut receivers, mut frames) = (HashSet::new(), 0);
    let collect = async {
        loop {
            if let Ok(Event::Incoming(Incoming::Publish(publish))) = events.poll().await {
                receivers.insert(publish.topic.split('/').nth(2).expect("a topic names its receiver").to_owned());
                fanet::Frame::decode(&publish.payload[WRAPPER_BYTES..]).expect("a frame behind its wrapper");
                frames += 1;
            }
        }
    };
    let output = tokio::select! {
        output = publishing => output??,
        () = collect => unreachable!("listening never ends"),
    };
    let summary = summary(&output)?;
    let [sent, acknowledged, _] = numbers(&summary)[..] else { anyhow::bail!("three numbers, and not {summary}") };
    ensure!(sent == acknowledged, "{summary}");
    // Hardware messages go to other topics; the last frames may still be on their way.
    ensure!(frames > 800 && frames <= sent, "{frames} of {sent}");
    ensure!(receivers.len() == 8, "{receivers:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_has_all_frames_in_order_as_the_truth_says() -> Result<()> {
    let dir = harness::supervise::fresh_dir("generate")?;
    let file = |name: &str| dir.join(name).to_str().map(str::to_owned).context("a path of ours is text");
    let (prefix, environment) = target("generate").await?;
    let truth = file("truth.json")?;
    let kafka = ["--kafka-prefix", &prefix, "--partitions", "5", "--for", "40s", "--speed", "4", "--truth", &truth];
    let summary = summary(&run(&[&SKY[..], &kafka].concat(), &environment)?)?;
    let [sent, skipped] = numbers(&summary)[..] else { anyhow::bail!("two numbers, and not {summary}") };
    ensure!(skipped == 0, "{summary}");

    // The topic was created as it should be.
    let name = format!("{prefix}fanet.raw.v1");
    let described = log().await?.describe_topics().await?.into_iter().find(|topic| topic.name == name);
    let described = described.context("the topic is there")?;
    ensure!(described.partitions == 5, "{described:?}");
    ensure!(described.settings.get("retention.ms").is_some_and(|retention| retention == "-1"), "{described:?}");

    // The same messages as in a file of the same world, in the order of that file for each key.
    let (lines, second_truth) = (file("sky.jsonl")?, file("second-truth.json")?);
    let in_file = ["--for", "40s", "--out", &lines, "--truth", &second_truth];
    ensure!(run(&[&SKY[..], &in_file].concat(), &[])?.status.success());
    let mut expected = Expected::read(&lines)?;
    let (mut ticks, mut messages) = (BTreeMap::<u64, u64>::new(), Vec::new());
    for record in records(&name, &environment)? {
        let partition = record["partition"].as_u64().context("a record has a partition")?;
        if record["value"]["tick"].is_object() {
            ensure!(record["key"].is_null() && record["value"]["tick"]["bridge_id"] == "replay-generate", "{record}");
            *ticks.entry(partition).or_default() += 1;
        } else {
            messages.push((partition, Message::of(&record)?));
        }
    }
    ensure!(messages.len() as u64 == sent, "{} records of {sent}", messages.len());
    // Every five seconds, of which ten passed.
    ensure!(ticks.len() == 5 && ticks.values().all(|count| (2..=4).contains(count)), "{ticks:?}");
    let mut last = BTreeMap::<&str, (u64, usize)>::new();
    let (mut devices, mut receivers) = (BTreeSet::new(), BTreeSet::new());
    for (partition, message) in &messages {
        let place = expected.take(message).with_context(|| format!("no such message was made: {message:?}"))?;
        if let Some((before, last_place)) = last.insert(&message.key, (*partition, place)) {
            ensure!(before == *partition && last_place < place, "{} is out of order", message.key);
        }
        receivers.insert(message.receiver.clone());
        if message.is_frame {
            let frame = fanet::Frame::decode(&message.payload[WRAPPER_BYTES..])?;
            ensure!(message.key == frame.header.source.to_string(), "{message:?}");
            devices.insert(message.key.clone());
        }
    }
    ensure!(expected.is_empty(), "messages of the file are not in Kafka");

    let (truth, second) = (json(&truth)?, json(&second_truth)?);
    ensure!(truth == second, "two runs of one world have two truths");
    let texts = |list: &Value, name: &str| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().filter_map(|one| one[name].as_str().map(str::to_owned)).collect()
    };
    ensure!(devices == texts(&truth["pilots"], "device"), "{devices:?}: {}", truth["pilots"]);
    ensure!(truth["faults"]["shared_addresses"].as_array().map(Vec::len) == Some(2), "{}", truth["faults"]);
    let stand = truth["receivers"].as_array().into_iter().flatten().map(|receiver| receiver["id"].to_string());
    let stand: BTreeSet<String> = stand.collect();
    ensure!(receivers.is_subset(&stand), "{receivers:?}: {stand:?}");

    // Another number of partitions is refused; without one, the topic's own is taken, once no program writes to it.
    let arguments = [&SKY[..], &["--kafka-prefix", &prefix, "--for", "2s"]].concat();
    refuses(&[&arguments[..], &["--partitions", "4"]].concat(), &environment, "5 partitions, --partitions is 4")?;
    self::summary(&run(&arguments, &environment)?)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_writers_is_taken_with_yes_alone() -> Result<()> {
    let (prefix, environment) = target("generate-live").await?;
    let arguments = [&SKY[..], &["--kafka-prefix", &prefix]].concat();
    let mut writer = command(&arguments, &environment)?.stderr(Stdio::null()).spawn()?;
    let name = format!("{prefix}fanet.raw.v1");
    let written = async || Some(records(&name, &environment).ok()?.len()).filter(|count| *count > 20);
    wait_until(SOON, "the first records", written).await?;
    let second = [&arguments[..], &["--for", "2s"]].concat();
    let refused = refuses(&second, &environment, "other programs write to");
    let taken = run(&[&second[..], &["--yes"]].concat(), &environment);
    writer.kill()?;
    writer.wait()?;
    refused?;
    summary(&taken?)?;
    Ok(())
}

/// A prefix of its own, and how to reach Kafka and the registry.
async fn target(name: &str) -> Result<(String, Vec<(String, String)>)> {
    let prefix = unique_prefix(name);
    let mut settings = Stack::shared().settings(&prefix).await?;
    settings.retain(|(name, _)| name.contains("KAFKA") || name.contains("REGISTRY"));
    Ok((prefix, settings))
}

async fn log() -> Result<KafkaLog> {
    Ok(KafkaLog::connect(KafkaSettings::new(Stack::shared().kafka().await?.bootstrap(), "generate-test"))?)
}

fn refuses(arguments: &[&str], environment: &[(String, String)], text: &str) -> Result<()> {
    let output = run(arguments, environment)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && errors.contains(text), "{}: {errors}", output.status);
    Ok(())
}

/// All records of a topic, read by confluent-kafka.
fn records(topic: &str, environment: &[(String, String)]) -> Result<Vec<Value>> {
    let output = Command::new(harness::python()?)
        .arg(harness::workspace_dir().join("tests/services/kcat.py"))
        .args([topic, "--from-beginning", "--until-end", "--timeout", "30"])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()?;
    ensure!(output.status.success(), "{topic}: {}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn json(path: impl AsRef<Path>) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// A message of a receiver in Kafka.
#[derive(Debug)]
struct Message {
    key: String,
    receiver: String,
    is_frame: bool,
    payload: Vec<u8>,
}

impl Message {
    fn of(record: &Value) -> Result<Self> {
        let value = &record["value"];
        let (frame, hardware) = (value["mqtt_frame"].as_str(), value["receiver_hardware"].as_str());
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("no text in {record}"));
        let payload = BASE64_STANDARD.decode(frame.or(hardware).with_context(|| format!("no message: {record}"))?)?;
        let (key, receiver) = (text(&record["key"])?, text(&value["receiver_id"])?);
        Ok(Self { key, receiver, is_frame: frame.is_some(), payload })
    }
}

/// The messages of a file, each with its number, by what stays the same at another time: all but the stamp.
struct Expected(BTreeMap<(String, Vec<u8>), VecDeque<usize>>);

impl Expected {
    fn read(path: &str) -> Result<Self> {
        let mut expected = Self(BTreeMap::new());
        for (number, line) in std::fs::read_to_string(path)?.lines().enumerate() {
            let line: Value = serde_json::from_str(line)?;
            let text = |name: &str| line[name].as_str().with_context(|| format!("{line} has no {name}"));
            let receiver = text("topic")?.split('/').nth(2).context("a topic names its receiver")?.to_owned();
            let payload = hex::decode(text("payload_hex")?)?;
            let is_frame = text("topic")?.contains("/f/");
            expected.0.entry(identity(receiver, is_frame, &payload)).or_default().push_back(number);
        }
        Ok(expected)
    }

    /// The number of the first message of the file that it can be.
    fn take(&mut self, message: &Message) -> Option<usize> {
        let identity = identity(message.receiver.clone(), message.is_frame, &message.payload);
        let numbers = self.0.get_mut(&identity)?;
        let number = numbers.pop_front()?;
        if numbers.is_empty() {
            self.0.remove(&identity);
        }
        Some(number)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn identity(receiver: String, is_frame: bool, payload: &[u8]) -> (String, Vec<u8>) {
    let from = if is_frame { STAMP_BYTES.min(payload.len()) } else { 0 };
    (receiver, payload[from..].to_vec())
}
