//! A third-party map client (Python's websockets), and the picture that it receives.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, wait_until};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The newest state of each object, by id.
#[derive(Default)]
pub(crate) struct Picture {
    pub(crate) aircraft: BTreeMap<String, Aircraft>,
    pub(crate) ground: BTreeMap<String, Value>,
    pub(crate) stations: BTreeMap<String, Value>,
    pub(crate) thermals: BTreeMap<String, Value>,
    /// By device.
    pub(crate) alerts: BTreeMap<String, Value>,
    /// All updates of each aircraft, in the order received.
    pub(crate) tracks: BTreeMap<String, Vec<Aircraft>>,
    messages: BTreeMap<String, usize>,
    error: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Aircraft {
    pub(crate) latitude_deg: f64,
    pub(crate) longitude_deg: f64,
    pub(crate) altitude_m: Option<i32>,
    pub(crate) speed_dkmh: Option<u64>,
    kind_and_phase: u64,
}

impl Aircraft {
    pub(crate) fn near(&self, (latitude_deg, longitude_deg): (f64, f64)) -> bool {
        (self.latitude_deg - latitude_deg).abs() < 1e-6 && (self.longitude_deg - longitude_deg).abs() < 1e-6
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.kind_and_phase % 32 {
            2 => "paraglider",
            _ => "something else",
        }
    }
}

pub(crate) struct Watcher {
    picture: Arc<Mutex<Picture>>,
    child: Child,
}

impl Watcher {
    /// Connects to a region of the pusher's map.
    pub(crate) fn start(pusher: &Program, region: &str, arguments: &[&str]) -> Result<Self> {
        let url = format!("ws://{}/ws/v1/updates?{region}", pusher.http_address());
        let script = harness::workspace_dir().join("tests/clients/websocket.py");
        let mut child = Command::new(harness::python()?)
            .arg(script)
            .arg(url)
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start the Python client")?;
        let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let picture = Arc::<Mutex<Picture>>::default();
        tokio::spawn(follow(lines, Arc::clone(&picture)));
        Ok(Self { picture, child })
    }

    /// Waits until the picture has an item.
    pub(crate) async fn until<T>(
        &self,
        deadline: Duration,
        what: &str,
        look: impl Fn(&Picture) -> Option<T>,
    ) -> Result<T> {
        let seen = wait_until(deadline, what, async || look(&self.picture.lock().expect("not poisoned"))).await;
        seen.with_context(|| {
            let picture = self.picture.lock().expect("not poisoned");
            format!("messages {:?}, aircraft {:?}, error {:?}", picture.messages, picture.aircraft, picture.error)
        })
    }

    /// Reads the present picture.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Picture) -> T) -> T {
        look(&self.picture.lock().expect("not poisoned"))
    }

    /// Ends the client after it has received every kind of message of a session's start; fails if it could not parse a
    /// message.
    pub(crate) async fn end(mut self) -> Result<()> {
        let expected = ["welcome", "snapshot", "updates", "checkpoint"];
        let all = |picture: &Picture| expected.iter().all(|kind| picture.messages.contains_key(*kind)).then_some(());
        self.until(Duration::from_secs(60), "every kind of message", all).await?;
        self.child.kill().await?;
        self.look(|picture| {
            ensure!(picture.error.is_none(), "the client: {:?}", picture.error);
            Ok(())
        })
    }
}

async fn follow(mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>, picture: Arc<Mutex<Picture>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut picture = picture.lock().expect("not poisoned");
        match serde_json::from_str::<Value>(&line) {
            Ok(message) => picture.apply(&message),
            Err(error) => picture.error = Some(format!("{error} in {line}")),
        }
    }
}

impl Picture {
    /// Whether a message of this kind was received.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.messages.contains_key(kind)
    }

    /// The number of positions of each aircraft.
    pub(crate) fn track_lengths(&self) -> Vec<(String, usize)> {
        self.tracks.iter().map(|(device, track)| (device.clone(), track.len())).collect()
    }

    fn apply(&mut self, message: &Value) {
        for kind in ["welcome", "snapshot", "updates", "checkpoint", "present", "error"] {
            if message.get(kind).is_some() {
                *self.messages.entry(kind.to_owned()).or_default() += 1;
            }
        }
        let body = message.get("snapshot").or_else(|| message.get("updates"));
        let Some(objects) = body.and_then(|body| body.get("objects")) else { return };
        for update in list(objects, "aircraft") {
            self.tracks.entry(device(update)).or_default().push(aircraft(update));
            self.aircraft.insert(device(update), aircraft(update));
        }
        for (name, into) in [
            ("ground", &mut self.ground),
            ("stations", &mut self.stations),
            ("thermals", &mut self.thermals),
            ("alerts", &mut self.alerts),
        ] {
            for update in list(objects, name) {
                let id = if name == "thermals" { update["thermal_id"].to_string() } else { device(update) };
                into.insert(id, update.clone());
            }
        }
    }
}

fn list<'a>(objects: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    objects.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The device address: a number with Protobuf, text with JSON.
fn device(update: &Value) -> String {
    match &update["device"] {
        Value::String(text) => text.clone(),
        number => format!("{:06X}", number.as_u64().unwrap_or_default()),
    }
}

fn aircraft(update: &Value) -> Aircraft {
    Aircraft {
        latitude_deg: update["latitude_e7"].as_i64().unwrap_or_default() as f64 / 1e7,
        longitude_deg: update["longitude_e7"].as_i64().unwrap_or_default() as f64 / 1e7,
        altitude_m: update["altitude_m"].as_i64().and_then(|metres| i32::try_from(metres).ok()),
        speed_dkmh: update["speed_dkmh"].as_u64(),
        kind_and_phase: update["kind_and_phase"].as_u64().unwrap_or_default(),
    }
}
