//! Pushers with a common prefix, simulated aircraft, and clients.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use geo::Cell;
use harness::{Crowd, Program, ProgramOptions, Stack, apply_topics, unique_prefix, wait_until};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::maps::Maps;
use crate::sky::{self, Sky};

const TIMEOUT: Duration = Duration::from_secs(90);
const AIRCRAFT: u32 = 400;

/// The fixture of a test.
pub(crate) struct Rig {
    settings: Vec<(String, String)>,
    sky: Arc<Sky>,
    expected: Arc<Mutex<HashMap<u32, (u64, Cell)>>>,
    landed: Arc<AtomicBool>,
    flight: JoinHandle<Result<()>>,
}

impl Rig {
    /// Creates topics in this Kafka, and aircraft that move once a second.
    pub(crate) async fn start(bootstrap: &str, extra: &[(&str, &str)]) -> Result<Self> {
        let prefix = unique_prefix("pusher-faults");
        let registry = Stack::shared().registry().await?.url();
        let base = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", bootstrap),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry),
            ("UPDRAFT_TOPIC_PREFIX", &prefix),
            ("UPDRAFT_REDIS_URL", "none"),
            ("UPDRAFT_CLICKHOUSE_URL", "none"),
        ];
        let settings = base.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = settings.collect();
        apply_topics(&settings)?;
        let sky = Arc::new(Sky::open(bootstrap, &prefix).await?);
        let expected = Arc::<Mutex<HashMap<u32, (u64, Cell)>>>::default();
        let landed = Arc::new(AtomicBool::new(false));
        let flight = tokio::spawn(fly(sky.clone(), expected.clone(), landed.clone()));
        Ok(Self { settings, sky, expected, landed, flight })
    }

    pub(crate) async fn pusher(&self) -> Result<Program> {
        self.pusher_with(&[]).await
    }

    /// Starts a pusher with additional settings.
    pub(crate) async fn pusher_with(&self, extra: &[(&str, &str)]) -> Result<Program> {
        let options = ProgramOptions::new("pusher").envs(self.settings.clone());
        Program::start(extra.iter().fold(options, |options, (name, value)| options.env(name, value))).await
    }

    /// Connects this number of clients, distributed over these instances.
    pub(crate) async fn crowd(&self, maps: &Maps, count: usize, at: &[SocketAddr]) -> Result<Crowd<Maps>> {
        let clients = (0..count).map(|client| maps.options(client, at[client % at.len()])).collect();
        let crowd = Crowd::start(clients, 1_000, maps.clone())?;
        let all = async || (crowd.open() == count).then_some(());
        wait_until(TIMEOUT, "all clients to be connected", all).await?;
        Ok(crowd)
    }

    /// Removes an aircraft permanently.
    pub(crate) async fn remove(&self, device: u32) -> Result<()> {
        self.expected.lock().expect("not poisoned").remove(&device);
        // Wait for a write in progress; the flight does not write this aircraft again.
        self.sky.written().await?;
        self.sky.remove(device).await
    }

    /// Stops all aircraft, and checks that every client has exactly the aircraft of its region.
    pub(crate) async fn stop_and_compare(self, maps: &Maps) -> Result<()> {
        self.landed.store(true, Ordering::Relaxed);
        self.flight.await??;
        self.sky.written().await?;
        let expected = self.expected.lock().expect("not poisoned").clone();
        let wrong = || maps.state().maps.iter().filter(|map| !map.is_complete(&expected)).count();
        let right = async || (wrong() == 0).then_some(());
        wait_until(TIMEOUT, "every client to have the aircraft of its region", right).await.with_context(|| {
            format!("{} of {} do not. {}", wrong(), maps.state().maps.len(), maps.differences(&expected))
        })?;
        ensure!(maps.state().maps.iter().any(|map| !map.aircraft.is_empty()), "no client has an aircraft");
        ensure!(
            maps.state().version_regressions == 0,
            "{} older states after newer ones",
            maps.state().version_regressions
        );
        Ok(())
    }
}

pub(crate) fn address(pusher: &Program) -> Result<SocketAddr> {
    pusher.http_address().parse().context("the pusher's address")
}

/// Waits until a condition holds for all clients.
pub(crate) async fn all_maps(maps: &Maps, what: &str, predicate: impl Fn(&crate::maps::Map) -> bool) -> Result<()> {
    let all = async || maps.state().maps.iter().all(&predicate).then_some(());
    wait_until(TIMEOUT, what, all).await
}

async fn fly(sky: Arc<Sky>, expected: Arc<Mutex<HashMap<u32, (u64, Cell)>>>, landed: Arc<AtomicBool>) -> Result<()> {
    const TICKS_PER_S: u32 = 20;
    let mut ticks = interval(Duration::from_secs(1) / TICKS_PER_S);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seen = std::collections::HashSet::new();
    for tick in 0.. {
        if landed.load(Ordering::Relaxed) {
            break;
        }
        ticks.tick().await;
        for device in (0..AIRCRAFT).filter(|device| device % TICKS_PER_S == tick % TICKS_PER_S) {
            let state = sky::aircraft(device, tick / TICKS_PER_S);
            let at = state.position.as_ref().context("expected a position")?;
            let e7 = |degrees: f64| (degrees * 1e7).round() / 1e7;
            let cell = Cell::at(e7(at.latitude_deg), e7(at.longitude_deg), 6);
            {
                let mut expected = expected.lock().expect("not poisoned");
                // A removed aircraft stays removed.
                if !seen.insert(device) && !expected.contains_key(&device) {
                    continue;
                }
                expected.insert(device, (state.version, cell));
            }
            sky.write(&state).await?;
        }
    }
    Ok(())
}
