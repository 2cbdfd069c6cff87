//! Pushers under one prefix, something that flies, and a crowd.

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

const PATIENCE: Duration = Duration::from_secs(90);
const AIRCRAFT: u32 = 400;

/// What a test stands on.
pub(crate) struct Rig {
    settings: Vec<(String, String)>,
    sky: Arc<Sky>,
    flying: Arc<Mutex<HashMap<u32, (u64, Cell)>>>,
    lands: Arc<AtomicBool>,
    flight: JoinHandle<Result<()>>,
}

impl Rig {
    /// Topics of its own on that Kafka, and aircraft that move once a second.
    pub(crate) async fn start(bootstrap: &str, extra: &[(&str, &str)]) -> Result<Self> {
        let prefix = unique_prefix("pusher-faults");
        let registry = Stack::shared().registry().await?.url();
        let own = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", bootstrap),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry),
            ("UPDRAFT_TOPIC_PREFIX", &prefix),
            ("UPDRAFT_REDIS_URL", "none"),
            ("UPDRAFT_CLICKHOUSE_URL", "none"),
        ];
        let settings = own.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = settings.collect();
        apply_topics(&settings)?;
        let sky = Arc::new(Sky::open(bootstrap, &prefix).await?);
        let flying = Arc::<Mutex<HashMap<u32, (u64, Cell)>>>::default();
        let lands = Arc::new(AtomicBool::new(false));
        let flight = tokio::spawn(fly(sky.clone(), flying.clone(), lands.clone()));
        Ok(Self { settings, sky, flying, lands, flight })
    }

    pub(crate) async fn pusher(&self) -> Result<Program> {
        self.pusher_with(&[]).await
    }

    /// One with settings of its own.
    pub(crate) async fn pusher_with(&self, extra: &[(&str, &str)]) -> Result<Program> {
        let options = ProgramOptions::new("pusher").envs(self.settings.clone());
        Program::start(extra.iter().fold(options, |options, (name, value)| options.env(name, value))).await
    }

    /// So many clients on these instances in turn, told of everything in their regions.
    pub(crate) async fn crowd(&self, maps: &Maps, count: usize, at: &[SocketAddr]) -> Result<Crowd<Maps>> {
        let seats = (0..count).map(|client| maps.seat(client, at[client % at.len()])).collect();
        let crowd = Crowd::start(seats, 1_000, maps.clone())?;
        let all = async || (crowd.open() == count).then_some(());
        wait_until(PATIENCE, "all clients to be connected", all).await?;
        Ok(crowd)
    }

    /// One of those that fly is gone for good.
    pub(crate) async fn end(&self, device: u32) -> Result<()> {
        self.flying.lock().expect("not poisoned").remove(&device);
        // After what the flight may be about to write of it, which it will not write again.
        self.sky.written().await?;
        self.sky.remove(device).await
    }

    /// Nothing moves any more; then every client has to hold exactly what its region shows.
    pub(crate) async fn land_and_compare(self, maps: &Maps) -> Result<()> {
        self.lands.store(true, Ordering::Relaxed);
        self.flight.await??;
        self.sky.written().await?;
        let flying = self.flying.lock().expect("not poisoned").clone();
        let wrong = || maps.book().maps.iter().filter(|map| !map.is_right(&flying)).count();
        let right = async || (wrong() == 0).then_some(());
        wait_until(PATIENCE, "every client to hold what its region shows", right)
            .await
            .with_context(|| format!("{} of {} do not", wrong(), maps.book().maps.len()))?;
        ensure!(maps.book().maps.iter().any(|map| !map.aircraft.is_empty()), "nobody saw anything");
        ensure!(maps.book().went_back == 0, "{} old states came after newer ones", maps.book().went_back);
        Ok(())
    }
}

pub(crate) fn address(pusher: &Program) -> Result<SocketAddr> {
    pusher.http_address().parse().context("the pusher's address")
}

/// Waits until something is true of the clients.
pub(crate) async fn all_maps(maps: &Maps, what: &str, is_so: impl Fn(&crate::maps::Map) -> bool) -> Result<()> {
    let all = async || maps.book().maps.iter().all(&is_so).then_some(());
    wait_until(PATIENCE, what, all).await
}

async fn fly(sky: Arc<Sky>, flying: Arc<Mutex<HashMap<u32, (u64, Cell)>>>, lands: Arc<AtomicBool>) -> Result<()> {
    const TURNS: u32 = 20;
    let mut turns = interval(Duration::from_secs(1) / TURNS);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ever = std::collections::HashSet::new();
    for turn in 0.. {
        if lands.load(Ordering::Relaxed) {
            break;
        }
        turns.tick().await;
        for device in (0..AIRCRAFT).filter(|device| device % TURNS == turn % TURNS) {
            let state = sky::aircraft(device, turn / TURNS);
            let at = state.position.as_ref().context("it is somewhere")?;
            let e7 = |degrees: f64| (degrees * 1e7).round() / 1e7;
            let cell = Cell::at(e7(at.latitude_deg), e7(at.longitude_deg), 6);
            {
                let mut flying = flying.lock().expect("not poisoned");
                // What has ended stays ended.
                if !ever.insert(device) && !flying.contains_key(&device) {
                    continue;
                }
                flying.insert(device, (state.version, cell));
            }
            sky.write(&state).await?;
        }
    }
    Ok(())
}
