//! A pusher on port 0 over an embedded log, and a WebSocket client.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser as _;
use futures::{SinkExt as _, StreamExt as _};
use harness::ProcessLog;
use history::HistoryReader;
use prost::Message as _;
use pusher::{Config, Pusher};
use runtime::{Clock, Context};
use schemas::DeviceAddress;
use schemas::catalogue::{self, topic};
use schemas::v1::{self, server_message::Message};
use streams::registry::{Schemas, TopicCodec};
use streams::{
    Cluster, EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, Log, NewTopic, Outgoing, SeekTo, Sink, SinkSettings,
    TopicPartition,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};

const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) log: Arc<EmbeddedLog>,
    context: Context,
    running: JoinHandle<anyhow::Result<()>>,
    sink: Arc<dyn Sink>,
    codec: TopicCodec,
    http: reqwest::Client,
    process_log: ProcessLog,
}

/// An aircraft named Ada.
pub(crate) fn aircraft(device: u32, version: u64, latitude_deg: f64, longitude_deg: f64) -> v1::AircraftState {
    v1::AircraftState {
        device,
        version,
        position: Some(v1::Position { latitude_deg, longitude_deg, altitude_m: Some(2000.0) }),
        aircraft_kind: v1::AircraftKind::Paraglider.into(),
        name: Some("Ada".into()),
        ..Default::default()
    }
}

/// Creates the topics of the catalogue.
pub(crate) async fn create_topics(log: &EmbeddedLog) {
    let topics: Vec<_> = catalogue::topics()
        .into_iter()
        .map(|topic| NewTopic { settings: topic.settings.clone(), ..NewTopic::new(topic.name, topic.partitions) })
        .collect();
    log.create_topics(&topics).await.expect("topics are created");
}

impl Stage {
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub(crate) async fn open_with(arguments: &[&str]) -> Self {
        let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(1_780_000_000_000)));
        create_topics(&log).await;
        let stage = Self::start(log, arguments).await;
        stage.until_ready().await;
        stage
    }

    pub(crate) async fn start(log: Arc<EmbeddedLog>, arguments: &[&str]) -> Self {
        Self::start_with(log, arguments, None, Clock::system()).await
    }

    /// With a history.
    pub(crate) async fn open_with_history(history: Arc<dyn HistoryReader>, arguments: &[&str]) -> Self {
        Self::open_at(Clock::system(), Some(history), arguments).await
    }

    /// With a history, and with the caller's clock.
    pub(crate) async fn open_at(clock: Clock, history: Option<Arc<dyn HistoryReader>>, arguments: &[&str]) -> Self {
        let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(1_780_000_000_000)));
        create_topics(&log).await;
        let stage = Self::start_with(log, arguments, history, clock).await;
        stage.until_ready().await;
        stage
    }

    pub(crate) async fn start_with(
        log: Arc<EmbeddedLog>,
        arguments: &[&str],
        history: Option<Arc<dyn HistoryReader>>,
        clock: Clock,
    ) -> Self {
        let process_log = ProcessLog::watch();
        let no_redis: &[&str] = if arguments.contains(&"--redis-url") { &[] } else { &["--redis-url", "none"] };
        let defaults = ["pusher", "--http-listen", "127.0.0.1:0"];
        let config = Config::parse_from(defaults.iter().chain(no_redis).chain(arguments));
        let context = Context::new(clock);
        let pusher = Pusher::bind(config.pusher).await.expect("port 0 is free");
        let address = pusher.address().expect("bound");
        let running = tokio::spawn(pusher.serve(Cluster::in_process(log.clone()), history, context.clone()));
        let sink = log.sink(SinkSettings::new("test")).expect("a writer");
        let topic = catalogue::find(topic::AIRCRAFT).expect("in the catalogue");
        let codec = Schemas::local().prepare("", &topic).await.expect("has a schema");
        Self { address, log, context, running, sink, codec, http: reqwest::Client::new(), process_log }
    }

    pub(crate) async fn close(self) {
        self.context.shutdown.request();
        self.running.await.expect("no panic").expect("an orderly stop");
        drop(self.process_log);
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("http://{}{path}", self.address)).send().await.expect("a response")
    }

    pub(crate) async fn get_with(&self, path: &str, header: &str, value: &str) -> reqwest::Response {
        let request = self.http.get(format!("http://{}{path}", self.address)).header(header, value);
        request.send().await.expect("a response")
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        media_type: &str,
        body: String,
    ) -> reqwest::Response {
        let request = self.http.post(format!("http://{}{path}", self.address)).header("content-type", media_type);
        let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key));
        request.body(body).send().await.expect("a response")
    }

    /// All metrics in the text format.
    pub(crate) fn metrics(&self) -> String {
        self.context.metrics.to_text()
    }

    /// The value of a counter or gauge.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.metrics();
        let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// The states of the parts with their reasons, as on the admin port.
    pub(crate) fn reasons(&self) -> String {
        format!("{:?}", self.context.readiness.parts())
    }

    pub(crate) async fn until_ready(&self) {
        self.until("ready", || async { self.get("/ready").await.status().is_success() }).await;
    }

    pub(crate) async fn publish_aircraft(&self, state: &v1::AircraftState) {
        self.publish_all(std::slice::from_ref(state)).await;
    }

    pub(crate) async fn publish_all(&self, states: &[v1::AircraftState]) {
        let flush = Flush::new();
        for state in states {
            let record = self.record(topic::AIRCRAFT, state.device, Some(self.codec.encode(state)), state.version);
            self.sink.send(record, flush.receipt()).await.expect("the log accepts it");
        }
        flush.wait().await.expect("the log has it");
    }

    /// `way`: the header with the times at which the frame passed the programs before.
    pub(crate) async fn publish_with_way(&self, state: &v1::AircraftState, way: &str) {
        let record = self.record(topic::AIRCRAFT, state.device, Some(self.codec.encode(state)), state.version);
        self.publish(Outgoing { headers: record.headers.with("way", way.to_owned()), ..record }).await;
    }

    pub(crate) async fn remove_aircraft(&self, device: u32, version: u64) {
        self.publish(self.record(topic::AIRCRAFT, device, None, version)).await;
    }

    /// Writes a value of any topic.
    pub(crate) async fn publish_value(&self, topic: &'static str, key: &str, value: &impl prost::Message) {
        let entry = catalogue::find(topic).expect("in the catalogue");
        let codec = Schemas::local().prepare("", &entry).await.expect("has a schema");
        let record = self.record(topic, 0, Some(codec.encode(value)), 0);
        self.publish(Outgoing { key: Some(Bytes::copy_from_slice(key.as_bytes())), ..record }).await;
    }

    pub(crate) async fn publish(&self, record: Outgoing) {
        let flush = Flush::new();
        self.sink.send(record, flush.receipt()).await.expect("the log accepts it");
        flush.wait().await.expect("the log has it");
    }

    pub(crate) fn record(&self, topic: &str, device: u32, value: Option<Bytes>, version: u64) -> Outgoing {
        Outgoing {
            topic: topic.into(),
            partition: None,
            key: Some(DeviceAddress(device).to_string().into()),
            value,
            headers: Headers::new().with("version", version.to_string()),
            timestamp_ms: 1_780_000_000_000,
        }
    }

    pub(crate) async fn until_pilots(&self, count: usize) {
        let has_all = || async {
            let list: serde_json::Value = self.get("/api/v1/pilots").await.json().await.expect("JSON");
            list["pilots"].as_array().map(Vec::len) == Some(count)
        };
        self.until(&format!("{count} pilots"), has_all).await;
    }

    pub(crate) async fn until_version(&self, count: usize, version: u64) {
        let version = version.to_string();
        let has_all = || async {
            let list: serde_json::Value = self.get("/api/v1/pilots").await.json().await.expect("JSON");
            let pilots = list["pilots"].as_array().cloned().unwrap_or_default();
            pilots.len() == count && pilots.iter().all(|pilot| pilot["version"] == version)
        };
        self.until("the newest version", has_all).await;
    }

    /// Polls until the condition is true. A manual clock advances meanwhile.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        let polled = async {
            while !condition().await {
                self.context.clock.advance(Duration::from_millis(1));
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(TIMEOUT, polled).await.is_err() {
            panic!("timed out: {what}; {}", self.reasons());
        }
    }
}

/// Everything that is in a topic, by time.
pub(crate) async fn read_all<M: prost::Message + Default>(stage: &Stage, topic: &str) -> Vec<M> {
    let entry = catalogue::find(topic).expect("in the catalogue");
    let codec = Schemas::local().prepare("", &entry).await.expect("a schema");
    let partitions = (0..entry.partitions).map(|partition| TopicPartition::new(topic, partition));
    let from = partitions.map(|at| (at, SeekTo::Beginning)).collect();
    let mut source = stage.log.read(from).await.expect("the topic exists");
    let (mut records, mut unread) = (Vec::new(), entry.partitions);
    while unread > 0 {
        match source.next().await.expect("an event") {
            Event::Records(batch) => records.extend(batch),
            Event::CaughtUp(_) => unread -= 1,
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    records.sort_by_key(|record| record.timestamp_ms);
    let values = records.iter().filter_map(|record| record.value.as_ref());
    values.map(|value| codec.decode(value).expect("of this schema")).collect()
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub(crate) async fn connect(stage: &Stage, query: &str, subprotocol: &'static str) -> Self {
        Self::connect_over(TcpSocket::new_v4().expect("a socket"), stage, query, subprotocol).await
    }

    /// A client with a receive buffer of a few kilobytes.
    pub(crate) async fn connect_narrow(stage: &Stage, query: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        Self::connect_over(socket, stage, query, "updraft.v1.proto").await
    }

    /// A client with this source address.
    pub(crate) async fn connect_from(source: Ipv4Addr, stage: &Stage, query: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("an address of this machine");
        Self::connect_over(socket, stage, query, "updraft.v1.proto").await
    }

    /// A client, or the status with which the server refused it.
    pub(crate) async fn try_connect(stage: &Stage, query: &str) -> Result<Self, StatusCode> {
        Self::try_connect_over(TcpSocket::new_v4().expect("a socket"), stage, query, "updraft.v1.proto").await
    }

    async fn connect_over(socket: TcpSocket, stage: &Stage, query: &str, subprotocol: &'static str) -> Self {
        Self::try_connect_over(socket, stage, query, subprotocol).await.expect("a connection")
    }

    async fn try_connect_over(
        socket: TcpSocket,
        stage: &Stage,
        query: &str,
        subprotocol: &'static str,
    ) -> Result<Self, StatusCode> {
        let url = format!("ws://{}/ws/v1/updates?{query}", stage.address);
        let mut request = url.into_client_request().expect("a URL");
        request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().expect("a header"));
        let stream = MaybeTlsStream::Plain(socket.connect(stage.address).await.expect("connects"));
        let (socket, response) = match tokio_tungstenite::client_async(request, stream).await {
            Err(tungstenite::Error::Http(response)) => return Err(response.status()),
            other => other.expect("a response"),
        };
        assert_eq!(response.headers()["sec-websocket-protocol"], subprotocol);
        Ok(Self { socket })
    }

    /// The next message of the server.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            let received = tokio::time::timeout(TIMEOUT, self.socket.next()).await.expect("a message in time");
            let message: v1::ServerMessage = match received.expect("open").expect("a valid frame") {
                tungstenite::Message::Binary(bytes) => v1::ServerMessage::decode(&bytes[..]).expect("Protobuf"),
                tungstenite::Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
                tungstenite::Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => continue,
            };
            return message.message.expect("a known message");
        }
    }

    /// The next batch of updates; other messages are ignored.
    pub(crate) async fn next_updates(&mut self) -> v1::UpdateBatch {
        loop {
            if let Message::Updates(batch) = self.next().await {
                return batch;
            }
        }
    }

    /// Reads to the end of the snapshot, and returns its last page.
    pub(crate) async fn until_live(&mut self) -> v1::Snapshot {
        loop {
            if let Message::Snapshot(snapshot) = self.next().await
                && snapshot.live
            {
                return snapshot;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, request_id: u64, subscribe: v1::Subscribe) {
        let message = Some(v1::client_message::Message::Subscribe(subscribe));
        let bytes = v1::ClientMessage { request_id, message }.encode_to_vec();
        self.socket.send(tungstenite::Message::binary(bytes)).await.expect("sent");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(tungstenite::Message::text(text)).await.expect("sent");
    }

    /// Reads until the server closes.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            let received = tokio::time::timeout(TIMEOUT, self.socket.next()).await.expect("the server closes in time");
            match received {
                Some(Ok(tungstenite::Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a code: {other:?}"),
            }
        }
    }
}
