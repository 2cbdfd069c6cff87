//! The example consumers of `examples/consumers` in three languages, with Kafka: each prints the written aircraft
//! states.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use harness::{Stack, unique_prefix, workspace_dir};
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::{DeviceAddress, v1};
use serde_json::{Value, json};
use streams::registry::{Schemas, TopicCodec};
use streams::{Flush, Headers, KafkaLog, KafkaSettings, Log, NewTopic, Outgoing, Sink, SinkSettings};

/// A topic of states in Kafka.
struct States {
    bootstrap: &'static str,
    topic: String,
    codec: TopicCodec,
    sink: Arc<dyn Sink>,
}

impl States {
    async fn new(name: &str) -> Result<Self> {
        let stack = Stack::shared();
        let (bootstrap, registry) = (stack.kafka().await?.bootstrap(), stack.registry().await?.url());
        let prefix = unique_prefix("consumers");
        let log = KafkaLog::connect(KafkaSettings {
            bootstrap: bootstrap.into(),
            extra: Vec::new(),
            client_id: "consumers-test".into(),
        })?;
        let entry = catalogue::find(name).context("in the catalogue")?;
        let topic = entry.full_name(&prefix);
        let settings = entry.settings.clone();
        log.create_topics(&[NewTopic { settings, ..NewTopic::new(topic.clone(), entry.partitions) }]).await?;
        let codec = Schemas::registry(registry)?.prepare(&prefix, &entry).await?;
        let sink = log.sink(SinkSettings::new("consumers-test"))?;
        Ok(Self { bootstrap, topic, codec, sink })
    }

    /// Writes a state; `None` is a tombstone.
    async fn write(&self, device: u32, version: u64, state: Option<impl Message>) -> Result<()> {
        let flush = Flush::new();
        let record = Outgoing {
            topic: self.topic.as_str().into(),
            partition: None,
            key: Some(DeviceAddress(device).to_string().into()),
            value: state.as_ref().map(|state| self.codec.encode(state)),
            headers: Headers::new().with("version", version.to_string()),
            timestamp_ms: 1_784_030_400_000,
        };
        self.sink.send(record, flush.receipt()).await?;
        Ok(flush.wait().await?)
    }
}

fn state(device: u32, version: u64, latitude_deg: f64) -> v1::AircraftState {
    v1::AircraftState {
        device,
        version,
        position: Some(v1::Position {
            latitude_deg,
            longitude_deg: 7.5,
            altitude_m: device.is_multiple_of(2).then_some(1_850.0),
        }),
        aircraft_kind: v1::AircraftKind::HangGlider.into(),
        climb_mps: (!device.is_multiple_of(2)).then_some(-1.25),
        ..Default::default()
    }
}

/// Writes states and returns the expected output by device: the newest version of each that was not removed.
async fn expected_states(aircraft: &States) -> Result<BTreeMap<String, Value>> {
    let mut expected = BTreeMap::new();
    for device in 0x11_0B00..0x11_0B20_u32 {
        let latitude_deg = 46.0 + f64::from(device % 64) / 64.0;
        aircraft.write(device, 10, Some(state(device, 10, 1.0))).await?;
        aircraft.write(device, 12, Some(state(device, 12, latitude_deg))).await?;
        // A late write of an earlier owner: an older version after a newer one.
        aircraft.write(device, 11, Some(state(device, 11, 2.0))).await?;
        let address = DeviceAddress(device).to_string();
        let mut line = json!({
            "device": address, "version": 12, "kind": "hang_glider", "latitude_deg": latitude_deg, "longitude_deg": 7.5,
        });
        match device.is_multiple_of(2) {
            true => line["altitude_m"] = json!(1_850.0),
            false => line["climb_mps"] = json!(-1.25),
        }
        expected.insert(address, line);
    }
    // A late state after a tombstone is ignored; a newer state after a tombstone counts.
    aircraft.write(0x11_0B00, 20, None::<v1::AircraftState>).await?;
    aircraft.write(0x11_0B00, 19, Some(state(0x11_0B00, 19, 3.0))).await?;
    aircraft.write(0x11_0B02, 20, None::<v1::AircraftState>).await?;
    aircraft.write(0x11_0B02, 21, Some(state(0x11_0B02, 21, 46.5))).await?;
    expected.remove("110B00");
    expected.insert(
        "110B02".into(),
        json!({
            "device": "110B02", "version": 21, "kind": "hang_glider", "latitude_deg": 46.5, "longitude_deg": 7.5,
            "altitude_m": 1_850.0,
        }),
    );
    Ok(expected)
}

fn lines(command: &mut Command) -> Result<BTreeMap<String, Value>> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {out}{error}");
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        Ok((line["device"].as_str().unwrap_or_default().to_owned(), line))
    };
    out.lines().map(read).collect()
}

/// Generates the message classes as the example's first lines describe, into a directory of the test.
fn python_classes(into: &Path) -> Result<()> {
    let protos = workspace_dir().join("schemas/proto");
    let status = Command::new(harness::python()?)
        .args(["-m", "grpc_tools.protoc"])
        .arg(format!("-I{}", protos.display()))
        .arg(format!("--python_out={}", into.display()))
        .args(["common", "state"].map(|name| protos.join(format!("updraft/v1/{name}.proto"))))
        .status()?;
    ensure!(status.success(), "protoc failed");
    Ok(())
}

fn in_python(aircraft: &States, dir: &Path) -> Result<BTreeMap<String, Value>> {
    python_classes(dir)?;
    let script = workspace_dir().join("examples/consumers/python/consume.py");
    lines(
        Command::new(harness::python()?)
            .arg(script)
            .args(["--bootstrap", aircraft.bootstrap, "--topic", &aircraft.topic, "--until-end"])
            .env("PYTHONPATH", dir),
    )
}

/// The libraries of the example's pom.xml and those that the Kafka client needs. Other jars in the directory are not
/// used: one of them logs to standard output.
const JAVA_LIBRARIES: [&str; 3] = ["kafka-clients-", "protobuf-java-4.36", "slf4j-api-"];

fn in_java(aircraft: &States, dir: &Path) -> Result<BTreeMap<String, Value>> {
    let jars: Vec<PathBuf> =
        std::fs::read_dir(harness::client_jars()?)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let begins =
        |path: &Path, with: &str| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(with));
    let compiler = jars.iter().find(|path| begins(path, "ecj-")).context("ecj is among the jars")?;
    let libraries = jars.iter().filter(|path| JAVA_LIBRARIES.iter().any(|with| begins(path, with)));
    let classes = dir.join("classes");
    let class_path = std::env::join_paths(libraries.chain([&classes]))?;
    let status = Command::new(harness::java()?)
        .arg("-jar")
        .arg(compiler)
        .args(["--release", "17", "-nowarn", "-proc:none", "-cp"])
        .arg(&class_path)
        .arg("-d")
        .arg(&classes)
        .arg(workspace_dir().join("examples/consumers/java/Consume.java"))
        .status()?;
    ensure!(status.success(), "the Java consumer compiles");
    lines(
        Command::new(harness::java()?)
            .arg("-cp")
            .arg(&class_path)
            .arg("Consume")
            .arg(workspace_dir().join("schemas/descriptors.binpb"))
            .args([aircraft.bootstrap, &aircraft.topic]),
    )
}

fn in_rust(aircraft: &States) -> Result<BTreeMap<String, Value>> {
    let consumer = harness::beside_the_test("examples/consume")?;
    ensure!(consumer.is_file(), "{} is not built: run `cargo build -p streams --examples`", consumer.display());
    lines(Command::new(consumer).args([aircraft.bootstrap, &aircraft.topic]))
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_print_the_written_states() -> Result<()> {
    let aircraft = States::new(topic::AIRCRAFT).await?;
    let expected = expected_states(&aircraft).await?;
    let (python, java) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (language, printed) in [
        ("Python", in_python(&aircraft, python.path())?),
        ("Java", in_java(&aircraft, java.path())?),
        ("Rust", in_rust(&aircraft)?),
    ] {
        assert_eq!(printed, expected, "{language}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stations_are_read_by_their_message_index() -> Result<()> {
    // Not the first message of its file: its header is a byte longer than that of aircraft.
    let stations = States::new(topic::STATION).await?;
    let state = |version, temperature_c| v1::StationState {
        device: 0x08_0100,
        version,
        temperature_c,
        wind_from_deg: Some(225.0),
        ..Default::default()
    };
    stations.write(0x08_0100, 10, Some(state(10, Some(18.5)))).await?;
    stations.write(0x08_0100, 11, Some(state(11, None))).await?;
    let dir = tempfile::tempdir()?;
    let expected = json!({ "device": "080100", "version": 11, "wind_from_deg": 225.0 });
    assert_eq!(in_python(&stations, dir.path())?, BTreeMap::from([("080100".into(), expected)]));
    Ok(())
}
