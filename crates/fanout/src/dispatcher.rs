//! A shard without its sockets: the hub, the clients, and the messages of each. Pure: the caller passes time and view.

mod fleet_request;
mod fleets;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::v1::{self, server_message};
use slab::Slab;

use crate::client::{Client, Resume, SnapshotCache, SnapshotKey, Waiting, checkpoint};
use crate::close::CloseCode;
use crate::compose::message;
use crate::covers::Covers;
use crate::hub::{ClientId, Delivery, Hub};
use crate::session::{Action, Session, SessionSettings};
use crate::subscription::Subscription;
use crate::view::{Change, Offsets, Origin, RegionMark, TokenError, View};
use crate::wire::{Encoder, Template, Wire};
use crate::work;
use crate::zone_event::{cell, zone_event};
pub use fleet_request::FleetRequest;
use rustc_hash::{FxHashMap, FxHashSet};
use schedule::Schedule;

/// How long a resume waits for the view to reach its token.
const RESUME_WAIT: Duration = Duration::from_secs(2);
/// A ping control frame, empty.
const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// The present time by two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For intervals.
    pub monotonic: Duration,
    /// For clients: wall time, microseconds since the Unix epoch.
    pub us: u64,
}

/// The parameters of a new connection.
#[derive(Debug, Default)]
pub struct Opening {
    /// The form of its frames.
    pub wire: Wire,
    /// The subscription of the URL; `None`: the first message must have one.
    pub subscription: Option<Subscription>,
    /// The resume token of the URL.
    pub resume: Option<String>,
}

/// The result of a flush: deliveries, and the clients that get them.
#[derive(Debug, Default)]
pub struct Flush {
    /// All deliveries.
    pub deliveries: Vec<Delivery>,
    /// Clients with deliveries in their batch or a snapshot to send, each once.
    pub touched: Vec<ClientId>,
}

/// The hub and the clients of one shard.
#[derive(Debug)]
pub struct Dispatcher {
    settings: Arc<SessionSettings>,
    hub: Hub,
    clients: Slab<Client>,
    encoder: Encoder,
    schedule: Schedule,
    /// The offsets of the applied changes.
    offsets: Offsets,
    waiting: Vec<ClientId>,
    snapshot_cache: SnapshotCache,
    covers: Covers,
    /// The work of clients' requests since the last [`Dispatcher::take_work`].
    work: u32,
    /// Fleets that clients have asked for since the last [`Dispatcher::take_fleet_requests`].
    fleet_requests: Vec<FleetRequest>,
    last_ticket: u64,
    /// The number of snapshots for one client, and of shared ones.
    snapshots: [u64; 2],
    stale: bool,
}

impl Dispatcher {
    /// A dispatcher without clients. `offsets`: those of the view before the first change that is applied here.
    pub fn new(settings: Arc<SessionSettings>, offsets: Offsets) -> Self {
        Self {
            settings,
            hub: Hub::default(),
            clients: Slab::new(),
            encoder: Encoder::default(),
            schedule: Schedule::default(),
            offsets,
            waiting: Vec::new(),
            snapshot_cache: SnapshotCache::default(),
            covers: Covers::default(),
            work: 0,
            fleet_requests: Vec::new(),
            last_ticket: 0,
            snapshots: [0; 2],
            stale: false,
        }
    }

    /// Opens a connection.
    pub fn open(&mut self, opening: Opening, view: &View, now: Now) -> ClientId {
        let wanted = opening.subscription.clone().unwrap_or_else(Subscription::empty);
        let (session, welcome) = Session::open(&self.settings, wanted, now.monotonic, now.us);
        let entry = self.clients.vacant_entry();
        let id = ClientId(entry.key() as u32);
        entry.insert(Client::new(id, opening.wire, session));
        self.act(id, welcome, view);
        if self.stale {
            let frame = self.encoder.frame(&stale_message(true, now.us), opening.wire);
            self.clients[id.0 as usize].push(frame);
        }
        let Some(to) = opening.subscription else { return id };
        self.clients[id.0 as usize].session.set_subscribed();
        let resume = match opening.resume {
            None => Resume::None,
            // The offsets of a token are those of the public view: they do not say what a client has of hidden devices, and
            // not which devices its fleet had.
            Some(_) if to.fleet().is_some() => Resume::Refused,
            Some(token) => match self.since(&token, &to, view) {
                Err(_) => Resume::Refused,
                Ok(since) if view.offsets().reaches(&since) => Resume::Since(since),
                Ok(since) => {
                    let until = now.monotonic + RESUME_WAIT;
                    self.clients[id.0 as usize].waiting = Some(Waiting { since, until });
                    self.waiting.push(id);
                    return id;
                }
            },
        };
        self.begin(id, to, resume, view, now);
        id
    }

    /// The offsets of a resume token, if it was issued for this subscription.
    fn since(&self, token: &str, to: &Subscription, view: &View) -> Result<Offsets, TokenError> {
        Offsets::from_token(token, &self.settings.epoch, to.mark(), view.offsets().partitions())
    }

    fn begin(&mut self, id: ClientId, to: Subscription, resume: Resume, view: &View, now: Now) {
        let client = &mut self.clients[id.0 as usize];
        let resumed = matches!(resume, Resume::Refused).then_some(false);
        let key = SnapshotKey { subscription: to, wire: client.wire, resumed };
        let shared = match &resume {
            Resume::Since(_) => None,
            // The cache does not track changes of followed devices and of fleets.
            _ if key.subscription.followed() > 0 || key.subscription.fleet().is_some() => None,
            _ => self.snapshot_cache.take(&key, view, now.monotonic, now.us, &mut self.encoder),
        };
        self.snapshots[usize::from(shared.is_some())] += 1;
        let work = match shared {
            Some((frames, changed)) => {
                let work = work::of_switch(0, key.subscription.subjects().count(), changed.len(), 0);
                client.begin_shared(key.subscription, frames, changed, &mut self.hub, view);
                work
            }
            None => client.switch(key.subscription, 0, resume, &mut self.hub, view),
        };
        self.work = self.work.saturating_add(work);
    }

    /// A message of a client has arrived.
    pub fn received(&mut self, id: ClientId, received: v1::ClientMessage, view: &View, now: Now) {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return };
        let Some(received) = client.queue_behind_fleet(received) else { return };
        let action = client.session.received(&self.settings, received, &mut self.covers, now.monotonic, now.us);
        self.act(id, action, view);
    }

    /// The work of clients' requests since the last call, in units of about a microsecond.
    pub fn take_work(&mut self) -> u32 {
        std::mem::take(&mut self.work)
    }

    /// A client's frame without a message has arrived: a ping, a pong or a fragment. Returns false when there were too
    /// many, so that the client is closed.
    pub fn frame(&mut self, id: ClientId, now: Now) -> bool {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return false };
        let allowed = client.session.frame(now.monotonic);
        if !allowed {
            client.close(CloseCode::TooMany);
        }
        allowed
    }

    /// Queues an encoded frame for a client.
    pub fn push(&mut self, id: ClientId, frame: Bytes) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.push(frame);
        }
    }

    /// Closes a client with a code.
    pub fn close(&mut self, id: ClientId, code: CloseCode) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.close(code);
        }
    }

    /// Removes a client whose connection has ended.
    pub fn remove(&mut self, id: ClientId) {
        if let Some(mut client) = self.clients.try_remove(id.0 as usize) {
            client.leave_all(&mut self.hub);
            self.waiting.retain(|waiting| *waiting != id);
        }
    }

    /// Applies changes of the view; `read`: the records that caused them.
    pub fn apply(&mut self, changes: &[Change], read: &[Origin]) {
        for change in changes {
            self.hub.apply(change);
            self.snapshot_cache.apply(change);
        }
        read.iter().for_each(|origin| self.offsets.advance(*origin));
    }

    /// Applies changes of the view of hidden devices.
    pub fn apply_hidden(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.hub.apply_hidden(change));
    }

    /// Sets whether the data is stale; a change is sent to all clients. Returns the clients with something to send.
    pub fn set_stale(&mut self, stale: bool, now: Now) -> Vec<ClientId> {
        if self.stale == stale {
            return Vec::new();
        }
        self.stale = stale;
        let all = [true; Wire::COUNT];
        let frames = self.encoder.frames(&stale_message(stale, now.us), |wire| all[wire.index()]);
        for (_, client) in &mut self.clients {
            client.push(frames.of(client.wire).clone());
        }
        self.ids()
    }

    /// Sends events of zones to the clients that get them, each encoded once. Returns the clients with something to send.
    pub fn zone_events(&mut self, events: &[v1::ZoneEvent]) -> Vec<ClientId> {
        let mut touched = Vec::new();
        for event in events {
            let at = cell(event);
            let gets =
                |client: &&mut Client| client.closing.is_none() && client.joined.gets_zone_event(event.device, at);
            let mut frames = None;
            for client in self.clients.iter_mut().map(|(_, client)| client).filter(gets) {
                let frames = frames.get_or_insert_with(|| self.encoder.frames(&zone_event(event), |_| true));
                client.push(frames.of(client.wire).clone());
                touched.push(client.id);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// Whether a flush at this time has something to do.
    pub fn is_due(&self, now: Now) -> bool {
        self.hub.is_urgent()
            || self.hub.is_dirty(self.schedule.due(now.monotonic))
            || self.schedule.checkpoint_is_due(now.monotonic)
            || !self.waiting.is_empty()
    }

    /// Whether a change must be sent before the next flush is due.
    pub fn is_urgent(&self) -> bool {
        self.hub.is_urgent()
    }

    /// Encodes the messages of all groups that are due and assigns them to their members; then checkpoints, where they
    /// are due.
    pub fn flush(&mut self, view: &View, now: Now) -> Flush {
        let due = self.schedule.due(now.monotonic);
        let mut flush = Flush {
            deliveries: self.hub.flush(due, view, now.us, &mut self.encoder),
            touched: self.resume_waiting(view, now),
        };
        for (index, delivery) in flush.deliveries.iter().enumerate() {
            for id in self.hub.members(delivery) {
                let client = &mut self.clients[id.0 as usize];
                if client.batch.is_empty() {
                    flush.touched.push(id);
                }
                client.batch.push(index as u32);
            }
        }
        self.schedule.flushed(due, now.monotonic);
        if self.schedule.checkpoint_is_due(now.monotonic) {
            self.checkpoint(due, &mut flush, now);
        }
        flush
    }

    /// Takes the deliveries of the last flush for a client, by index.
    pub fn take_batch(&mut self, id: ClientId) -> Vec<u32> {
        self.clients.get_mut(id.0 as usize).map(|client| std::mem::take(&mut client.batch)).unwrap_or_default()
    }

    /// The deliveries of the last flush for a client, by index.
    pub fn batch(&self, id: ClientId) -> &[u32] {
        self.clients.get(id.0 as usize).map_or(&[], |client| &client.batch)
    }

    /// Returns the batch's memory for the next flush.
    pub fn return_batch(&mut self, id: ClientId, mut batch: Vec<u32>) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            batch.clear();
            client.batch = batch;
        }
    }

    /// A client's socket could not take a delivery.
    pub fn miss(&mut self, id: ClientId, delivery: &Delivery) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.miss(&delivery.objects);
        }
    }

    /// Whether nothing waits for a client.
    pub fn is_clear(&self, id: ClientId) -> bool {
        self.clients.get(id.0 as usize).is_none_or(Client::is_clear)
    }

    /// Takes the next frame that waits for a client.
    pub fn next_frame(&mut self, id: ClientId, view: &View, now: Now) -> Option<Bytes> {
        let frame = self.clients.get_mut(id.0 as usize)?.next_frame(view, now.us, &mut self.encoder)?;
        self.work = self.work.saturating_add(work::of_frame(frame.len()));
        Some(frame)
    }

    /// A client's socket took a complete frame (`blocked` false), or could not take the next one.
    pub fn took(&mut self, id: ClientId, blocked: bool, now: Now) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.blocked_since = blocked.then(|| client.blocked_since.unwrap_or(now.monotonic));
        }
    }

    /// The close code, while a client is being closed.
    pub fn closing(&self, id: ClientId) -> Option<CloseCode> {
        self.clients.get(id.0 as usize).and_then(|client| client.closing)
    }

    /// What a client subscribes to.
    pub fn subscription_of(&self, id: ClientId) -> Option<&Subscription> {
        self.clients.get(id.0 as usize).map(|client| client.session.subscription())
    }

    /// The form of a client's frames.
    pub fn wire(&self, id: ClientId) -> Wire {
        self.clients.get(id.0 as usize).map(|client| client.wire).unwrap_or_default()
    }

    /// Applies timeouts; to be called about once a second. Returns the clients with something to send.
    pub fn sweep(&mut self, view: &View, now: Now) -> Vec<ClientId> {
        let mut actions = Vec::new();
        for (_, client) in self.clients.iter_mut().filter(|(_, client)| client.closing.is_none()) {
            let slow = client
                .blocked_since
                .is_some_and(|since| now.monotonic.saturating_sub(since) >= self.settings.limits.slow_for);
            let action = match slow {
                true => Some(Action::Close(CloseCode::Slow)),
                false => client.session.tick(&self.settings, now.monotonic),
            };
            actions.extend(action.map(|action| (client.id, action)));
        }
        actions
            .into_iter()
            .map(|(id, action)| {
                self.act(id, action, view);
                id
            })
            .collect()
    }

    /// All clients.
    pub fn ids(&self) -> Vec<ClientId> {
        self.clients.iter().map(|(_, client)| client.id).collect()
    }

    /// The number of clients.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there are no clients.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.hub.groups()
    }

    /// The number of memberships of clients in groups.
    pub fn subscriptions(&self) -> usize {
        self.hub.subscriptions()
    }

    /// The number of clients whose socket cannot take the next frame.
    pub fn behind(&self) -> usize {
        self.clients.iter().filter(|(_, client)| client.blocked_since.is_some()).count()
    }

    /// The number of complete snapshots since the last call: for one client, and shared.
    pub fn take_snapshot_counts(&mut self) -> [u64; 2] {
        std::mem::take(&mut self.snapshots)
    }

    fn act(&mut self, id: ClientId, action: Action, view: &View) {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return };
        match action {
            Action::Send(message) => {
                let frame = self.encoder.frame(&message, client.wire);
                client.push(frame);
            }
            Action::Switch { request_id, to } => {
                client.waiting = None;
                let covers = work::of_switch(self.covers.take_computed(), 0, 0, 0);
                let work = covers.saturating_add(client.switch(*to, request_id, Resume::None, &mut self.hub, view));
                client.session.charge(work);
                self.work = self.work.saturating_add(work);
            }
            Action::AskFleet { request_id, subscribe } => self.ask_fleet(id, request_id, *subscribe),
            Action::Ping => client.push(PING),
            Action::Close(code) => client.close(code),
        }
    }

    /// Begins the subscriptions of resuming clients whose token the view has reached, or whose time limit has passed.
    fn resume_waiting(&mut self, view: &View, now: Now) -> Vec<ClientId> {
        let mut started = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(client) = self.clients.get_mut(id.0 as usize) else { continue };
            let Some(Waiting { since, until }) = client.waiting.take() else { continue };
            let reached = view.offsets().reaches(&since);
            if !reached && now.monotonic < until {
                client.waiting = Some(Waiting { since, until });
                self.waiting.push(id);
                continue;
            }
            // A view that is behind the token would remove objects that the client has.
            let resume = if reached { Resume::Since(since) } else { Resume::Refused };
            let to = client.session.subscription().clone();
            self.begin(id, to, resume, view, now);
            started.push(id);
        }
        started
    }

    fn checkpoint(&mut self, flushed: crate::hub::RateSet, flush: &mut Flush, now: Now) {
        let due = self.schedule.checkpoint(flushed, now.monotonic);
        if !due.contains(&true) || self.clients.is_empty() {
            return;
        }
        let mut used = [false; Wire::COUNT];
        self.clients.iter().for_each(|(_, client)| used[client.wire.index()] = true);
        // One frame for all clients with the same region; between regions, only the mark differs.
        let message = checkpoint(&self.offsets, &self.settings.epoch, RegionMark::EVERYTHING, now.us);
        let template = Template::new(&message, &RegionMark::EVERYTHING.text(), used);
        let mut by_region: FxHashMap<RegionMark, u32> = FxHashMap::default();
        let mut touched: FxHashSet<ClientId> = flush.touched.iter().copied().collect();
        // Only for clients for which nothing waits: a client that is behind gets a later checkpoint.
        let ready =
            |client: &&mut Client| due[client.joined.rate().index()] && client.is_clear() && client.waiting.is_none();
        for client in self.clients.iter_mut().map(|(_, client)| client).filter(ready) {
            let index = *by_region.entry(client.mark).or_insert_with(|| {
                let frames = template.with(&client.mark.text());
                flush.deliveries.push(Delivery { group: usize::MAX, frames, objects: Vec::new() });
                flush.deliveries.len() as u32 - 1
            });
            if client.batch.is_empty() && touched.insert(client.id) {
                flush.touched.push(client.id);
            }
            client.batch.push(index);
        }
    }
}

fn stale_message(stale: bool, at_us: u64) -> v1::ServerMessage {
    message(server_message::Message::Updates(v1::UpdateBatch {
        server_at_us: at_us,
        stale: Some(stale),
        ..Default::default()
    }))
}

#[cfg(test)]
mod tests;
