//! The bridge against a broker that behaves as some do: packet by packet, on the log of this process.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clap::Parser as _;
use parking_lot::Mutex;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, ConnectReturnCode, Packet, Publish, SubAck, SubscribeReasonCode};
use runtime::{Clock, Context};
use schemas::catalogue;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use streams::registry::Schemas;
use streams::{EmbeddedLog, EmbeddedSettings, Event, Log as _, NewTopic, SeekTo, TopicPartition};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

mod held;
mod monitor;

const SOON: Duration = Duration::from_secs(20);
const FRAMES: &str = "fb/b/1/f";

/// A bridge's log, and what came of it.
struct Scene {
    log: Arc<EmbeddedLog>,
    context: Context,
}

impl Scene {
    async fn new() -> Self {
        let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(0)));
        let topics = [names::RAW, names::DEAD_LETTER].map(|name| NewTopic::new(name, 1));
        log.create_topics(&topics).await.expect("created");
        Self { log, context: Context::new(Clock::system()) }
    }

    fn cluster(&self) -> Cluster {
        Cluster::in_process(self.log.clone())
    }

    /// The payloads in the raw topic.
    async fn frames(&self) -> Vec<Bytes> {
        let codec = Schemas::local().prepare("", &catalogue::find(names::RAW).expect("known")).await.expect("a schema");
        let from = vec![(TopicPartition::new(names::RAW, 0), SeekTo::Beginning)];
        let (mut source, mut frames) = (self.log.read(from).await.expect("readable"), Vec::new());
        loop {
            match source.next().await.expect("read") {
                Event::Records(records) => frames.extend(records.iter().filter_map(|record| {
                    let record: RawRecord = codec.decode(record.value.as_ref()?).expect("a raw record");
                    match record.input {
                        Some(Input::MqttFrame(frame)) => Some(frame),
                        _ => None,
                    }
                })),
                Event::CaughtUp(_) => return frames,
                _ => {}
            }
        }
    }

    fn metric(&self, line: &str) -> bool {
        self.context.metrics.to_text().lines().any(|found| found == line)
    }
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let look = || std::future::ready(is_so().then_some(()));
    harness::wait_until(SOON, what, look).await.expect("it happens");
}

fn options(arguments: &[&str]) -> BridgeOptions {
    Config::try_parse_from(std::iter::once("bridge").chain(arguments.iter().copied())).expect("good").bridge
}

/// One connection of the broker's side.
struct Peer {
    stream: TcpStream,
    inbox: BytesMut,
}

impl Peer {
    async fn receive(&mut self) -> Option<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.inbox, None) {
                return Some(packet);
            }
            let read = tokio::time::timeout(SOON, self.stream.read_buf(&mut self.inbox)).await.expect("no packet came");
            if read.ok()? == 0 {
                return None;
            }
        }
    }

    async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).expect("encodable");
        self.stream.write_all(&bytes).await.expect("written");
    }

    /// The client id of its CONNECT.
    async fn client_id(&mut self) -> String {
        let Some(Packet::Connect(connect, ..)) = self.receive().await else { panic!("no CONNECT") };
        connect.client_id
    }

    async fn answer(&mut self, code: ConnectReturnCode) {
        self.send(Packet::ConnAck(ConnAck { session_present: false, code, properties: None })).await;
    }

    /// Accepts a client up to its subscription. Its client id.
    async fn greet(&mut self) -> String {
        let client_id = self.client_id().await;
        self.answer(ConnectReturnCode::Success).await;
        client_id
    }

    async fn grant(&mut self) {
        let Some(Packet::Subscribe(subscribe)) = self.receive().await else { panic!("no SUBSCRIBE") };
        let return_codes = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
        self.send(Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None })).await;
    }

    async fn publish(&mut self, packet_id: u16, payload: &[u8], retain: bool) {
        let mut publish = Publish::new(FRAMES, QoS::AtLeastOnce, payload.to_vec(), None);
        (publish.pkid, publish.retain) = (packet_id, retain);
        self.send(Packet::Publish(publish)).await;
    }

    async fn acknowledged(&mut self) -> u16 {
        loop {
            match self.receive().await {
                Some(Packet::PubAck(ack)) => return ack.pkid,
                Some(Packet::PingReq(_)) => {}
                other => panic!("no PUBACK: {other:?}"),
            }
        }
    }
}

/// Accepts the bridge's connections, and hands the frames' one out; the monitor's ends when it subscribes. The monitor
/// may connect again before the frames' connection is there.
async fn broker_that_refuses_monitors(listener: &TcpListener) -> Peer {
    let (mut frames, mut has_refused) = (None, false);
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut peer = Peer { stream, inbox: BytesMut::new() };
        if peer.greet().await.ends_with("-monitor") {
            assert!(matches!(peer.receive().await, Some(Packet::Subscribe(_))));
            has_refused = true;
        } else {
            peer.grant().await;
            frames = Some(peer);
        }
        if let Some(frames) = frames.take_if(|_| has_refused) {
            return frames;
        }
    }
}

#[tokio::test]
async fn retained_is_dropped_and_a_refused_sys_is_quiet() {
    let scene = Scene::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("an address"));
    let running: JoinHandle<_> =
        tokio::spawn(serve(options(&["--mqtt-url", &url]), scene.cluster(), scene.context.clone()));
    let mut peer = broker_that_refuses_monitors(&listener).await;

    // A broker that does not know Retain Handling sends what it kept with each subscription.
    let (old, new) = ([1; 20], [2; 20]);
    peer.publish(1, &old, true).await;
    peer.publish(2, &new, false).await;
    assert_eq!([peer.acknowledged().await, peer.acknowledged().await], [1, 2], "both are acknowledged, in order");
    assert_eq!(scene.frames().await, [Bytes::copy_from_slice(&new)]);
    assert!(scene.metric("fanet_bridge_retained_total 1") && scene.metric("fanet_bridge_forwarded_total 1"));

    let readiness = scene.context.readiness.clone();
    eventually("not ready", || readiness.is_ready()).await;
    assert_eq!(readiness.parts()["mqtt"].last_error, None, "it was never anything but ready");
    assert!(scene.metric("fanet_bridge_mqtt_connections_total 1"));
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
}

/// Keeps what was acknowledged.
#[derive(Default)]
struct Ledger(Mutex<Vec<u64>>);

impl AckHandler for Ledger {
    fn on_acknowledged(&self, message_id: u64) {
        self.0.lock().push(message_id);
    }
}

fn message(ledger: &Arc<Ledger>, message_id: u64, topic: &'static str) -> Message {
    let acknowledgement = Some(Acknowledgement { handler: ledger.clone(), message_id });
    Message { topic: topic.into(), payload: Bytes::from(vec![message_id as u8; 20]), acknowledgement }
}

#[tokio::test]
async fn in_process_acks_in_order_after_the_log_has_it() {
    let scene = Scene::new().await;
    let (message_sender, message_receiver) = message_channel();
    let (ledger, window) = (Arc::<Ledger>::default(), options(&["--window", "3"]));
    let running = tokio::spawn(serve_in_process(window, message_receiver, scene.cluster(), scene.context.clone()));
    for id in 0..100 {
        // Every tenth is a dead letter, which is acknowledged in its turn.
        let topic = if id % 10 == 9 { "fb/b/1/f/x" } else { FRAMES };
        message_sender.send(message(&ledger, id, topic)).await.expect("taken");
    }
    message_sender.send(Message { acknowledgement: None, ..message(&ledger, 100, FRAMES) }).await.expect("taken");
    eventually("not acknowledged", || ledger.0.lock().len() == 100).await;
    assert_eq!(*ledger.0.lock(), (0..100).collect::<Vec<u64>>());
    eventually("not all there", || scene.metric("fanet_bridge_forwarded_total 91")).await;
    let forwarded: Vec<u8> = scene.frames().await.iter().map(|frame| frame[0]).collect();
    assert_eq!(forwarded, (0..=100).filter(|id| id % 10 != 9).collect::<Vec<u8>>());
    assert!(scene.metric("fanet_bridge_dropped_total 0"), "QoS 0 waits for room as the others do");
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
    assert!(message_sender.is_closed(), "its senders find out");
}

#[tokio::test]
async fn in_process_takes_no_more_than_the_window_holds() {
    let scene = Scene::new().await;
    let (message_sender, message_receiver) = message_channel();
    let (ledger, log) = (Arc::<Ledger>::default(), Arc::new(held::HeldLog::new(scene.log.clone())));
    let cluster = Cluster::in_process(log.clone());
    let window = options(&["--window", "10"]);
    let running = tokio::spawn(serve_in_process(window, message_receiver, cluster, scene.context.clone()));
    let (sender, senders_ledger) = (message_sender.clone(), ledger.clone());
    let sending = tokio::spawn(async move {
        for id in 0..500 {
            let qos_0 = id % 2 == 1;
            let mut message = message(&senders_ledger, id, FRAMES);
            message.acknowledgement = message.acknowledgement.filter(|_| !qos_0);
            sender.send(message).await.expect("open");
        }
    });
    eventually("the queue is not full", || log.waiting() == 10 && message_sender.capacity() == 0).await;
    assert!(ledger.0.lock().is_empty() && !sending.is_finished(), "its senders wait");
    log.release();
    sending.await.expect("all are taken");
    eventually("not acknowledged", || ledger.0.lock().len() == 250).await;
    assert_eq!(*ledger.0.lock(), (0..500).step_by(2).collect::<Vec<u64>>());
    eventually("not all there", || scene.metric("fanet_bridge_forwarded_total 500")).await;
    assert!(scene.metric("fanet_bridge_dropped_total 0"), "QoS 0 waits as well");
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
}

#[tokio::test]
async fn messages_that_are_not_forwarded_are_received_at_either_qos() {
    let scene = Scene::new().await;
    let (message_sender, message_receiver) = message_channel();
    let (ledger, shard) = (Arc::<Ledger>::default(), options(&["--shard", "1/4"]));
    let running = tokio::spawn(serve_in_process(shard, message_receiver, scene.cluster(), scene.context.clone()));
    // The receiver 8896672 is of shard 3, 8896673 of ours.
    for (id, topic) in [(0, "fb/b/8896672/f"), (1, "fb/b/8896673/f")] {
        let acknowledged = message(&ledger, id, topic);
        let qos_0 = Message { acknowledgement: None, ..message(&ledger, id, topic) };
        message_sender.send(acknowledged).await.expect("taken");
        message_sender.send(qos_0).await.expect("taken");
    }
    eventually("not all there", || scene.metric("fanet_bridge_forwarded_total 2")).await;
    assert!(scene.metric("fanet_bridge_other_shards_total 2"));
    assert!(scene.metric("fanet_mqtt_messages_received_total 4"));
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
}
