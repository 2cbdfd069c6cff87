//! What one client still has to be told, besides what its groups send: answers, snapshot pages, and what it missed while
//! its line was full. Pure: the shard asks for the next frame whenever the socket can take one.

mod missed;
mod pages;
mod shared;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::v1::{self, server_message};

use crate::close::CloseCode;
use crate::compose::{self, News, message};
use crate::hub::{ClientId, Hub};
use crate::session::Session;
use crate::subscription::{Subject, Subscription};
use crate::view::{ObjectId, Positions, RegionMark, View};
use crate::wire::{Encoder, Wire};
use crate::work;
use missed::Missed;
use pages::{Form, Pages};
use shared::SharedPages;
pub(crate) use shared::{Shelf, Wanted};

/// Answers that wait for a client's line; more than this, and it is closed as slow. Bytes.
const MAX_OUTBOX_BYTES: usize = 128 << 10;

/// A resume token that the view has not reached yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) since: Positions,
    pub(crate) until: Duration,
}

/// One client of a shard.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) wire: Wire,
    pub(crate) session: Session,
    /// What it has joined the hub for.
    pub(crate) joined: Subscription,
    /// Of what it has joined.
    pub(crate) mark: RegionMark,
    /// Deliveries of the current flush, by index.
    pub(crate) batch: Vec<u32>,
    pub(crate) waiting: Option<Waiting>,
    /// Since when it could not take the frame that is next.
    pub(crate) blocked_since: Option<Duration>,
    pub(crate) closing: Option<CloseCode>,
    outbox: VecDeque<Bytes>,
    outbox_bytes: usize,
    missed: Missed,
    pages: VecDeque<Line>,
}

/// Snapshots in line.
#[derive(Debug)]
enum Line {
    /// Made page by page, when the socket can take one.
    Own(Pages),
    /// Made once for several clients. Nothing newer goes out before its last page: it could not take back what that says.
    Shared(SharedPages),
}

impl Line {
    fn is_answer(&self) -> bool {
        match self {
            Self::Own(pages) => pages.is_answer(),
            Self::Shared(_) => true,
        }
    }

    /// True where news may overtake the rest.
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
            mark: Subscription::empty().mark(),
            batch: Vec::new(),
            waiting: None,
            blocked_since: None,
            closing: None,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            missed: Missed::default(),
            pages: VecDeque::new(),
        }
    }

    /// True where nothing waits: the next flush may go to the socket directly.
    pub(crate) fn is_clear(&self) -> bool {
        self.outbox.is_empty() && self.missed.is_empty() && self.pages.is_empty()
    }

    /// Puts a frame in line.
    pub(crate) fn push(&mut self, frame: Bytes) {
        self.outbox_bytes += frame.len();
        self.outbox.push_back(frame);
        if self.outbox_bytes > MAX_OUTBOX_BYTES && self.closing.is_none() {
            self.close(CloseCode::Slow);
        }
    }

    /// Says good-bye: nothing else is sent any more.
    pub(crate) fn close(&mut self, code: CloseCode) {
        self.closing = Some(code);
        self.outbox.clear();
        self.missed = Missed::default();
        self.pages.clear();
        self.outbox.push_back(code.frame());
        self.outbox_bytes = 0;
    }

    /// A delivery could not be sent; its objects are told of when the line is free.
    pub(crate) fn miss(&mut self, news: &[News]) {
        if self.closing.is_none() {
            self.missed.add(news.iter().copied());
        }
    }

    /// The next frame, made from the view as it is now. `None`: everything is told.
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
            let nothing = matches!(&body, server_message::Message::Updates(batch)
                if batch.objects.is_none() && batch.removals.is_empty());
            if !nothing {
                return Some(encoder.frame(&message(body), self.wire));
            }
        }
    }

    fn next_message(&mut self, view: &View, at_us: u64) -> Option<server_message::Message> {
        if self.missed.is_too_much() {
            // Everything again, and the names of what is there, so that removals that were lost show too.
            self.missed = Missed::default();
            self.pages.retain(|pages| pages.is_answer());
            let all = compose::seen(view, &self.joined);
            self.pages.push_back(Line::Own(Pages::new(Form::Again, all, true)));
        }
        // A client drops what lies outside of its cells, so it has to hear of new cells before of anything in them.
        let knows_its_cells = self.pages.iter().all(Line::is_begun);
        if knows_its_cells && !self.missed.is_empty() {
            let joined = &self.joined;
            // What the client looks at no more may not come back to it.
            let shown = |news: &News| view.object(news.id).is_none_or(|object| joined.shows_kind(object));
            let news: Vec<News> = self.missed.take().filter(shown).collect();
            return Some(server_message::Message::Updates(compose::updates(view, news, at_us)));
        }
        let Line::Own(pages) = self.pages.front_mut()? else { return None };
        let body = pages.next(view, &self.joined, at_us);
        if pages.is_done() {
            self.pages.pop_front();
        }
        Some(body)
    }

    fn next_shared(&mut self) -> Option<Bytes> {
        let Some(Line::Shared(pages)) = self.pages.front_mut() else { return None };
        let frame = pages.next();
        if pages.is_done() {
            self.pages.pop_front();
        }
        frame
    }

    /// Looks at something for the first time, with a snapshot that others get too, and the news since it was made.
    pub(crate) fn begin_shared(
        &mut self,
        to: Subscription,
        frames: Arc<[Bytes]>,
        news: Vec<News>,
        hub: &mut Hub,
        view: &View,
    ) {
        self.join(to, hub, view);
        self.missed.add(news);
        self.pages.push_back(Line::Shared(SharedPages::new(frames)));
    }

    /// Looks at something else: joins and leaves, and queues a snapshot of what the client does not have. With `since`,
    /// of a resume, only what came after it. Returns how much work that is, without the cover.
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
            Resume::Useless => (Some(false), false),
            Resume::Since(since) => {
                ids.retain(|id| view.object(*id).is_some_and(|object| !since.has_read(object.origin)));
                (Some(true), true)
            }
        };
        let subjects = from.subjects().count() + joined.subjects().count();
        let work = work::of_switch(0, subjects, ids.len(), pages::count(ids.len()));
        let cells = joined.cells().iter().map(ToString::to_string).collect();
        self.pages.push_back(Line::Own(Pages::new(Form::Answer { request_id, cells, resumed }, ids, present)));
        work
    }

    /// Joins and leaves; gives what it looked at before.
    fn join(&mut self, to: Subscription, hub: &mut Hub, view: &View) -> Subscription {
        self.mark = to.mark();
        let from = std::mem::replace(&mut self.joined, to);
        let (joined, id, wire) = (&self.joined, self.id, self.wire);
        let same_rate = from.rate() == joined.rate();
        let mut unheard = Vec::new();
        for subject in from.subjects().filter(|subject| !(same_rate && joined.has(*subject))) {
            hub.leave(id, wire, subject, from.rate(), &mut unheard);
        }
        for subject in joined.subjects().filter(|subject| !(same_rate && from.has(*subject))) {
            hub.join(id, wire, subject, joined.rate());
        }
        self.missed.add(unheard);
        self.missed.add(ended_unheard(view, &from, joined));
        from
    }

    /// Leaves all groups.
    pub(crate) fn leave_all(&mut self, hub: &mut Hub) {
        let mut unheard = Vec::new();
        for subject in self.joined.subjects() {
            hub.leave(self.id, self.wire, subject, self.joined.rate(), &mut unheard);
        }
        self.joined = Subscription::empty();
    }
}

/// What a client brought from an earlier connection.
#[derive(Debug)]
pub(crate) enum Resume {
    /// No token.
    None,
    /// A token of no use here.
    Useless,
    /// It has everything up to there.
    Since(Positions),
}

/// What the new subscription sees and the client cannot have: it drops what it no longer follows before the server knows.
fn added(view: &View, from: &Subscription, to: &Subscription) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    let is_new = |id: &ObjectId| view.object(*id).is_some_and(|object| !from.covers_object(object));
    for subject in to.subjects().filter(|subject| !from.has(*subject)) {
        match subject {
            Subject::Cell(kinds, cell) => {
                ids.extend(kinds.iter().flat_map(|kind| view.in_cell(kind, cell)).filter(is_new));
            }
            Subject::Device(device) => ids.extend(view.of_device(device).map(|object| object.id)),
        }
    }
    ids
}

/// What ended of the devices that a client begins to follow. A client keeps what it follows from the moment it asks, wherever
/// that is; if it left the region just before, it still shows what it will not be told the end of.
fn ended_unheard(view: &View, from: &Subscription, to: &Subscription) -> Vec<News> {
    let begun = to.subjects().filter(|subject| !from.has(*subject)).filter_map(|subject| match subject {
        Subject::Device(device) => Some(device),
        Subject::Cell(..) => None,
    });
    begun.flat_map(|device| view.ended_of_device(device)).map(|id| News { id, named: false }).collect()
}

/// Wraps a checkpoint.
pub(crate) fn checkpoint(positions: &Positions, epoch: &str, region: RegionMark, at_us: u64) -> v1::ServerMessage {
    let resume = positions.token(epoch, region);
    message(server_message::Message::Checkpoint(v1::Checkpoint { resume, server_at_us: at_us }))
}
