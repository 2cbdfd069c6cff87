//! Clients that keep their picture according to the contract, and reconnect when the server closes the connection.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use geo::Cell;
use harness::{ConnectOptions, Ending, Observer};
use prost::Message as _;
use schemas::v1::{Objects, ServerMessage, removal, server_message};

use crate::clock;

/// Refused clients reconnect after this time (`Retry-After`), plus a jitter of up to the same time.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Clients that lost their connection reconnect after a jitter of up to this time.
const JITTER: Duration = Duration::from_secs(1);

/// The picture of a client.
#[derive(Default)]
pub(crate) struct Map {
    /// The version and the smallest cell by device.
    pub(crate) aircraft: HashMap<u32, (u64, Cell)>,
    cells: Vec<Cell>,
    token: Option<String>,
    /// Whether the server accepted the token, for each reconnect.
    pub(crate) resumed: Vec<bool>,
    pub(crate) stale: bool,
    /// How often it received its complete region and became live.
    pub(crate) live_count: usize,
    pub(crate) endings: Vec<Ending>,
}

/// The pictures of all clients, and the latencies of updates.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) maps: Vec<Map>,
    pub(crate) latencies_us: Vec<u64>,
    /// The instances for reconnects; empty: clients do not reconnect.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether every second client reconnects without its token, like a page that is loaded again.
    pub(crate) half_without_token: bool,
    /// The number of updates with a lower version than the present one.
    pub(crate) version_regressions: usize,
}

/// The crowd's observer.
#[derive(Clone)]
pub(crate) struct Maps {
    state: Arc<Mutex<State>>,
    queries: Arc<[String]>,
}

impl Maps {
    pub(crate) fn new(queries: Vec<String>, addresses: Vec<SocketAddr>) -> Self {
        let maps = queries.iter().map(|_| Map::default()).collect();
        let state = State { maps, addresses, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), queries: queries.into() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// The options for a connection of a client.
    pub(crate) fn options(&self, client: usize, address: SocketAddr) -> ConnectOptions {
        let token = self.state().maps[client].token.clone();
        let resume = token.map(|token| format!("&resume={token}")).unwrap_or_default();
        ConnectOptions::new(address, format!("/ws/v1/updates?{}{resume}", self.queries[client]))
    }

    /// The 95th percentile of the latencies since the last call, milliseconds.
    pub(crate) fn take_p95_ms(&self) -> f64 {
        let mut latencies = std::mem::take(&mut self.state().latencies_us);
        latencies.sort_unstable();
        latencies.get(latencies.len() * 95 / 100).copied().unwrap_or(u64::MAX) as f64 / 1e3
    }
}

impl Maps {
    /// The devices for which a client's picture is not as expected, with the versions of both and the number of such
    /// clients.
    pub(crate) fn differences(&self, expected: &HashMap<u32, (u64, Cell)>) -> String {
        let mut differences: BTreeMap<(u32, Option<u64>, Option<u64>), usize> = BTreeMap::new();
        for map in &self.state().maps {
            let own = map.expected_of(expected).collect::<HashMap<_, _>>();
            let devices: HashSet<u32> = own.keys().chain(map.aircraft.keys()).copied().collect();
            for device in devices {
                let (has, expects) = (map.aircraft.get(&device), own.get(&device));
                if has != expects {
                    let version = |state: Option<&(u64, Cell)>| state.map(|(version, _)| *version);
                    *differences.entry((device, version(has), version(expects))).or_default() += 1;
                }
            }
        }
        let lines = differences.iter().take(20).map(|((device, has, expects), clients)| {
            format!("{device}: {has:?} in place of {expects:?} at {clients} clients")
        });
        format!("{} differences: {}", differences.len(), lines.collect::<Vec<_>>().join("; "))
    }
}

impl Observer for Maps {
    fn wants(&self, _: usize) -> bool {
        true
    }

    fn received(&mut self, client: usize, body: &[u8]) {
        let message = ServerMessage::decode(body).expect("a message of the contract");
        self.state().apply(client, message.message.expect("a known message"));
    }

    fn ended(&mut self, client: usize, how: Ending) -> Option<(ConnectOptions, Duration)> {
        let mut state = self.state();
        if state.half_without_token && client.is_multiple_of(2) && !matches!(how, Ending::Refused(_)) {
            let map = &mut state.maps[client];
            (map.aircraft, map.cells, map.token) = Default::default();
        }
        state.maps[client].endings.push(how);
        let attempt = state.maps[client].endings.len();
        let address = *state.addresses.get((client + attempt) % state.addresses.len().max(1))?;
        drop(state);
        let spread = f64::from(u32::try_from(client).unwrap_or(0)) * 0.618_034 % 1.0;
        let after =
            if matches!(how, Ending::Refused(_)) { RETRY_AFTER.mul_f64(1.0 + spread) } else { JITTER.mul_f64(spread) };
        Some((self.options(client, address), after))
    }
}

impl State {
    fn apply(&mut self, client: usize, message: server_message::Message) {
        let map = &mut self.maps[client];
        match message {
            server_message::Message::Snapshot(snapshot) => {
                if snapshot.page == 0 {
                    map.cells = snapshot.cells.iter().filter_map(|cell| cell.parse().ok()).collect();
                    map.resumed.extend(snapshot.resumed);
                    if snapshot.resumed == Some(false) {
                        map.aircraft.clear();
                        map.token = None;
                    }
                }
                map.live_count += usize::from(snapshot.live);
                self.apply_objects(client, &snapshot.objects.unwrap_or_default(), false);
            }
            server_message::Message::Updates(batch) => {
                if let Some(stale) = batch.stale {
                    map.stale = stale;
                }
                for removal in batch.removals {
                    let Some(removal::Id::Device(device)) = removal.id else { continue };
                    if map.aircraft.get(&device).is_some_and(|(version, _)| *version <= removal.version) {
                        map.aircraft.remove(&device);
                    }
                }
                self.apply_objects(client, &batch.objects.unwrap_or_default(), true);
            }
            server_message::Message::Present(present) => {
                map.aircraft.retain(|device, _| present.aircraft_devices.contains(device));
            }
            server_message::Message::Checkpoint(checkpoint) => map.token = Some(checkpoint.resume),
            _ => {}
        }
    }

    fn apply_objects(&mut self, client: usize, objects: &Objects, timed: bool) {
        let now_us = clock::unix_us();
        let map = &mut self.maps[client];
        for aircraft in &objects.aircraft {
            let at = |e7: i32| f64::from(e7) / 1e7;
            let cell = Cell::at(at(aircraft.latitude_e7), at(aircraft.longitude_e7), 6);
            let known = map.aircraft.entry(aircraft.device).or_insert((0, cell));
            self.version_regressions += usize::from(known.0 > aircraft.version && timed);
            if known.0 <= aircraft.version {
                *known = (aircraft.version, cell);
            }
            if !map.cells.iter().any(|own| own.contains(cell)) {
                map.aircraft.remove(&aircraft.device);
            }
            if timed {
                self.latencies_us.push(now_us.saturating_sub(aircraft.version));
            }
        }
    }
}

impl Map {
    /// Whether it has a position that was published after this time, in microseconds since the epoch; true where no
    /// aircraft is in its region.
    pub(crate) fn is_served_since(&self, unix_us: u64) -> bool {
        self.aircraft.is_empty() || self.aircraft.values().any(|(version, _)| *version > unix_us)
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the picture has exactly the expected aircraft of its region.
    pub(crate) fn is_complete(&self, expected: &HashMap<u32, (u64, Cell)>) -> bool {
        let (mut count, mut same) = (0, true);
        for (device, state) in self.expected_of(expected) {
            count += 1;
            same &= self.aircraft.get(&device) == Some(&state);
        }
        same && !self.cells.is_empty() && count == self.aircraft.len()
    }

    /// The aircraft of its region.
    fn expected_of(&self, expected: &HashMap<u32, (u64, Cell)>) -> impl Iterator<Item = (u32, (u64, Cell))> {
        let is_here = |at: Cell| self.cells.iter().any(|cell| cell.contains(at));
        expected.iter().filter(move |(_, (_, at))| is_here(*at)).map(|(device, state)| (*device, *state))
    }
}
