use std::net::Ipv4Addr;

use bridge::{Message, MessageReceiver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;

const SOON: Duration = Duration::from_secs(20);
const CONNECT: &[u8] = b"\x10\x0D\x00\x04MQTT\x04\x00\x00\x00\x00\x01a";
const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];

/// A front on some free port, with the bridge's end of it.
struct Scene {
    address: SocketAddr,
    message_receiver: MessageReceiver,
    metrics: Metrics,
    stop: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Scene {
    async fn open(limits: Limits) -> Self {
        Self::open_for(None, limits).await
    }

    async fn open_for(receivers: Option<Arc<Watched<Receivers>>>, limits: Limits) -> Self {
        let (message_sender, message_receiver) = bridge::message_channel();
        let metrics = Metrics::new();
        let topics = vec!["fb/b".to_owned()];
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let front =
            Front::bind(listen, "--mqtt-listen", topics, receivers, message_sender, Clock::system(), &metrics).await;
        let front = front.expect("a port").with_limits(limits);
        let (address, stop) = (front.address().expect("an address"), Shutdown::new());
        let serving = tokio::spawn(front.serve(stop.clone()));
        Self { address, message_receiver, metrics, stop, serving }
    }

    async fn connect(&self, connect: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(connect).await.expect("written");
        stream
    }

    async fn accepted(&self, connect: &[u8]) -> TcpStream {
        let mut stream = self.connect(connect).await;
        assert_eq!(read::<4>(&mut stream).await, ACCEPTED);
        stream
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(SOON, self.message_receiver.next())
            .await
            .expect("no message came")
            .expect("the front is open")
    }

    /// Waits until a connection has ended for this reason.
    async fn ended(&self, reason: &str) {
        let line = format!("fanet_standalone_mqtt_ended_total{{reason=\"{reason}\"}} ");
        let clock = Clock::system();
        while !self.metrics.to_text().contains(&line) {
            assert!(clock.monotonic() < SOON, "no connection ended as {reason}");
            tokio::task::yield_now().await;
        }
    }
}

async fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    tokio::time::timeout(SOON, stream.read_exact(&mut bytes)).await.expect("no answer came").expect("open");
    bytes
}

/// What comes until the end.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Closed with or without a reset: what matters is that it ends.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("not closed");
    bytes
}

fn acknowledge(message: Message) {
    let acknowledgement = message.acknowledgement.expect("it wants one");
    acknowledgement.handler.on_acknowledged(acknowledgement.message_id);
}

fn publish(qos: u8, packet_id: u16, payload: &[u8]) -> Vec<u8> {
    let body = [&b"\x00\x08fb/b/1/f"[..], &packet_id.to_be_bytes(), payload].concat();
    [&[0x30 | qos << 1, body.len() as u8][..], &body].concat()
}

#[tokio::test]
async fn puback_waits_for_the_log() {
    let mut scene = Scene::open(Limits::default()).await;
    let mut client = scene.accepted(CONNECT).await;
    client.write_all(&publish(1, 7, b"one")).await.expect("written");
    let message = scene.next().await;
    assert_eq!((&message.topic[..], &message.payload[..]), (&b"fb/b/1/f"[..], &b"one"[..]));
    // An answer to what came later is here before the PUBACK.
    client.write_all(b"\xc0\x00").await.expect("written");
    assert_eq!(read::<2>(&mut client).await, [0xD0, 0]);
    acknowledge(message);
    assert_eq!(read::<4>(&mut client).await, [0x40, 2, 0, 7]);
    scene.stop.request();
    scene.serving.await.expect("joined").expect("ended well");
}

#[tokio::test]
async fn qos_2_is_handed_over_once_over_a_reconnect() {
    let mut scene = Scene::open(Limits::default()).await;
    let mut first = scene.accepted(CONNECT).await;
    first.write_all(&publish(2, 9, b"x")).await.expect("written");
    let message = scene.next().await;
    let mut second = scene.connect(CONNECT).await;
    assert_eq!(read::<4>(&mut second).await, [0x20, 2, 1, 0], "its session is there");
    assert!(rest(&mut first).await.is_empty(), "the older connection ends");
    let repeated = [vec![0x3C], publish(2, 9, b"x")[1..].to_vec()].concat();
    second.write_all(&repeated).await.expect("written");
    second.write_all(b"\xc0\x00").await.expect("written");
    assert_eq!(read::<2>(&mut second).await, [0xD0, 0]);
    acknowledge(message);
    assert_eq!(read::<4>(&mut second).await, [0x50, 2, 0, 9]);
    second.write_all(&[0x62, 2, 0, 9]).await.expect("written");
    assert_eq!(read::<4>(&mut second).await, [0x70, 2, 0, 9]);
    second.write_all(&publish(2, 9, b"y")).await.expect("written");
    assert_eq!(scene.next().await.payload, "y", "the next message, and not a copy");
}

#[tokio::test]
async fn a_full_window_stops_reading_and_loses_nothing() {
    let limits = Limits { in_flight: 4, ..Limits::default() };
    let mut scene = Scene::open(limits).await;
    let mut client = scene.accepted(CONNECT).await;
    let all: Vec<u8> = (1..=20).flat_map(|id| publish(1, id, &[id as u8])).collect();
    client.write_all(&all).await.expect("written");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(scene.next().await);
    }
    assert!(scene.message_receiver.try_next().is_none(), "no more than may be in flight");
    for id in 5..=20_u8 {
        acknowledge(held.remove(0));
        held.push(scene.next().await);
        assert_eq!(held[3].payload, [id][..]);
    }
    held.into_iter().for_each(acknowledge);
    let acknowledged = read::<80>(&mut client).await;
    let ids: Vec<u8> = acknowledged.chunks(4).map(|ack| ack[3]).collect();
    assert_eq!(ids, (1..=20).collect::<Vec<u8>>());
}

#[tokio::test]
async fn slow_clients_are_disconnected_by_each_deadline() {
    let short = Duration::from_millis(100);
    let limits = Limits { handshake: short, packet: short, idle: short, ..Limits::default() };
    let scene = Scene::open(limits).await;
    let mut half = scene.connect(&CONNECT[..5]).await;
    assert!(rest(&mut half).await.is_empty());
    scene.ended("slow_handshake").await;
    let mut idle = scene.accepted(CONNECT).await;
    assert!(rest(&mut idle).await.is_empty());
    scene.ended("silent").await;
    let scene = Scene::open(Limits { packet: short, ..Limits::default() }).await;
    let mut half = scene.accepted(CONNECT).await;
    half.write_all(b"\x30\x20\x00").await.expect("written");
    assert!(rest(&mut half).await.is_empty());
    scene.ended("slow_packet").await;
}

#[tokio::test]
async fn other_protocols_and_versions_are_refused() {
    let scene = Scene::open(Limits::default()).await;
    let mut http = scene.connect(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(rest(&mut http).await.is_empty());
    scene.ended("not_mqtt").await;
    let mut future = scene.connect(b"\x10\x0D\x00\x04MQTT\x06\x00\x00\x00\x00\x01a").await;
    assert_eq!(rest(&mut future).await, [0x20, 2, 0, 1]);
    scene.ended("unknown_version").await;
    let mut first = scene.connect(b"\xc0\x00").await;
    assert!(rest(&mut first).await.is_empty());
    let mut again = scene.accepted(CONNECT).await;
    again.write_all(CONNECT).await.expect("written");
    assert!(rest(&mut again).await.is_empty());
    scene.ended("unexpected_packet").await;
}

#[tokio::test]
async fn slots_are_bounded_and_released() {
    let scene = Scene::open(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let held = [scene.accepted(CONNECT).await, scene.accepted(b"\x10\x0D\x00\x04MQTT\x04\x00\x00\x00\x00\x01b").await];
    let mut third = scene.connect(CONNECT).await;
    assert!(rest(&mut third).await.is_empty());
    scene.ended("no_place").await;
    drop(held);
    let begun = Clock::system();
    loop {
        let mut next = scene.connect(CONNECT).await;
        let mut answer = [0; 4];
        if next.read_exact(&mut answer).await.is_ok() {
            assert_eq!(answer[0], 0x20);
            break;
        }
        assert!(begun.monotonic() < SOON, "the slots were not released");
    }
}

#[tokio::test]
async fn unreleased_qos_2_is_bounded() {
    let mut scene = Scene::open(Limits { in_flight: 3, ..Limits::default() }).await;
    let mut client = scene.accepted(CONNECT).await;
    for id in 1..=3 {
        client.write_all(&publish(2, id, b"x")).await.expect("written");
        acknowledge(scene.next().await);
        assert_eq!(read::<4>(&mut client).await, [0x50, 2, 0, id as u8]);
    }
    client.write_all(&publish(2, 4, b"x")).await.expect("written");
    assert!(rest(&mut client).await.is_empty());
    scene.ended("too_many_unreleased").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let (message_sender, _message_receiver) = bridge::message_channel();
    let bound =
        Front::bind(address, "--mqtt-listen", Vec::new(), None, message_sender, Clock::system(), &Metrics::new()).await;
    let error = format!("{:#}", bound.expect_err("the port is taken"));
    assert!(error.contains("--mqtt-listen") && error.contains(&address.to_string()), "{error}");
}

/// CONNECT of MQTT 3.1.1 with a user and a password.
fn connect_as(user: &str, password: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let body = [b"\x00\x04MQTT\x04\xC2\x00\x00".to_vec(), text("a"), text(user), text(password)].concat();
    [vec![0x10, body.len() as u8], body].concat()
}

fn publish_to(topic: &str, packet_id: u16) -> Vec<u8> {
    let body = [&(topic.len() as u16).to_be_bytes()[..], topic.as_bytes(), &packet_id.to_be_bytes(), b"x"].concat();
    [vec![0x32, body.len() as u8], body].concat()
}

#[tokio::test]
async fn a_receiver_speaks_for_itself_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("receivers");
    let ((password, entry), (_, other)) =
        (crate::mqtt::new_entry("17").expect("made"), crate::mqtt::new_entry("18").expect("made"));
    std::fs::write(&file, format!("{entry}\n{other}\n")).expect("written");
    let receivers = crate::mqtt::open_receivers(&file).expect("read");
    let clock = Clock::manual(0);
    let (stop_watching, watched) = (Shutdown::new(), receivers.clone());
    let watching = tokio::spawn(watched.run(clock.clone(), stop_watching.clone()));
    let mut scene = Scene::open_for(Some(receivers), Limits::default()).await;
    for (connect, reason) in [
        (CONNECT.to_vec(), "no_credentials"),
        (connect_as("17", "wrong"), "wrong_password"),
        (connect_as("18", &password), "wrong_password"),
        (connect_as("19", &password), "unknown_receiver"),
    ] {
        let mut refused = scene.connect(&connect).await;
        assert_eq!(rest(&mut refused).await, [0x20, 2, 0, 4], "{reason}");
        scene.ended(reason).await;
    }
    let mut client = scene.accepted(&connect_as("17", &password)).await;
    client.write_all(&publish_to("fb/b/18/f", 1)).await.expect("written");
    assert_eq!(read::<4>(&mut client).await, [0x40, 2, 0, 1], "acknowledged and dropped");
    client.write_all(&publish_to("fb/b/17/f/1", 2)).await.expect("written");
    let message = scene.next().await;
    assert_eq!(&message.topic[..], b"fb/b/17/f/1", "the one of the other receiver was dropped");
    acknowledge(message);
    assert_eq!(read::<4>(&mut client).await, [0x40, 2, 0, 2]);
    assert!(scene.metrics.to_text().contains("fanet_standalone_mqtt_other_receivers_total 1\n"));
    // A receiver that is removed from the file is disconnected.
    std::fs::write(&file, format!("{other}\n")).expect("written");
    while scene.metrics.to_text().matches("removed_receiver").count() == 0 {
        clock.advance(Duration::from_secs(2));
        // The connection may have ended.
        let _ = client.write_all(&publish_to("fb/b/17/f/1", 3)).await;
        tokio::task::yield_now().await;
    }
    let mut refused = scene.connect(&connect_as("17", &password)).await;
    assert_eq!(rest(&mut refused).await, [0x20, 2, 0, 4]);
    stop_watching.request();
    watching.await.expect("joined").expect("ended well");
}
