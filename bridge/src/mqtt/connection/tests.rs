use super::*;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PingResp, Publish};
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

const KEEP_ALIVE: Duration = Duration::from_secs(10);

fn pair(clock: &Clock) -> (Connection, DuplexStream) {
    let (ours, theirs) = duplex(1 << 16);
    (Connection::new(ours, clock.clone(), KEEP_ALIVE), theirs)
}

fn message(packet_id: u16, payload_bytes: usize) -> Vec<u8> {
    let mut publish = Publish::new("fb/b/1/f", QoS::AtLeastOnce, vec![7; payload_bytes], None);
    publish.pkid = packet_id;
    let mut bytes = BytesMut::new();
    publish.write(&mut bytes).expect("encodable");
    bytes.to_vec()
}

async fn next_id(connection: &mut Connection) -> u16 {
    loop {
        match connection.take().expect("MQTT") {
            Some(Packet::Publish(publish)) => return publish.pkid,
            Some(other) => panic!("{other:?}"),
            None => connection.exchange(true).await.expect("alive"),
        }
    }
}

#[tokio::test]
async fn split_messages_are_reassembled() {
    let (mut connection, mut broker) = pair(&Clock::manual(0));
    let bytes = [message(1, 10), message(2, 100_000), message(3, 1)].concat();
    let writing = tokio::spawn(async move {
        for piece in bytes.chunks(777) {
            broker.write_all(piece).await.expect("taken");
        }
        broker
    });
    for id in 1..=3 {
        assert_eq!(next_id(&mut connection).await, id);
    }
    writing.await.expect("written");
}

#[tokio::test]
async fn acknowledgements_are_sent_together_in_order() {
    let (mut connection, mut broker) = pair(&Clock::manual(0));
    for id in [1, 2, 515] {
        connection.acknowledge(id).expect("encodable");
    }
    assert!(!connection.is_flushed());
    connection.exchange(false).await.expect("written");
    assert!(connection.is_flushed());
    let mut sent = [0; 12];
    broker.read_exact(&mut sent).await.expect("sent");
    // Three PUBACK: type, length, packet id.
    assert_eq!(sent, [0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 2, 3]);
}

#[tokio::test]
async fn end_of_stream_or_invalid_mqtt_is_an_error() {
    let (mut connection, broker) = pair(&Clock::manual(0));
    drop(broker);
    assert!(matches!(connection.exchange(true).await, Err(ConnectionError::Closed)));

    let (mut connection, mut broker) = pair(&Clock::manual(0));
    // A packet of type AUTH, which is not valid here.
    broker.write_all(&[0xF0, 1, 0]).await.expect("taken");
    connection.exchange(true).await.expect("read");
    assert!(matches!(connection.take(), Err(ConnectionError::Protocol(_))));

    let (mut connection, mut broker) = pair(&Clock::manual(0));
    // The head of a PUBLISH of 256 MiB.
    broker.write_all(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]).await.expect("taken");
    connection.exchange(true).await.expect("read");
    assert!(matches!(connection.take(), Err(ConnectionError::Protocol(_))), "larger than we allow");
}

#[tokio::test]
async fn disconnect_is_reported_with_its_reason() {
    let (mut connection, mut broker) = pair(&Clock::manual(0));
    // DISCONNECT with the reason 0x8E and no properties.
    broker.write_all(&[0xE0, 2, 0x8E, 0]).await.expect("taken");
    connection.exchange(true).await.expect("read");
    let lost = connection.take().expect_err("dismissed");
    assert_eq!(lost.to_string(), "the broker ends the connection: SessionTakenOver");
}

#[tokio::test]
async fn silent_broker_gets_a_ping_then_times_out() {
    let clock = Clock::manual(0);
    let (mut connection, mut broker) = pair(&clock);
    let waiting = tokio::spawn(async move { connection.exchange(true).await });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(5));
    let mut ping = [0; 2];
    broker.read_exact(&mut ping).await.expect("a ping");
    assert_eq!(ping, [0xC0, 0], "PINGREQ");
    clock.advance(Duration::from_secs(5));
    let lost = waiting.await.expect("ends").expect_err("silent");
    assert!(matches!(lost, ConnectionError::Timeout(KEEP_ALIVE)), "{lost}");
}

#[tokio::test]
async fn answers_to_pings_keep_the_connection() {
    let clock = Clock::manual(0);
    let (mut connection, mut broker) = pair(&clock);
    for _ in 0..5 {
        let answering = async {
            let mut ping = [0; 2];
            broker.read_exact(&mut ping).await.expect("a ping");
            let mut answer = BytesMut::new();
            PingResp::write(&mut answer).expect("encodable");
            broker.write_all(&answer).await.expect("taken");
        };
        let moved = async {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(5));
        };
        let (answered, ..) = tokio::join!(connection.exchange(true), answering, moved);
        answered.expect("alive");
        assert!(matches!(connection.take(), Ok(Some(Packet::PingResp(_)))));
    }
}

#[test]
fn silence_while_not_reading_is_no_timeout() {
    let mut keep_alive_timer = KeepAlive::new(KEEP_ALIVE, Duration::ZERO);
    for seconds in [5, 10, 15] {
        keep_alive_timer.on_interval(Duration::from_secs(seconds), false).expect("a ping is due");
    }
    assert!(keep_alive_timer.on_interval(Duration::from_secs(20), true).is_ok(), "its answer was not read yet");
    assert!(keep_alive_timer.on_interval(Duration::from_secs(25), true).is_err());
}
