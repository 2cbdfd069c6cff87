//! Clients that hold what they were told, as the contract says, and come back when they are sent away.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use geo::Cell;
use harness::{Audience, Ending, Seat};
use prost::Message as _;
use schemas::v1::{Objects, ServerMessage, removal, server_message};

use crate::clock;

/// Clients that were refused come again when they are told to (`Retry-After`), or up to so much later, each at its own time.
const AGAIN: Duration = Duration::from_secs(2);
/// Those that lost their connection come back within so long, each at its own time.
const JITTER: Duration = Duration::from_secs(1);

/// What one client holds.
#[derive(Default)]
pub(crate) struct Map {
    /// Version and finest cell by device.
    pub(crate) aircraft: HashMap<u32, (u64, Cell)>,
    cells: Vec<Cell>,
    token: Option<String>,
    /// After each coming back, what the server made of the token.
    pub(crate) resumed: Vec<bool>,
    pub(crate) stale: bool,
    /// How often it had the whole of its region and was live from there.
    pub(crate) lives: usize,
    pub(crate) endings: Vec<Ending>,
}

/// All of them, and how long news took to those that are timed.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) maps: Vec<Map>,
    pub(crate) waits_us: Vec<u64>,
    /// Where clients go that lost their connection; nowhere: they stay away.
    pub(crate) refuge: Vec<SocketAddr>,
    /// Every second client that loses its connection begins anew, as a page that is loaded again: it has no token.
    pub(crate) forgetful: bool,
    /// Versions that went back while the object was shown.
    pub(crate) went_back: usize,
}

/// The crowd's audience.
#[derive(Clone)]
pub(crate) struct Maps {
    book: Arc<Mutex<Book>>,
    queries: Arc<[String]>,
}

impl Maps {
    pub(crate) fn new(queries: Vec<String>, refuge: Vec<SocketAddr>) -> Self {
        let maps = queries.iter().map(|_| Map::default()).collect();
        let book = Book { maps, refuge, ..Book::default() };
        Self { book: Arc::new(Mutex::new(book)), queries: queries.into() }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("not poisoned")
    }

    /// Where a client sits.
    pub(crate) fn seat(&self, client: usize, address: SocketAddr) -> Seat {
        let token = self.book().maps[client].token.clone();
        let resume = token.map(|token| format!("&resume={token}")).unwrap_or_default();
        Seat::new(address, format!("/ws/v1/updates?{}{resume}", self.queries[client]))
    }

    /// The 95th percentile of how long news took since this was last asked, milliseconds.
    pub(crate) fn take_p95_ms(&self) -> f64 {
        let mut waits = std::mem::take(&mut self.book().waits_us);
        waits.sort_unstable();
        waits.get(waits.len() * 95 / 100).copied().unwrap_or(u64::MAX) as f64 / 1e3
    }
}

impl Audience for Maps {
    fn wants(&self, _: usize) -> bool {
        true
    }

    fn heard(&mut self, client: usize, body: &[u8]) {
        let message = ServerMessage::decode(body).expect("a message of the contract");
        self.book().hear(client, message.message.expect("a known message"));
    }

    fn ended(&mut self, client: usize, how: Ending) -> Option<(Seat, Duration)> {
        let mut book = self.book();
        if book.forgetful && client.is_multiple_of(2) && !matches!(how, Ending::Refused(_)) {
            let map = &mut book.maps[client];
            (map.aircraft, map.cells, map.token) = Default::default();
        }
        book.maps[client].endings.push(how);
        let turn = book.maps[client].endings.len();
        let address = *book.refuge.get((client + turn) % book.refuge.len().max(1))?;
        drop(book);
        let spread = f64::from(u32::try_from(client).unwrap_or(0)) * 0.618_034 % 1.0;
        let after =
            if matches!(how, Ending::Refused(_)) { AGAIN.mul_f64(1.0 + spread) } else { JITTER.mul_f64(spread) };
        Some((self.seat(client, address), after))
    }
}

impl Book {
    fn hear(&mut self, client: usize, message: server_message::Message) {
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
                map.lives += usize::from(snapshot.live);
                self.take(client, &snapshot.objects.unwrap_or_default(), false);
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
                self.take(client, &batch.objects.unwrap_or_default(), true);
            }
            server_message::Message::Present(present) => {
                map.aircraft.retain(|device, _| present.aircraft_devices.contains(device));
            }
            server_message::Message::Checkpoint(checkpoint) => map.token = Some(checkpoint.resume),
            _ => {}
        }
    }

    fn take(&mut self, client: usize, objects: &Objects, timed: bool) {
        let now_us = clock::unix_us();
        let map = &mut self.maps[client];
        for aircraft in &objects.aircraft {
            let at = |e7: i32| f64::from(e7) / 1e7;
            let cell = Cell::at(at(aircraft.latitude_e7), at(aircraft.longitude_e7), 6);
            let known = map.aircraft.entry(aircraft.device).or_insert((0, cell));
            self.went_back += usize::from(known.0 > aircraft.version && timed);
            if known.0 <= aircraft.version {
                *known = (aircraft.version, cell);
            }
            if !map.cells.iter().any(|own| own.contains(cell)) {
                map.aircraft.remove(&aircraft.device);
            }
            if timed {
                self.waits_us.push(now_us.saturating_sub(aircraft.version));
            }
        }
    }
}

impl Map {
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// What it should hold, of all that flies.
    pub(crate) fn is_right(&self, flying: &HashMap<u32, (u64, Cell)>) -> bool {
        let seen = flying.iter().filter(|(_, (_, at))| self.cells.iter().any(|cell| cell.contains(*at)));
        let (mut count, mut same) = (0, true);
        for (device, held) in seen {
            count += 1;
            same &= self.aircraft.get(device) == Some(held);
        }
        same && !self.cells.is_empty() && count == self.aircraft.len()
    }
}
