//! Every limit over a real socket: a client exceeds it and gets the documented response, and another client within the
//! limits is served before and after.
//!
//! | setting | violation | response |
//! | --- | --- | --- |
//! | `--max-connections` | one more handshake | 503 `full`, `Retry-After` |
//! | `--max-connections-per-address` | one more handshake from the address | 503 `address`, `Retry-After` |
//! | `--max-handshakes-per-second` | many at once | some are accepted, the others get 503 `rush`, `Retry-After` |
//! | `--handshake-within` | no complete request in time | the connection ends |
//! | `--max-radius-km`, `--max-bounds-km` | a larger region in the URL | 400 `region_too_large` |
//! | the same | a larger region in a message | error `region_too_large`, the connection stays |
//! | `--max-followed-devices` | one more in a message | error `too_many_devices`, the connection stays |
//! | `--max-subscribes-per-minute` | one more `subscribe`, or fewer with thousands of objects | error `too_many_subscribes`, the connection stays |
//! | `--max-messages-per-minute` | one more message, ping, pong or fragment | close 4003 |
//! | `--max-message-bytes` | one more byte | close 1009 |
//! | `--first-message-within` | no subscription in the URL and no message in time | close 4004 |
//! | `--heartbeat` | nothing sent for twice the time | close 4000 |
//! | `--slow-for` | nothing read for the time | close 4001 |

mod storm;

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::raw::{Raw, frame};
use crate::stage::{Client, Stage, aircraft};
use futures::SinkExt as _;
use prost::Message as _;
use schemas::v1::{self, server_message::Message, subscribe::Region};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite;

const ALPS: &str = "lat=46.5&lon=8&radius=50";
const TIMEOUT: Duration = Duration::from_secs(20);

/// Another client from another address, which reads all the time.
struct Bystander {
    newest: watch::Receiver<u64>,
    reader: JoinHandle<()>,
    published: u64,
}

impl Bystander {
    async fn connect(stage: &Stage) -> Self {
        let mut client = Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), stage, ALPS).await;
        client.until_live().await;
        let (sender, newest) = watch::channel(0);
        let reader = tokio::spawn(async move {
            loop {
                let aircraft = client.next_updates().await.objects.unwrap_or_default().aircraft;
                let updates = aircraft.iter().filter(|update| update.device == 1);
                updates.for_each(|update| _ = sender.send(update.version));
            }
        });
        Self { newest, reader, published: 0 }
    }

    /// Publishes a change and waits until this client has it.
    async fn assert_served(&mut self, stage: &Stage) {
        self.published = self.published.max(*self.newest.borrow()) + 1;
        stage.publish_aircraft(&aircraft(1, self.published, 46.5, 8.0)).await;
        let (published, mut newest) = (self.published, self.newest.clone());
        let received = newest.wait_for(|version| *version >= published);
        let received = tokio::time::timeout(TIMEOUT, received).await.expect("other clients are served");
        assert!(received.is_ok(), "other clients keep their connections");
    }

    fn stop(self) {
        self.reader.abort();
    }
}

/// The response to a refused handshake: status, code, and `Retry-After`.
async fn refusal(stage: &Stage, query: &str) -> (u16, String, Option<u64>) {
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let request = reqwest::Client::new().get(format!("http://{}/ws/v1/updates?{query}", stage.address));
    let request = upgrade.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let problem: serde_json::Value = response.json().await.expect("a problem document");
    (status, problem["code"].as_str().expect("a code").to_owned(), retry_after)
}

#[tokio::test]
async fn a_handshake_beyond_a_limit_is_refused() {
    let cases = [
        (["--max-connections", "2"], ALPS, 503, "full"),
        (["--max-connections-per-address", "1"], ALPS, 503, "address"),
        (["--max-radius-km", "60"], "lat=46&lon=8&radius=60.1", 400, "region_too_large"),
        (["--max-bounds-km", "100"], "bounds=46,7,46.1,9", 400, "region_too_large"),
        (["--max-bounds-km", "100"], "bounds=46,7,47,7.1", 400, "region_too_large"),
    ];
    for (setting, query, status, code) in cases {
        let stage = Stage::open_with(&setting).await;
        let mut bystander = Bystander::connect(&stage).await;
        let mut held = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
        held.until_live().await;
        let (found, problem, retry_after) = refusal(&stage, query).await;
        assert_eq!((found, problem.as_str()), (status, code), "{setting:?}");
        assert_eq!(retry_after.is_some(), status == 503, "{setting:?}: Retry-After");
        bystander.assert_served(&stage).await;
        if status == 503 {
            assert_eq!(stage.metric("fanet_pusher_handshakes_refused_total"), 1.0, "{setting:?}");
            // A closed connection does not count any more.
            drop(held);
            let is_closed = || async { stage.metric("fanet_websocket_connections_active") == 1.0 };
            stage.until("the connection to be closed", is_closed).await;
            Client::connect(&stage, ALPS, "updraft.v1.json").await.until_live().await;
        }
        bystander.assert_served(&stage).await;
        bystander.stop();
        stage.close().await;
    }
}

#[tokio::test]
async fn handshake_and_rest_refuse_the_same() {
    let stage = Stage::open().await;
    let both = [
        "bounds=46,7,47,8&lat=46&lon=8&radius=50",
        "lat=46&lon=8",
        "lat=46&lat=47&lon=8&radius=50",
        "lat=91&lon=8&radius=50",
        "lat=46&lon=8&radius=NaN",
        "lat=46&lon=8&radius=0",
        "bounds=46,7,47",
        "bounds=47,7,46,8",
        "bounds=46,7,47,inf",
        "bounds=46,7,47,8&kinds=",
        "bounds=46,7,47,8&kinds=aircraft,balloon",
        "bounds=46,7,47,8&kind=aircraft",
    ];
    for query in both {
        let rest = stage.get(&format!("/api/v1/snapshot?{query}")).await;
        assert_eq!(rest.status(), 400, "{query}");
        let rest: serde_json::Value = rest.json().await.expect("a problem document");
        let (status, code, _) = refusal(&stage, query).await;
        assert_eq!((status, code.as_str()), (400, rest["code"].as_str().expect("a code")), "{query}");
    }
    for query in ["bounds=46,7,47,8&rate=1s,5s", "bounds=46,7,47,8&rate=", "resume=AAAA", "kinds=aircraft&resume=AAAA"]
    {
        let (status, code, _) = refusal(&stage, query).await;
        assert_eq!((status, code.as_str()), (400, "bad_parameter"), "{query}");
    }
    stage.close().await;
}

#[tokio::test]
async fn handshakes_are_limited_per_second() {
    let stage = Stage::open_with(&["--max-handshakes-per-second", "3"]).await;
    let mut bystander = Bystander::connect(&stage).await;
    let url = format!("ws://{}/ws/v1/updates?{ALPS}", stage.address);
    let outcomes = futures::future::join_all((0..40).map(|_| tokio_tungstenite::connect_async(&url))).await;
    let mut accepted = 0;
    for outcome in &outcomes {
        match outcome {
            Ok(_) => accepted += 1,
            Err(tungstenite::Error::Http(response)) => {
                assert_eq!(
                    (response.status().as_u16(), &response.headers()["retry-after"]),
                    (503, &"2".parse().unwrap())
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
    // Forty handshakes take less than ten seconds; some are accepted, since the second before had one only.
    assert!((1..=30).contains(&accepted), "{accepted} of 40 were accepted");
    assert_eq!(stage.metric("fanet_pusher_handshakes_refused_total"), f64::from(40 - accepted));
    assert_eq!(refusal_or_none(&stage).await.unwrap_or_else(|| "rush".to_owned()), "rush");
    bystander.assert_served(&stage).await;
    // A client that retries is accepted.
    let retries = async { while tokio_tungstenite::connect_async(&url).await.is_err() {} };
    tokio::time::timeout(TIMEOUT, retries).await.expect("a retry is accepted within seconds");
    bystander.stop();
    stage.close().await;
}

/// The code of a refusal, where the handshake is refused.
async fn refusal_or_none(stage: &Stage) -> Option<String> {
    let url = format!("ws://{}/ws/v1/updates?{ALPS}", stage.address);
    match tokio_tungstenite::connect_async(&url).await {
        Ok(_) => None,
        Err(_) => Some(refusal(stage, ALPS).await.1),
    }
}

#[tokio::test]
async fn a_slow_handshake_is_closed() {
    let stage = Stage::open_with(&["--handshake-within", "1s"]).await;
    let mut bystander = Bystander::connect(&stage).await;
    let beginnings: [(&str, &[u8]); 5] = [
        ("no bytes", b""),
        ("a byte of HTTP/1.1 or HTTP/2", b"P"),
        ("half a line", b"GET /ws/v1/upd"),
        ("a head without its end", b"GET /ws/v1/updates HTTP/1.1\r\nHost: x\r\nX-Slow: "),
        ("HTTP/2 without a request", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ];
    let address = stage.address;
    let closed = beginnings.map(|(name, beginning)| async move {
        let mut slow = TcpStream::connect(address).await.expect("connects");
        slow.write_all(beginning).await.expect("is sent");
        let mut received = Vec::new();
        // An error ends the connection too.
        let ended = tokio::time::timeout(TIMEOUT, slow.read_to_end(&mut received)).await;
        assert!(ended.is_ok(), "{name}: the server did not close the connection");
    });
    tokio::join!(futures::future::join_all(closed), bystander.assert_served(&stage));
    bystander.assert_served(&stage).await;
    // A WebSocket that was opened in time stays open longer than the limit.
    let mut held = Raw::open(&stage, ALPS, "").await;
    let ended = async { while held.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_secs(2), ended).await.is_err(), "an open WebSocket stays");
    bystander.stop();
    stage.close().await;
}

fn follow(devices: u32) -> v1::Subscribe {
    v1::Subscribe { follow_devices: (2..2 + devices).collect(), ..Default::default() }
}

fn within(region: Region) -> v1::Subscribe {
    v1::Subscribe { region: Some(region), ..Default::default() }
}

#[tokio::test]
async fn a_subscribe_beyond_a_limit_is_an_error() {
    let circle = |radius_km| Region::Circle(v1::Circle { latitude_deg: 46.5, longitude_deg: 8.0, radius_km });
    let bounds = |north_deg| Region::Bounds(v1::Bounds { south_deg: 46.0, west_deg: 7.6, north_deg, east_deg: 8.4 });
    // The setting, a request at the limit, and one beyond it.
    let cases = [
        (["--max-radius-km", "60"], within(circle(60.0)), within(circle(60.1)), "region_too_large"),
        (["--max-bounds-km", "100"], within(bounds(46.8)), within(bounds(47.0)), "region_too_large"),
        (["--max-followed-devices", "2"], follow(2), follow(3), "too_many_devices"),
        (["--max-subscribes-per-minute", "1"], follow(1), follow(2), "too_many_subscribes"),
    ];
    for (setting, allowed, beyond, code) in cases {
        let stage = Stage::open_with(&setting).await;
        let mut bystander = Bystander::connect(&stage).await;
        let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
        client.until_live().await;
        client.subscribe(1, allowed).await;
        assert_eq!(client.until_live().await.request_id, 1, "{setting:?}: at the limit it is accepted");
        client.subscribe(2, beyond).await;
        let error = loop {
            match client.next().await {
                Message::Error(error) => break error,
                Message::Updates(_) | Message::Checkpoint(_) => {}
                other => panic!("{setting:?}: {other:?}"),
            }
        };
        assert_eq!((error.request_id, error.code.as_str()), (Some(2), code), "{setting:?}");
        bystander.assert_served(&stage).await;
        assert!(client.next_updates().await.objects.is_some(), "{setting:?}: the previous subscription stays");
        bystander.stop();
        stage.close().await;
    }
}

/// What a client sends to be closed.
enum Violation {
    Message(Vec<u8>),
    Messages(u32),
    /// Control frames, by their first byte.
    Control(u8, u32),
    /// Parts of one message that never ends.
    Fragments(usize),
    Nothing,
}

/// Waits until one connection is counted as closed for this reason.
async fn until_counted(stage: &Stage, reason: &str) {
    let line = format!("fanet_pusher_connections_closed_total{{reason=\"{reason}\"}} 1\n");
    stage.until(&line, || async { stage.metrics().contains(&line) }).await;
}

fn ping() -> Vec<u8> {
    let ping = v1::client_message::Message::Ping(v1::Ping {});
    v1::ClientMessage { request_id: 1, message: Some(ping) }.encode_to_vec()
}

#[tokio::test]
async fn a_client_beyond_a_limit_is_closed() {
    let large = |devices| {
        let follow = v1::client_message::Message::Subscribe(follow(devices));
        v1::ClientMessage { request_id: 1, message: Some(follow) }.encode_to_vec()
    };
    let (allowed, beyond) = (large(80), large(81));
    let limit = allowed.len().to_string();
    assert_eq!(beyond.len(), allowed.len() + 1);
    let cases = [
        (["--max-message-bytes", limit.as_str()], ALPS, Violation::Message(beyond), 1009, "message_too_big"),
        (["--max-messages-per-minute", "5"], ALPS, Violation::Messages(6), 4003, "too_many_messages"),
        (["--max-messages-per-minute", "5"], ALPS, Violation::Control(0x89, 6), 4003, "too_many_messages"),
        (["--max-messages-per-minute", "5"], ALPS, Violation::Control(0x8A, 6), 4003, "too_many_messages"),
        (["--max-messages-per-minute", "5"], ALPS, Violation::Fragments(6), 4003, "too_many_messages"),
        (["--first-message-within", "1s"], "", Violation::Nothing, 4004, "nothing_asked_for"),
        (["--heartbeat", "1s"], ALPS, Violation::Nothing, 4000, "silent"),
    ];
    for (setting, query, violation, code, reason) in cases {
        let stage = Stage::open_with(&setting).await;
        let mut bystander = Bystander::connect(&stage).await;
        // This client answers no pings.
        let mut raw = Raw::open(&stage, query, "").await;
        let frames = match violation {
            Violation::Message(body) => vec![frame(0x82, &allowed), frame(0x82, &body)],
            Violation::Messages(count) => (0..count).map(|_| frame(0x82, &ping())).collect(),
            Violation::Control(first, count) => (0..count).map(|_| frame(first, b"")).collect(),
            Violation::Fragments(count) => std::iter::once(0x02)
                .chain(std::iter::repeat(0x00))
                .map(|first| frame(first, b""))
                .take(count)
                .collect(),
            Violation::Nothing => Vec::new(),
        };
        raw.send(&frames.concat(), usize::MAX).await;
        let mut last = None;
        while let Some(received) = raw.next().await {
            last = Some(received);
        }
        let last = last.expect("a close frame");
        assert_eq!(last.first, 0x88, "{setting:?}");
        assert_eq!(last.body, [&u16::to_be_bytes(code)[..], reason.as_bytes()].concat(), "{setting:?}");
        until_counted(&stage, reason).await;
        bystander.assert_served(&stage).await;
        bystander.stop();
        stage.close().await;
    }
}

#[tokio::test]
async fn a_first_message_in_time_keeps_the_connection() {
    let stage = Stage::open_with(&["--first-message-within", "1s"]).await;
    let mut client = Client::connect(&stage, "", "updraft.v1.proto").await;
    client.socket.send(tungstenite::Message::binary(ping())).await.expect("sent");
    let closed = async {
        loop {
            client.next().await;
        }
    };
    let waited: Result<(), _> = tokio::time::timeout(Duration::from_secs(2), closed).await;
    assert!(waited.is_err(), "the connection stays open");
    stage.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let stage = Stage::open_with(&["--slow-for", "1s", "--tick", "1ms"]).await;
    let mut bystander = Bystander::connect(&stage).await;
    let mut slow = Client::connect_narrow(&stage, ALPS).await;
    slow.until_live().await;
    let is_closed = || stage.metric("fanet_websocket_connections_active") == 1.0;
    let mut version = 1;
    let flood = async {
        while !is_closed() {
            version += 1;
            let states: Vec<_> = (2..=100).map(|device| aircraft(device, version, 46.5, 8.0)).collect();
            stage.publish_all(&states).await;
        }
    };
    tokio::time::timeout(TIMEOUT, flood).await.expect("the slow client is closed");
    until_counted(&stage, "slow").await;
    bystander.assert_served(&stage).await;
    bystander.stop();
    stage.close().await;
}
