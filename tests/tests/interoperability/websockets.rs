//! Independent WebSocket clients side by side: Node `ws`, Python `websockets`, Chromium, and tokio-tungstenite.
//!
//! All subscribe to the same region, on both subprotocols, with and without compression. The payloads of messages that
//! the server encodes once for all clients (updates, removals, checkpoints) are the same for each of them, byte for
//! byte and in the same order. Messages for one connection (the welcome, its snapshots) contain times: the test decodes
//! them, and they are equal except for the times. The server understands the clients' messages, compressed where that
//! was negotiated.
//!
//! Chromium always offers compression, and tokio-tungstenite never does. So the test runs twice, with a server that
//! compresses and with one that does not.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use harness::{Browser, tool_path, wait_until, workspace_dir};
use prost::Message as _;
use schemas::v1::{self, ServerMessage, server_message::Message};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};

use crate::stage::{Stage, aircraft};

const PROTO: &str = "updraft.v1.proto";
const JSON: &str = "updraft.v1.json";
const QUERY: &str = "lat=46.5&lon=8&radius=50";
const REQUEST: u64 = 9;
const TIMEOUT: Duration = Duration::from_secs(60);
const AIRCRAFT: u32 = 20;
const ROUNDS: u64 = 10;

/// What the clients received, by their names: library, subprotocol, offer of compression.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<BTreeMap<String, Received>>>);

/// What one client received.
#[derive(Clone, Debug, Default)]
struct Received {
    /// Subprotocol, and whether compression was negotiated.
    negotiated: String,
    payloads: Vec<Vec<u8>>,
    closed: Option<u16>,
    errors: Vec<String>,
}

impl Recording {
    fn add(&self, name: &str, what: &str, rest: &str) {
        let mut clients = self.0.lock().expect("not poisoned");
        let client = clients.entry(name.to_owned()).or_default();
        match what {
            "agreed" => rest.clone_into(&mut client.negotiated),
            "binary" if name.contains(PROTO) => client.payloads.push(hex::decode(rest).expect("hex")),
            "text" if name.contains(JSON) => client.payloads.push(hex::decode(rest).expect("hex")),
            "closed" => client.closed = rest.parse().ok(),
            _ => client.errors.push(format!("{what} {rest}")),
        }
    }

    /// A line as the clients print it.
    fn add_line(&self, library: &str, line: &str) {
        let parts: Vec<&str> = line.splitn(4, ' ').collect();
        match parts[..] {
            [subprotocol, offer, what, rest] => self.add(&format!("{library} {subprotocol} {offer}"), what, rest),
            _ => self.add(library, "error", line),
        }
    }

    fn clients(&self) -> BTreeMap<String, Received> {
        self.0.lock().expect("not poisoned").clone()
    }
}

impl Received {
    fn messages(&self) -> Vec<ServerMessage> {
        self.payloads.iter().map(|payload| decode(&self.negotiated, payload)).collect()
    }

    /// Whether it has the answer to its request.
    fn is_answered(&self) -> bool {
        let is_it = |message: &ServerMessage| matches!(&message.message, Some(Message::Snapshot(answer)) if answer.request_id == REQUEST && answer.live);
        self.messages().iter().any(is_it)
    }

    /// Whether it has the update of all aircraft to this version, in one message or several.
    fn has_version(&self, version: u64) -> bool {
        let objects = self.messages().into_iter().filter_map(|message| match message.message {
            Some(Message::Updates(batch)) => batch.objects,
            _ => None,
        });
        let updated = objects.flat_map(|objects| objects.aircraft).filter(|aircraft| aircraft.version == version);
        updated.count() == AIRCRAFT as usize
    }

    /// The payloads for all clients, from the first update on.
    fn shared(&self) -> Vec<Vec<u8>> {
        let is_shared =
            |message: &ServerMessage| matches!(message.message, Some(Message::Updates(_) | Message::Checkpoint(_)));
        let is_batch = |message: &ServerMessage| matches!(message.message, Some(Message::Updates(_)));
        let messages = self.messages();
        let from = messages.iter().position(is_batch).unwrap_or(messages.len());
        let all = self.payloads.iter().zip(&messages).skip(from);
        all.filter(|(_, message)| is_shared(message)).map(|(payload, _)| payload.clone()).collect()
    }

    /// The messages for this client, without times.
    fn own(&self) -> Vec<Message> {
        let without_times = |message: Message| match message {
            Message::Welcome(mut welcome) => {
                assert!(welcome.server_at_us > 0);
                welcome.server_at_us = 0;
                Some(Message::Welcome(welcome))
            }
            Message::Snapshot(mut snapshot) => {
                assert!(snapshot.server_at_us > 0);
                snapshot.server_at_us = 0;
                let aircraft = snapshot.objects.iter_mut().flat_map(|objects| &mut objects.aircraft);
                aircraft.for_each(|update| update.age_ds = Default::default());
                snapshot.objects.iter_mut().for_each(|objects| objects.aircraft.sort_by_key(|update| update.device));
                Some(Message::Snapshot(snapshot))
            }
            _ => None,
        };
        self.messages().into_iter().filter_map(|message| message.message).filter_map(without_times).collect()
    }
}

fn decode(subprotocol: &str, payload: &[u8]) -> ServerMessage {
    match subprotocol.starts_with(JSON) {
        true => serde_json::from_slice(payload).expect("JSON"),
        false => ServerMessage::decode(payload).expect("Protobuf"),
    }
}

/// A change of the subscription that is long enough to be compressed: it follows unknown devices.
fn request() -> v1::ClientMessage {
    let subscribe = v1::Subscribe { follow_devices: (0x20_0000..0x20_0040).collect(), ..Default::default() };
    v1::ClientMessage { request_id: REQUEST, message: Some(v1::client_message::Message::Subscribe(subscribe)) }
}

/// Starts a script with a client on each subprotocol, with and without an offer of compression.
fn script(library: &'static str, mut command: Command, recording: &Recording) -> Child {
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let recording = recording.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            recording.add_line(library, &line);
        }
    });
    child
}

/// Connects the reference, tokio-tungstenite without compression.
async fn reference(url: &str, subprotocol: &'static str, recording: &Recording) {
    let mut handshake = url.into_client_request().expect("a URL");
    handshake.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(handshake).await.expect("a response");
    let (recording, name) = (recording.clone(), format!("tungstenite {subprotocol} plain"));
    recording.add(&name, "agreed", &format!("{subprotocol} plain"));
    let message = match subprotocol {
        JSON => tungstenite::Message::text(serde_json::to_string(&request()).expect("JSON")),
        _ => tungstenite::Message::binary(request().encode_to_vec()),
    };
    socket.send(message).await.expect("sent");
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                tungstenite::Message::Binary(bytes) => recording.add(&name, "binary", &hex::encode(bytes)),
                tungstenite::Message::Text(text) => recording.add(&name, "text", &hex::encode(text)),
                tungstenite::Message::Close(Some(frame)) => {
                    recording.add(&name, "closed", &u16::from(frame.code).to_string());
                }
                _ => {}
            }
        }
    });
}

const PAGE: &str = "window.lines = [];
    const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    for (const subprotocol of ['updraft.v1.proto', 'updraft.v1.json']) {
        const report = (...parts) => window.lines.push([subprotocol, 'deflate', ...parts].join(' '));
        const socket = new WebSocket('URL', subprotocol);
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => {
            report('agreed', socket.protocol, socket.extensions.includes('permessage-deflate') ? 'deflate' : 'plain');
            const binary = new Uint8Array('BINARY'.match(/../g).map((byte) => parseInt(byte, 16)));
            socket.send(subprotocol.endsWith('json') ? 'TEXT' : binary);
        };
        socket.onmessage = ({ data }) => typeof data === 'string'
            ? report('text', hex(new TextEncoder().encode(data)))
            : report('binary', hex(new Uint8Array(data)));
        socket.onclose = ({ code }) => report('closed', code);
        socket.onerror = () => report('error', 'of the socket');
    }
    true";

struct Chromium {
    browser: Browser,
    recording: Recording,
}

impl Chromium {
    async fn open(stage: &Stage, url: &str, recording: &Recording) -> Self {
        let browser = Browser::start().await.expect("Chromium starts");
        browser.open(&format!("http://{}/health", stage.address)).await.expect("a page of the same origin");
        let (binary, text) = (hex::encode(request().encode_to_vec()), serde_json::to_string(&request()).expect("JSON"));
        let page = PAGE.replace("URL", url).replace("BINARY", &binary).replace("TEXT", &text);
        browser.evaluate(&page).await.expect("the page runs");
        Self { browser, recording: recording.clone() }
    }

    /// Records what the page has received.
    async fn fetch(&self) {
        let lines = self.browser.evaluate("window.lines.splice(0)").await.expect("the page runs");
        for line in lines.as_array().expect("a list") {
            self.recording.add_line("chromium", line.as_str().expect("a line"));
        }
    }
}

/// Waits until a condition is true for all clients.
async fn all(
    chromium: &Chromium,
    recording: &Recording,
    count: usize,
    what: &str,
    condition: impl Fn(&Received) -> bool,
) {
    let is_true = async || {
        chromium.fetch().await;
        let clients = recording.clients();
        (clients.len() == count && clients.values().all(&condition)).then_some(())
    };
    if let Err(error) = wait_until(TIMEOUT, what, is_true).await {
        let clients = recording.clients();
        let failing = clients.iter().filter(|(_, client)| !condition(client));
        let failing = failing.map(|(name, client)| (name, &client.negotiated, &client.errors));
        panic!("{error:#}: {} clients, of which not: {:?}", clients.len(), failing.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_gets_the_same_bytes() {
    side_by_side(true).await;
    side_by_side(false).await;
}

async fn side_by_side(compression: bool) {
    // One shard, which encodes each message once for all clients.
    let setting = compression.to_string();
    let stage = Stage::open_with(&["--shards", "1", "--compression", &setting]).await;
    let states = |version| (1..=AIRCRAFT).map(|device| aircraft(device, version, 46.5, 8.0)).collect::<Vec<_>>();
    stage.publish_all(&states(1)).await;
    stage.until_pilots(AIRCRAFT as usize).await;

    let recording = Recording::default();
    let url = format!("ws://{}/ws/v1/updates?{QUERY}", stage.address);
    let arguments =
        [url.clone(), hex::encode(request().encode_to_vec()), serde_json::to_string(&request()).expect("JSON")];
    reference(&url, PROTO, &recording).await;
    reference(&url, JSON, &recording).await;
    let mut node = Command::new(tool_path("node").expect("node is installed"));
    node.arg(workspace_dir().join("tests/node/exact.mjs")).args(&arguments);
    let mut python = Command::new(harness::python().expect("Python is installed"));
    python.arg(workspace_dir().join("tests/clients/exact.py")).args(&arguments);
    let _scripts = [script("node", node, &recording), script("python", python, &recording)];
    let chromium = Chromium::open(&stage, &url, &recording).await;
    // Two of the reference, four of Node, four of Python, two of Chromium.
    let count = 12;
    all(&chromium, &recording, count, "all to have the answer", Received::is_answered).await;

    for round in 1..=ROUNDS {
        stage.publish_all(&states(1 + round)).await;
        // All of it: a client that is late would get its rest together with the next one, in other bytes.
        all(&chromium, &recording, count, "all to have the update", |client| client.has_version(1 + round)).await;
    }
    stage.remove_aircraft(AIRCRAFT, 100).await;
    let has_removal = |client: &Received| {
        let is_removal = |message: ServerMessage| matches!(message.message, Some(Message::Updates(batch)) if !batch.removals.is_empty());
        client.messages().into_iter().any(is_removal)
    };
    all(&chromium, &recording, count, "all to have the removal", has_removal).await;
    let saved = stage.metric("fanet_pusher_compression_saved_bytes_total");
    stage.close().await;
    all(&chromium, &recording, count, "all to be closed", |client| client.closed.is_some()).await;
    compare(&recording.clients(), compression);
    assert_eq!(saved > 0.0, compression, "{saved} bytes were saved");
}

fn compare(clients: &BTreeMap<String, Received>, compression: bool) {
    let reference = |subprotocol: &str| &clients[&format!("tungstenite {subprotocol} plain")];
    for (name, client) in clients {
        let [_, subprotocol, offer] = name.split(' ').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let negotiated = if compression { offer } else { "plain" };
        assert_eq!(client.negotiated, format!("{subprotocol} {negotiated}"), "{name}");
        assert_eq!((&client.errors[..], client.closed), (&[][..], Some(1001)), "{name}");
        let (own, shared) = (client.own(), client.shared());
        assert!(shared.len() > ROUNDS as usize, "{name}: {} payloads", shared.len());
        assert!(shared == reference(subprotocol).shared(), "{name} received other bytes");
        assert_eq!(own, reference(PROTO).own(), "{name} received other messages");
    }
    // Both subprotocols have the same messages.
    let shared = |subprotocol: &str| -> Vec<_> {
        reference(subprotocol).shared().iter().map(|payload| decode(subprotocol, payload)).collect()
    };
    assert_eq!(shared(JSON), shared(PROTO));
}
