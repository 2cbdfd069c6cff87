//! The receiving half of a shard: what clients ask for, a turn at a time.

use prost::Message as _;
use schemas::v1;

use super::Shard;
use crate::socket::connection::{Connection, ReadEnd};
use crate::socket::frame::{Event, pong};
use fanout::close::CloseCode;
use fanout::hub::ClientId;
use fanout::wire::Encoding;

impl Shard {
    /// Sends more to those in line, the first one first. Half of the turn at most: the rest is for those who ask.
    pub(super) fn send_on(&mut self) {
        for _ in 0..self.unsent.len() {
            if self.turn.is_half_over() {
                return;
            }
            let Some(id) = self.unsent.pop_front() else { return };
            self.with(id, |connection| connection.in_line.to_send = false);
            self.drain(id);
        }
    }

    /// Reads those in line, the first one first: after the clients that are not in line, since these ask for little. One at
    /// least, so that no rush of others keeps the line from moving.
    pub(super) fn read_on(&mut self) {
        for number in 0..self.unread.len() {
            if number > 0 && self.turn.is_over() {
                return;
            }
            let Some(id) = self.unread.pop_front() else { return };
            self.with(id, |connection| connection.in_line.to_read = false);
            self.read_now(id);
        }
    }

    /// Lets a client be read again when it has a turn.
    fn read_later(&mut self, id: ClientId) {
        let begins = self.with(id, |connection| !std::mem::replace(&mut connection.in_line.to_read, true));
        if begins == Some(true) {
            self.unread.push_back(id);
        }
    }

    /// Lets a client be sent more when it has a turn.
    pub(super) fn send_later(&mut self, id: ClientId) {
        let begins = self.with(id, |connection| !std::mem::replace(&mut connection.in_line.to_send, true));
        if begins == Some(true) {
            self.unsent.push_back(id);
        }
    }

    /// Reads a client now, or, where the turn is over, in a later one.
    pub(super) fn read(&mut self, id: ClientId) {
        match self.turn.is_over() {
            true => self.read_later(id),
            false => self.read_now(id),
        }
    }

    fn read_now(&mut self, id: ClientId) {
        if let Some((held, end)) = self.with(id, Connection::take_held).flatten() {
            return self.hear(id, held, end);
        }
        let mut heard = Vec::new();
        let mut buffer = std::mem::take(&mut self.buffer);
        let end = self.with(id, |connection| connection.read(&mut buffer, |event| heard.push(event)));
        self.buffer = buffer;
        if let Some(end) = end {
            self.hear(id, heard, end);
        }
    }

    pub(super) fn hear(&mut self, id: ClientId, heard: Vec<Event>, end: ReadEnd) {
        let answers = !heard.is_empty();
        let mut events = heard.into_iter();
        while let Some(event) = events.next() {
            self.take(id, event);
            let work = self.board.take_work();
            self.turn.spend(work.max(1));
            // One change each, then the others have their turn.
            if (work > 0 || self.turn.is_over()) && events.len() > 0 {
                self.with(id, |connection| connection.hold(events.collect(), end));
                self.read_later(id);
                self.drain(id);
                return self.cut_later(id, self.now());
            }
        }
        match end {
            ReadEnd::Gone => {
                // It may still read the answer to its close frame.
                self.drain(id);
                return self.remove(id);
            }
            ReadEnd::Refused(code) => {
                self.close(id, code);
                self.read_later(id);
            }
            ReadEnd::More => self.read_later(id),
            ReadEnd::Empty => {}
        }
        if !answers && matches!(end, ReadEnd::Empty | ReadEnd::More) {
            return;
        }
        self.drain(id);
        // Also where its socket takes nothing: then it never hears why.
        self.cut_later(id, self.now());
    }

    fn take(&mut self, id: ClientId, event: Event) {
        if self.board.closing(id).is_some() && event != Event::Close {
            return;
        }
        let now = self.now();
        let message = match (event, self.board.wire(id).encoding) {
            (Event::Pong | Event::Fragment, _) => {
                self.board.frame(id, now);
                return;
            }
            (Event::Ping(body), _) => {
                if self.board.frame(id, now) {
                    self.board.push(id, pong(&body));
                }
                return;
            }
            (Event::Close, _) => {
                self.with(id, |connection| connection.peer_closed = true);
                if self.board.closing(id).is_none() {
                    self.board.say_close(id, CloseCode::Normal);
                }
                return;
            }
            (Event::Binary(bytes), Encoding::Proto) => v1::ClientMessage::decode(&bytes[..]).ok(),
            (Event::Text(text), Encoding::Json) => serde_json::from_str(&text).ok(),
            _ => return self.close(id, CloseCode::Unsupported),
        };
        match message {
            Some(message) => self.board.received(id, message, &self.parts.view.read(), now),
            None => self.close(id, CloseCode::Unreadable),
        }
    }
}
