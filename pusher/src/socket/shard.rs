//! One thread with its connections: epoll, the dispatcher, and every send. Nothing is locked or woken per client.

pub(super) mod bare;
mod fleets;
mod listing;
mod receiving;
mod sending;
mod traced;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::RwLock;
use runtime::Clock;
use runtime::trace::Tracer;
use tokio::sync::mpsc;

use super::connection::{Connection, ReadOutcome};
use super::fleet_requests::QueuedFleetRequest;
use super::frame::FrameReader;
use super::hop_times::HopTimes;
use super::message::{NewConnection, ShardMessage};
use super::pace::Pace;
use super::turn::Turn;
use crate::fleets::Fleets;
use crate::metrics::{PusherMetrics, SnapshotLabel};
use fanout::close::CloseCode;
use fanout::dispatcher::{Dispatcher, Now};
use fanout::hub::ClientId;
use fanout::session::SessionSettings;
use fanout::subscription::Subscription;
use fanout::view::{Offsets, View};
use traced::TracedStates;

const WAKE: Token = Token(usize::MAX);
/// Time between two checks of timeouts and of slower rates while nothing else happens.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// Time for a client to receive our close frame and answer it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
const READ_BUFFER_BYTES: usize = 16 << 10;

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) settings: Arc<SessionSettings>,
    pub(crate) view: Arc<RwLock<View>>,
    pub(crate) offsets: Offsets,
    pub(crate) clock: Clock,
    pub(crate) metrics: PusherMetrics,
    pub(crate) inbox: mpsc::Receiver<ShardMessage>,
    pub(crate) tick: Duration,
    pub(crate) tracer: Tracer,
    pub(crate) fleets: Arc<Fleets>,
    /// Where requests for fleets are queued; the answers arrive in `own_inbox`.
    pub(crate) fleet_requests: mpsc::Sender<QueuedFleetRequest>,
    pub(crate) own_inbox: mpsc::Sender<ShardMessage>,
}

pub(crate) struct Shard {
    poll: Poll,
    waker: Arc<Waker>,
    parts: ShardParts,
    dispatcher: Dispatcher,
    connections: Vec<Option<Connection>>,
    buffer: Vec<u8>,
    /// Clients that may have sent more than one turn could handle.
    to_read: VecDeque<ClientId>,
    /// Clients that have more frames than one turn could send.
    to_send: VecDeque<ClientId>,
    /// Connections that wait to be opened. Admission limits their number.
    to_open: VecDeque<Box<NewConnection>>,
    turn: Turn,
    pace: Pace,
    swept_at: Duration,
    /// Values of the gauges at their last update.
    groups: usize,
    subscriptions: usize,
    slow_clients: usize,
    /// When a flush last had frames.
    flushed_at: Duration,
    /// Of the oldest record whose changes are not flushed yet.
    hop_times: HopTimes,
    traced: TracedStates,
    stopping_since: Option<Duration>,
}

impl Shard {
    /// Makes a shard, and the waker for its inbox.
    pub(crate) fn new(parts: ShardParts) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let shard = Self {
            poll,
            waker: waker.clone(),
            dispatcher: Dispatcher::new(parts.settings.clone(), parts.offsets.clone()),
            connections: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            to_read: VecDeque::new(),
            to_send: VecDeque::new(),
            to_open: VecDeque::new(),
            turn: Turn::new(),
            pace: Pace::new(parts.tick),
            swept_at: Duration::ZERO,
            groups: 0,
            subscriptions: 0,
            slow_clients: 0,
            flushed_at: Duration::ZERO,
            hop_times: HopTimes::default(),
            traced: TracedStates::default(),
            stopping_since: None,
            parts,
        };
        Ok((shard, waker))
    }

    /// Runs until it is stopped and every connection is closed, or the time for that has passed.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            let timeout = if self.has_work() { Duration::ZERO } else { self.timeout() };
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            self.turn = Turn::new();
            self.continue_sending();
            for event in events.iter().filter(|event| event.token() != WAKE) {
                let id = ClientId(event.token().0 as u32);
                let is_queued = self.with(id, |connection| connection.queued.to_read).unwrap_or_default();
                if (event.is_readable() || event.is_read_closed()) && !is_queued {
                    self.read(id);
                }
                if event.is_writable() {
                    self.send_pending(id);
                }
            }
            self.continue_reading();
            self.handle_inbox();
            self.flush_if_due();
            self.sweep_if_due();
        }
        Ok(())
    }

    fn has_work(&self) -> bool {
        !(self.to_read.is_empty() && self.to_send.is_empty() && self.to_open.is_empty())
    }

    fn now(&self) -> Now {
        Now { monotonic: self.parts.clock.monotonic(), us: self.parts.clock.now_us() }
    }

    fn is_done(&self) -> bool {
        let limit = CLOSE_TIMEOUT + Duration::from_secs(1);
        self.stopping_since.is_some_and(|since| {
            self.dispatcher.is_empty() || self.parts.clock.monotonic().saturating_sub(since) > limit
        })
    }

    fn timeout(&self) -> Duration {
        let now = self.now();
        let to_sweep = (self.swept_at + SWEEP_INTERVAL).saturating_sub(now.monotonic);
        if self.dispatcher.is_due(now) { to_sweep.min(self.pace.wait(now.monotonic)) } else { to_sweep }
    }

    fn handle_inbox(&mut self) {
        while let Ok(message) = self.parts.inbox.try_recv() {
            match message {
                ShardMessage::Open(new) => self.to_open.push_back(new),
                ShardMessage::Changes(batch) => {
                    self.dispatcher.apply(&batch.changes, &batch.read);
                    self.dispatcher.apply_hidden(&batch.hidden);
                    self.hop_times = self.hop_times.or(batch.hop_times);
                    let refused = self.traced.apply(&batch, self.parts.clock.monotonic());
                    self.parts.tracer.count_dropped("too_many_waiting", refused);
                }
                ShardMessage::ZoneEvents(events) => {
                    let ids = self.dispatcher.zone_events(&events);
                    ids.into_iter().for_each(|id| self.send_pending(id));
                }
                ShardMessage::Fleet(answer) => self.answer_fleet(*answer),
                ShardMessage::FleetsChanged(changed) => self.change_fleets(&changed),
                ShardMessage::List(most, answer) => drop(answer.try_send(self.list(most))),
                ShardMessage::Stale(stale) => {
                    let ids = self.dispatcher.set_stale(stale, self.now());
                    ids.into_iter().for_each(|id| self.send_pending(id));
                }
                ShardMessage::EndSession(session) => self.end_session(&session),
                ShardMessage::Stop => self.stop(),
            }
        }
        // At least one, so that the load of open connections does not keep out new ones.
        while let Some(new) = self.to_open.pop_front() {
            self.open(*new);
            if self.turn.is_over() {
                break;
            }
        }
    }

    /// The credentials of its connections expire now.
    fn end_session(&mut self, session: &str) {
        let waiting = self.to_open.iter_mut().filter(|new| new.session.as_deref() == Some(session));
        waiting.for_each(|new| new.expires_at = Some(Duration::ZERO));
        let open = self.connections.iter_mut().flatten();
        for connection in open.filter(|connection| connection.session.as_deref() == Some(session)) {
            connection.expires_at = Some(Duration::ZERO);
        }
        self.close_expired(self.now());
    }

    fn open(&mut self, mut new: NewConnection) {
        if self.stopping_since.is_some() {
            return;
        }
        let mut stream = mio::net::TcpStream::from_std(new.stream);
        let wire = new.opening.wire;
        let reader = FrameReader::new(self.parts.settings.limits.max_message_bytes, wire.deflate);
        let fleet = new.fleet.as_ref().zip(new.requester.as_ref());
        let fleet = fleet.map(|(permit, requester)| self.parts.fleets.sight(requester, &permit.fleet));
        if let Some(Some(fleet)) = &fleet {
            let subscription = new.opening.subscription.take().unwrap_or_else(Subscription::empty);
            new.opening.subscription = Some(subscription.with_fleet(Some(fleet.clone())));
        }
        let id = self.dispatcher.open(new.opening, &self.parts.view.read(), self.now());
        self.turn.spend(self.dispatcher.take_work());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, Token(id.0 as usize), both) {
            tracing::warn!(%error, "cannot register a WebSocket with epoll: it is closed");
            self.dispatcher.remove(id);
            return;
        }
        let index = id.0 as usize;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        let mut connection = Connection::new(stream, reader, new.permit);
        connection.expires_at = new.expires_at;
        connection.session = new.session;
        connection.requester = new.requester;
        connection.opened_at_us = self.now().us;
        connection._company_use = new.company_use;
        connection.fleet = new.fleet.filter(|_| matches!(fleet, Some(Some(_))));
        self.connections[index] = Some(connection);
        if matches!(fleet, Some(None)) {
            // It has ended since it was permitted.
            self.dispatcher.renew_fleet(vec![(id, None)], &self.parts.view.read(), self.now());
        }
        self.parts.metrics.connections.inc();
        if !new.early.is_empty() {
            let mut events = Vec::new();
            let outcome = self.with(id, |connection| connection.read_early(&new.early, |event| events.push(event)));
            self.handle_events(id, events, outcome.unwrap_or(ReadOutcome::Closed));
        }
        self.send_pending(id);
    }

    fn stop(&mut self) {
        self.stopping_since = Some(self.parts.clock.monotonic());
        for id in self.dispatcher.ids() {
            self.dispatcher.close(id, CloseCode::GoingAway);
            self.send_pending(id);
        }
    }

    fn with<T>(&mut self, id: ClientId, act: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        self.connections.get_mut(id.0 as usize).and_then(Option::as_mut).map(act)
    }

    fn close(&mut self, id: ClientId, code: CloseCode) {
        self.dispatcher.close(id, code);
    }

    fn sweep_if_due(&mut self) {
        let now = self.now();
        if now.monotonic.saturating_sub(self.swept_at) < SWEEP_INTERVAL {
            return;
        }
        self.swept_at = now.monotonic;
        self.traced.expire(now.monotonic);
        let ids = self.dispatcher.sweep(&self.parts.view.read(), now);
        for id in ids {
            self.send_pending(id);
            self.start_close_timeout(id, now);
        }
        self.close_expired(now);
        let is_overdue =
            |connection: &Connection| connection.close_deadline.is_some_and(|deadline| now.monotonic >= deadline);
        let overdue: Vec<u32> = (0..)
            .zip(&self.connections)
            .filter(|(_, slot)| slot.as_ref().is_some_and(is_overdue))
            .map(|(index, _)| index)
            .collect();
        overdue.into_iter().for_each(|index| self.remove(ClientId(index)));
        self.update_gauges();
    }

    /// Closes the connections whose credentials have expired.
    fn close_expired(&mut self, now: Now) {
        let has_expired = |connection: &Connection| {
            connection.close_deadline.is_none() && connection.expires_at.is_some_and(|at| now.monotonic >= at)
        };
        let expired: Vec<ClientId> = (0..)
            .zip(&self.connections)
            .filter(|(_, slot)| slot.as_ref().is_some_and(has_expired))
            .map(|(index, _)| ClientId(index))
            .filter(|id| self.dispatcher.closing(*id).is_none())
            .collect();
        for id in expired {
            self.close(id, CloseCode::Expired);
            self.send_pending(id);
            self.start_close_timeout(id, now);
        }
    }

    /// Adds the changes of this shard to the gauges, which all shards share.
    fn update_gauges(&mut self) {
        let metrics = &self.parts.metrics;
        let now = [self.dispatcher.groups(), self.dispatcher.subscriptions(), self.dispatcher.behind()];
        let before = [&mut self.groups, &mut self.subscriptions, &mut self.slow_clients];
        let gauges = [&metrics.groups, &metrics.subscriptions, &metrics.slow_clients];
        for ((gauge, before), now) in gauges.into_iter().zip(before).zip(now) {
            gauge.inc_by(now as i64 - *before as i64);
            *before = now;
        }
        for (made, count) in ["anew", "shared"].into_iter().zip(self.dispatcher.take_snapshot_counts()) {
            metrics.snapshots.get_or_create(&SnapshotLabel { made }).inc_by(count);
        }
    }
}
