//! WebSocket clients that request more than allowed, and the effects on other clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::clock::now;
use harness::{Program, ProgramOptions, Stage, free_port, wait_until};
use prost::Message as _;
use schemas::v1::{self, client_message, server_message, subscribe};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::flight::Flight;
use crate::watcher::Watcher;
use crate::{REGION, TIMEOUT, ensure_ready, fly, setting, wait_for_map};

/// The maximum number of changes at once by a client.
const CHANGES: u32 = 120;
/// How many changes of each client of the storm may be made for one answer to another client. A turn makes one; a busy
/// machine lets some turns pass. Without the limits of changes it was all of them.
const MAX_CHANGES_PER_ANSWER: u64 = 12;
/// How many answered changes of the larger storm are observed.
const OBSERVED: u32 = 200 * CHANGES;
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const BINARY: u8 = 0x82;

/// A WebSocket with frames encoded by the test.
struct Raw(TcpStream);

impl Raw {
    async fn open(program: &Program, query: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(program.http_address()).await?;
        stream.set_nodelay(true)?;
        let (status, head) = handshake(&mut stream, query).await?;
        ensure!(status == 101, "{query}: {head}");
        Ok(Self(stream))
    }

    /// First byte and body of the next frame; `None` if the connection has ended.
    async fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        timeout(TIMEOUT, self.read()).await.context("no frame in time")
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => self.0.read_u16().await.ok()?.into(),
            127 => self.0.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut body = vec![0; usize::try_from(length).ok()?];
        self.0.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    async fn message(&mut self) -> Result<server_message::Message> {
        loop {
            let (first, body) = self.next().await?.context("the connection has ended")?;
            if first == BINARY {
                return v1::ServerMessage::decode(&body[..])?.message.context("a known message");
            }
            ensure!(first != 0x88, "closed: {}", String::from_utf8_lossy(&body));
        }
    }

    /// The first page of the first snapshot.
    async fn snapshot(&mut self) -> Result<v1::Snapshot> {
        loop {
            if let server_message::Message::Snapshot(snapshot) = self.message().await? {
                return Ok(snapshot);
            }
        }
    }

    /// The time until the server answers a ping.
    async fn round_trip(&mut self, request_id: u64) -> Result<Duration> {
        let started = now();
        let ping = client_message::Message::Ping(v1::Ping {});
        self.0
            .write_all(&frame(BINARY, &v1::ClientMessage { request_id, message: Some(ping) }.encode_to_vec()))
            .await?;
        loop {
            match self.message().await? {
                server_message::Message::Pong(pong) if pong.request_id == request_id => return Ok(started.elapsed()),
                _ => {}
            }
        }
    }
}

/// Sends a handshake; returns status and head of the answer.
async fn handshake(stream: &mut TcpStream, query: &str) -> Result<(u16, String)> {
    let head = format!(
        "GET /ws/v1/updates?{query} HTTP/1.1\r\nHost: map\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(TIMEOUT, stream.read_u8()).await.context("no answer to a handshake")??);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, answer))
}

/// A client frame: masked, with the shortest encoding of its length.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).ok().filter(|length| *length < 126).expect("a short message");
    let masked = body.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [first, 0x80 | length].into_iter().chain(MASK).chain(masked).collect()
}

/// A subscription to a different circle of 200 km each time, so that its cover is not cached.
fn subscription(number: u32) -> Vec<u8> {
    let place = f64::from(number);
    let (latitude_deg, longitude_deg) = (place * 37.0 % 178.0 - 89.0, place * 73.1 % 360.0 - 180.0);
    let circle = v1::Circle { latitude_deg, longitude_deg, radius_km: 200.0 };
    let subscribe = v1::Subscribe { region: Some(subscribe::Region::Circle(circle)), ..Default::default() };
    let message = Some(client_message::Message::Subscribe(subscribe));
    frame(BINARY, &v1::ClientMessage { request_id: u64::from(number) + 1, message }.encode_to_vec())
}

/// Sends all changes at once, and counts the answers.
async fn change(mut raw: Raw, client: u32, answered: Arc<AtomicU32>) -> Result<()> {
    let changes: Vec<u8> = (0..CHANGES).flat_map(|change| subscription(client * CHANGES + change)).collect();
    raw.0.write_all(&changes).await?;
    let mut answers = 0;
    while answers < CHANGES {
        let is_answer = match raw.message().await? {
            server_message::Message::Snapshot(snapshot) => snapshot.live && snapshot.request_id > 0,
            server_message::Message::Error(error) => bail!("{}: {}", error.code, error.message),
            _ => false,
        };
        answers += u32::from(is_answer);
        answered.fetch_add(u32::from(is_answer), Ordering::Relaxed);
    }
    Ok(())
}

/// The answers to another client during a storm.
#[derive(Default)]
struct Answers {
    slowest: Duration,
    /// Those that came while changes of the storm were answered, too.
    count: u64,
}

/// Pings until `stop` is set.
async fn ping_during(mut other_client: Raw, answered: Arc<AtomicU32>, stop: Arc<AtomicBool>) -> Result<(Answers, Raw)> {
    let mut answers = Answers::default();
    for request_id in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let before = answered.load(Ordering::Relaxed);
        answers.slowest = answers.slowest.max(other_client.round_trip(request_id).await?);
        answers.count += u64::from(answered.load(Ordering::Relaxed) > before);
    }
    Ok((answers, other_client))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_changes_delays_no_other_client() -> Result<()> {
    let settings = [
        setting("UPDRAFT_PUSHER_SHARDS", "1"),
        setting("UPDRAFT_PUSHER_MAX_HANDSHAKES", "100000"),
        setting("UPDRAFT_PUSHER_MAX_MESSAGES_PER_MINUTE", "1000000"),
    ];
    let stage = Stage::start_with("storm", settings).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA07, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("before")?;
    let before = stage.pusher.resident_bytes().context("the process has ended")?;
    let mut other_client = Raw::open(&stage.pusher, REGION).await?;
    for clients in [20_u64, 400] {
        let mut opened = Vec::new();
        for _ in 0..clients {
            opened.push(Raw::open(&stage.pusher, REGION).await?);
        }
        let (answered, stop) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
        let pinging = tokio::spawn(ping_during(other_client, answered.clone(), stop.clone()));
        let began = now();
        let mut storm = JoinSet::new();
        for (client, raw) in (0..).zip(opened) {
            storm.spawn(change(raw, client, answered.clone()));
        }
        fly(&stage, &mut flight, 2).await?;
        let published = now();
        wait_for_map(&map, &flight).await.context("the map, meanwhile")?;
        let seen = published.elapsed();
        let all = async {
            while let Some(ended) = storm.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        let enough = async || (answered.load(Ordering::Relaxed) >= OBSERVED).then_some(());
        tokio::select! {
            ended = all => ended.with_context(|| format!("{clients} clients"))?,
            observed = wait_until(TIMEOUT, "the changes to be answered", enough) => observed?,
        }
        stop.store(true, Ordering::Relaxed);
        let answers;
        (answers, other_client) = pinging.await??;
        let Answers { slowest, count } = answers;
        let answered = answered.load(Ordering::Relaxed);
        println!(
            "{clients} clients of {CHANGES} changes: {answered} answered in {:?}; the slowest of {count} answers to \
             another client {slowest:?}, a position on the map {seen:?} after its publication",
            began.elapsed()
        );
        let fair = count * MAX_CHANGES_PER_ANSWER * clients;
        ensure!(
            u64::from(answered) <= fair,
            "{clients} clients: {answered} changes for {count} answers to another one"
        );
        ensure!(answered >= 20 * CHANGES, "{clients} clients: {answered} changes were answered");
        storm.shutdown().await;
        let removed = async || {
            let open = stage.pusher.metric("fanet_websocket_connections_active", &[]).await.ok()?;
            (open <= 2.0).then_some(())
        };
        wait_until(TIMEOUT, "the clients of the storm to be disconnected", removed).await?;
    }
    let after = stage.pusher.resident_bytes().context("the process has ended")?;
    println!("the pusher's memory: {} MiB before, {} after", before >> 20, after >> 20);
    ensure!(after < before + (200 << 20), "{before} bytes before, {after} after");
    ensure_ready(&stage.pusher).await?;
    map.end().await
}

async fn start() -> Result<Program> {
    let listen = format!("127.0.0.1:{}", free_port());
    Program::start(ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--pilots", "200"])).await
}

/// The resume token of a subscription, from its first checkpoint.
async fn token(program: &Program, query: &str) -> Result<String> {
    let mut raw = Raw::open(program, query).await?;
    loop {
        if let server_message::Message::Checkpoint(checkpoint) = raw.message().await? {
            return Ok(checkpoint.resume);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_another_region_resumes_nothing() -> Result<()> {
    let program = start().await?;
    let here = "lat=46.5&lon=8.0&radius=100";
    let pilots = async || {
        let picture: Value =
            serde_json::from_str(&program.http(&format!("/api/v1/snapshot?{here}")).await.ok()?.1).ok()?;
        let flying = picture["pilots"].as_array()?.len();
        (flying > 0).then_some(picture["resume"].as_str()?.to_owned())
    };
    let of_rest = wait_until(TIMEOUT, "pilots in the region", pilots).await?;
    let cases = [
        ("the same region", token(&program, here).await?, Some(true)),
        ("REST, of the same region", of_rest, Some(true)),
        ("the other end of the globe", token(&program, "lat=-46.5&lon=-172&radius=100").await?, Some(false)),
        ("a part of the region", token(&program, "lat=46.5&lon=8.0&radius=10").await?, Some(false)),
        ("other kinds", token(&program, &format!("{here}&kinds=station")).await?, Some(false)),
        ("an unknown token", "AAAAAAAAAAAAAAAA".to_owned(), Some(false)),
    ];
    for (case, token, resumed) in cases {
        let snapshot = Raw::open(&program, &format!("{here}&resume={token}")).await?.snapshot().await?;
        ensure!(snapshot.resumed == resumed, "{case}: {:?}", snapshot.resumed);
        let aircraft = snapshot.objects.map_or(0, |objects| objects.aircraft.len());
        ensure!(resumed == Some(true) || aircraft > 0, "{case}: expected a complete snapshot");
    }
    ensure_ready(&program).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_and_handshakes_refuse_the_same_queries() -> Result<()> {
    let program = start().await?;
    for query in [
        "bounds=46,7,47,8&lat=46&lon=8&radius=50",
        "lat=46&lon=8",
        "lat=46&lat=47&lon=8&radius=50",
        "lat=91&lon=8&radius=50",
        "lat=46&lon=8&radius=NaN",
        "lat=46&lon=8&radius=0",
        "lat=46&lon=8&radius=-1",
        "bounds=46,7,47",
        "bounds=47,7,46,8",
        "bounds=46,7,47,inf",
        "bounds=46,7,47,8&kinds=",
        "bounds=46,7,47,8&kinds=aircraft,balloon",
        "bounds=46,7,47,8&unknown=1",
    ] {
        let (rest, _) = program.http(&format!("/api/v1/snapshot?{query}")).await?;
        let mut stream = TcpStream::connect(program.http_address()).await?;
        let (socket, head) = handshake(&mut stream, query).await?;
        ensure!((rest, socket) == (400, 400), "{query}: REST answers {rest}, the handshake {head}");
    }
    ensure_ready(&program).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_frames_closes_the_connection() -> Result<()> {
    const FRAMES: usize = 200_000;
    let program = start().await?;
    let mut other_client = Raw::open(&program, REGION).await?;
    other_client.snapshot().await?;
    let before = program.resident_bytes().context("the process has ended")?;
    let mut closed = 0.0;
    for (what, first, then) in [("pings", 0x89, 0x89), ("pongs", 0x8A, 0x8A), ("fragments", 0x02, 0x00)] {
        let mut raw = Raw::open(&program, REGION).await?;
        let flood = async {
            let mut bytes = frame(first, b"");
            bytes.extend(std::iter::repeat_n(frame(then, b""), FRAMES).flatten());
            // The write fails when the server has closed the connection, as expected.
            let _ = raw.0.write_all(&bytes).await;
            while raw.read().await.is_some() {}
        };
        timeout(TIMEOUT, flood).await.with_context(|| format!("{what}: the connection stays open"))?;
        closed += 1.0;
        let counted = async || {
            let name = "fanet_pusher_connections_closed_total";
            let count = program.metric(name, &["reason=\"too_many_messages\""]).await.ok()?;
            (count == closed).then_some(())
        };
        wait_until(TIMEOUT, &format!("{what} to be counted"), counted).await?;
        let latency = other_client.round_trip(1).await?;
        println!("{FRAMES} {what}: closed; another client is answered after {latency:?}");
    }
    let after = program.resident_bytes().context("the process has ended")?;
    ensure!(after < before + (64 << 20), "{before} bytes before, {after} after");
    ensure_ready(&program).await
}
