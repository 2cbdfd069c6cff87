//! Maps that measure the latency of published frames.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{ConnectOptions, Crowd, Ending, Observer, Stage, wait_until};
use prost::Message as _;
use schemas::v1::{Objects, ServerMessage, server_message};

use crate::clock;
use crate::fleet::{self, Mark};

/// The messages of one map in this number are decoded; the others only read.
const ONE_IN: usize = 25;

/// When a frame was published, and when the map of the complete area received it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) published_us: u64,
    pub(crate) seen_us: Option<u64>,
}

#[derive(Default)]
struct Seen {
    frames: HashMap<Mark, Times>,
    /// For each frame and each map with decoded messages.
    latencies_us: Vec<u64>,
}

/// A thousand maps with a region each, and one with the complete area. A frame that a newer state of the same device
/// replaced is never seen: see [`Listener::seen_share`].
pub(crate) struct Listener {
    crowd: Crowd<Maps>,
    seen: Arc<Mutex<Seen>>,
}

struct Maps(Arc<Mutex<Seen>>);

impl Listener {
    pub(crate) async fn connect(stage: &Stage, maps: u32) -> Result<Self> {
        let address = stage.pusher.http_address().parse().context("the pusher's address")?;
        let regions = std::iter::once(fleet::everywhere()).chain((1..=maps).map(fleet::region));
        let clients = regions.map(|region| ConnectOptions::new(address, format!("/ws/v1/updates?{region}"))).collect();
        let seen = Arc::<Mutex<Seen>>::default();
        let crowd = Crowd::start(clients, 500, Maps(seen.clone()))?;
        let all_open = async || (crowd.open() == maps as usize + 1).then_some(());
        wait_until(Duration::from_secs(60), "all maps to be connected", all_open).await?;
        Ok(Self { crowd, seen })
    }

    pub(crate) fn sent(&self, mark: Mark) {
        let times = Times { published_us: clock::unix_us(), seen_us: None };
        self.seen.lock().expect("not poisoned").frames.insert(mark, times);
    }

    /// Discards the earlier measurements.
    pub(crate) fn reset(&self) {
        *self.seen.lock().expect("not poisoned") = Seen::default();
    }

    /// The latencies from publication to socket in milliseconds, sorted, one per frame and map; and the times of each
    /// frame.
    pub(crate) async fn results(&self) -> Result<(Vec<f64>, HashMap<Mark, Times>)> {
        let most = async || (self.seen_share() > 0.9).then_some(());
        wait_until(Duration::from_secs(20), "nine of ten frames on the map", most).await?;
        let seen = self.seen.lock().expect("not poisoned");
        let mut latencies: Vec<f64> = seen.latencies_us.iter().map(|latency| *latency as f64 / 1e3).collect();
        latencies.sort_by(f64::total_cmp);
        Ok((latencies, seen.frames.clone()))
    }

    pub(crate) fn seen_share(&self) -> f64 {
        let seen = self.seen.lock().expect("not poisoned");
        let out = seen.frames.values().filter(|times| times.seen_us.is_some()).count();
        out as f64 / seen.frames.len().max(1) as f64
    }

    /// Messages and bytes of all maps so far.
    pub(crate) fn counts(&self) -> &harness::Counts {
        self.crowd.counts()
    }
}

impl Observer for Maps {
    fn wants(&self, client: usize) -> bool {
        client.is_multiple_of(ONE_IN)
    }

    fn received(&mut self, client: usize, body: &[u8]) {
        let Ok(message) = ServerMessage::decode(body) else { return };
        if let Some(server_message::Message::Updates(batch)) = message.message {
            self.0.lock().expect("not poisoned").note(client, &batch.objects.unwrap_or_default());
        }
    }

    fn ended(&mut self, client: usize, how: Ending) -> Option<(ConnectOptions, Duration)> {
        panic!("map {client} lost its connection: {how:?}");
    }
}

impl Seen {
    fn note(&mut self, client: usize, objects: &Objects) {
        let now_us = clock::unix_us();
        for aircraft in &objects.aircraft {
            let Some(times) = self.frames.get_mut(&(aircraft.device, aircraft.latitude_e7)) else { continue };
            self.latencies_us.push(now_us.saturating_sub(times.published_us));
            if client == 0 {
                times.seen_us.get_or_insert(now_us);
            }
        }
    }
}
