//! The viewers: bytes of each, and latency of a sample.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use harness::{ConnectOptions, Crowd, Ending, Observer, wait_until};
use prost::Message as _;
use schemas::v1::{ServerMessage, server_message};

use crate::clock;

/// The messages of one viewer in this number are decoded; of the others only the bytes are counted.
const ONE_IN: usize = 100;

#[derive(Default)]
struct Received {
    latencies_us: Vec<u64>,
    bytes: Vec<u64>,
}

pub(crate) struct Viewers {
    crowd: Crowd<ViewerObserver>,
    received: Arc<Mutex<Received>>,
}

struct ViewerObserver(Arc<Mutex<Received>>);

impl Viewers {
    /// Connects the viewers, 1,000 a second, and waits until all are connected.
    pub(crate) async fn connect(address: std::net::SocketAddr, queries: Vec<String>) -> Result<Self> {
        let count = queries.len();
        let clients =
            queries.into_iter().map(|query| ConnectOptions::new(address, format!("/ws/v1/updates?{query}"))).collect();
        let received = Arc::new(Mutex::new(Received { latencies_us: Vec::new(), bytes: vec![0; count] }));
        let crowd = Crowd::start(clients, 1_000, ViewerObserver(received.clone()))?;
        let all = async || (crowd.open() == count).then_some(());
        wait_until(Duration::from_secs(120), "all viewers to be connected", all).await?;
        Ok(Self { crowd, received })
    }

    /// Discards the earlier measurements.
    pub(crate) fn reset(&self) {
        let mut received = self.received.lock().expect("not poisoned");
        received.latencies_us.clear();
        received.bytes.fill(0);
    }

    /// Latencies from the write of a state to its reception in milliseconds, sorted.
    pub(crate) fn latencies_ms(&self) -> Vec<f64> {
        let received = self.received.lock().expect("not poisoned");
        let mut latencies: Vec<f64> = received.latencies_us.iter().map(|latency| *latency as f64 / 1e3).collect();
        latencies.sort_by(f64::total_cmp);
        latencies
    }

    /// The bytes received by a viewer.
    pub(crate) fn bytes(&self, viewer: usize) -> u64 {
        self.received.lock().expect("not poisoned").bytes[viewer]
    }

    pub(crate) fn disconnect(self) -> Result<()> {
        self.crowd.stop().map(drop)
    }
}

impl Observer for ViewerObserver {
    fn wants(&self, client: usize) -> bool {
        client.is_multiple_of(ONE_IN)
    }

    fn read(&mut self, client: usize, bytes: usize) {
        self.0.lock().expect("not poisoned").bytes[client] += bytes as u64;
    }

    fn received(&mut self, _: usize, body: &[u8]) {
        let Ok(message) = ServerMessage::decode(body) else { return };
        let Some(server_message::Message::Updates(batch)) = message.message else { return };
        let now_us = clock::unix_us();
        let latencies = batch.objects.unwrap_or_default().aircraft.into_iter();
        // The version is the time at which the state was written.
        let latencies = latencies.map(|aircraft| now_us.saturating_sub(aircraft.version));
        self.0.lock().expect("not poisoned").latencies_us.extend(latencies);
    }

    fn ended(&mut self, client: usize, how: Ending) -> Option<(ConnectOptions, Duration)> {
        panic!("viewer {client} lost its connection: {how:?}");
    }
}
