//! A shard without its sockets: the hub, its clients, and what goes to whom. Pure; time and view are handed in.

mod schedule;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::v1::{self, server_message};
use slab::Slab;

use crate::client::{Client, Resume, Shelf, Waiting, Wanted, checkpoint};
use crate::close::CloseCode;
use crate::compose::message;
use crate::covers::Covers;
use crate::hub::{ClientId, Delivery, Hub};
use crate::session::{Action, Session, SessionSettings};
use crate::subscription::Subscription;
use crate::view::{Change, Origin, Positions, RegionMark, TokenError, View};
use crate::wire::{Encoder, Template, Wire};
use crate::work;
use rustc_hash::{FxHashMap, FxHashSet};
use schedule::Schedule;

/// How long a resume waits for the view to reach its token.
const RESUME_WAIT: Duration = Duration::from_secs(2);
/// A ping control frame, empty.
const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// The time, twice: for intervals, and as the clients see it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Never goes back.
    pub monotonic: Duration,
    /// Wall time, microseconds since the epoch.
    pub us: u64,
}

/// How a connection was opened.
#[derive(Debug, Default)]
pub struct Opening {
    /// The form of its frames.
    pub wire: Wire,
    /// What the URL asks for; `None` waits for the first message.
    pub subscription: Option<Subscription>,
    /// The resume token of the URL.
    pub resume: Option<String>,
}

/// What a flush made: deliveries, and which clients have some of them in their batch.
#[derive(Debug, Default)]
pub struct Flush {
    /// All deliveries.
    pub deliveries: Vec<Delivery>,
    /// Clients with something in their batch, each once.
    pub touched: Vec<ClientId>,
}

/// The hub and the clients of one shard.
#[derive(Debug)]
pub struct Switchboard {
    settings: Arc<SessionSettings>,
    hub: Hub,
    clients: Slab<Client>,
    encoder: Encoder,
    schedule: Schedule,
    /// How far the changes that were applied go.
    positions: Positions,
    waiting: Vec<ClientId>,
    shelf: Shelf,
    covers: Covers,
    /// What clients' wishes cost since this was last asked for.
    work: u32,
    /// Snapshots made for one client, and those that were shared.
    snapshots: [u64; 2],
    stale: bool,
}

impl Switchboard {
    /// No client yet. `positions`: how far the view was when changes began to come here.
    pub fn new(settings: Arc<SessionSettings>, positions: Positions) -> Self {
        Self {
            settings,
            hub: Hub::default(),
            clients: Slab::new(),
            encoder: Encoder::default(),
            schedule: Schedule::default(),
            positions,
            waiting: Vec::new(),
            shelf: Shelf::default(),
            covers: Covers::default(),
            work: 0,
            snapshots: [0; 2],
            stale: false,
        }
    }

    /// A client comes.
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
        self.clients[id.0 as usize].session.asked();
        let resume = match opening.resume {
            None => Resume::None,
            Some(token) => match self.since(&token, &to, view) {
                Err(_) => Resume::Useless,
                Ok(since) if view.positions().reaches(&since) => Resume::Since(since),
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

    /// How far a client came that looked at this, by its token.
    fn since(&self, token: &str, to: &Subscription, view: &View) -> Result<Positions, TokenError> {
        Positions::from_token(token, &self.settings.epoch, to.mark(), view.positions().partitions())
    }

    fn begin(&mut self, id: ClientId, to: Subscription, resume: Resume, view: &View, now: Now) {
        let client = &mut self.clients[id.0 as usize];
        let resumed = matches!(resume, Resume::Useless).then_some(false);
        let wanted = Wanted { subscription: to, wire: client.wire, resumed };
        let shared = match &resume {
            Resume::Since(_) => None,
            // What is followed is not watched for by the shelf.
            _ if wanted.subscription.followed() > 0 => None,
            _ => self.shelf.take(&wanted, view, now.monotonic, now.us, &mut self.encoder),
        };
        self.snapshots[usize::from(shared.is_some())] += 1;
        let work = match shared {
            Some((frames, news)) => {
                let work = work::of_switch(0, wanted.subscription.subjects().count(), news.len(), 0);
                client.begin_shared(wanted.subscription, frames, news, &mut self.hub, view);
                work
            }
            None => client.switch(wanted.subscription, 0, resume, &mut self.hub, view),
        };
        self.work = self.work.saturating_add(work);
    }

    /// A message of a client came.
    pub fn received(&mut self, id: ClientId, received: v1::ClientMessage, view: &View, now: Now) {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return };
        let action = client.session.received(&self.settings, received, &mut self.covers, now.monotonic, now.us);
        self.act(id, action, view);
    }

    /// What clients' wishes cost since this was last asked, in units of about a microsecond.
    pub fn take_work(&mut self) -> u32 {
        std::mem::take(&mut self.work)
    }

    /// Something came from a client that is no message: a ping, a pong, a fragment. False where it sent too many, and is
    /// closed.
    pub fn frame(&mut self, id: ClientId, now: Now) -> bool {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return false };
        let allowed = client.session.frame(now.monotonic);
        if !allowed {
            client.close(CloseCode::TooMany);
        }
        allowed
    }

    /// Puts a ready frame in line for a client.
    pub fn push(&mut self, id: ClientId, frame: Bytes) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.push(frame);
        }
    }

    /// Says good-bye to a client.
    pub fn say_close(&mut self, id: ClientId, code: CloseCode) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.close(code);
        }
    }

    /// A client is gone.
    pub fn remove(&mut self, id: ClientId) {
        if let Some(mut client) = self.clients.try_remove(id.0 as usize) {
            client.leave_all(&mut self.hub);
            self.waiting.retain(|waiting| *waiting != id);
        }
    }

    /// Takes changes of the view; `read`: the records they come from.
    pub fn apply(&mut self, changes: &[Change], read: &[Origin]) {
        for change in changes {
            self.hub.apply(change);
            self.shelf.apply(change);
        }
        read.iter().for_each(|origin| self.positions.advance(*origin));
    }

    /// Whether the log gives fresh data; tells all clients where that changes.
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

    /// True where a flush at this time would make something.
    pub fn is_due(&self, now: Now) -> bool {
        self.hub.is_urgent()
            || self.hub.is_dirty(self.schedule.due(now.monotonic))
            || self.schedule.checkpoint_is_due(now.monotonic)
            || !self.waiting.is_empty()
    }

    /// True where something waits that no tick may hold back.
    pub fn is_urgent(&self) -> bool {
        self.hub.is_urgent()
    }

    /// Makes the messages of all groups that are due and sorts them by client; then checkpoints, where they are due.
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

    /// The deliveries of the last flush for a client, which are its own from now on.
    pub fn take_batch(&mut self, id: ClientId) -> Vec<u32> {
        self.clients.get_mut(id.0 as usize).map(|client| std::mem::take(&mut client.batch)).unwrap_or_default()
    }

    /// The deliveries of the last flush for a client, by index.
    pub fn batch(&self, id: ClientId) -> &[u32] {
        self.clients.get(id.0 as usize).map_or(&[], |client| &client.batch)
    }

    /// Gives the batch's memory back for the next flush.
    pub fn return_batch(&mut self, id: ClientId, mut batch: Vec<u32>) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            batch.clear();
            client.batch = batch;
        }
    }

    /// A delivery did not reach a client.
    pub fn miss(&mut self, id: ClientId, delivery: &Delivery) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.miss(&delivery.news);
        }
    }

    /// True where nothing waits for a client.
    pub fn is_clear(&self, id: ClientId) -> bool {
        self.clients.get(id.0 as usize).is_none_or(Client::is_clear)
    }

    /// The next frame that waits for a client.
    pub fn next_frame(&mut self, id: ClientId, view: &View, now: Now) -> Option<Bytes> {
        let frame = self.clients.get_mut(id.0 as usize)?.next_frame(view, now.us, &mut self.encoder)?;
        self.work = self.work.saturating_add(work::of_frame(frame.len()));
        Some(frame)
    }

    /// A client's socket took a whole frame (`blocked` false), or could not take the one that is next.
    pub fn took(&mut self, id: ClientId, blocked: bool, now: Now) {
        if let Some(client) = self.clients.get_mut(id.0 as usize) {
            client.blocked_since = blocked.then(|| client.blocked_since.unwrap_or(now.monotonic));
        }
    }

    /// The code with which a client is being closed.
    pub fn closing(&self, id: ClientId) -> Option<CloseCode> {
        self.clients.get(id.0 as usize).and_then(|client| client.closing)
    }

    /// The form of a client's frames.
    pub fn wire(&self, id: ClientId) -> Wire {
        self.clients.get(id.0 as usize).map(|client| client.wire).unwrap_or_default()
    }

    /// Looks after time-outs, about once a second; names the clients that have something to send now.
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

    /// How many clients there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.hub.groups()
    }

    /// How many memberships of clients in groups there are.
    pub fn subscriptions(&self) -> usize {
        self.hub.subscriptions()
    }

    /// How many clients cannot take what is next for them.
    pub fn behind(&self) -> usize {
        self.clients.iter().filter(|(_, client)| client.blocked_since.is_some()).count()
    }

    /// Whole snapshots since the last call: made for one client, and shared.
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
                let covers = work::of_switch(self.covers.take_found(), 0, 0, 0);
                let work = covers.saturating_add(client.switch(*to, request_id, Resume::None, &mut self.hub, view));
                client.session.charge(work);
                self.work = self.work.saturating_add(work);
            }
            Action::AskForLife => client.push(PING),
            Action::Close(code) => client.close(code),
        }
    }

    /// Starts resumed clients whose token the view has reached, or that have waited long enough.
    fn resume_waiting(&mut self, view: &View, now: Now) -> Vec<ClientId> {
        let mut started = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(client) = self.clients.get_mut(id.0 as usize) else { continue };
            let Some(Waiting { since, until }) = client.waiting.take() else { continue };
            let reached = view.positions().reaches(&since);
            if !reached && now.monotonic < until {
                client.waiting = Some(Waiting { since, until });
                self.waiting.push(id);
                continue;
            }
            // A picture that is behind the token would take from the client what the token says it has.
            let resume = if reached { Resume::Since(since) } else { Resume::Useless };
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
        // One frame for all who look at the same; the others' differ in the mark of the region alone.
        let message = checkpoint(&self.positions, &self.settings.epoch, RegionMark::EVERYTHING, now.us);
        let template = Template::new(&message, &RegionMark::EVERYTHING.text(), used);
        let mut by_region: FxHashMap<RegionMark, u32> = FxHashMap::default();
        let mut touched: FxHashSet<ClientId> = flush.touched.iter().copied().collect();
        // Told to whoever has nothing in line: a client that is behind gets a later one.
        let ready =
            |client: &&mut Client| due[client.joined.rate().index()] && client.is_clear() && client.waiting.is_none();
        for client in self.clients.iter_mut().map(|(_, client)| client).filter(ready) {
            let index = *by_region.entry(client.mark).or_insert_with(|| {
                let frames = template.with(&client.mark.text());
                flush.deliveries.push(Delivery { group: usize::MAX, frames, news: Vec::new() });
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
