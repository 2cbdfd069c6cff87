//! The crowd that looks: bytes of each, and latency of some.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use harness::{Audience, Crowd, Ending, Seat, wait_until};
use prost::Message as _;
use schemas::v1::{ServerMessage, server_message};

use crate::clock;

/// One viewer in so many is listened to; of the others only the bytes are counted.
const ONE_IN: usize = 100;

#[derive(Default)]
struct Heard {
    waits_us: Vec<u64>,
    bytes: Vec<u64>,
}

pub(crate) struct Viewers {
    crowd: Crowd<Ears>,
    heard: Arc<Mutex<Heard>>,
}

struct Ears(Arc<Mutex<Heard>>);

impl Viewers {
    /// Connects them, 1,000 a second, and waits until all are there.
    pub(crate) async fn come(address: std::net::SocketAddr, queries: Vec<String>) -> Result<Self> {
        let count = queries.len();
        let seats = queries.into_iter().map(|query| Seat::new(address, format!("/ws/v1/updates?{query}"))).collect();
        let heard = Arc::new(Mutex::new(Heard { waits_us: Vec::new(), bytes: vec![0; count] }));
        let crowd = Crowd::start(seats, 1_000, Ears(heard.clone()))?;
        let all = async || (crowd.open() == count).then_some(());
        wait_until(Duration::from_secs(120), "all viewers to be connected", all).await?;
        Ok(Self { crowd, heard })
    }

    /// What was before does not count.
    pub(crate) fn forget(&self) {
        let mut heard = self.heard.lock().expect("not poisoned");
        heard.waits_us.clear();
        heard.bytes.fill(0);
    }

    /// From the writing of a state to its arrival, milliseconds, sorted.
    pub(crate) fn waits_ms(&self) -> Vec<f64> {
        let heard = self.heard.lock().expect("not poisoned");
        let mut waits: Vec<f64> = heard.waits_us.iter().map(|wait| *wait as f64 / 1e3).collect();
        waits.sort_by(f64::total_cmp);
        waits
    }

    /// Bytes that came to a viewer.
    pub(crate) fn bytes(&self, viewer: usize) -> u64 {
        self.heard.lock().expect("not poisoned").bytes[viewer]
    }

    pub(crate) fn leave(self) -> Result<()> {
        self.crowd.stop().map(drop)
    }
}

impl Audience for Ears {
    fn wants(&self, client: usize) -> bool {
        client.is_multiple_of(ONE_IN)
    }

    fn read(&mut self, client: usize, bytes: usize) {
        self.0.lock().expect("not poisoned").bytes[client] += bytes as u64;
    }

    fn heard(&mut self, _: usize, body: &[u8]) {
        let Ok(message) = ServerMessage::decode(body) else { return };
        let Some(server_message::Message::Updates(batch)) = message.message else { return };
        let now_us = clock::unix_us();
        let waits = batch.objects.unwrap_or_default().aircraft.into_iter();
        // The version is the time at which the state was written.
        let waits = waits.map(|aircraft| now_us.saturating_sub(aircraft.version));
        self.0.lock().expect("not poisoned").waits_us.extend(waits);
    }

    fn ended(&mut self, client: usize, how: Ending) -> Option<(Seat, Duration)> {
        panic!("viewer {client} lost its connection: {how:?}");
    }
}
