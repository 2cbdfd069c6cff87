//! One thread with its connections: epoll, the switchboard, and every send. Nothing is locked or woken per client.

pub(super) mod bare;
mod receiving;
mod sending;
mod traced;

use std::collections::VecDeque;
use std::io;
use std::net;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::RwLock;
use runtime::Clock;
use runtime::trace::Tracer;
use tokio::sync::mpsc;

use super::admission::Admitted;
use super::connection::{Connection, ReadEnd};
use super::frame::Inbound;
use super::pace::Pace;
use super::turn::Turn;
use super::way::Way;
use crate::metrics::{Made, PusherMetrics};
use fanout::close::CloseCode;
use fanout::hub::ClientId;
use fanout::session::SessionSettings;
use fanout::switchboard::{Now, Opening, Switchboard};
use fanout::view::{Change, Origin, Positions, View};

pub(crate) use traced::TracedChange;
use traced::TracedStates;

const WAKE: Token = Token(usize::MAX);
/// How often time-outs and slower rates are looked at while nothing else happens.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// How long a client has to take our close frame and answer it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
const READ_BUFFER_BYTES: usize = 16 << 10;

/// What the rest of the process tells a shard.
pub(crate) enum ToShard {
    /// A connection after its handshake.
    Open(Box<NewConnection>),
    /// Changes of the view, which has them already.
    Changes(Arc<Changes>),
    /// Whether the log gives fresh data.
    Stale(bool),
    /// Send every client elsewhere, and end.
    Stop,
}

/// A connection that a shard takes over.
pub(crate) struct NewConnection {
    pub(crate) stream: net::TcpStream,
    /// What came with the handshake.
    pub(crate) early: Bytes,
    pub(crate) opening: Opening,
    pub(crate) admitted: Admitted,
}

/// One batch of records, folded.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) changes: Vec<Change>,
    /// The last record of each partition in the batch.
    pub(crate) read: Vec<Origin>,
    /// When the oldest of them passed the tiers before this one; unknown for what is old news.
    pub(crate) way: Way,
    /// Those of the changes that are traced, in order.
    pub(crate) traced: Vec<TracedChange>,
}

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) settings: Arc<SessionSettings>,
    pub(crate) view: Arc<RwLock<View>>,
    pub(crate) positions: Positions,
    pub(crate) clock: Clock,
    pub(crate) metrics: PusherMetrics,
    pub(crate) inbox: mpsc::Receiver<ToShard>,
    pub(crate) tick: Duration,
    pub(crate) tracer: Tracer,
}

pub(crate) struct Shard {
    poll: Poll,
    parts: ShardParts,
    board: Switchboard,
    connections: Vec<Option<Connection>>,
    buffer: Vec<u8>,
    /// Clients that may have sent more than one turn took.
    unread: VecDeque<ClientId>,
    /// Clients that have more to be sent than one turn made.
    unsent: VecDeque<ClientId>,
    /// Connections that have no turn yet; as many as may be admitted.
    arrivals: VecDeque<Box<NewConnection>>,
    turn: Turn,
    pace: Pace,
    swept_at: Duration,
    groups: usize,
    subscriptions: usize,
    behind: usize,
    /// When a flush last made something.
    made_at: Duration,
    /// Of the oldest record that is not sent yet.
    way: Way,
    traced: TracedStates,
    stopping_since: Option<Duration>,
}

impl Shard {
    /// Makes a shard and what wakes it.
    pub(crate) fn new(parts: ShardParts) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let shard = Self {
            poll,
            board: Switchboard::new(parts.settings.clone(), parts.positions.clone()),
            connections: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            unread: VecDeque::new(),
            unsent: VecDeque::new(),
            arrivals: VecDeque::new(),
            turn: Turn::new(),
            pace: Pace::new(parts.tick),
            swept_at: Duration::ZERO,
            groups: 0,
            subscriptions: 0,
            behind: 0,
            made_at: Duration::ZERO,
            way: Way::default(),
            traced: TracedStates::default(),
            stopping_since: None,
            parts,
        };
        Ok((shard, waker))
    }

    /// Runs until told to stop and every client is gone (or has had its time to go).
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            let timeout = if self.has_work() { Duration::ZERO } else { self.timeout() };
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            self.turn = Turn::new();
            self.send_on();
            for event in events.iter().filter(|event| event.token() != WAKE) {
                let id = ClientId(event.token().0 as u32);
                let waits = self.with(id, |connection| connection.in_line.to_read).unwrap_or_default();
                if (event.is_readable() || event.is_read_closed()) && !waits {
                    self.read(id);
                }
                if event.is_writable() {
                    self.drain(id);
                }
            }
            self.read_on();
            self.take_inbox();
            self.flush_if_due();
            self.sweep_if_due();
        }
        Ok(())
    }

    fn has_work(&self) -> bool {
        !(self.unread.is_empty() && self.unsent.is_empty() && self.arrivals.is_empty())
    }

    fn now(&self) -> Now {
        Now { monotonic: self.parts.clock.monotonic(), us: self.parts.clock.now_us() }
    }

    fn is_done(&self) -> bool {
        let patience = CLOSE_PATIENCE + Duration::from_secs(1);
        self.stopping_since
            .is_some_and(|since| self.board.is_empty() || self.parts.clock.monotonic().saturating_sub(since) > patience)
    }

    fn timeout(&self) -> Duration {
        let now = self.now();
        let to_sweep = (self.swept_at + SWEEP_INTERVAL).saturating_sub(now.monotonic);
        if self.board.is_due(now) { to_sweep.min(self.pace.wait(now.monotonic)) } else { to_sweep }
    }

    fn take_inbox(&mut self) {
        while let Ok(told) = self.parts.inbox.try_recv() {
            match told {
                ToShard::Open(new) => self.arrivals.push_back(new),
                ToShard::Changes(batch) => {
                    self.board.apply(&batch.changes, &batch.read);
                    self.way = self.way.or(batch.way);
                    let refused = self.traced.apply(&batch, self.parts.clock.monotonic());
                    self.parts.tracer.count_dropped("too_many_waiting", refused);
                }
                ToShard::Stale(stale) => {
                    let ids = self.board.set_stale(stale, self.now());
                    ids.into_iter().for_each(|id| self.drain(id));
                }
                ToShard::Stop => self.stop(),
            }
        }
        // One at least: those who are here must not keep out who comes.
        while let Some(new) = self.arrivals.pop_front() {
            self.open(*new);
            if self.turn.is_over() {
                break;
            }
        }
    }

    fn open(&mut self, new: NewConnection) {
        if self.stopping_since.is_some() {
            return;
        }
        let mut stream = mio::net::TcpStream::from_std(new.stream);
        let wire = new.opening.wire;
        let inbound = Inbound::new(self.parts.settings.limits.max_message_bytes, wire.deflate);
        let id = self.board.open(new.opening, &self.parts.view.read(), self.now());
        self.turn.spend(self.board.take_work());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, Token(id.0 as usize), both) {
            tracing::warn!(%error, "a connection cannot be watched");
            self.board.remove(id);
            return;
        }
        let index = id.0 as usize;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Connection::new(stream, inbound, new.admitted));
        self.parts.metrics.connections.inc();
        if !new.early.is_empty() {
            let mut heard = Vec::new();
            let end = self.with(id, |connection| connection.read_early(&new.early, |event| heard.push(event)));
            self.hear(id, heard, end.unwrap_or(ReadEnd::Gone));
        }
        self.drain(id);
    }

    fn stop(&mut self) {
        self.stopping_since = Some(self.parts.clock.monotonic());
        for id in self.board.ids() {
            self.board.say_close(id, CloseCode::GoingAway);
            self.drain(id);
        }
    }

    fn with<T>(&mut self, id: ClientId, act: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        self.connections.get_mut(id.0 as usize).and_then(Option::as_mut).map(act)
    }

    fn close(&mut self, id: ClientId, code: CloseCode) {
        self.board.say_close(id, code);
    }

    fn sweep_if_due(&mut self) {
        let now = self.now();
        if now.monotonic.saturating_sub(self.swept_at) < SWEEP_INTERVAL {
            return;
        }
        self.swept_at = now.monotonic;
        self.traced.expire(now.monotonic);
        let ids = self.board.sweep(&self.parts.view.read(), now);
        for id in ids {
            self.drain(id);
            self.cut_later(id, now);
        }
        let overdue = |connection: &Connection| connection.cut_at.is_some_and(|cut_at| now.monotonic >= cut_at);
        let cut: Vec<_> = (0..).zip(&self.connections).filter(|(_, slot)| slot.as_ref().is_some_and(overdue)).collect();
        let cut: Vec<u32> = cut.into_iter().map(|(index, _)| index).collect();
        cut.into_iter().for_each(|index| self.remove(ClientId(index)));
        self.show();
    }

    /// What the gauges say of this shard.
    fn show(&mut self) {
        let metrics = &self.parts.metrics;
        let now = [self.board.groups(), self.board.subscriptions(), self.board.behind()];
        let shown = [&mut self.groups, &mut self.subscriptions, &mut self.behind];
        let gauges = [&metrics.groups, &metrics.subscriptions, &metrics.behind];
        for ((gauge, shown), now) in gauges.into_iter().zip(shown).zip(now) {
            gauge.inc_by(now as i64 - *shown as i64);
            *shown = now;
        }
        for (made, count) in ["anew", "shared"].into_iter().zip(self.board.take_snapshot_counts()) {
            metrics.snapshots.get_or_create(&Made { made }).inc_by(count);
        }
    }
}
