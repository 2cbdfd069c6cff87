//! The messages that wait for one client, besides the deliveries of its groups: answers, snapshot pages, and the
//! objects of deliveries that its socket could not take. Pure: the shard takes the next frame whenever the socket can
//! write one.

mod missed;
mod pages;
mod shared;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::v1::{self, server_message};

use crate::close::CloseCode;
use crate::compose::{self, PendingObject, message};
use crate::fleet::{Fleet, Sight};
use crate::hub::{ClientId, Hub};
use crate::session::Session;
use crate::subscription::{Subject, Subscription};
use crate::view::{ObjectId, Offsets, RegionMark, View};
use crate::wire::{Encoder, Wire};
use crate::work;
use missed::Missed;
use pages::{Form, Pages};
use shared::SharedPages;
pub(crate) use shared::{SnapshotCache, SnapshotKey};

/// The maximum size of a client's waiting answers in bytes; with more, the client is closed as slow.
const MAX_OUTBOX_BYTES: usize = 128 << 10;

/// A resume token that the view has not reached yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) since: Offsets,
    pub(crate) until: Duration,
}

/// A request for a fleet that waits for permission, and the client's requests after it, which wait, too.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) ticket: u64,
    pub(crate) request_id: u64,
    pub(crate) subscribe: v1::Subscribe,
    pub(crate) queued: VecDeque<v1::ClientMessage>,
}

/// One client of a shard.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) wire: Wire,
    pub(crate) session: Session,
    /// The subscription with which it has joined the hub.
    pub(crate) joined: Subscription,
    /// A fleet that it has asked for.
    pub(crate) asking: Option<Asking>,
    /// Of what it has joined.
    pub(crate) mark: RegionMark,
    /// Deliveries of the current flush, by index.
    pub(crate) batch: Vec<u32>,
    pub(crate) waiting: Option<Waiting>,
    /// Since when its socket could not take the next frame.
    pub(crate) blocked_since: Option<Duration>,
    pub(crate) closing: Option<CloseCode>,
    outbox: VecDeque<Bytes>,
    outbox_bytes: usize,
    missed: Missed,
    snapshots: VecDeque<QueuedSnapshot>,
}

/// A snapshot that waits for the socket.
#[derive(Debug)]
enum QueuedSnapshot {
    /// Composed page by page, when the socket can take one.
    Own(Pages),
    /// Composed once for several clients. No newer state is sent before its last page, which would then overwrite it.
    Shared(SharedPages),
}

impl QueuedSnapshot {
    fn is_answer(&self) -> bool {
        match self {
            Self::Own(pages) => pages.is_answer(),
            Self::Shared(_) => true,
        }
    }

    /// Whether updates may be sent before the remaining pages.
    fn is_begun(&self) -> bool {
        match self {
            Self::Own(pages) => pages.is_begun(),
            Self::Shared(_) => false,
        }
    }
}

impl Client {
    pub(crate) fn new(id: ClientId, wire: Wire, session: Session) -> Self {
        Self {
            id,
            wire,
            session,
            joined: Subscription::empty(),
            asking: None,
            mark: Subscription::empty().mark(),
            batch: Vec::new(),
            waiting: None,
            blocked_since: None,
            closing: None,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            missed: Missed::default(),
            snapshots: VecDeque::new(),
        }
    }

    /// Whether nothing waits, so that the next flush may be written to the socket directly.
    pub(crate) fn is_clear(&self) -> bool {
        self.outbox.is_empty() && self.missed.is_empty() && self.snapshots.is_empty()
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, frame: Bytes) {
        self.outbox_bytes += frame.len();
        self.outbox.push_back(frame);
        if self.outbox_bytes > MAX_OUTBOX_BYTES && self.closing.is_none() {
            self.close(CloseCode::Slow);
        }
    }

    /// Drops everything that waits and queues the close frame.
    pub(crate) fn close(&mut self, code: CloseCode) {
        self.closing = Some(code);
        self.outbox.clear();
        self.missed = Missed::default();
        self.snapshots.clear();
        self.outbox.push_back(code.frame());
        self.outbox_bytes = 0;
    }

    /// Its fleet has changed: other devices, another sight of them, or none. It has joined the fleet's group before.
    pub(crate) fn renew_fleet(&mut self, fleet: Option<Fleet>, hub: &mut Hub, view: &View) {
        let has_key = |joined: &Subscription| joined.fleet().map(Fleet::key) == fleet.as_ref().map(Fleet::key);
        if has_key(&self.joined) {
            // The hub sends what the group's clients have not seen.
            self.joined = self.joined.clone().with_fleet(fleet);
            return;
        }
        self.join(self.joined.clone().with_fleet(fleet), hub, view);
        let all = compose::of_fleet(view, &self.joined);
        self.missed.add(all.into_iter().map(|id| PendingObject { id, named: true }));
    }

    /// A delivery could not be sent; its objects are sent when the socket is writable again.
    pub(crate) fn miss(&mut self, objects: &[PendingObject]) {
        if self.closing.is_none() {
            self.missed.add(objects.iter().copied());
        }
    }

    /// The next frame, composed from the present view. `None`: nothing waits.
    pub(crate) fn next_frame(&mut self, view: &View, at_us: u64, encoder: &mut Encoder) -> Option<Bytes> {
        if let Some(frame) = self.outbox.pop_front() {
            self.outbox_bytes = self.outbox_bytes.saturating_sub(frame.len());
            return Some(frame);
        }
        loop {
            if let Some(frame) = self.next_shared() {
                return Some(frame);
            }
            let body = self.next_message(view, at_us)?;
            let is_empty = matches!(&body, server_message::Message::Updates(batch)
                if batch.objects.is_none() && batch.removals.is_empty());
            if !is_empty {
                return Some(encoder.frame(&message(body), self.wire));
            }
        }
    }

    fn next_message(&mut self, view: &View, at_us: u64) -> Option<server_message::Message> {
        if self.missed.has_overflowed() {
            // All objects again, then the ids of all present ones, so that the client also finds lost removals.
            self.missed = Missed::default();
            self.snapshots.retain(|snapshot| snapshot.is_answer());
            let all = compose::seen(view, &self.joined);
            self.snapshots.push_back(QueuedSnapshot::Own(Pages::new(Form::Again, all, true)));
        }
        // A client drops objects outside of its cells, so it must receive its new cells before objects in them.
        let knows_its_cells = self.snapshots.iter().all(QueuedSnapshot::is_begun);
        if knows_its_cells && !self.missed.is_empty() {
            let joined = &self.joined;
            let sight = Sight::of(joined.fleet());
            // Objects of kinds that the client no longer subscribes to must not be sent.
            let is_shown =
                |pending: &PendingObject| sight.object(view, pending.id).is_none_or(|object| joined.shows_kind(object));
            let pending: Vec<PendingObject> = self.missed.take().filter(is_shown).collect();
            return Some(server_message::Message::Updates(compose::updates(view, sight, pending, at_us)));
        }
        let QueuedSnapshot::Own(pages) = self.snapshots.front_mut()? else { return None };
        let body = pages.next(view, &self.joined, at_us);
        if pages.is_done() {
            self.snapshots.pop_front();
        }
        Some(body)
    }

    fn next_shared(&mut self) -> Option<Bytes> {
        let Some(QueuedSnapshot::Shared(pages)) = self.snapshots.front_mut() else { return None };
        let frame = pages.next();
        if pages.is_done() {
            self.snapshots.pop_front();
        }
        frame
    }

    /// Begins the first subscription with a shared snapshot, and the objects that have changed since it was composed.
    pub(crate) fn begin_shared(
        &mut self,
        to: Subscription,
        frames: Arc<[Bytes]>,
        changed: Vec<PendingObject>,
        hub: &mut Hub,
        view: &View,
    ) {
        self.join(to, hub, view);
        self.missed.add(changed);
        self.snapshots.push_back(QueuedSnapshot::Shared(SharedPages::new(frames)));
    }

    /// Changes the subscription: joins and leaves groups, and queues a snapshot of the objects that the client does not
    /// have; after a resume, only those that are newer than its token. Returns the work of that, without the cover.
    pub(crate) fn switch(
        &mut self,
        to: Subscription,
        request_id: u64,
        resume: Resume,
        hub: &mut Hub,
        view: &View,
    ) -> u32 {
        let from = self.join(to, hub, view);
        let joined = &self.joined;
        let mut ids = added(view, &from, joined);
        let (resumed, present) = match &resume {
            Resume::None => (None, false),
            Resume::Refused => (Some(false), false),
            Resume::Since(since) => {
                ids.retain(|id| view.object(*id).is_some_and(|object| !since.has_read(object.origin)));
                (Some(true), true)
            }
        };
        let subjects = from.subjects().count() + joined.subjects().count();
        let work = work::of_switch(0, subjects, ids.len(), pages::count(ids.len()));
        let cells = joined.cells().iter().map(ToString::to_string).collect();
        let pages = Pages::new(Form::Answer { request_id, cells, resumed }, ids, present);
        self.snapshots.push_back(QueuedSnapshot::Own(pages));
        work
    }

    /// Joins and leaves groups; returns the former subscription.
    pub(crate) fn join(&mut self, to: Subscription, hub: &mut Hub, view: &View) -> Subscription {
        self.mark = to.mark();
        let from = std::mem::replace(&mut self.joined, to);
        let (joined, id, wire) = (&self.joined, self.id, self.wire);
        let same_rate = from.rate() == joined.rate();
        let mut unsent = Vec::new();
        for subject in from.subjects().filter(|subject| !(same_rate && joined.has(*subject))) {
            hub.leave(id, wire, subject, from.rate(), &mut unsent);
        }
        joined.fleet().into_iter().for_each(|fleet| hub.know(fleet));
        for subject in joined.subjects().filter(|subject| !(same_rate && from.has(*subject))) {
            hub.join(id, wire, subject, joined.rate());
        }
        self.missed.add(unsent);
        self.missed.add(ended_unsent(view, &from, joined));
        from
    }

    /// Leaves all groups.
    pub(crate) fn leave_all(&mut self, hub: &mut Hub) {
        let mut unsent = Vec::new();
        for subject in self.joined.subjects() {
            hub.leave(self.id, self.wire, subject, self.joined.rate(), &mut unsent);
        }
        self.joined = Subscription::empty();
    }
}

/// The state of a client from an earlier connection.
#[derive(Debug)]
pub(crate) enum Resume {
    /// No token.
    None,
    /// The token cannot be used here.
    Refused,
    /// The client has all changes up to these offsets.
    Since(Offsets),
}

/// The objects that the new subscription sees and that the client does not have. Objects that it stopped following do
/// not count as known: the client drops them before the server receives the change.
fn added(view: &View, from: &Subscription, to: &Subscription) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    let is_new = |id: &ObjectId| view.object(*id).is_none_or(|object| !from.covers_object(object));
    for subject in to.subjects().filter(|subject| !from.has(*subject)) {
        match subject {
            Subject::Cell(kinds, cell) => {
                ids.extend(kinds.iter().flat_map(|kind| view.in_cell(kind, cell)).filter(is_new));
            }
            Subject::Device(device) => ids.extend(view.of_device(device).map(|object| object.id)),
            Subject::Fleet(_) => {
                ids.extend(compose::of_fleet(view, to).into_iter().filter(is_new));
                ids.sort_unstable();
                ids.dedup();
            }
        }
    }
    ids
}

/// The removed objects of devices that a client begins to follow. A client keeps the objects of a device from the
/// moment at which it requests to follow it. If the device has just left the region, the client still shows an object
/// whose removal it has not received.
fn ended_unsent(view: &View, from: &Subscription, to: &Subscription) -> Vec<PendingObject> {
    let begun = to.subjects().filter(|subject| !from.has(*subject)).filter_map(|subject| match subject {
        Subject::Device(device) => Some(device),
        // The client learns which devices a fleet has with the answer.
        Subject::Cell(..) | Subject::Fleet(_) => None,
    });
    begun.flat_map(|device| view.ended_of_device(device)).map(|id| PendingObject { id, named: false }).collect()
}

/// Composes a checkpoint.
pub(crate) fn checkpoint(offsets: &Offsets, epoch: &str, region: RegionMark, at_us: u64) -> v1::ServerMessage {
    let resume = offsets.token(epoch, region);
    message(server_message::Message::Checkpoint(v1::Checkpoint { resume, server_at_us: at_us }))
}
