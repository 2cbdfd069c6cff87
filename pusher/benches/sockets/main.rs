//! The cost of one client and tick over real sockets: of the pusher's shard, of a plain loop of gathered writes of the
//! same buffers to the same sockets, and of the same hub over axum's own WebSocket. All clients are on one thread of
//! the harness.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

mod axum_hub;
mod scenario;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fanout::dispatcher::Opening;
use fanout::wire::{Encoding, Wire};
use harness::{ConnectOptions, Crowd, Ending, Observer};
use pusher::socket::{BareShard, Cost};
use runtime::{Clock, Context};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Pairs of a flush and its repetition; the median counts.
const PAIRS: usize = 7;
const GROWTH: [usize; 4] = [1_000, 5_000, 10_000, 19_000];

/// Counts the bytes and ignores the messages.
struct Count;

impl Observer for Count {
    fn wants(&self, _: usize) -> bool {
        false
    }
    fn received(&mut self, _: usize, _: &[u8]) {}
    fn ended(&mut self, client: usize, how: Ending) -> Option<(ConnectOptions, Duration)> {
        panic!("the connection of client {client} ended: {how:?}");
    }
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Raises the limit of open files: both ends of every connection are in this process.
fn raise_file_limit(clients: usize) -> Result<()> {
    let wanted = clients as u64 * 2 + 1_000;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = now.maximum.map(|maximum| maximum.max(wanted));
    let new = Rlimit { current: Some(wanted), maximum };
    setrlimit(Resource::Nofile, new)
        .with_context(|| format!("{clients} clients need {wanted} open files: raise the hard limit with `ulimit -Hn`"))
}

fn clients_at(address: std::net::SocketAddr, count: usize) -> Vec<ConnectOptions> {
    let client = |number: usize| {
        let mut client = ConnectOptions::new(address, "/");
        // One loopback address per 10,000 clients: an address has 28,000 ports.
        client.source = Some(std::net::Ipv4Addr::new(127, 0, 0, 2 + (number / 10_000) as u8));
        client
    };
    (0..count).map(client).collect()
}

/// Answers a handshake without the pusher: the measurement begins after it.
fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (mut stream, _) = listener.accept()?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let bytes = stream.read(&mut buffer)?;
        ensure!(bytes > 0, "a client closed its connection");
        head.extend_from_slice(&buffer[..bytes]);
    }
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
    Ok(stream)
}

/// Waits until the clients have read everything, so that no socket buffer is full at the next flush.
fn until_read(crowd: &Crowd<Count>) {
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = crowd.counts().bytes.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn per_client(cost: Cost) -> f64 {
    cost.time.as_secs_f64() * 1e6 / cost.clients.max(1) as f64
}

/// Compares the shard with the plain loop.
fn compare(clients: usize, deflate: bool) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let context = Context::new(Clock::system());
    let mut shard = BareShard::new(scenario::settings(), scenario::view(), &context)?;
    let crowd = Crowd::start(clients_at(listener.local_addr()?, clients), 5_000, Count)?;
    let wire = Wire { encoding: Encoding::Proto, deflate };
    for client in 0..clients {
        let subscription = Some(scenario::subscription(u32::try_from(client)?));
        shard.open(accept(&listener)?, Opening { wire, subscription, resume: None })?;
    }
    until_read(&crowd);
    let (mut pushed, mut plain, mut clients_hit, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    for round in 0..PAIRS as u64 + 2 {
        // A tick of 100 ms, which is usual with this number of clients: a tenth of all aircraft has moved.
        shard.change(|view, changes| scenario::tick(view, changes, round));
        let real = shard.flush(cpu);
        until_read(&crowd);
        let again = shard.repeat(cpu);
        until_read(&crowd);
        ensure!(
            shard.slow_clients() == 0 && again.bytes == real.bytes,
            "a socket buffer was full: {again:?} after {real:?}"
        );
        // The first two rounds warm the caches.
        if round >= 2 {
            pushed.push(per_client(real));
            plain.push(per_client(again));
            (clients_hit, bytes) = (clients_hit + real.clients, bytes + real.bytes);
        }
    }
    let ratios: Vec<f64> = pushed.iter().zip(&plain).map(|(pushed, plain)| pushed / plain).collect();
    let name = format!("{}{clients}", if deflate { "" } else { "uncompressed_" });
    let pushed = median(pushed);
    println!("bench: shard_cpu_us_per_client_tick_{name} {pushed:.3} us");
    println!("bench: plain_writev_cpu_us_per_client_tick_{name} {:.3} us", median(plain));
    println!("bench: shard_ratio_to_plain_write_{name} {:.3} ratio", median(ratios.clone()));
    println!("bench: shard_bytes_per_client_tick_{name} {:.0} bytes", bytes as f64 / clients_hit.max(1) as f64);
    println!("bench: shard_clients_per_tick_{name} {:.0} clients", clients_hit as f64 / PAIRS as f64);
    if clients == 10_000 && deflate {
        println!("bench: pusher_ratio_to_plain_write {:.3} ratio", median(ratios));
    }
    Ok(pushed)
}

fn main() -> Result<()> {
    let limit = std::env::var("UPDRAFT_BENCH_CLIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let mut too_many = None;
    for clients in GROWTH.into_iter().filter(|clients| *clients <= limit) {
        match raise_file_limit(clients) {
            Ok(()) => compare(clients, true).map(drop)?,
            Err(error) => too_many = Some(error),
        }
    }
    // Without compression, which axum's WebSocket does not have.
    let clients = 5_000.min(limit);
    let ours = compare(clients, false)?;
    let theirs = axum_hub::cost(clients)?;
    println!("bench: axum_websocket_cpu_us_per_client_tick_uncompressed_{clients} {theirs:.3} us");
    println!("bench: axum_websocket_to_shard_ratio {:.2} ratio", theirs / ours);
    // After all possible measurements: a missing one is an error.
    too_many.map_or(Ok(()), Err)
}
