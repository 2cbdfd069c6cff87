//! Clients of other makes beside each other: Node `ws`, Python `websockets`, Chromium, and tokio-tungstenite.
//!
//! All look at the same place, on both subprotocols, with and without compression, and a payload is what they hand to their
//! user, inflated. What is made once for all (changed states, ends, checkpoints) is the same for each of them, byte for byte
//! and in the same order. What is made for one connection (the welcome, its snapshots) tells times of its own, so it is
//! decoded, and the same but for those. What they send, compressed where that was agreed on, is understood.
//!
//! Chromium and tokio-tungstenite have no choice: one always offers compression, the other never. So it is played twice,
//! with a server that compresses and with one that does not.

#[path = "live/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use harness::{Browser, python, tool_path, wait_until, workspace_dir};
use prost::Message as _;
use schemas::v1::{self, ServerMessage, server_message::Message};
use stage::{Stage, aircraft};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};

const PROTO: &str = "updraft.v1.proto";
const JSON: &str = "updraft.v1.json";
const QUERY: &str = "lat=46.5&lon=8&radius=50";
const REQUEST: u64 = 9;
const SOON: Duration = Duration::from_secs(60);
const AIRCRAFT: u32 = 20;
const ROUNDS: u64 = 10;

/// What the clients said, by their names: make, subprotocol, offer.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<BTreeMap<String, Told>>>);

/// What one client said.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Subprotocol, and whether compression was agreed on.
    agreed: String,
    payloads: Vec<Vec<u8>>,
    closed: Option<u16>,
    errors: Vec<String>,
}

impl Book {
    fn add(&self, name: &str, what: &str, rest: &str) {
        let mut book = self.0.lock().expect("not poisoned");
        let told = book.entry(name.to_owned()).or_default();
        match what {
            "agreed" => rest.clone_into(&mut told.agreed),
            "binary" if name.contains(PROTO) => told.payloads.push(hex::decode(rest).expect("hex")),
            "text" if name.contains(JSON) => told.payloads.push(hex::decode(rest).expect("hex")),
            "closed" => told.closed = rest.parse().ok(),
            _ => told.errors.push(format!("{what} {rest}")),
        }
    }

    /// A line as the clients print it.
    fn add_line(&self, make: &str, line: &str) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            [subprotocol, offer, what, rest] => self.add(&format!("{make} {subprotocol} {offer}"), what, rest),
            _ => self.add(make, "error", line),
        }
    }

    fn told(&self) -> BTreeMap<String, Told> {
        self.0.lock().expect("not poisoned").clone()
    }
}

impl Told {
    fn messages(&self) -> Vec<ServerMessage> {
        self.payloads.iter().map(|payload| decode(&self.agreed, payload)).collect()
    }

    /// Has the answer to what it sent.
    fn is_answered(&self) -> bool {
        let is_it = |message: &ServerMessage| matches!(&message.message, Some(Message::Snapshot(answer)) if answer.request_id == REQUEST && answer.live);
        self.messages().iter().any(is_it)
    }

    /// Has so many batches of changes.
    fn batches(&self) -> usize {
        let is_it = |message: &ServerMessage| matches!(message.message, Some(Message::Updates(_)));
        self.messages().iter().filter(|message| is_it(message)).count()
    }

    /// What is made for all, from the first change that was published on.
    fn shared(&self) -> Vec<Vec<u8>> {
        let of_all =
            |message: &ServerMessage| matches!(message.message, Some(Message::Updates(_) | Message::Checkpoint(_)));
        let is_batch = |message: &ServerMessage| matches!(message.message, Some(Message::Updates(_)));
        let messages = self.messages();
        let from = messages.iter().position(is_batch).unwrap_or(messages.len());
        let all = self.payloads.iter().zip(&messages).skip(from);
        all.filter(|(_, message)| of_all(message)).map(|(payload, _)| payload.clone()).collect()
    }

    /// What is made for this one, without times.
    fn own(&self) -> Vec<Message> {
        let timeless = |message: Message| match message {
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
        self.messages().into_iter().filter_map(|message| message.message).filter_map(timeless).collect()
    }
}

fn decode(agreed: &str, payload: &[u8]) -> ServerMessage {
    match agreed.starts_with(JSON) {
        true => serde_json::from_slice(payload).expect("JSON"),
        false => ServerMessage::decode(payload).expect("Protobuf"),
    }
}

/// A change of the subscription that is long enough to be compressed: it follows what is not there.
fn wish() -> v1::ClientMessage {
    let wish = v1::Subscribe { follow_devices: (0x20_0000..0x20_0040).collect(), ..Default::default() };
    v1::ClientMessage { request_id: REQUEST, message: Some(v1::client_message::Message::Subscribe(wish)) }
}

/// A script with a client on each subprotocol, with and without an offer to compress.
fn script(make: &'static str, mut command: Command, book: &Book) -> Child {
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let book = book.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            book.add_line(make, &line);
        }
    });
    child
}

/// The reference, without compression.
async fn reference(url: &str, subprotocol: &'static str, book: &Book) {
    let mut request = url.into_client_request().expect("a URL");
    request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("is answered");
    let (book, name) = (book.clone(), format!("tungstenite {subprotocol} plain"));
    book.add(&name, "agreed", &format!("{subprotocol} plain"));
    let wish = match subprotocol {
        JSON => tungstenite::Message::text(serde_json::to_string(&wish()).expect("JSON")),
        _ => tungstenite::Message::binary(wish().encode_to_vec()),
    };
    socket.send(wish).await.expect("sent");
    tokio::spawn(async move {
        while let Some(Ok(heard)) = socket.next().await {
            match heard {
                tungstenite::Message::Binary(bytes) => book.add(&name, "binary", &hex::encode(bytes)),
                tungstenite::Message::Text(text) => book.add(&name, "text", &hex::encode(text)),
                tungstenite::Message::Close(Some(frame)) => {
                    book.add(&name, "closed", &u16::from(frame.code).to_string());
                }
                _ => {}
            }
        }
    });
}

const PAGE: &str = "window.lines = [];
    const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    for (const subprotocol of ['updraft.v1.proto', 'updraft.v1.json']) {
        const say = (...words) => window.lines.push([subprotocol, 'deflate', ...words].join(' '));
        const socket = new WebSocket('URL', subprotocol);
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => {
            say('agreed', socket.protocol, socket.extensions.includes('permessage-deflate') ? 'deflate' : 'plain');
            const binary = new Uint8Array('BINARY'.match(/../g).map((byte) => parseInt(byte, 16)));
            socket.send(subprotocol.endsWith('json') ? 'TEXT' : binary);
        };
        socket.onmessage = ({ data }) => typeof data === 'string'
            ? say('text', hex(new TextEncoder().encode(data)))
            : say('binary', hex(new Uint8Array(data)));
        socket.onclose = ({ code }) => say('closed', code);
        socket.onerror = () => say('error', 'of the socket');
    }
    true";

struct Chromium {
    browser: Browser,
    book: Book,
}

impl Chromium {
    async fn open(stage: &Stage, url: &str, book: &Book) -> Self {
        let browser = Browser::start().await.expect("Chromium starts");
        browser.open(&format!("http://{}/health", stage.address)).await.expect("a page of the same origin");
        let (binary, text) = (hex::encode(wish().encode_to_vec()), serde_json::to_string(&wish()).expect("JSON"));
        let page = PAGE.replace("URL", url).replace("BINARY", &binary).replace("TEXT", &text);
        browser.evaluate(&page).await.expect("the page runs");
        Self { browser, book: book.clone() }
    }

    /// Fetches what the page has heard.
    async fn look(&self) {
        let lines = self.browser.evaluate("window.lines.splice(0)").await.expect("the page answers");
        for line in lines.as_array().expect("a list") {
            self.book.add_line("chromium", line.as_str().expect("a line"));
        }
    }
}

/// Waits until something is true of what all say.
async fn all(chromium: &Chromium, book: &Book, clients: usize, what: &str, is_so: impl Fn(&Told) -> bool) {
    let are = async || {
        chromium.look().await;
        let told = book.told();
        (told.len() == clients && told.values().all(&is_so)).then_some(())
    };
    if let Err(error) = wait_until(SOON, what, are).await {
        let told = book.told();
        let not = told.iter().filter(|(_, told)| !is_so(told)).map(|(name, told)| (name, &told.agreed, &told.errors));
        panic!("{error:#}: {} clients, of which not: {:?}", told.len(), not.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_make_get_the_same_bytes_plain_and_compressed() {
    side_by_side(true).await;
    side_by_side(false).await;
}

async fn side_by_side(compression: bool) {
    // One shard: what is made once is made once for all of them.
    let setting = compression.to_string();
    let stage = Stage::open_with(&["--shards", "1", "--compression", &setting]).await;
    let sky = |version| (1..=AIRCRAFT).map(|device| aircraft(device, version, 46.5, 8.0)).collect::<Vec<_>>();
    stage.publish_all(&sky(1)).await;
    stage.sees_pilots(AIRCRAFT as usize).await;

    let book = Book::default();
    let url = format!("ws://{}/ws/v1/updates?{QUERY}", stage.address);
    let arguments = [url.clone(), hex::encode(wish().encode_to_vec()), serde_json::to_string(&wish()).expect("JSON")];
    reference(&url, PROTO, &book).await;
    reference(&url, JSON, &book).await;
    let mut node = Command::new(tool_path("node").expect("node is there"));
    node.arg(workspace_dir().join("tests/node/exact.mjs")).args(&arguments);
    let mut in_python = Command::new(python().expect("python is there"));
    in_python.arg(workspace_dir().join("tests/clients/exact.py")).args(&arguments);
    let _scripts = [script("node", node, &book), script("python", in_python, &book)];
    let chromium = Chromium::open(&stage, &url, &book).await;
    // Two of ours, four of Node, four of Python, two of Chromium.
    let clients = 12;
    all(&chromium, &book, clients, "all to be answered", Told::is_answered).await;

    for round in 1..=ROUNDS {
        let before: usize = book.told().values().map(Told::batches).max().unwrap_or_default();
        stage.publish_all(&sky(1 + round)).await;
        all(&chromium, &book, clients, "all to hear of it", |told| told.batches() > before).await;
    }
    stage.remove_aircraft(AIRCRAFT, 100).await;
    let ended = |told: &Told| {
        let is_end = |message: ServerMessage| matches!(message.message, Some(Message::Updates(batch)) if !batch.removals.is_empty());
        told.messages().into_iter().any(is_end)
    };
    all(&chromium, &book, clients, "all to hear of the end", ended).await;
    let saved = stage.metric("fanet_pusher_compression_saved_bytes_total");
    stage.close().await;
    all(&chromium, &book, clients, "all to be sent away", |told| told.closed.is_some()).await;
    compare(&book.told(), compression);
    assert_eq!(saved > 0.0, compression, "{saved} bytes were saved");
}

fn compare(told: &BTreeMap<String, Told>, compression: bool) {
    let reference = |subprotocol: &str| &told[&format!("tungstenite {subprotocol} plain")];
    for (name, client) in told {
        let [_, subprotocol, offer] = name.split(' ').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let agreed = if compression { offer } else { "plain" };
        assert_eq!(client.agreed, format!("{subprotocol} {agreed}"), "{name}");
        assert_eq!((&client.errors[..], client.closed), (&[][..], Some(1001)), "{name}");
        let (own, shared) = (client.own(), client.shared());
        assert!(shared.len() > ROUNDS as usize, "{name}: {} payloads", shared.len());
        assert!(shared == reference(subprotocol).shared(), "{name} got other bytes");
        assert_eq!(own, reference(PROTO).own(), "{name} was told something else");
    }
    // Text and binary say the same.
    let shared = |subprotocol: &str| -> Vec<_> {
        reference(subprotocol).shared().iter().map(|payload| decode(subprotocol, payload)).collect()
    };
    assert_eq!(shared(JSON), shared(PROTO));
}
