use std::collections::VecDeque;
use std::net::Ipv4Addr;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, Event, Incoming, MqttOptions};

use super::*;

/// A broker behind a door on some free port, until `Shutdown` is requested.
async fn open() -> (SocketAddr, Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let clock = Clock::system();
    let broker = Broker::start(&clock).await.expect("a broker");
    let door = Door::bind((Ipv4Addr::LOCALHOST, 0).into(), "--mqtt-listen", broker, clock).await.expect("a port");
    let (address, stop) = (door.address().expect("an address"), Shutdown::new());
    (address, stop.clone(), tokio::spawn(door.serve(stop)))
}

fn options(name: &str, address: SocketAddr) -> MqttOptions {
    let mut options = MqttOptions::new(name, address.ip().to_string(), address.port());
    options.set_keep_alive(Duration::from_secs(20));
    options
}

#[tokio::test]
async fn messages_of_both_versions_reach_a_subscriber_that_acknowledges_by_hand() {
    let (address, stop, served) = open().await;
    let mut listening = options("listener", address);
    listening.set_manual_acks(true).set_receive_maximum(Some(50));
    let (listener, mut heard) = AsyncClient::new(listening, 100);
    listener.subscribe("fb/b/+/f/#", QoS::AtLeastOnce).await.expect("queued");
    while !matches!(heard.poll().await.expect("connected"), Event::Incoming(Incoming::SubAck(_))) {}

    let (newer, mut newer_events) = AsyncClient::new(options("newer", address), 10);
    let newer_polls = tokio::spawn(async move { while newer_events.poll().await.is_ok() {} });
    let older_options = rumqttc::MqttOptions::new("older", address.ip().to_string(), address.port());
    let (older, mut older_events) = rumqttc::AsyncClient::new(older_options, 10);
    let older_polls = tokio::spawn(async move { while older_events.poll().await.is_ok() {} });
    let publishing = tokio::spawn(async move {
        for number in 0..500_u32 {
            let payload = number.to_le_bytes().to_vec();
            newer.publish("fb/b/5/f/1", QoS::AtLeastOnce, false, payload.clone()).await.expect("queued");
            older.publish("fb/b/4/f/1", rumqttc::QoS::AtLeastOnce, false, payload).await.expect("queued");
        }
        (newer, older)
    });

    // Acknowledged late, but in order: the broker waits and loses nothing.
    let mut unacknowledged = VecDeque::new();
    let mut numbers = [Vec::new(), Vec::new()];
    while numbers.iter().map(Vec::len).sum::<usize>() < 1_000 {
        let event = tokio::time::timeout(Duration::from_secs(10), heard.poll()).await.expect("no message for 10 s");
        if let Event::Incoming(Incoming::Publish(publish)) = event.expect("connected") {
            let number = u32::from_le_bytes(publish.payload[..].try_into().expect("four bytes"));
            numbers[usize::from(publish.topic.starts_with(b"fb/b/5"))].push(number);
            unacknowledged.push_back(publish);
            if unacknowledged.len() > 20 {
                let oldest = unacknowledged.pop_front().expect("there are many");
                listener.try_ack(&oldest).expect("room");
            }
        }
    }
    let all: Vec<u32> = (0..500).collect();
    assert_eq!(numbers, [all.clone(), all]);
    publishing.await.expect("published");
    stop.request();
    served.await.expect("served").expect("ended well");
    newer_polls.await.expect("ended with the door");
    older_polls.await.expect("ended with the door");
}

#[tokio::test]
async fn a_message_arrives_within_milliseconds() {
    let (address, _stop, _served) = open().await;
    let (listener, mut heard) = AsyncClient::new(options("listener", address), 10);
    listener.subscribe("fb/b/+/f/#", QoS::AtLeastOnce).await.expect("queued");
    while !matches!(heard.poll().await.expect("connected"), Event::Incoming(Incoming::SubAck(_))) {}
    let (publisher, mut events) = AsyncClient::new(options("publisher", address), 10);
    let _polls = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let clock = Clock::system();
    let mut waits_ms = Vec::new();
    for _ in 0..200 {
        let sent = clock.monotonic();
        publisher.publish("fb/b/1/f/1", QoS::AtLeastOnce, false, "x").await.expect("queued");
        while !matches!(heard.poll().await.expect("connected"), Event::Incoming(Incoming::Publish(_))) {}
        waits_ms.push((clock.monotonic() - sent).as_secs_f64() * 1e3);
    }
    waits_ms.sort_by(f64::total_cmp);
    eprintln!("median {} ms, worst {} ms", waits_ms[100], waits_ms[199]);
    assert!(waits_ms[100] < 20.0, "the median is {} ms", waits_ms[100]);
}

#[tokio::test]
async fn what_is_no_mqtt_is_shown_the_door() {
    let (address, _stop, _served) = open().await;
    let mut stranger = TcpStream::connect(address).await.expect("connected");
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    // Closed with or without a reset: what matters is that it ends and says nothing.
    let _ = tokio::time::timeout(Duration::from_secs(5), stranger.read_to_end(&mut answer)).await.expect("closed");
    assert!(answer.is_empty());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let clock = Clock::system();
    let broker = Broker::start(&clock).await.expect("a broker");
    let error = Door::bind(address, "--mqtt-listen", broker, clock).await.expect_err("the port is taken");
    let told = format!("{error:#}");
    assert!(told.contains("--mqtt-listen") && told.contains(&address.to_string()), "{told}");
}
