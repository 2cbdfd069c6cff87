//! The receiving half of a shard: handles the messages of clients, turn by turn.

use prost::Message as _;
use schemas::v1;

use super::Shard;
use crate::socket::connection::{Connection, ReadOutcome};
use crate::socket::frame::{Event, pong};
use fanout::close::CloseCode;
use fanout::hub::ClientId;
use fanout::wire::Encoding;

impl Shard {
    /// Sends more to the queued clients, in order. It uses at most half of the turn: the rest is for clients that send.
    pub(super) fn continue_sending(&mut self) {
        for _ in 0..self.to_send.len() {
            if self.turn.is_half_over() {
                return;
            }
            let Some(id) = self.to_send.pop_front() else { return };
            self.with(id, |connection| connection.queued.to_send = false);
            self.send_pending(id);
        }
    }

    /// Reads the queued clients, in order and after those that are not queued, which cause little work. It reads at
    /// least one, so that the queue advances under any load.
    pub(super) fn continue_reading(&mut self) {
        for number in 0..self.to_read.len() {
            if number > 0 && self.turn.is_over() {
                return;
            }
            let Some(id) = self.to_read.pop_front() else { return };
            self.with(id, |connection| connection.queued.to_read = false);
            self.read_now(id);
        }
    }

    /// Queues a client to be read in a later turn.
    fn queue_read(&mut self, id: ClientId) {
        let is_new = self.with(id, |connection| !std::mem::replace(&mut connection.queued.to_read, true));
        if is_new == Some(true) {
            self.to_read.push_back(id);
        }
    }

    /// Queues a client to be sent more in a later turn.
    pub(super) fn queue_send(&mut self, id: ClientId) {
        let is_new = self.with(id, |connection| !std::mem::replace(&mut connection.queued.to_send, true));
        if is_new == Some(true) {
            self.to_send.push_back(id);
        }
    }

    /// Reads a client, now or, where the turn is over, in a later turn.
    pub(super) fn read(&mut self, id: ClientId) {
        match self.turn.is_over() {
            true => self.queue_read(id),
            false => self.read_now(id),
        }
    }

    fn read_now(&mut self, id: ClientId) {
        if let Some((events, outcome)) = self.with(id, Connection::take_deferred).flatten() {
            return self.handle_events(id, events, outcome);
        }
        let mut events = Vec::new();
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.with(id, |connection| connection.read(&mut buffer, |event| events.push(event)));
        self.buffer = buffer;
        if let Some(outcome) = outcome {
            self.handle_events(id, events, outcome);
        }
    }

    pub(super) fn handle_events(&mut self, id: ClientId, events: Vec<Event>, outcome: ReadOutcome) {
        let has_events = !events.is_empty();
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            self.handle_event(id, event);
            let work = self.dispatcher.take_work();
            self.turn.spend(work.max(1));
            // One change per client and turn: then the other clients have their turn.
            if (work > 0 || self.turn.is_over()) && events.len() > 0 {
                self.with(id, |connection| connection.defer(events.collect(), outcome));
                self.queue_read(id);
                self.send_pending(id);
                return self.start_close_timeout(id, self.now());
            }
        }
        match outcome {
            ReadOutcome::Closed => {
                // The client may still read the answer to its close frame.
                self.send_pending(id);
                return self.remove(id);
            }
            ReadOutcome::Violation(code) => {
                self.close(id, code);
                self.queue_read(id);
            }
            ReadOutcome::More => self.queue_read(id),
            ReadOutcome::Empty => {}
        }
        if !has_events && matches!(outcome, ReadOutcome::Empty | ReadOutcome::More) {
            return;
        }
        self.send_pending(id);
        // Also where the socket buffer is full: then the client never receives the close frame.
        self.start_close_timeout(id, self.now());
    }

    fn handle_event(&mut self, id: ClientId, event: Event) {
        if self.dispatcher.closing(id).is_some() && event != Event::Close {
            return;
        }
        let now = self.now();
        let message = match (event, self.dispatcher.wire(id).encoding) {
            (Event::Pong | Event::Fragment, _) => {
                self.dispatcher.frame(id, now);
                return;
            }
            (Event::Ping(body), _) => {
                if self.dispatcher.frame(id, now) {
                    self.dispatcher.push(id, pong(&body));
                }
                return;
            }
            (Event::Close, _) => {
                self.with(id, |connection| connection.peer_closed = true);
                if self.dispatcher.closing(id).is_none() {
                    self.dispatcher.close(id, CloseCode::Normal);
                }
                return;
            }
            (Event::Binary(bytes), Encoding::Proto) => v1::ClientMessage::decode(&bytes[..]).ok(),
            (Event::Text(text), Encoding::Json) => serde_json::from_str(&text).ok(),
            _ => return self.close(id, CloseCode::Unsupported),
        };
        match message {
            Some(message) => {
                self.dispatcher.received(id, message, &self.parts.view.read(), now);
                self.ask_fleets();
                self.keep_permit(id, None);
            }
            None => self.close(id, CloseCode::Unreadable),
        }
    }
}
